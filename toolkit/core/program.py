"""A sampler and its constraint as plain data, for whoever draws inside a loop of its own.

The meaning of every operation is that of the stage which lowers itself to it; here stands only in which order its
numbers come. Knows no stage, no constraint and no engine. Standard library and numpy only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from toolkit.core.errors import UsageError

Ints = npt.NDArray[np.int32]

NOWHERE = -1
"""In a table of moves: what may not follow."""

NOTHING_LEFT = "no token is left to choose from: the settings rule out everything that may come next."
NOT_A_NUMBER = "the model answered with something that is not a number; its weights are damaged."
"""Why a row of logits cannot be drawn from, in the words of everything that draws."""


class Op(IntEnum):
    """What one operation does to a row; behind each name its ``numbers``, then after a semicolon its ``counts``."""

    REPETITION = 1  # penalty - 1; span
    FREQUENCY = 2  # frequency, presence; span
    DRY = 3  # multiplier, base; allowed; its ``tokens`` are the breakers
    BIAS = 4  # its ``tokens`` with their ``nats``
    NO_REPEATS = 5  # ; length
    BAN = 6  # its ``tokens``
    TEMPERATURE = 7  # temperature
    DYNAMIC_TEMPERATURE = 8  # low, high, exponent
    SMOOTHING = 9  # factor, curve
    TOP_N_SIGMA = 10  # deviations
    TOP_K = 11  # ; k
    TOP_P = 12  # p
    MIN_P = 13  # p
    TYPICAL = 14  # p
    EPSILON = 15  # epsilon
    ETA = 16  # eta
    TOP_A = 17  # a
    TAIL_FREE = 18  # z
    TOP_H = 19  # h
    P_LESS = 20
    XTC = 21  # probability, threshold; lane
    MIROSTAT = 22  # tau, eta; version
    ADAPTIVE = 23  # target, decay


@dataclass(frozen=True)
class Operation:
    """One stage. ``window`` is how many of the newest tokens it looks at, ``start`` the number it begins with."""

    op: Op
    numbers: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    tokens: tuple[int, ...] = ()
    nats: tuple[float, ...] = ()
    window: int = 0
    start: float = 0.0


class Tables(Protocol):
    """A constraint that is all known beforehand. A state is a row of ``next_QU``, and state 0 begins.

    ``column_V`` is each token's column, ``next_QU`` the state that a column leads to or `NOWHERE`, and ``distance_Q``
    the distance of each state (see `toolkit.core.Constraint`).
    """

    @property
    def column_V(self) -> Ints: ...  # noqa: N802 (a shape, as in every name of an array)

    @property
    def next_QU(self) -> Ints: ...  # noqa: N802 (a shape, as in every name of an array)

    @property
    def distance_Q(self) -> Ints: ...  # noqa: N802 (a shape, as in every name of an array)


@runtime_checkable
class Tabled(Protocol):
    """A constraint that can be written out as tables."""

    def tables(self) -> Tables:
        """Every state there is; UsageError where there are too many."""
        ...


@dataclass(frozen=True, eq=False)
class Table:
    """The `Tables` of a program, and where they stand before the first draw.

    A token may follow where the distance it leads to is less than ``left``, the tokens that remain.
    """

    column_V: Ints
    next_QU: Ints
    distance_Q: Ints
    state: int
    left: int


@dataclass(frozen=True, eq=False)
class Program:
    """How tokens of a ``vocabulary`` are drawn: the table's mask, the operations in order, one draw.

    ``history`` holds the newest tokens of the prompt, as many as any operation looks at. Without a ``table``
    everything is allowed, or ``untabled`` says in one sentence why the constraint has none; the masks then come from
    elsewhere.
    """

    vocabulary: int
    operations: tuple[Operation, ...]
    history: tuple[int, ...] = ()
    table: Table | None = None
    untabled: str = ""


def program_of(vocabulary: int, operations: Sequence[Operation], prompt: Sequence[int]) -> Program:
    """The program of unconstrained draws after ``prompt``.

    UsageError when the prompt, or an operation that acts on tokens, names an id that does not exist.
    """
    for number, token in enumerate(prompt, start=1):
        if not 0 <= token < vocabulary:
            raise UsageError(f"token {number} of the prompt is {token}, and the model knows 0 to {vocabulary - 1}.")
    named = {token for each in operations if each.op in (Op.BIAS, Op.BAN) for token in each.tokens}
    if named and max(named) >= vocabulary:
        raise UsageError(f"there is no token {max(named)} to bias or ban: the last is {vocabulary - 1}.")
    reach = max((each.window for each in operations), default=0)
    return Program(vocabulary, tuple(operations), tuple(prompt[max(0, len(prompt) - reach) :]))
