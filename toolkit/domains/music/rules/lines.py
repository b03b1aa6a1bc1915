"""Given notes as rules: a whole melody's pitches in any rhythm.

A part of a melody that must appear somewhere is in `motif`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.domains.music.rules.rule import FORBIDDEN, Header, Machine, Rule


@dataclass(frozen=True)
class Line(Rule):
    """The melody's notes are exactly these MIDI ``pitches`` in this order; their rhythm is free."""

    pitches: tuple[int, ...]

    @property
    def phrase(self) -> str:
        return f"of exactly the {len(self.pitches)} notes given"

    @property
    def fewest_notes(self) -> int:
        return len(self.pitches)

    def depends(self, header: Header) -> Hashable:
        return header.pitches

    def machine(self, header: Header) -> Machine:
        """State i: the first i notes were heard."""
        count = len(self.pitches)
        strike = np.full((count + 1, 1, len(header.pitches)), FORBIDDEN)
        index = {pitch: place for place, pitch in enumerate(header.pitches)}
        for heard, pitch in enumerate(self.pitches):
            if pitch in index:
                strike[heard, 0, index[pitch]] = heard + 1
        return Machine(strike, np.arange(count + 1) == count)
