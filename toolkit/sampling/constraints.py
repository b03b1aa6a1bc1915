"""Constraints that need no knowledge of what ids mean, and the one that makes a sequence end in time.

A constraint is `toolkit.core.Constraint`: an automaton with a small hashable state. One that knows how much
a single token can add to its ``distance`` says so in an attribute ``growth``; `Finishing` then looks ahead
only near the end. Knows no sampler and no codec.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, Constraint, Deciding, Lookahead, UsageError, Withdrawing, promises
from toolkit.core.program import NOWHERE, Tabled
from toolkit.core.protocols import S

A = TypeVar("A")
B = TypeVar("B")
F = TypeVar("F", bound=np.floating[Any])


class Written(NamedTuple):
    """A constraint written out, as `toolkit.core.program.Tables` describes."""

    column_V: npt.NDArray[np.int32]
    next_QU: npt.NDArray[np.int32]
    distance_Q: npt.NDArray[np.int32]


class Anything:
    """Every token, always; a sequence may end anywhere."""

    growth = 0

    def begin(self) -> tuple[()]:
        return ()

    def allowed(self, state: tuple[()]) -> BoolArray | None:
        return None

    def step(self, state: tuple[()], token: int) -> tuple[()]:
        return state

    def distance(self, state: tuple[()]) -> int:
        return 0


class Allow(Anything):
    """Only the tokens where ``mask_V`` is True, always; UsageError when there is none."""

    def __init__(self, mask_V: BoolArray) -> None:
        if not mask_V.any():
            raise UsageError("no token is allowed, so there is nothing to generate.")
        self._mask_V = mask_V.copy()

    def allowed(self, state: tuple[()]) -> BoolArray | None:
        return self._mask_V

    def tables(self) -> Written:
        """One state, two columns: what is forbidden and what is allowed."""
        return self._tables

    @cached_property
    def _tables(self) -> Written:
        return Written(self._mask_V.astype(np.int32), np.array([[NOWHERE, 0]], np.int32), np.zeros(1, np.int32))


class Forbid(Allow):
    """Every one of ``vocabulary`` tokens but these; UsageError when none is left or one does not exist."""

    def __init__(self, tokens: Collection[int], vocabulary: int) -> None:
        for token in tokens:
            if not 0 <= token < vocabulary:
                raise UsageError(f"there is no token {token} to forbid: the last is {vocabulary - 1}.")
        mask_V = np.ones(vocabulary, np.bool_)
        mask_V[list(tokens)] = False
        super().__init__(mask_V)


@dataclass(frozen=True)
class Both(Generic[A, B]):
    """What two constraints both accept; the state is a pair.

    ``distance`` is the greater of the two: exact when one shortest ending suits both (a grammar and a
    constraint that both only wait for the same cadence), otherwise a lower bound, and then `Finishing`
    may find out too late. Two constraints that pull apart want one automaton of their own.
    """

    first: Constraint[A]
    second: Constraint[B]

    @property
    def growth(self) -> int | None:
        one, other = growth(self.first), growth(self.second)
        return None if one is None or other is None else max(one, other)

    def begin(self) -> tuple[A, B]:
        return self.first.begin(), self.second.begin()

    def allowed(self, state: tuple[A, B]) -> BoolArray | None:
        return _common(self.first.allowed(state[0]), self.second.allowed(state[1]))

    def step(self, state: tuple[A, B], token: int) -> tuple[A, B]:
        return self.first.step(state[0], token), self.second.step(state[1], token)

    def distance(self, state: tuple[A, B]) -> int:
        return max(self.first.distance(state[0]), self.second.distance(state[1]))

    def pending(self, state: tuple[A, B]) -> int:
        return max(pending(self.first, state[0]), pending(self.second, state[1]))

    def withdraw(self, state: tuple[A, B]) -> int:
        return max(withdraw(self.first, state[0]), withdraw(self.second, state[1]))

    def settles(self, state: tuple[A, B]) -> bool:
        return settles(self.first, state[0]) or settles(self.second, state[1])


class Without(Generic[S]):
    """A constraint of ``vocabulary`` tokens from which some are taken away.

    Distances are the inner constraint's, so they stay exact only where no shortest ending needs these tokens: as
    with the stop token, wherever a sequence may also end without it.
    """

    def __init__(self, constraint: Constraint[S], tokens: Collection[int], vocabulary: int) -> None:
        self.constraint = constraint
        self.growth = growth(constraint)
        self._kept_V = np.ones(vocabulary, np.bool_)
        self._kept_V[list(tokens)] = False

    def begin(self) -> S:
        return self.constraint.begin()

    def allowed(self, state: S) -> BoolArray | None:
        return _common(self.constraint.allowed(state), self._kept_V)

    def step(self, state: S, token: int) -> S:
        return self.constraint.step(state, token)

    def distance(self, state: S) -> int:
        return self.constraint.distance(state)

    def distances(self, state: S) -> npt.NDArray[np.int32]:
        return np.where(self._kept_V, distances(self.constraint, state, len(self._kept_V)), NEVER).astype(np.int32)

    def pending(self, state: S) -> int:
        return pending(self.constraint, state)

    def withdraw(self, state: S) -> int:
        return withdraw(self.constraint, state)

    def settles(self, state: S) -> bool:
        return settles(self.constraint, state)

    def tables(self) -> Written:
        """The inner constraint's, and a column that leads nowhere; UsageError where it has none."""
        return self._tables

    @cached_property
    def _tables(self) -> Written:
        if isinstance(self.constraint, Anything) and not isinstance(self.constraint, Tabled):
            return Allow(self._kept_V).tables()
        if not isinstance(self.constraint, Tabled):
            raise UsageError(untabled(self.constraint))
        inner = self.constraint.tables()
        nowhere_Q1 = np.full((len(inner.next_QU), 1), NOWHERE, np.int32)
        column_V = np.where(self._kept_V, inner.column_V, inner.next_QU.shape[1]).astype(np.int32)
        return Written(column_V, np.concatenate([inner.next_QU, nowhere_Q1], axis=1), inner.distance_Q)


