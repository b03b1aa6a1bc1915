"""Given notes as rules: a whole melody's pitches, or their ups and downs, in any rhythm.

A part of a melody that must appear somewhere is in `motif`.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.domains.music.rules.rule import FORBIDDEN, Header, Machine, Rule


@dataclass(frozen=True)
class Line(Rule):
    """The melody's notes are exactly these MIDI ``pitches`` in this order, any where it says None, in a free rhythm."""

    pitches: tuple[int | None, ...]

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
            if pitch is None:
                strike[heard] = heard + 1
            elif pitch in index:
                strike[heard, 0, index[pitch]] = heard + 1
        return Machine(strike, np.arange(count + 1) == count)


@dataclass(frozen=True)
class Contour(Rule):
    """The melody has one note more than there are ``ways``, and goes from each to the next so: up (1), down (-1) or to
    the same pitch (0).
    """

    ways: tuple[int, ...]

    @property
    def phrase(self) -> str:
        return f"with the ups and downs of the {len(self.ways) + 1} notes given"

    @property
    def fewest_notes(self) -> int:
        return len(self.ways) + 1

    def depends(self, header: Header) -> Hashable:
        return header.shape

    def machine(self, header: Header) -> Machine:
        """State i: the first i notes were heard."""
        pitches = np.array(header.pitches)
        way_PP = np.sign(pitches - pitches[:, None])  # from the first index to the second
        count, many = len(self.ways) + 1, len(pitches)
        strike = np.full((count + 1, many + 1, many), FORBIDDEN)
        strike[0, many] = 1
        for heard, way in enumerate(self.ways, 1):
            strike[heard, :many] = np.where(way_PP == way, heard + 1, FORBIDDEN)
        return Machine(strike, np.arange(count + 1) == count)
