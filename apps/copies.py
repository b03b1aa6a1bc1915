"""What is said under a result of how much of it the model has copied. Knows the report, not how copies are found."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from html import escape

from toolkit.api import Result, Run
from toolkit.core import ToolkitError
from toolkit.originality import Originality

COPIED = "copied"
_EXCERPT = 64  # characters of a copy that a line shows
_WORKS = {"character": "texts", "note": "tunes"}


def report(run: Run, result: Result) -> Originality | None:
    """The exact report where the corpus lies ready, else the one by hashes; None when neither can be had."""
    if result.index is None:
        return None
    try:
        return run.originality(result)
    except ToolkitError:
        return result.originality


def sentence(found: Originality | None) -> str:
    """One line for under a result, as HTML; nothing in it is taken for markup."""
    if found is None:
        return _quiet("What this model learned from is not indexed, so copies are not looked for.")
    if not found.length:
        return ""
    facts = [_longest(found)]
    if found.held_out:
        low, high = found.held_out.longest[1], found.held_out.high
        kind = _WORKS.get(found.unit, "works")
        facts.append(f"{kind} of this length by people: {low:.0f} to {high:.0f}")
    if found.nearest:
        facts.append(f"nearest: {escape(found.nearest.document)}")
    return _quiet("; ".join(facts) + ".")


def marked(text: str, found: Originality | None) -> list[tuple[str, str | None]]:
    """The text in pieces, those that are copied marked as such: the longest, and every one of the report."""
    pieces: list[tuple[str, str | None]] = []
    done = 0
    for start, end in _joined(found):
        pieces += [(text[done:start], None)] * (start > done)
        pieces.append((text[start:end], COPIED))
        done = end
    return [*pieces, (text[done:], None)] if done < len(text) else pieces


def _joined(found: Originality | None) -> Iterator[tuple[int, int]]:
    """The copied stretches in order, those that touch as one."""
    spans = [] if found is None else [*found.spans, *([found.longest] if found.longest else [])]
    begun: tuple[int, int] | None = None
    for start, end in sorted((each.start, each.end) for each in spans):
        if begun is not None and start <= begun[1]:
            begun = begun[0], max(begun[1], end)
            continue
        if begun is not None:
            yield begun
        begun = start, end
    if begun is not None:
        yield begun


def _longest(found: Originality) -> str:
    if found.longest is None:
        return f"No copy of {min(found.doubt)} {found.unit}s or more"
    excerpt = textwrap.shorten(found.longest.excerpt.replace("\n", "⏎ "), _EXCERPT, placeholder=" …")
    exactly = "" if found.exact else "at most "
    source = f", from {found.longest.source}" if found.longest.source else ""
    return escape(f"Longest copy: {exactly}{found.longest.length} {found.unit}s (‘{excerpt}’{source})", quote=False)


def _quiet(text: str) -> str:
    return f'<p class="copies">{text}</p>'
