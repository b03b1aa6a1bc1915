"""Truncations that count down from the likeliest token: by number, by mass, by entropy, by the bend of the curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.core import knob
from toolkit.sampling.logits import (
    ROUNDING,
    Logits,
    keep_greatest,
    keep_likeliest,
    log_softmax,
    peak,
    softmax,
    surprises,
)
from toolkit.sampling.stages.stage import Memoryless

_STRAIGHT = 1e-9
"""A sum of second differences below it is rounding: the probabilities fall in a straight line."""


@dataclass(frozen=True)
class TopK(Memoryless):
    """Keeps exactly the k likeliest tokens (Fan et al. 2018, 1805.04833), the lower ids of equals."""

    name: ClassVar[str] = "top_k"

    top_k: int = knob(0, "keep only this many of the likeliest tokens; 0 keeps all", low=0, step=1)

    @property
    def neutral(self) -> bool:
        return self.top_k == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        return logits_V.copy() if self.neutral else keep_likeliest(logits_V, self.top_k)


@dataclass(frozen=True)
class TopP(Memoryless):
    """Keeps the smallest set of likeliest tokens that holds at least p of the mass (Holtzman et al. 2019, 1904.09751).

    The token that crosses p is kept, so one token always is.
    """

    name: ClassVar[str] = "top_p"

    top_p: float = knob(1.0, "keep the likeliest tokens that together hold this probability", low=0, high=1, step=0.01)

    @property
    def neutral(self) -> bool:
        return self.top_p == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        falling_V = np.sort(logits_V)[::-1]
        mass_V = np.exp(falling_V - peak(falling_V[:1])).cumsum()
        crossing = int(mass_V.searchsorted(self.top_p * (1 - ROUNDING) * mass_V[-1]))
        return keep_greatest(logits_V, crossing + 1, float(falling_V[crossing]))


@dataclass(frozen=True)
class Typical(Memoryless):
    """Keeps the tokens whose surprise is nearest the entropy until p of the mass (Meister et al. 2022, 2202.00666).

    The token that crosses p is kept; of equals the lower id comes first.
    """

    name: ClassVar[str] = "typical"
    heading: ClassVar[str] = "Truncation"

    typical_p: float = knob(
        1.0,
        "keep tokens about as surprising as expected, up to this probability",
        low=0,
        high=1,
        step=0.01,
        advanced=True,
    )

    @property
    def neutral(self) -> bool:
        return self.typical_p == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        possible = np.flatnonzero(logits_V > -np.inf)
        surprise = -log_softmax(logits_V)[possible]
        probability = np.exp(-surprise)
        order = np.argsort(np.abs(surprise - probability @ surprise), kind="stable")
        mass = probability[order].cumsum()
        crossing = int(mass.searchsorted(self.typical_p * (1 - ROUNDING) * mass[-1]))
        kept = possible[order[: crossing + 1]]
        out_V = np.full_like(logits_V, -np.inf)
        out_V[kept] = logits_V[kept]
        return out_V


@dataclass(frozen=True)
class TopH(Memoryless):
    """Keeps the likeliest tokens while their ``-p log p`` sum to no more than a share h of the entropy (2509.02510).

    The token that would cross is dropped; the likeliest always stays. All tokens count, not the first hundred.
    """

    name: ClassVar[str] = "top_h"
    heading: ClassVar[str] = "Truncation"

    top_h: float = knob(
        1.0, "keep the likeliest tokens up to this share of the entropy", low=0, high=1, step=0.01, advanced=True
    )

    @property
    def neutral(self) -> bool:
        return self.top_h == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        falling_V = np.sort(logits_V)[::-1]
        gathered_V = surprises(falling_V).cumsum()
        count = int(gathered_V.searchsorted(self.top_h * (1 + ROUNDING) * gathered_V[-1], side="right"))
        return keep_greatest(logits_V, max(1, count), float(falling_V[max(1, count) - 1]))


@dataclass(frozen=True)
class TailFree(Memoryless):
    """Cuts the tail where the curve of sorted probabilities has bent z of all it bends (Bricken 2019, "Tail free
    sampling"): the absolute second differences, normalised, are summed until they exceed z.
    """

    name: ClassVar[str] = "tail_free"
    heading: ClassVar[str] = "Truncation"

    tail_free: float = knob(
        1.0, "cut the tail where the probabilities stop bending; lower cuts more", low=0, high=1, step=0.01,
        advanced=True,
    )  # fmt: skip

    @property
    def neutral(self) -> bool:
        return self.tail_free == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        falling_V = np.sort(logits_V)[::-1]
        possible = int(np.count_nonzero(falling_V > -np.inf))
        if self.neutral or possible < 3:
            return logits_V.copy()
        bends = np.abs(np.diff(softmax(falling_V[:possible]), n=2))
        total = float(bends.sum())
        shares = bends / total if total > _STRAIGHT else np.full(len(bends), 1 / len(bends))
        beyond = np.flatnonzero(shares.cumsum()[1:] > self.tail_free * (1 + ROUNDING))
        count = 1 + int(beyond[0]) if len(beyond) else possible
        return keep_greatest(logits_V, count, float(falling_V[count - 1]))
