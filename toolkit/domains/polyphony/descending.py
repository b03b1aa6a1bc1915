"""The grammar of the codec `steps` as one table: within a step pitches fall, and a piece ends on sound.

A state is a number: 0 to P-1 within a step whose lowest pitch so far is that one, then `SILENT`, where a step begins
before any sound or after a silent one, `SOUNDED`, where one begins after sound, and `ENDED`, each counted from P.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, UsageError
from toolkit.core.program import NOWHERE
from toolkit.sampling.constraints import Written

SILENT, SOUNDED, ENDED = 0, 1, 2


class Descending:
    """A `toolkit.core.Constraint[int]` over P pitches (ids 0 to P-1, upwards), the end of step P and the stop P+1.

    Steps hold pitches from the top down, none twice. The stop follows the end of a step that sounds. Only pitches from
    ``low`` to ``high`` (ids) may stand; UsageError where that leaves none.
    """

    growth = 2
    """The most that one token adds to `distance`: a silent step where the piece could have ended."""

    def __init__(self, pitches: int, low: int = 0, high: int | None = None) -> None:
        self._begin = pitches + SILENT
        self._next_QV = _table(pitches, max(0, low), pitches - 1 if high is None else min(high, pitches - 1))
        self._allowed_QV = self._next_QV != NOWHERE
        if not self._allowed_QV[self._begin, :pitches].any():
            raise UsageError("no pitch is left to play between the lowest and the highest that are asked for.")
        self._allowed_QV.setflags(write=False)
        # A step under way: its end and the stop. A silent beginning: a note too.
        self._distance_Q = np.full(pitches + 3, 2, np.int32)
        self._distance_Q[pitches:] = (3, 1, 0)
        self._distances_QV = np.where(self._allowed_QV, self._distance_Q[self._next_QV], NEVER).astype(np.int32)

    def begin(self) -> int:
        return self._begin

    def allowed(self, state: int) -> BoolArray:
        mask_V: BoolArray = self._allowed_QV[state]
        return mask_V

    def step(self, state: int, token: int) -> int:
        """The state after ``token``; ValueError for one that may not follow."""
        if not self._allowed_QV[state, token]:
            raise ValueError(f"token {token} may not follow in a step")
        return int(self._next_QV[state, token])

    def distance(self, state: int) -> int:
        return int(self._distance_Q[state])

    def distances(self, state: int) -> npt.NDArray[np.int32]:
        distances_V: npt.NDArray[np.int32] = self._distances_QV[state]
        return distances_V

    def tables(self) -> Written:
        """Every state there is, a column for each token."""
        columns_V = np.arange(self._next_QV.shape[1], dtype=np.int32)
        return Written(columns_V, self._next_QV, self._distance_Q)


def _table(pitches: int, low: int, high: int) -> npt.NDArray[np.int32]:
    """The state after each token in each state; `NOWHERE` for tokens that may not follow."""
    end, stop = pitches, pitches + 1
    next_QV = np.full((pitches + 3, pitches + 2), NOWHERE, np.int32)
    kept = np.arange(low, high + 1)
    for state in range(pitches):
        below = kept[kept < state]
        next_QV[state, below] = below
        next_QV[state, end] = pitches + SOUNDED
    for state in (pitches + SILENT, pitches + SOUNDED):
        next_QV[state, kept] = kept
        next_QV[state, end] = pitches + SILENT
    next_QV[pitches + SOUNDED, stop] = pitches + ENDED
    return next_QV


@lru_cache(maxsize=16)
def descending(pitches: int, low: int = 0, high: int | None = None) -> Descending:
    """The grammar within limits, shared so that its table is made once."""
    return Descending(pitches, low, high)
