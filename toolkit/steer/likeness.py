"""The wish to sound more like another model of the same ids: a likelihood ratio, with that model run alongside.

Knows engines by what they promise, and nothing of what ids mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.core import Engine, FloatArray, UsageError


class _Heard(NamedTuple):
    """One row of the other model's memory, which the states of one moment share, and the ratio so far in nats."""

    memory: Any
    logits_NV: FloatArray
    row: int
    log_ratio: float


class Likeness:
    """Weighs x by (q(x) / p(x)) ** strength: q is the other model, p the steered one; 1 is q itself, 0.5 between them.

    Liu et al. 2021 (2105.03023) and others mix the two distributions token by token; here the mixture is of whole
    sequences, which normalising token by token is not. The twist is the ratio so far. A token of which the steered
    model is certain was settled before, and is certain to the other as well. ``opening`` is what the other model reads
    first, as the steered one does (a stop token, a prompt). UsageError when the two do not share their ids.
    """

    def __init__(self, engine: Engine, opening: Sequence[int], strength: float, *, vocabulary: int) -> None:
        if engine.vocabulary != vocabulary:
            raise UsageError(f"the other model knows {engine.vocabulary} tokens and this one {vocabulary}.")
        self._engine, self._opening, self._strength = engine, tuple(opening), strength

    def begin(self, prompt: Sequence[int]) -> _Heard:
        logits_V, memory = self._engine.feed(self._opening, self._engine.begin())
        return _Heard(memory, logits_V[None], 0, 0.0)

    def step(self, state: _Heard, token: int) -> _Heard:
        raise NotImplementedError("a likelihood ratio needs both models' probabilities: use `steps`")

    def steps(
        self, states: Sequence[_Heard], tokens: Sequence[int], log_probabilities: Sequence[float]
    ) -> list[_Heard]:
        if not states:
            return []
        rows = [state.row for state in states]
        logits_NV = states[0].logits_NV[rows].astype(np.float64)
        chosen_N = logits_NV[np.arange(len(rows)), list(tokens)] - np.logaddexp.reduce(logits_NV, axis=1)
        after_NV, memory = self._engine.advance(tokens, self._engine.rows(states[0].memory, rows))
        return [
            _Heard(memory, after_NV, row, state.log_ratio + (float(chosen) - own if own else 0.0))
            for row, (state, chosen, own) in enumerate(zip(states, chosen_N, log_probabilities, strict=True))
        ]

    def log_weight(self, state: _Heard) -> float:
        return self._strength * state.log_ratio

    def log_twist(self, state: _Heard, left: int) -> float:
        return self._strength * state.log_ratio
