"""XTC: now and then the obvious choices are left out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from toolkit.core import knob
from toolkit.core.program import Op, Operation
from toolkit.sampling.logits import ROUNDING, Logits, log_mass
from toolkit.sampling.stages.stage import Memoryless


@dataclass(frozen=True)
class ExcludeTopChoices(Memoryless):
    """With some probability drops every token of at least the threshold but the least likely of these.

    "Exclude top choices" (oobabooga's text-generation-webui #6335). It draws on a lane of its own, so turning it on
    changes no other draw. Of equals the higher id counts as less likely. At most one token reaches a threshold above
    a half, so there is nothing to offer beyond.
    """

    name: ClassVar[str] = "xtc"
    heading: ClassVar[str] = "Surprise"
    lane: ClassVar[int | None] = 1

    xtc_probability: float = knob(
        0.0, "how often the obvious choices are left out", low=0, high=1, step=0.05, advanced=True
    )
    xtc_threshold: float = knob(
        0.1, "a choice of at least this probability is obvious", low=0, high=0.5, step=0.01, advanced=True
    )

    @property
    def neutral(self) -> bool:
        return self.xtc_probability == 0

    def lower(self) -> Operation:
        return Operation(Op.XTC, (self.xtc_probability, self.xtc_threshold), (self.lane or 0,))

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        out_V = logits_V.copy()
        if u >= self.xtc_probability:
            return out_V
        line = math.log(self.xtc_threshold) if self.xtc_threshold else -math.inf
        obvious = np.flatnonzero((logits_V >= log_mass(logits_V) + line - ROUNDING) & (logits_V > -np.inf))
        if len(obvious) > 1:
            least = logits_V[obvious].min()
            spared = obvious[logits_V[obvious] == least][-1]
            out_V[obvious[obvious != spared]] = -np.inf
        return out_V
