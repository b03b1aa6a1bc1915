"""What makes tunes a corpus: which are good enough, which are copies, and which split each is in.

Every tune gets a finding that says whether it was kept, changed or dropped, and why. Knows scores and names, no file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.core import SPLITS, Corpus, Document, Finding, InputError, Split
from toolkit.domains.music.families import Families
from toolkit.domains.music.melody import MelodyCodec
from toolkit.score import Score
from toolkit.score.abc import Tune, read_tunes

FEWEST_BARS, MOST_BARS = 4, 256

Sentences = tuple[str, ...]
"""What had to be changed to make a tune a melody."""


@dataclass
class Gathered:
    """Tunes that are good enough, and what became of each that was read."""

    documents: list[Document[Score]] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def take(self, name: str, read: Callable[[], tuple[Score, Sentences]]) -> None:
        """Reads one tune and keeps it, or says why not: InputError from ``read`` or from `check`."""
        try:
            score, changes = read()
            check(score)
        except InputError as error:
            self.drop(name, str(error))
            return
        self.documents.append(Document(name, score))
        self.findings.append(Finding(name, "changed" if changes else "kept", " ".join(changes)))

    def drop(self, name: str, reason: str) -> None:
        self.findings.append(Finding(name, "dropped", reason))


def check(score: Score) -> None:
    """InputError for a melody that the codec cannot hold, or that is too short or too long to learn from."""
    reason = MelodyCodec().reason(score)
    if reason is not None:
        raise InputError(f"{reason}.")
    bars = -(-score.end // score.meters[0].bar())
    if bars < FEWEST_BARS:
        raise InputError(f"it has {bars} bars, and {FEWEST_BARS} are the fewest a tune may have.")
    if bars > MOST_BARS:
        raise InputError(f"it has {bars} bars, and {MOST_BARS} are the most a tune may have.")


def labelled(prefix: str, text: str, mark: str = "/") -> Iterator[tuple[str, Tune]]:
    """The tunes of a text, named by their number; a second tune with one number is called -2."""
    seen: Counter[str] = Counter()
    for tune in read_tunes(text):
        label = f"{prefix}{mark}{tune.number or tune.line}"
        seen[label] += 1
        yield (label if seen[label] == 1 else f"{label}-{seen[label]}"), tune


def text_of(path: Path) -> str:
    """A file's text: UTF-8 where it is that, else Latin-1, the older custom of ABC collections."""
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def without_copies(
    documents: Iterable[Document[Score]], families: Families, number: Callable[[str], str | None] = lambda name: None
) -> tuple[list[Document[Score]], dict[str, Finding]]:
    """(The documents without copies, the findings of those left out by name).

    A copy has the same notes in the same rhythm, perhaps in another key, or is a second transcription: of the same
    family and with the same ``number``, which is None for a document that has none.
    """
    kept: list[Document[Score]] = []
    doubles: dict[str, Finding] = {}
    by_notes: dict[bytes, str] = {}
    by_number: dict[tuple[str, str], str] = {}
    for document in documents:
        name, fingerprint = document.name, _fingerprint(document.item)
        printed = number(name)
        numbered = (printed, families.of[name]) if printed is not None else None
        if fingerprint in by_notes:
            doubles[name] = Finding(name, "dropped", f"its notes are those of {by_notes[fingerprint]}.")
        elif numbered is not None and numbered in by_number:
            doubles[name] = Finding(name, "dropped", f"it transcribes the same tune as {by_number[numbered]}.")
        else:
            kept.append(document)
            by_notes[fingerprint] = name
            if numbered is not None:
                by_number[numbered] = name
    return kept, doubles


def _fingerprint(score: Score) -> bytes:
    """Of the notes' times and their heights above the first one."""
    notes = score.notes
    line = [(note.start, note.duration, note.pitch - notes[0].pitch) for note in notes]
    return hashlib.sha256(repr((str(score.meters[0]), line)).encode()).digest()


def corpus_of(
    name: str,
    source: str,
    licence: str,
    documents: Sequence[Document[Score]],
    findings: Iterable[Finding],
    families: Families,
    *,
    domain: str = "music",
    called: str = "tunes",
) -> Corpus[Score]:
    """The corpus of these documents; ``called`` is what its facts name them."""
    splits: dict[Split, list[Document[Score]]] = {split: [] for split in SPLITS}
    digest = hashlib.sha256(b"melodies 1" if domain == "music" else f"{domain} 1".encode())
    for document in sorted(documents, key=lambda each: each.name):
        split = families.splits[document.name]
        splits[split].append(document)
        digest.update(repr((document.name, split)).encode())
        digest.update(_content(document.item))
    findings = tuple(findings)
    return Corpus(
        name=name,
        domain=domain,
        source=source,
        licence=licence,
        sha256=digest.hexdigest(),
        read=lambda split: tuple(splits[split]),
        findings=findings,
        facts=_facts(splits, findings, families, called),
    )


def _content(score: Score) -> bytes:
    notes = [(note.start, note.pitch, note.duration, note.velocity) for note in score.notes]
    return repr((score.title, score.meters, score.keys, score.tempos, notes)).encode()


def _facts(
    splits: Mapping[Split, Sequence[Document[Score]]], findings: Sequence[Finding], families: Families, called: str
) -> dict[str, str]:
    outcomes = Counter(finding.outcome for finding in findings)
    members: Counter[str] = Counter()
    facts = {
        "read": f"{len(findings):,} {called}: " + ", ".join(f"{count:,} {what}" for what, count in outcomes.items())
    }
    for split, documents in splits.items():
        members.update(families.of[document.name] for document in documents)
        notes = sum(len(document.item.notes) for document in documents)
        facts[split] = f"{len(documents):,} {called}, {notes:,} notes"
    largest = max(members.values(), default=0)
    if largest > 1:
        facts["families"] = f"{len(members):,}, the largest of {largest} {called}"
    return facts
