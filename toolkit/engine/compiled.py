"""The engine for a CPU: the whole step in compiled code, and where a program says how to draw, the whole loop.

Its memory is an array of shape (rows, layers, states, width), None before any token. Rows advance together, and with
weights of 8 bits each is to the last bit the same sequence alone. Needs Numba.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import FloatArray, Row
from toolkit.core.program import Program
from toolkit.engine.program import Executor, complete, encoded, scratch_for, situation_before, sound
from toolkit.engine.row_draws import RowDraws
from toolkit.engine.scalar.chain import NO_TOKEN
from toolkit.engine.scalar.decoding import decode
from toolkit.engine.scalar.network import Room, read
from toolkit.engine.side_by_side import SideBySide, exact_products
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
        self._rooms = threading.local()
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
        read(self._net, self._room, self._checked(tokens), after[0], logits_V)
        return logits_V, after

    def rows(self, memory: Memory | None, rows: Sequence[int]) -> Memory | None:
        """Row i of the result is row ``rows[i]`` of ``memory``; before any token all rows are alike."""
        return None if memory is None else memory[list(rows)]

    def advance(self, tokens: Sequence[int], memory: Memory | None) -> tuple[FloatArray, Memory]:
        """(logits_NV, memory) after one token in each of N rows; ``memory`` is left as it was."""
        after = self._rows(memory, len(tokens))
        logits_NV = np.empty((len(tokens), self.vocabulary), np.float32)
        self._step(self._checked(tokens), after, logits_NV)
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

    def drawing(self, program: Program) -> Executor:
        """What draws by ``program`` where masks come from elsewhere, at every token."""
        return Executor(program)

    @property
    def together(self) -> bool:
        """In whole numbers it makes no difference in which order a product is summed."""
        return self.precision == "int8" and exact_products()

    def beside(self, memories: Sequence[Memory]) -> Memory:
        """The memory whose row i is the one row of ``memories[i]``."""
        return np.concatenate(memories)

    def decode_together(
        self,
        programs: Sequence[Program],
        logits_NV: FloatArray,
        memory: Memory,
        *,
        seeds: Sequence[int],
        position: int,
        length: int,
        stop: int,
    ) -> Iterator[list[Row]]:
        """In every turn a token for each row that still runs; row i is what ``decode`` gives for its arguments."""
        draws = RowDraws(programs, seeds=seeds, position=position, length=length)
        logits_NV, memory = logits_NV[draws.rows], memory[draws.rows]
        for turn in range(length):
            made, running = draws.turn(logits_NV, stop)
            yield made
            if not len(draws.rows) or turn + 1 == length:
                return
            if not running.all():
                logits_NV, memory = logits_NV[running], memory[running]
            self._step(draws.tokens, memory, logits_NV)

    def _step(self, ids: npt.NDArray[np.int64], memory: Memory, logits_NV: Memory) -> None:
        """One token in every row, in place: together where that pays and PyTorch's integers are right."""
        if len(ids) > 1 and (self.precision == "fp32" or exact_products()):
            self._side_by_side.step(ids, memory, logits_NV)
            return
        for row in range(len(ids)):
            read(self._net, self._room, ids[row : row + 1], memory[row], logits_NV[row])

    @property
    def _room(self) -> Room:
        """Room to compute in, of this thread: nothing in it outlives a call, and what is not needed anew is kept."""
        if not hasattr(self._rooms, "own"):
            self._rooms.own = room_for(self._net)
        room: Room = self._rooms.own
        return room

    @cached_property
    def _side_by_side(self) -> SideBySide:
        return SideBySide(self._net)

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
