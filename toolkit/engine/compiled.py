"""The engine for a CPU: the whole step in compiled code, and where a program says how to draw, the whole loop.

Its memory is an array of shape (rows, layers, states, width), None before any token. Rows are computed one after the
other, so each is exactly the same sequence alone. Needs Numba.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import FloatArray
from toolkit.core.program import Program
from toolkit.engine.program import complete, encoded, scratch_for, situation_before, sound
from toolkit.engine.scalar.chain import NO_TOKEN
from toolkit.engine.scalar.decoding import decode
from toolkit.engine.scalar.network import read
from toolkit.engine.weights import STATES, net_of, room_for

Memory = npt.NDArray[np.float32]

_FIRST_BLOCK, _LONGEST_BLOCK = 1, 64
"""Blocks of tokens double from the first, which should come at once, to the longest, which still comes often."""


class CompiledEngine:
    """Runs a `toolkit.models.RecurrentLM` from a copy of its weights, in fp32 or, ``rounded``, in int8.

    int8 rounds the recurrent matrices and the head to 8 bits, and what they are multiplied with to 7.
    """

    name = "compiled"

    def __init__(self, model: Any, *, rounded: bool = False) -> None:
        self.precision = "int8" if rounded else "fp32"
        self.vocabulary = int(model.vocabulary)
        self._net = net_of(model, rounded=rounded)
        settings = model.settings
        self._shape = (settings.layers, STATES[self._net.cell], settings.width)

    def begin(self) -> Memory | None:
        return None

    def feed(self, tokens: Sequence[int], memory: Memory | None) -> tuple[FloatArray, Memory]:
        """(logits_V, memory) after ``tokens``, of which there must be one; ``memory`` is left as it was."""
        if not tokens:
            raise ValueError("an engine must be fed at least one token")
        after = self._rows(memory, 1)
        logits_V = np.empty(self.vocabulary, np.float32)
        read(self._net, room_for(self._net), self._checked(tokens), after[0], logits_V)
        return logits_V, after

    def rows(self, memory: Memory | None, rows: Sequence[int]) -> Memory | None:
        """Row i of the result is row ``rows[i]`` of ``memory``; before any token all rows are alike."""
        return None if memory is None else memory[list(rows)]

    def advance(self, tokens: Sequence[int], memory: Memory | None) -> tuple[FloatArray, Memory]:
        """(logits_NV, memory) after one token in each of N rows; ``memory`` is left as it was."""
        after = self._rows(memory, len(tokens))
        room, ids = room_for(self._net), self._checked(tokens)
        logits_NV = np.empty((len(tokens), self.vocabulary), np.float32)
        for row in range(len(tokens)):
            read(self._net, room, ids[row : row + 1], after[row], logits_NV[row])
        return logits_NV, after

    def decode(
        self,
        program: Program,
        logits_V: FloatArray,
        memory: Memory,
        *,
        seed: int,
        position: int,
        length: int,
        stop: int,
    ) -> Iterator[tuple[int, float]]:
        """Up to ``length`` tokens from position ``position`` on, and the model's log-probability of each, in nats.

        The first is drawn from ``logits_V``; the last is ``stop`` if it came. Fewer come where the table has ended and
        nothing may follow. ToolkitError where nothing can be drawn.
        """
        room, code, scratch = room_for(self._net), encoded(program), scratch_for(program)
        situation, memory = situation_before(program), memory.copy()
        reach = len(situation.history) + max((each.window for each in program.operations), default=0)
        past = np.empty(reach + length, np.int64)
        past[: len(situation.history)] = situation.history
        used, steering, state, left = len(situation.history), situation.memory, situation.state, situation.left
        logits_1V = np.empty((1, self.vocabulary), np.float32)
        logits_1V[0] = logits_V
        size, made = _FIRST_BLOCK, 0
        while made < length:
            tokens = np.empty(min(size, length - made), np.int64)
            log_probabilities = np.empty(len(tokens))
            state, left, count = decode(
                self._net,
                room,
                code,
                scratch,
                logits_1V,
                memory[0],
                past,
                used,
                steering,
                state,
                left,
                np.uint64(seed % 2**64),
                np.uint64((position + made) % 2**64),
                stop,
                tokens,
                log_probabilities,
            )
            tokens = tokens[:count]
            over = tokens[-1] == NO_TOKEN and program.table is not None and complete(program.table, state, left)
            if over:
                tokens = tokens[:-1]
            sound(tokens)
            yield from zip(tokens.tolist(), log_probabilities.tolist(), strict=False)
            if over or tokens[-1] == stop:
                return
            made, used, size = made + count, used + count, min(2 * size, _LONGEST_BLOCK)

    def _rows(self, memory: Memory | None, rows: int) -> Memory:
        if memory is None:
            return np.zeros((rows, *self._shape), np.float32)
        return memory.copy()

    def _checked(self, tokens: Sequence[int]) -> npt.NDArray[np.int64]:
        """The tokens as an array: compiled code reads wherever an id points, so none may point beside the table."""
        ids = np.asarray(tokens, np.int64)
        if ids.min() < 0 or ids.max() >= self.vocabulary:
            raise IndexError(f"ids are 0 to {self.vocabulary - 1}")
        return ids
