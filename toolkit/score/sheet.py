"""What a document of written music holds, and what of it was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from toolkit.score.notes import Score


@dataclass(frozen=True)
class Sheet:
    """The music of a document. ``findings`` are sentences on what was left out or changed."""

    score: Score
    findings: tuple[str, ...] = ()


def sentences_on(left_out: Counter[str]) -> tuple[str, ...]:
    """What was left out, a sentence for each kind: "4 grace notes are left out."."""
    return tuple(f"{number:,} {what} are left out." for what, number in sorted(left_out.items()) if number)
