"""What a document of written music holds, and what of it was left out."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from toolkit.score.notes import Score

_THINGS = re.compile("(note|symbol|voice)")


@dataclass(frozen=True)
class Sheet:
    """The music of a document. ``findings`` are sentences on what was left out or changed."""

    score: Score
    findings: tuple[str, ...] = ()


def sentences_on(left_out: Counter[str]) -> tuple[str, ...]:
    """What was left out, a sentence for each kind: "4 grace notes are left out." of what is counted as "grace note"."""
    return tuple(_sentence(number, what) for what, number in sorted(left_out.items()) if number)


def _sentence(number: int, what: str) -> str:
    if number == 1:
        return f"1 {what} is left out."
    things = _THINGS.sub(r"\1s", what, count=1)
    return f"{number:,} {things} are left out."
