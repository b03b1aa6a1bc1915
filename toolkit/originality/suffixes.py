"""A suffix array: the places of a text in the order of what follows them, so that any run is found by bisection.

Manber and Myers, "Suffix arrays" (1993), by doubling; places that are alone already are not sorted again, as Larsson
and Sadakane, "Faster suffix sorting" (2007). Knows numbers only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Order = npt.NDArray[np.int64]


def suffix_array(text: npt.NDArray[np.integer[Any]]) -> Order:
    """The places 0 … T-1 of ``text``, sorted by the suffix that begins there; what ends first comes first."""
    count = len(text)
    if not count:
        return np.empty(0, np.int64)
    keys, length = _packed(text)
    order: Order = np.argsort(keys, kind="stable")
    heads = _heads(keys[order])
    rank = np.empty(count, np.int64)
    rank[order] = heads
    open_ = np.flatnonzero(_crowded(heads))
    while len(open_):
        places = order[open_]
        ahead = places + length
        following = np.where(ahead < count, rank[np.minimum(ahead, count - 1)] + 1, 0)
        pair = rank[places] * (count + 1) + following
        resorted = np.argsort(pair, kind="stable")
        order[open_] = places[resorted]
        heads = open_[_heads(pair[resorted])]
        rank[order[open_]] = heads
        open_ = open_[_crowded(heads)]
        length *= 2
    return order


def _packed(text: npt.NDArray[np.integer[Any]]) -> tuple[npt.NDArray[np.uint64], int]:
    """(A number for the first symbols at each place, in their order; how many symbols that is)."""
    bits = max(1, int(text.max()).bit_length() + 1)  # one more, so that 0 may mean the end
    length = max(1, 63 // bits)
    shifted = np.zeros(len(text) + length, np.uint64)
    shifted[: len(text)] = text.astype(np.uint64) + np.uint64(1)
    keys = np.zeros(len(text), np.uint64)
    for ahead in range(length):
        keys = (keys << np.uint64(bits)) | shifted[ahead : ahead + len(text)]
    return keys, length


def _heads(values: npt.NDArray[np.generic]) -> npt.NDArray[np.int64]:
    """For sorted values, the place of the first that equals each."""
    new = np.concatenate([[True], values[1:] != values[:-1]])
    first: npt.NDArray[np.int64] = np.maximum.accumulate(np.where(new, np.arange(len(values)), 0))
    return first


def _crowded(heads: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Which sorted entries share their head with another."""
    same = heads[1:] == heads[:-1]
    crowded: npt.NDArray[np.bool_] = np.concatenate([same, [False]]) | np.concatenate([[False], same])
    return crowded
