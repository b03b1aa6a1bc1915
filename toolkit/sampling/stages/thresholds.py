"""Truncations by a line that every token must reach: relative to the peak, the entropy, or the spread.

Each draws its line among the logits, so that one helper keeps what is on or above it, and always the likeliest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.core import knob
from toolkit.sampling.logits import Logits, entropy, keep_from, log_mass, peak
from toolkit.sampling.stages.stage import Memoryless


@dataclass(frozen=True)
class MinP(Memoryless):
    """Keeps tokens at least ``min_p`` times as likely as the likeliest (Nguyen et al. 2024, 2407.01082)."""

    name: ClassVar[str] = "min_p"

    min_p: float = knob(0.0, "drop tokens less likely than this share of the likeliest", low=0, high=1, step=0.01)

    @property
    def neutral(self) -> bool:
        return self.min_p == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        return keep_from(logits_V, peak(logits_V) + math.log(self.min_p))


@dataclass(frozen=True)
class TopNSigma(Memoryless):
    """Keeps logits within n standard deviations of the greatest (Tang et al. 2024, 2411.07641).

    The deviation is the population's over the tokens still possible (llama.cpp #13344: a masked token has no logit).
    A temperature before it changes nothing.
    """

    name: ClassVar[str] = "top_n_sigma"
    heading: ClassVar[str] = "Truncation"

    top_n_sigma: float = knob(
        0.0,
        "keep tokens within this many standard deviations of the best logit; 0 keeps all",
        low=0,
        high=10,
        step=0.1,
        advanced=True,
    )

    @property
    def neutral(self) -> bool:
        return self.top_n_sigma == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        return keep_from(logits_V, peak(logits_V) - self.top_n_sigma * float(logits_V[logits_V > -np.inf].std()))


@dataclass(frozen=True)
class Epsilon(Memoryless):
    """Keeps tokens of at least this probability (Hewitt et al. 2022, 2210.15191)."""

    name: ClassVar[str] = "epsilon"
    heading: ClassVar[str] = "Truncation"

    epsilon: float = knob(0.0, "drop tokens less likely than this", low=0, high=1, step=0.0005, advanced=True)

    @property
    def neutral(self) -> bool:
        return self.epsilon == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        return keep_from(logits_V, log_mass(logits_V) + math.log(self.epsilon))


@dataclass(frozen=True)
class Eta(Memoryless):
    """Keeps tokens of at least ``min(eta, sqrt(eta) e^-H)``: a line that sinks where the model is unsure
    (Hewitt et al. 2022, 2210.15191).
    """

    name: ClassVar[str] = "eta"
    heading: ClassVar[str] = "Truncation"

    eta: float = knob(
        0.0, "drop unlikely tokens, fewer of them where the model is unsure", low=0, high=1, step=0.0005, advanced=True
    )

    @property
    def neutral(self) -> bool:
        return self.eta == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        line = min(math.log(self.eta), math.log(self.eta) / 2 - entropy(logits_V))
        return keep_from(logits_V, log_mass(logits_V) + line)


@dataclass(frozen=True)
class TopA(Memoryless):
    """Keeps tokens of at least ``a p_max^2`` (BlinkDL 2022, "Top-a sampling"): stricter where the model is sure."""

    name: ClassVar[str] = "top_a"
    heading: ClassVar[str] = "Truncation"

    top_a: float = knob(
        0.0, "drop tokens below this times the square of the best probability", low=0, high=1, step=0.01, advanced=True
    )

    @property
    def neutral(self) -> bool:
        return self.top_a == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        return keep_from(logits_V, math.log(self.top_a) + 2 * peak(logits_V) - log_mass(logits_V))


@dataclass(frozen=True)
class PLess(Memoryless):
    """Keeps tokens at least as likely as two draws are to be equal, ``sum p^2`` (2509.23234). Nothing to tune."""

    name: ClassVar[str] = "p_less"
    heading: ClassVar[str] = "Truncation"

    p_less: bool = knob(False, "drop tokens less likely than two draws are to agree", advanced=True)

    @property
    def neutral(self) -> bool:
        return not self.p_less

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        top = peak(logits_V)
        weights_V = np.exp(logits_V - top)
        return keep_from(logits_V, top + math.log(float(weights_V @ weights_V)) - math.log(float(weights_V.sum())))
