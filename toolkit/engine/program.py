"""Runs a `Program`: draws tokens from logits as `toolkit.sampling` would, in one compiled step.

Knows programs, not the samplers and constraints they come from. What is drawn, and every state on the way, is the
readable chain's; only where a draw falls within the last bits of a boundary may the two part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, FloatArray, ToolkitError
from toolkit.core.program import NOT_A_NUMBER, NOTHING_LEFT, NOWHERE, Program, Table
from toolkit.engine.scalar.chain import NO_NUMBER, NO_TOKEN, Code, Scratch, block
from toolkit.engine.scalar.row import Floats, Ids

_NUMBERS, _COUNTS = 3, 1
_EVERYTHING = np.zeros((0, 0), np.bool_)
_WHY = {NO_TOKEN: NOTHING_LEFT, NO_NUMBER: NOT_A_NUMBER}


@dataclass(frozen=True, eq=False)
class Situation:
    """All that the next draw depends on besides the logits. A value: never written into.

    ``history`` holds the newest tokens, ``memory`` a number for each operation (0 where it has none); ``state`` and
    ``left`` are where the table stands and how many tokens remain.
    """

    history: Ids
    memory: Floats
    state: int
    left: int


class Drawn(NamedTuple):
    """T tokens, the model's own log-probabilities of them in nats, and the situation after the last."""

    tokens: Ids
    log_probabilities: Floats
    situation: Situation


class Executor:
    """Draws by a program. It may be used again and again, from one thread at a time."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._code = encoded(program)
        self._reach = max((each.window for each in program.operations), default=0)
        self._scratch = scratch_for(program)

    def begin(self) -> Situation:
        """The situation before the first draw."""
        return situation_before(self.program)

    def draw(
        self,
        logits_TV: FloatArray,
        situation: Situation,
        *,
        seed: int,
        position: int,
        allowed_TV: BoolArray | None = None,
    ) -> Drawn:
        """Token t from row t, at positions ``position`` and on, each seeing those before it.

        ``allowed_TV`` is a mask besides the table's. ToolkitError, in the words of `toolkit.sampling`, where a row
        cannot be drawn from.
        """
        length, used = len(logits_TV), len(situation.history)
        past = np.empty(used + length, np.int64)
        past[:used] = situation.history
        memory = situation.memory.copy()
        tokens, log_probabilities = np.empty(length, np.int64), np.empty(length)
        state, left = block(
            self._code,
            self._scratch,
            np.ascontiguousarray(logits_TV, np.float32),
            _EVERYTHING if allowed_TV is None else np.ascontiguousarray(allowed_TV, np.bool_),
            past,
            used,
            memory,
            situation.state,
            situation.left,
            np.uint64(seed % 2**64),
            np.uint64(position % 2**64),
            tokens,
            log_probabilities,
        )
        sound(tokens)
        after = Situation(past[max(0, len(past) - self._reach) :], memory, state, left)
        return Drawn(tokens, log_probabilities, after)

    def take(
        self, logits_V: FloatArray, states: Situation, allowed_V: BoolArray | None = None, *, seed: int, position: int
    ) -> tuple[tuple[int, float], Situation]:
        """One token as `toolkit.sampling.Sampler.take` draws it, and the situation after it."""
        allowed_TV = None if allowed_V is None else allowed_V[None]
        drawn = self.draw(logits_V[None], states, seed=seed, position=position, allowed_TV=allowed_TV)
        return (int(drawn.tokens[0]), float(drawn.log_probabilities[0])), drawn.situation


def sound(tokens: Ids) -> None:
    """ToolkitError, in the words of `toolkit.sampling`, where one of ``tokens`` could not be drawn."""
    if (tokens < 0).any():
        raise ToolkitError(_WHY[int(tokens[tokens < 0][0])])


def complete(table: Table, state: int, left: int) -> bool:
    """Whether a sequence that has come to ``state`` is whole, and nothing may follow it."""
    following = table.next_QU[state][table.column_V]
    return bool(table.distance_Q[state] == 0 and not (table.distance_Q[following[following != NOWHERE]] < left).any())


def situation_before(program: Program) -> Situation:
    """The situation before the first draw."""
    memory = np.array([each.start for each in program.operations], np.float64)
    state, left = (0, 0) if program.table is None else (program.table.state, program.table.left)
    return Situation(np.array(program.history, np.int64), memory, state, left)


def scratch_for(program: Program) -> Scratch:
    """Room to run it in, for one thread at a time."""
    size, operations = program.vocabulary, len(program.operations)
    return Scratch(
        x=np.empty(size),
        ids=np.empty(size, np.int64),
        heap=np.empty(size, np.int64),
        key=np.empty(size),
        marks=np.zeros(size, np.int64),
        entry_NV=np.empty((operations, size)),
        mass_N=np.empty(operations),
    )


def encoded(program: Program) -> Code:
    """The program as the arrays that scalar code reads."""
    operations = program.operations
    bounds = np.cumsum([0, *(len(each.tokens) for each in operations)])
    table = program.table
    return Code(
        op_N=np.array([each.op for each in operations], np.int64),
        number_NK=_filled([each.numbers for each in operations], _NUMBERS, np.float64),
        count_NK=_filled([each.counts for each in operations], _COUNTS, np.int64),
        window_N=np.array([each.window for each in operations], np.int64),
        bounds_N1=bounds.astype(np.int64),
        tokens=np.array([token for each in operations for token in each.tokens], np.int64),
        nats=np.array([nats for each in operations for nats in each.nats or (0.0,) * len(each.tokens)], np.float64),
        **_table(table),
    )


def _table(table: Table | None) -> dict[str, Any]:
    if table is None:
        nothing = np.zeros(0, np.int32)
        return {"column_V": nothing, "next_QU": nothing.reshape(0, 0), "distance_Q": nothing}
    return {
        name: np.ascontiguousarray(getattr(table, name), np.int32) for name in ("column_V", "next_QU", "distance_Q")
    }


def _filled(rows: Sequence[Sequence[float]], width: int, kind: type) -> npt.NDArray[Any]:
    """The rows as one array, zeros behind the shorter ones."""
    out_NK: npt.NDArray[Any] = np.zeros((len(rows), width), kind)
    for row, values in enumerate(rows):
        out_NK[row, : len(values)] = values
    return out_NK
