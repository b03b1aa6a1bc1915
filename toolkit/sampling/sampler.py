"""One token from one row of logits: the constraint's mask, the chain of transforms, one draw.

Knows no model and no loop. Rows are of shape (V,); the arithmetic is float64.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, uniform
from toolkit.core.program import Program, program_of
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.logits import Logits, keep, log_probability, peak, softmax
from toolkit.sampling.stages import Stage, TokenNamed
from toolkit.sampling.transforms import chain

States = tuple[Any, ...]
"""One hashable state for each stage of a sampler."""


class Draw(NamedTuple):
    """A token, and the model's own log-probability of it in nats: no mask and no transform counted."""

    token: int
    log_probability: float


class Prospect(NamedTuple):
    """One draw that is not made yet: what each token's probability is, and what each stage was given, of shape (V,)."""

    probabilities_V: Logits
    stages: tuple[Stage[Any], ...]
    states: States
    given: tuple[Logits, ...]

    def after(self, token: int) -> States:
        """The states after ``token`` is chosen here: stages that steer have seen how likely it was."""
        each = zip(self.stages, self.states, self.given, strict=True)
        return tuple(stage.drawn(state, row_V, token) for stage, state, row_V in each)


@dataclass(frozen=True)
class Sampler:
    """A chain of transforms. It holds settings only: what changes from token to token is in the states."""

    transforms: tuple[Stage[Any], ...] = ()

    @classmethod
    def from_settings(
        cls,
        settings: Mapping[str, Any],
        *,
        token_named: TokenNamed | None = None,
        calibration: Calibration | None = None,
    ) -> Sampler:
        """The sampler that flat settings (see `sampling_knobs`) ask for, in their order; errors as `chain`."""
        return cls(chain(settings, token_named=token_named, calibration=calibration))

    @property
    def order(self) -> tuple[str, ...]:
        """The names of the stages that do something, in the order in which they do it."""
        return tuple(stage.name for stage in self.transforms)

    def lower(self, vocabulary: int, prompt: Sequence[int]) -> Program:
        """What this sampler does after ``prompt``, as plain data; neutral stages are left out.

        UsageError when the prompt or a setting names a token that does not exist.
        """
        operations = [stage.lower() for stage in self.transforms if not stage.neutral]
        return program_of(vocabulary, operations, prompt)

    def begin(self, prompt: Sequence[int]) -> States:
        """The states before the first draw, having seen the prompt's ids."""
        return tuple(stage.begin(prompt) for stage in self.transforms)

    def step(self, states: States, token: int) -> States:
        """The states after a ``token`` that was given. After one that was drawn, `take` knows more."""
        return tuple(stage.step(state, token) for stage, state in zip(self.transforms, states, strict=True))

    def probabilities(
        self,
        logits_V: npt.NDArray[np.floating[Any]],
        states: States,
        allowed_V: BoolArray | None = None,
        *,
        seed: int = 0,
        position: int = 0,
    ) -> Logits:
        """What the next token is drawn from: float64 of shape (V,), summing to 1, 0 where not allowed.

        ``allowed_V`` None allows every token. Stages that draw take their own lane of (seed, position).
        ToolkitError when no token is left or a logit is not a number.
        """
        return self.prospect(logits_V, states, allowed_V, seed=seed, position=position).probabilities_V

    def prospect(
        self,
        logits_V: npt.NDArray[np.floating[Any]],
        states: States,
        allowed_V: BoolArray | None = None,
        *,
        seed: int = 0,
        position: int = 0,
    ) -> Prospect:
        """What `probabilities` gives, and the states after any token, for whoever chooses without a draw."""
        rows = self._rows(logits_V, states, allowed_V, seed, position)
        return Prospect(softmax(rows[-1]), self.transforms, states, tuple(rows[:-1]))

    def sample(
        self,
        logits_V: npt.NDArray[np.floating[Any]],
        states: States,
        allowed_V: BoolArray | None = None,
        *,
        seed: int,
        position: int,
    ) -> Draw:
        """The token number ``position`` of the generation that owns ``seed``; errors as `probabilities`."""
        return self.take(logits_V, states, allowed_V, seed=seed, position=position)[0]

    def take(
        self,
        logits_V: npt.NDArray[np.floating[Any]],
        states: States,
        allowed_V: BoolArray | None = None,
        *,
        seed: int,
        position: int,
    ) -> tuple[Draw, States]:
        """What `sample` draws, and the states after it: stages that steer have seen how likely the token was."""
        prospect = self.prospect(logits_V, states, allowed_V, seed=seed, position=position)
        token = draw(prospect.probabilities_V, uniform(seed, position))
        return Draw(token, log_probability(logits_V.astype(np.float64), token)), prospect.after(token)

    def _rows(
        self,
        logits_V: npt.NDArray[np.floating[Any]],
        states: States,
        allowed_V: BoolArray | None,
        seed: int,
        position: int,
    ) -> list[Logits]:
        """What each stage is given, and last what is drawn from."""
        row_V: Logits = logits_V.astype(np.float64)
        if allowed_V is not None:
            row_V = keep(row_V, allowed_V)
        peak(row_V)
        rows = [row_V]
        for stage, state in zip(self.transforms, states, strict=True):
            u = 0.0 if stage.lane is None else uniform(seed, position, stage.lane)
            rows.append(stage.apply(rows[-1], state, u))
        return rows


def draw(probabilities_V: Logits, u: float) -> int:
    """The id where the cumulative probability passes ``u`` in [0, 1): never one of probability 0."""
    cumulative_V = probabilities_V.cumsum()
    token = int(cumulative_V.searchsorted(u * cumulative_V[-1], side="right"))
    if token == len(probabilities_V):  # u times the sum was rounded up to the sum
        return int(np.flatnonzero(probabilities_V)[-1])
    return token
