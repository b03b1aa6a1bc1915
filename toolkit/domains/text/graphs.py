"""Walks through graphs that are arrays: what can be reached, and how far away it is.

Knows nodes as numbers, not what they stand for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, UsageError

Ints = npt.NDArray[np.int32]
Codes = npt.NDArray[np.int64]

NOWHERE = -1
"""In a table of next states: no way leads on."""

MOST_STATES = 100_000
"""How many states an automaton may have: beyond it a constraint takes seconds to prepare, not a fraction of one."""


def too_many() -> UsageError:
    return UsageError(
        f"what is asked for needs an automaton of more than {MOST_STATES:,} states; ask for less at once, or for fewer "
        "repeats."
    )


def explore(start: int, after: Callable[[Codes], Codes]) -> tuple[Codes, Ints]:
    """Everything reached from ``start``: the codes of the nodes in the order they are met, and their next_SK.

    ``after`` maps codes of shape (n,) to the codes behind their K exits, (n, K), `NOWHERE` where there is none. In the
    table nodes are numbered; 0 is ``start``. UsageError above `MOST_STATES`.
    """
    number = {NOWHERE: NOWHERE, start: 0}
    rows, frontier = [], np.array([start], np.int64)
    while len(frontier):
        following = after(frontier)
        distinct, first, inverse = np.unique(following, return_index=True, return_inverse=True)
        new = [code for code in distinct[first.argsort()].tolist() if code not in number]
        number.update(zip(new, range(len(number) - 1, len(number) - 1 + len(new)), strict=True))
        if len(number) > MOST_STATES:
            raise too_many()
        ids = np.array([number[code] for code in distinct.tolist()], np.int32)
        rows.append(ids[inverse].reshape(following.shape))
        frontier = np.array(new, np.int64)
    codes = np.array([code for code in number if code != NOWHERE], np.int64)
    return codes, np.concatenate(rows)


def distances(origin_E: Ints, target_E: Ints, goal_S: BoolArray) -> Ints:
    """The fewest edges from each node to one of the ``goal_S``, of shape (S,); `NEVER` where none leads there.

    Edge e goes from ``origin_E[e]`` to ``target_E[e]``. Breadth first, backwards.
    """
    edge_E = target_E.astype(np.int64) << 32 | origin_E
    edge_E.sort()  # of numbers it is much faster than argsort
    backward_E = (edge_E & 0xFFFFFFFF).astype(np.int32)
    start_S = np.append(0, np.bincount(target_E, minlength=len(goal_S)).cumsum())
    distance_S = np.where(goal_S, 0, NEVER).astype(np.int32)
    frontier, away = np.flatnonzero(goal_S), 0
    while len(frontier):
        away += 1
        found = backward_E[_ranges(start_S[frontier], start_S[frontier + 1])]
        frontier = np.unique(found[distance_S[found] == NEVER])
        distance_S[frontier] = away
    return distance_S


def _ranges(starts: npt.NDArray[np.intp], ends: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """The numbers from each start up to its end, one range after the other."""
    lengths = ends - starts
    ahead = np.repeat(starts - np.append(0, lengths.cumsum()[:-1]), lengths)
    indices: npt.NDArray[np.intp] = np.arange(lengths.sum()) + ahead
    return indices
