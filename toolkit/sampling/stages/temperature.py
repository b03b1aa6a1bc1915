"""Stages that reshape the whole distribution and rule nothing out: temperature, by entropy, and smoothing."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.core import knob
from toolkit.sampling.logits import Logits, entropy, keep_greatest, peak
from toolkit.sampling.stages.stage import Memoryless

COLD = 1e-6
"""Below this temperature every draw would be the likeliest token anyway, and dividing could overflow."""


def cooled(logits_V: Logits, temperature: float) -> Logits:
    """The logits over the temperature; below `COLD` only the likeliest token, the lower id of equals."""
    if temperature >= COLD:
        return logits_V / temperature
    return keep_greatest(logits_V, 1, peak(logits_V))


@dataclass(frozen=True)
class Temperature(Memoryless):
    """Divides the logits by the temperature; 0 keeps the single most likely token, the lower id of equals."""

    name: ClassVar[str] = "temperature"
    COLD: ClassVar[float] = COLD

    temperature: float = knob(
        1.0, "below 1 is safer, above 1 wilder; 0 always takes the likeliest token", low=0, high=10, step=0.05
    )

    @property
    def neutral(self) -> bool:
        return self.temperature == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        return cooled(logits_V, self.temperature)


@dataclass(frozen=True)
class DynamicTemperature(Memoryless):
    """A temperature between two, chosen by how uncertain the model is: ``low + (high - low) (H / H_max)^exponent``.

    H is the entropy and H_max that of a uniform choice among the tokens still possible (koboldcpp #600;
    llama.cpp #4972, whose range r around t is low = t - r, high = t + r).
    """

    name: ClassVar[str] = "dynamic_temperature"

    dynamic_low: float = knob(1.0, "temperature where the model is certain", low=0, high=10, step=0.05, advanced=True)
    dynamic_high: float = knob(1.0, "temperature where the model has no idea", low=0, high=10, step=0.05, advanced=True)
    dynamic_exponent: float = knob(
        1.0,
        "above 1 stays longer near the temperature of certainty, below 1 leaves it sooner",
        low=0.01,
        high=10,
        step=0.05,
        advanced=True,
    )

    @property
    def neutral(self) -> bool:
        return self.dynamic_low == self.dynamic_high == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        possible = int(np.count_nonzero(logits_V > -np.inf))
        if self.neutral or possible < 2:
            return logits_V.copy()
        doubt = min(1.0, entropy(logits_V) / math.log(possible))
        return cooled(
            logits_V, self.dynamic_low + (self.dynamic_high - self.dynamic_low) * doubt**self.dynamic_exponent
        )


@dataclass(frozen=True)
class Smoothing(Memoryless):
    """Quadratic smoothing with a curve: with d = logit - max, ``max - s d^2 ((3 - c) + (c - 1)|d|) / 2``.

    Flattens the top and steepens the tail; c = 1 is the plain square (oobabooga's text-generation-webui #5403,
    the curve #5551; llama.cpp #6445). Curves above 3 would raise tokens above the likeliest and are not offered.
    """

    name: ClassVar[str] = "smoothing"

    smoothing_factor: float = knob(
        0.0, "0 is off; small values even out the likely tokens, large ones sharpen", low=0, high=10, step=0.01,
        advanced=True,
    )  # fmt: skip
    smoothing_curve: float = knob(1.0, "above 1 pushes the tail down harder", low=1, high=3, step=0.05, advanced=True)

    @property
    def neutral(self) -> bool:
        return self.smoothing_factor == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        top = peak(logits_V)
        if self.neutral:
            return logits_V.copy()
        depth_V = np.where(logits_V > -np.inf, top - logits_V, 0.0)
        square, cube = (3 - self.smoothing_curve) / 2, (self.smoothing_curve - 1) / 2
        smoothed_V = top - self.smoothing_factor * depth_V * depth_V * (square + cube * depth_V)
        return np.where(logits_V > -np.inf, smoothed_V, -np.inf)
