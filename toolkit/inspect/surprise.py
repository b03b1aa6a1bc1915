"""How surprised a model is, token by token, and by which of several pieces it is surprised most.

Knows losses as arrays; an anomaly is an item whose mean loss lies far from that of others of its kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Odd:
    """An item's mean loss in nats per token, and how many deviations of the reference it lies above its median."""

    name: str
    nats_per_token: float
    score: float


def oddities(names: Sequence[str], nats: Sequence[Floats], reference: Sequence[Floats]) -> list[Odd]:
    """How far each item lies from the ``reference`` items that the model was made for; the oddest first.

    Deviations are robust: 1.4826 times the median distance from the median, which for a normal distribution is its
    standard deviation (Rousseeuw and Croux 1993). A reference of one item, or of items all alike, counts as a
    deviation of 1.
    """
    usual = np.array([each.mean() for each in reference])
    middle = float(np.median(usual))
    spread = 1.4826 * float(np.median(np.abs(usual - middle))) or 1.0
    found = [
        Odd(name, float(each.mean()), (float(each.mean()) - middle) / spread)
        for name, each in zip(names, nats, strict=True)
    ]
    return sorted(found, key=lambda each: -each.score)


def area_under_curve(odd: Sequence[float], usual: Sequence[float]) -> float:
    """The chance that an odd item scores above a usual one, ties counting half (Mann and Whitney 1947)."""
    above = np.subtract.outer(np.asarray(odd, np.float64), np.asarray(usual, np.float64))
    return float(((above > 0) + 0.5 * (above == 0)).mean())
