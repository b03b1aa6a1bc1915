"""A number that changes along the piece: straight lines between points. Knows positions only."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from toolkit.core import UsageError


@dataclass(frozen=True)
class Fade:
    """A factor for every position: linear between ``points`` of (position, factor), level before and after them."""

    points: tuple[tuple[int, float], ...] = ((0, 1.0),)

    def __post_init__(self) -> None:
        positions = [position for position, _ in self.points]
        if not positions or positions[0] < 0 or any(a >= b for a, b in itertools.pairwise(positions)):
            raise UsageError("the positions of a fade begin at 0 or later, and each is greater than the one before.")
        if not all(0 <= factor < math.inf for _, factor in self.points):
            raise UsageError("the factors of a fade are numbers of at least 0.")

    @classmethod
    def parse(cls, text: str) -> Fade:
        """The fade that "0:1,200:0" spells: position:factor pairs; UsageError in one sentence when it spells none."""
        try:
            pairs = [each.split(":") for each in text.split(",")]
            return cls(tuple((int(position), float(factor)) for position, factor in pairs))
        except ValueError:
            raise UsageError(f"a fade is written position:factor,… such as 0:1,200:0, not {text!r}.") from None

    @property
    def greatest(self) -> float:
        return max(factor for _, factor in self.points)

    def at(self, position: int) -> float:
        positions, factors = zip(*self.points, strict=True)
        return float(np.interp(position, positions, factors))


STEADY = Fade()
"""The fade that changes nothing."""
