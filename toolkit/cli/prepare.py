"""`toolkit prepare`: reads and encodes a corpus, and says what became of every file and why."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

import typer

from toolkit import domains
from toolkit.api import open_corpus, prepare
from toolkit.api.materials import codec_for
from toolkit.cli import options, terminal
from toolkit.core import Corpus, Finding

_OUTCOMES = ("kept", "changed", "dropped")
_REASONS = 20  # of them are shown without --all
_SAMPLES, _BEGINNING = 3, 400  # documents whose beginnings --json shows, and characters of each
_NUMBER = re.compile(r"\d[\d,.]*(?<=\d)")
_WORD = re.compile(r"[^\s;:()]+")


def command(
    corpus: options.Corpus,
    domain: options.Domain = None,
    codec: options.Codec = None,
    vocabulary: options.Vocabulary = None,
    every: Annotated[bool, typer.Option("--all", help="Say of every file what became of it.")] = False,
    json: options.Json = False,
    text_column: options.TextColumn = None,
    encoding_errors: options.EncodingErrors = None,
    repeats: options.Repeats = None,
) -> None:
    """What is encoded stays in the cache, where training finds it."""
    opened = open_corpus(corpus, domain=domain, codec=codec, **options.reading(text_column, encoding_errors, repeats))
    built = codec_for(opened, codec, vocabulary)
    store = prepare(opened, built)
    facts: dict[str, Any] = {
        "corpus": opened.name,
        "domain": opened.domain,
        "source": opened.source,
        "licence": opened.licence,
        "sha256": opened.sha256,
        "codec": built.name,
        "vocabulary": built.size,
    }
    splits: dict[str, Any] = store.facts["splits"]
    outcomes = {each: sum(finding.outcome == each for finding in opened.findings) for each in _OUTCOMES}
    if json:
        return terminal.write_json(
            facts
            | {
                "splits": splits,
                "facts": dict(opened.facts),
                "outcomes": outcomes,
                "reasons": _reasons(opened.findings),
                "samples": _samples(opened),
            }
            | ({"findings": [_as_facts(each) for each in opened.findings]} if every else {})
        )
    terminal.write_facts(facts | {name: _amounts(split) for name, split in splits.items()} | dict(opened.facts))
    terminal.write_facts({f"{each} on the way in": count for each, count in outcomes.items() if count})
    _write_findings(opened.findings, every)
    return None


def _samples(corpus: Corpus[Any]) -> list[str]:
    """How the first training documents begin, as a person reads them."""
    show = domains.find(corpus.domain).show
    return [show(document.item)[:_BEGINNING] for document in islice(corpus.read("train"), _SAMPLES)]


def _amounts(split: dict[str, Any]) -> str:
    measure = ", ".join(f"{count:,.0f} {unit}s" for unit, count in split["measure"].items())
    return f"{split['documents']:,} documents, {split['tokens']:,} tokens" + (f", {measure}" if measure else "")


def _write_findings(findings: Sequence[Finding], every: bool) -> None:
    if every:
        rows = [(each.outcome, each.name, each.reason) for each in findings]
        return terminal.write_table(rows, ("outcome", "name", "reason")) if rows else None
    reasons = _reasons(findings)
    if reasons:
        rows = [(each["outcome"], f"{each['count']:,}", each["reason"]) for each in reasons[:_REASONS]]
        terminal.write_table(rows, ("outcome", "count", "reason"))
    if len(reasons) > _REASONS:
        terminal.say(f"{len(reasons) - _REASONS:,} more reasons; --all lists every file.")
    return None


def _reasons(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    """Why files were changed or dropped, the commonest first: reasons that differ in a name or number are one."""
    names = {each.name for each in findings}
    counts = Counter((each.outcome, _alike(each.reason, names)) for each in findings if each.reason)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [{"outcome": outcome, "reason": reason, "count": count} for (outcome, reason), count in ordered]


def _alike(reason: str, names: set[str]) -> str:
    """``reason`` with an ellipsis for every number and every name of a file."""

    def word(found: re.Match[str]) -> str:
        bare = found[0].rstrip(".,")
        return "…" + found[0][len(bare) :] if bare in names else found[0]

    return _NUMBER.sub("…", _WORD.sub(word, reason))


def _as_facts(finding: Finding) -> dict[str, str]:
    return {"name": finding.name, "outcome": finding.outcome, "reason": finding.reason}
