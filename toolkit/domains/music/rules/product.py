"""Several machines as one: the states that melodies can really reach, numbered, and tables over them.

Only reachable combinations are kept: a cadence and a motif that both follow the same notes share most of theirs. Knows
machines, not what they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, UsageError
from toolkit.domains.music.rules.rule import FORBIDDEN, IntArray, Machine

MOST_STATES = 20_000
"""More states than this, and a request is refused: its tables would take seconds and hundreds of megabytes."""

_STEPS = (1, 2, 3)


@dataclass(frozen=True)
class Product:
    """Tables over Q states and one more, number Q, from which there is no way on. The first state is 0.

    ``strike_QP`` is the state when a pitch begins, ``rest_Q`` when silence begins, ``longer_Q[t]`` when the note has
    gone on for t = 1, 2 or 3 ticks; ``pitch_Q`` is the index of the last
    pitch, or P where there was none or it is not remembered; a melody may end where ``final_Q``.
    """

    strike_QP: npt.NDArray[np.int32]
    rest_Q: npt.NDArray[np.int32]
    longer_Q: npt.NDArray[np.int32]
    pitch_Q: npt.NDArray[np.int32]
    final_Q: BoolArray

    @property
    def dead(self) -> int:
        return len(self.final_Q) - 1

    @cached_property
    def struck(self) -> tuple[npt.NDArray[np.int32], IntArray]:
        """(The distinct rows of ``strike_QP``, the row of each state): states that only tell lengths share theirs."""
        rows, row_Q = np.unique(self.strike_QP, axis=0, return_inverse=True)
        return rows, row_Q.reshape(-1)


class _Codes:
    """States of several machines and the last pitch, written as one number each."""

    def __init__(self, machines: Sequence[Machine], pitches: int, remembers_pitch: bool) -> None:
        self._machines = machines
        self._pitches = pitches
        self._before = pitches + 1 if remembers_pitch else 1
        self._radices = [each.size for each in machines]
        if np.prod([float(self._before), *map(float, self._radices)]) > 2.0**62:
            raise _too_many()

    @property
    def first(self) -> int:
        return int(self._joined([np.zeros(1, np.int64) for _ in self._machines], np.array([self._before - 1]))[0])

    def apart(self, codes: IntArray) -> tuple[list[IntArray], IntArray]:
        """(The state of each machine, the index of the last pitch) of codes of shape (N,)."""
        states = []
        rest, before = np.divmod(codes, self._before)
        for radix in self._radices:
            rest, state = np.divmod(rest, radix)
            states.append(state)
        return states, before

    def _joined(self, states: Sequence[IntArray], before: IntArray) -> IntArray:
        codes = np.zeros_like(before)
        for state, radix in zip(reversed(states), reversed(self._radices), strict=True):
            codes = codes * radix + state
        return codes * self._before + before

    def struck(self, codes: IntArray) -> IntArray:
        """The code after each pitch, of shape (N, P); `FORBIDDEN` where some machine has no way on."""
        states, before = self.apart(codes)
        after = []
        possible_NP = np.ones((len(codes), self._pitches), np.bool_)
        for machine, state in zip(self._machines, states, strict=True):
            column = before if machine.strike.shape[1] > 1 else np.zeros_like(before)
            next_NP = machine.strike[state, column]
            possible_NP &= next_NP != FORBIDDEN
            after.append(next_NP)
        last = np.arange(self._pitches) if self._before > 1 else np.zeros(self._pitches, np.int64)
        return np.where(possible_NP, self._joined(after, np.broadcast_to(last, possible_NP.shape)), FORBIDDEN)

    def rested(self, codes: IntArray) -> IntArray:
        states, before = self.apart(codes)
        pairs = zip(self._machines, states, strict=True)
        return self._joined([state if each.rest is None else each.rest[state] for each, state in pairs], before)

    def lengthened(self, codes: IntArray, ticks: int) -> IntArray:
        states, before = self.apart(codes)
        pairs = zip(self._machines, states, strict=True)
        return self._joined(
            [state if each.longer is None else each.longer[ticks][state] for each, state in pairs], before
        )

    def following(self, codes: IntArray) -> IntArray:
        """Every code that one step leads to, each once, in order."""
        steps = [self.struck(codes).ravel(), self.rested(codes)]
        if any(each.longer is not None for each in self._machines):
            steps += [self.lengthened(codes, ticks) for ticks in _STEPS]
        reached: IntArray = np.unique(np.concatenate(steps))
        possible: IntArray = reached[reached != FORBIDDEN]
        return possible


def product(machines: Sequence[Machine], pitches: int, remembers_pitch: bool) -> Product:
    """``machines`` over ``pitches`` pitches as one; UsageError when they reach more than `MOST_STATES` states."""
    remembers_pitch |= any(each.strike.shape[1] > 1 for each in machines)
    codes = _Codes(machines, pitches, remembers_pitch)
    known = frontier = np.array([codes.first])
    while len(frontier):
        frontier = np.setdiff1d(codes.following(frontier), known, assume_unique=True)
        known = np.union1d(known, frontier)
        if len(known) > MOST_STATES:
            raise _too_many()
    known = np.concatenate([[codes.first], known[known != codes.first]])
    order = np.argsort(known)
    ordered, dead = known[order], len(known)

    def numbered(reached: IntArray) -> npt.NDArray[np.int32]:
        place = np.minimum(np.searchsorted(ordered, reached), dead - 1)
        return np.where(reached == FORBIDDEN, dead, order[place]).astype(np.int32)

    states, before = codes.apart(known)
    final_Q = np.ones(dead + 1, np.bool_)
    for machine, state in zip(machines, states, strict=True):
        final_Q[:dead] &= machine.final[state]
    final_Q[dead] = False
    longer_Q = np.tile(np.arange(dead + 1, dtype=np.int32), (len(_STEPS) + 1, 1))
    for ticks in _STEPS:
        longer_Q[ticks, :dead] = numbered(codes.lengthened(known, ticks))
    return Product(
        strike_QP=np.vstack([numbered(codes.struck(known)), np.full((1, pitches), dead, np.int32)]),
        rest_Q=np.append(numbered(codes.rested(known)), np.int32(dead)),
        longer_Q=longer_Q,
        pitch_Q=np.append(before if remembers_pitch else np.full(dead, pitches), pitches).astype(np.int32),
        final_Q=final_Q,
    )


def _too_many() -> UsageError:
    return UsageError(
        f"these rules together have more than {MOST_STATES:,} states; ask for fewer of them or shorter ones."
    )
