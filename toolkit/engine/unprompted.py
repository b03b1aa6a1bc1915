"""An engine that does not hear the prompt: the unconditional side of guidance (Sanchez et al., 2306.17806).

Knows engines and how many tokens are not for it. Numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.core import Engine, FloatArray


class UnpromptedMemory(NamedTuple):
    """How many tokens were fed, and the memory of those that were heard."""

    fed: int
    heard: Any


class Unprompted:
    """``engine`` as it would go on if it had read ``instead`` where the first ``unheard`` tokens were fed.

    ``instead`` is what opens a sequence in any case (the stop token, a melody's meter and key), and is not empty.
    Up to the last unheard token every answer is the one to ``instead``.
    """

    def __init__(self, engine: Engine, *, unheard: int, instead: Sequence[int]) -> None:
        self.name, self.precision, self.vocabulary = engine.name, engine.precision, engine.vocabulary
        self._engine, self._unheard = engine, unheard
        self._opened_V, self._opened = engine.feed(instead, engine.begin())

    def begin(self) -> UnpromptedMemory:
        return UnpromptedMemory(0, self._opened)

    def feed(self, tokens: Sequence[int], memory: UnpromptedMemory) -> tuple[FloatArray, UnpromptedMemory]:
        """(logits_V, memory) after ``tokens``, of which there must be one."""
        if not tokens:
            raise ValueError("an engine must be fed at least one token")
        fed = memory.fed + len(tokens)
        heard = tokens[max(0, self._unheard - memory.fed) :]
        if not heard:
            return self._opened_V.copy(), UnpromptedMemory(fed, memory.heard)
        logits_V, after = self._engine.feed(heard, memory.heard)
        return logits_V, UnpromptedMemory(fed, after)

    def rows(self, memory: UnpromptedMemory, rows: Sequence[int]) -> UnpromptedMemory:
        """Row i of the result is row ``rows[i]``; until something was heard all rows are alike."""
        chosen = [0] * len(rows) if memory.fed <= self._unheard else rows
        return UnpromptedMemory(memory.fed, self._engine.rows(memory.heard, chosen))

    def advance(self, tokens: Sequence[int], memory: UnpromptedMemory) -> tuple[FloatArray, UnpromptedMemory]:
        """(logits_NV, memory) after one token in each of N rows."""
        before = self.rows(memory, range(len(tokens)))
        if before.fed < self._unheard:
            return np.tile(self._opened_V, (len(tokens), 1)), before._replace(fed=before.fed + 1)
        logits_NV, after = self._engine.advance(tokens, before.heard)
        return logits_NV, UnpromptedMemory(before.fed + 1, after)
