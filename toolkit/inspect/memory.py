"""How much of what stands before a token helps to predict it: the loss after contexts of many lengths.

Khandelwal, He, Qi and Jurafsky, "Sharp nearby, fuzzy far away: how neural language models use context" (1805.04623),
section 3. Every length is measured on the same tokens, so differences are paired. Knows models and ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from toolkit.core import InputError, Watch, unwatched
from toolkit.inspect.tracing import Floats, Ids, losses
from toolkit.models import RecurrentLM

LENGTHS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
_ROWS = 128  # windows read side by side


@dataclass(frozen=True)
class ContextLoss:
    """``nats_KN`` of the same N tokens after each of ``lengths`` tokens of context."""

    lengths: tuple[int, ...]
    nats_KN: Floats

    @property
    def means(self) -> Floats:
        means: Floats = self.nats_KN.mean(1)
        return means

    def gained(self) -> tuple[Floats, Floats]:
        """By how much every length is worse than the longest, and the standard error of that, over the same tokens."""
        worse_KN = self.nats_KN - self.nats_KN[-1]
        error: Floats = worse_KN.std(1, ddof=1) / np.sqrt(worse_KN.shape[1])
        return worse_KN.mean(1), error

    def enough(self) -> int:
        """The shortest context that is no worse than the longest by more than two standard errors, nor any after it."""
        worse, error = self.gained()
        needed = np.flatnonzero(worse > 2 * error)
        return self.lengths[min(int(needed[-1]) + 1, len(self.lengths) - 1)] if len(needed) else self.lengths[0]


def context_loss(
    model: RecurrentLM,
    tokens: Ids,
    rng: np.random.Generator,
    *,
    lengths: Sequence[int] = LENGTHS,
    count: int = 512,
    watch: Watch = unwatched,
) -> ContextLoss:
    """The loss of ``count`` tokens drawn from ``tokens``; lengths that the text has no room for are left out.

    InputError for a text of fewer than 34 tokens.
    """
    fitting = tuple(each for each in lengths if each <= max(0, len(tokens) - 2) // 2)
    if len(fitting) < 4:
        raise InputError(f"{len(tokens)} tokens are too few to measure how much context helps.")
    targets = rng.choice(np.arange(fitting[-1], len(tokens)), min(count, len(tokens) - fitting[-1]), replace=False)
    found = []
    for length in fitting:
        windows = np.stack([tokens[target - length : target + 1] for target in targets]).astype(np.int64)
        parts = []
        for first in range(0, len(windows), _ROWS):
            watch()
            parts.append(losses(model, windows[first : first + _ROWS])[:, -1])
        found.append(np.concatenate(parts))
    return ContextLoss(fitting, np.stack(found))