def untabled(constraint: Constraint[Any]) -> str:
    """Why a constraint that cannot be written out has no table, in a sentence."""
    return f"{type(constraint).__name__} works out its states as it goes, so there is no table of them."


def growth(constraint: Constraint[Any]) -> int | None:
    """The most that one token can add to the constraint's distance; None when it does not say."""
    declared: int | None = getattr(constraint, "growth", None)
    return declared


def pending(constraint: Constraint[S], state: S) -> int:
    """How many of the newest tokens ``constraint`` may yet withdraw; 0 for one that never does."""
    return constraint.pending(state) if promises(constraint, Withdrawing) else 0


def withdraw(constraint: Constraint[S], state: S) -> int:
    """How many tokens ``constraint`` withdraws in ``state``; 0 for one that never does."""
    return constraint.withdraw(state) if promises(constraint, Withdrawing) else 0


def settles(constraint: Constraint[S], state: S) -> bool:
    """Whether ``constraint`` says that the next token was settled before; False for one that never does."""
    return promises(constraint, Deciding) and constraint.settles(state)


def decided(
    constraint: Constraint[S], state: S, logits_V: npt.NDArray[F], allowed_V: BoolArray | None
) -> npt.NDArray[F]:
    """The logits as they are; where the next token was settled before, those that leave no doubt of it."""
    if allowed_V is None or not settles(constraint, state):
        return logits_V
    return np.where(allowed_V, 0.0, -np.inf).astype(logits_V.dtype)


