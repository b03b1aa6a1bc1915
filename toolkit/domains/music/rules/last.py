"""How long the last note is, so that an ending asked for is not squeezed into the last moment."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.domains.music.rules.rule import Header, Machine, Rule
from toolkit.score.notes import TICKS


@dataclass(frozen=True)
class LastNote(Rule):
    """The last note lasts at least ``ticks``, ties joined."""

    ticks: int

    @property
    def phrase(self) -> str:
        return f"whose last note lasts at least {self.ticks / TICKS:g} quarter notes"

    def depends(self, header: Header) -> Hashable:
        return len(header.pitches)

    def machine(self, header: Header) -> Machine:
        """State i: the newest note has sounded for i ticks, the last state for all longer ones too."""
        lengths = np.arange(self.ticks + 1)
        return Machine(
            strike=np.zeros((len(lengths), 1, len(header.pitches)), np.int64),
            final=lengths == self.ticks,
            longer=np.minimum(lengths + np.arange(4)[:, None], self.ticks),
        )
