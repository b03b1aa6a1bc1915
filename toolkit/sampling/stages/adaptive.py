"""Stages that steer by feedback: each remembers how surprising the drawn tokens were, as one number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.core import knob
from toolkit.core.program import Op, Operation
from toolkit.sampling.logits import Logits, keep_from, keep_likeliest, log_mass, log_probability, softmax
from toolkit.sampling.stages.stage import Stage

_ZIPF = 100
"""How many of the likeliest tokens mirostat's first version looks at."""


@dataclass(frozen=True)
class Mirostat(Stage[float]):
    """Truncates so that the drawn tokens' mean surprise comes to tau bits (Basu et al. 2020, 2007.14966).

    The state is mu, twice tau at first, lowered by eta times what each drawn token surprised beyond tau. Version 2
    drops tokens of more than mu bits; version 1 estimates the exponent s of Zipf's law from the likeliest and keeps
    ``k = ((s - 1) 2^mu / (1 - N^(1 - s)))^(1/s)`` of the N possible. Surprise is measured before the truncation,
    as in the paper: what is steered is the loss of the text under the model, at this place of the chain.
    """

    name: ClassVar[str] = "mirostat"
    heading: ClassVar[str] = "Surprise"
    calibrated: ClassVar[Mapping[str, str]] = {"mirostat_tau": "tau"}
    TAU: ClassVar[float] = 5.0
    """The literature's tau, for sub-words of large models; it takes the place of a missing calibration."""

    mirostat: int = knob(0, "steer the surprise of what is drawn: 0 off, version 1 or 2", low=0, high=2, advanced=True)
    mirostat_tau: float | None = knob(
        None, "the surprise to steer towards; without one, three quarters of held-out data's", low=0, high=20, step=0.1,
        unit="bits per token", advanced=True,
    )  # fmt: skip
    mirostat_eta: float = knob(0.1, "how quickly mirostat corrects itself", low=0, high=1, step=0.01, advanced=True)

    @property
    def neutral(self) -> bool:
        return self.mirostat == 0

    def lower(self) -> Operation:
        steering = (self._tau, self.mirostat_eta)
        return Operation(Op.MIROSTAT, steering, (self.mirostat,), start=self.begin(()))

    @property
    def _tau(self) -> float:
        return self.TAU if self.mirostat_tau is None else self.mirostat_tau

    def begin(self, prompt: Sequence[int]) -> float:
        return 2 * self._tau

    def apply(self, logits_V: Logits, state: float, u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        if self.mirostat == 1:
            return keep_likeliest(logits_V, _zipf_count(logits_V, state))
        return keep_from(logits_V, log_mass(logits_V) - state * math.log(2))

    def step(self, state: float, token: int) -> float:
        """A token that was not drawn teaches nothing."""
        return state

    def drawn(self, state: float, logits_V: Logits, token: int) -> float:
        surprise = -log_probability(logits_V, token) / math.log(2)
        return state - self.mirostat_eta * (surprise - self._tau)


def _zipf_count(logits_V: Logits, mu: float) -> int:
    """How many of the likeliest tokens keep to ``mu`` bits of surprise, were they to follow Zipf's law."""
    possible = int(np.count_nonzero(logits_V > -np.inf))
    if possible < 2:
        return 1
    falling = np.sort(logits_V)[::-1][: min(possible, _ZIPF)]
    steps = np.log1p(1 / np.arange(1, len(falling)))
    exponent = float(steps @ -np.diff(falling)) / float(steps @ steps)
    excess = exponent - 1
    # (1 - N^-e) / e tends to log N as e goes to 0.
    spread = -math.expm1(-excess * math.log(possible)) / excess if excess else math.log(possible)
    if exponent <= 0:  # all alike: nothing can be said against any of them
        return possible
    log_count = (mu * math.log(2) - math.log(spread)) / exponent
    return max(1, min(possible, int(math.exp(min(log_count, math.log(possible) + 1)))))


@dataclass(frozen=True)
class AdaptiveTarget(Stage[float]):
    """Favours tokens about as probable as a target, so that the drawn ones' mean comes to it (llama.cpp #17927).

    The state is the moving mean of the probabilities, before this stage, of the drawn tokens; it begins at the
    target. The target of a draw is ``2 target - mean`` within 0 and 1, and a token of probability p gets the logit
    ``5 - 10 d^2 / (1 + d)`` where ``d = |p - target| / 0.3``. Unlikely tokens come out nearly alike: cut the tail
    before (min_p). It says what is drawn, so it is the last stage.
    """

    name: ClassVar[str] = "adaptive"
    heading: ClassVar[str] = "Surprise"
    last: ClassVar[bool] = True
    calibrated: ClassVar[Mapping[str, str]] = {"adaptive_target": "target"}
    TARGET: ClassVar[float] = 0.5

    WIDTH: ClassVar[float] = 0.3
    PEAK: ClassVar[float] = 5.0
    SHARPNESS: ClassVar[float] = 10.0

    adaptive: bool = knob(False, "favour tokens near a target probability; cut the tail by min_p", advanced=True)
    adaptive_target: float | None = knob(
        None, "the probability to favour; without one, from the loss on held-out data", low=0, high=1, step=0.01,
        advanced=True,
    )  # fmt: skip
    adaptive_decay: float = knob(
        0.9, "how long the drawn tokens are remembered", low=0, high=0.99, step=0.01, advanced=True
    )

    @property
    def neutral(self) -> bool:
        return not self.adaptive

    def lower(self) -> Operation:
        return Operation(Op.ADAPTIVE, (self._target, self.adaptive_decay), start=self.begin(()))

    @property
    def _target(self) -> float:
        return self.TARGET if self.adaptive_target is None else self.adaptive_target

    def begin(self, prompt: Sequence[int]) -> float:
        return self._target

    def apply(self, logits_V: Logits, state: float, u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        wanted = min(1.0, max(0.0, 2 * self._target - state))
        distance_V = np.abs(softmax(logits_V) - wanted) / self.WIDTH
        favour_V = self.PEAK - self.SHARPNESS * distance_V * distance_V / (1 + distance_V)
        return np.where(logits_V > -np.inf, favour_V, -np.inf)

    def step(self, state: float, token: int) -> float:
        """A token that was not drawn teaches nothing."""
        return state

    def drawn(self, state: float, logits_V: Logits, token: int) -> float:
        probability = math.exp(log_probability(logits_V, token))
        return self.adaptive_decay * state + (1 - self.adaptive_decay) * probability