def distances(
    constraint: Constraint[S], state: S, vocabulary: int, among_V: BoolArray | None = None
) -> npt.NDArray[np.int32]:
    """The distance after each token, of shape (V,); `NEVER` where it may not follow or leads nowhere.

    Stepping with each token is the last resort: not for a `Lookahead`, nor where the distance is 0 and cannot grow, and
    of `Both` only for a side that needs it. Tokens outside ``among_V``, where it is given, may be told anything.
    """
    if promises(constraint, Lookahead):
        return constraint.distances(state)
    mask_V = _common(constraint.allowed(state), among_V)
    distance_V = np.full(vocabulary, NEVER, np.int32)
    if growth(constraint) == 0 and constraint.distance(state) == 0:
        distance_V[slice(None) if mask_V is None else mask_V] = 0
        return distance_V
    if isinstance(constraint, Both):
        sides = zip((constraint.first, constraint.second), state, strict=True)
        one_V, other_V = (distances(side, its_state, vocabulary, mask_V) for side, its_state in sides)
        further_V: npt.NDArray[np.int32] = np.maximum(one_V, other_V)
        return further_V
    for token in range(vocabulary) if mask_V is None else np.flatnonzero(mask_V).tolist():
        distance_V[token] = min(constraint.distance(constraint.step(state, token)), NEVER)
    return distance_V


def _common(one_V: BoolArray | None, other_V: BoolArray | None) -> BoolArray | None:
    """The tokens of both masks, None being every token."""
    if one_V is None or other_V is None:
        return other_V if one_V is None else one_V
    return one_V & other_V


class _Seen(NamedTuple):
    mask_V: BoolArray | None
    distance_V: npt.NDArray[np.int32]
    furthest: int


class Finishing(Generic[S]):
    """A constraint that must also be satisfied within ``length`` more tokens, the stop token included.

    It keeps the tokens after which the shortest ending still fits into what remains, so as long as the
    inner ``distance`` is exact a sequence that can be finished never meets an empty mask. The state is (inner
    state, tokens left). Looking ahead may cost a step for each allowed token, so it is remembered for the
    last ``states`` states and, where the inner constraint declares its ``growth``, put off until the end is near.
    """

    def __init__(self, constraint: Constraint[S], length: int, vocabulary: int, *, states: int = 1024) -> None:
        self.constraint = constraint
        self.length = length
        self._vocabulary = vocabulary
        self._growth = growth(constraint)
        self._look = lru_cache(states)(self._look_ahead)

    def begin(self) -> tuple[S, int]:
        """UsageError when ``length`` is below the shortest sequence."""
        return self.resume(self.constraint.begin())

    def resume(self, state: S) -> tuple[S, int]:
        """The state when the inner constraint has come to ``state`` (over a prompt) and all of ``length`` is left.

        UsageError when ``length`` is below the shortest ending.
        """
        shortest = self.constraint.distance(state)
        if shortest >= NEVER:
            raise UsageError("what is asked for cannot be finished, however long it may be.")
        if shortest > self.length:
            raise UsageError(f"the shortest result takes {shortest} tokens, and the length is {self.length}.")
        return state, self.length

    def allowed(self, state: tuple[S, int]) -> BoolArray | None:
        inner, left = state
        if self._growth is not None and self.constraint.distance(inner) + self._growth < left:
            return self.constraint.allowed(inner)
        look = self._look(inner)
        return look.mask_V if look.furthest < left else look.distance_V < left

    def step(self, state: tuple[S, int], token: int) -> tuple[S, int]:
        return self.constraint.step(state[0], token), state[1] - 1

    def distance(self, state: tuple[S, int]) -> int:
        return self.constraint.distance(state[0])

    def pending(self, state: tuple[S, int]) -> int:
        return pending(self.constraint, state[0])

    def withdraw(self, state: tuple[S, int]) -> int:
        """What the inner constraint withdraws; also the newest token where it looked nearer to an end than it was.

        A constraint that withdraws may tell less than the distance when it looks ahead.
        """
        back = withdraw(self.constraint, state[0])
        if back or not promises(self.constraint, Withdrawing):
            return back
        return 1 if self.constraint.distance(state[0]) > state[1] else 0

    def settles(self, state: tuple[S, int]) -> bool:
        return settles(self.constraint, state[0])

    def _look_ahead(self, inner: S) -> _Seen:
        distance_V = distances(self.constraint, inner, self._vocabulary)
        possible_V = distance_V < NEVER
        mask_V = None if possible_V.all() else possible_V
        return _Seen(mask_V, distance_V, int(distance_V[possible_V].max(initial=0)))
