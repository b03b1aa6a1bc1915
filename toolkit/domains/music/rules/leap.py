"""The greatest leap from one note to the next."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.domains.music.rules.rule import FORBIDDEN, Header, Machine, Rule


@dataclass(frozen=True)
class Leap(Rule):
    """No two consecutive notes are more than ``semitones`` apart, whether or not a rest lies between them."""

    semitones: int

    @property
    def phrase(self) -> str:
        return f"without leaps of more than {self.semitones} semitones"

    def depends(self, header: Header) -> Hashable:
        return header.shape

    def machine(self, header: Header) -> Machine:
        pitches = np.array(header.pitches)
        near_PP = np.abs(pitches[:, None] - pitches) <= self.semitones
        near = np.vstack([near_PP, np.ones((1, len(pitches)), np.bool_)])
        return Machine(np.where(near, 0, FORBIDDEN)[None], np.ones(1, np.bool_))
