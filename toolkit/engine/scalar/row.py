"""Arithmetic on one row of logits as scalar code.

A row is ``x`` of shape (V,) and ``ids``, whose first ``count`` entries are the possible tokens, ascending; what is not
among them is minus infinity in ``x``. Functions change both in place and return how many tokens stay possible.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.compiling import scalar

Floats = npt.NDArray[np.float64]
Ids = npt.NDArray[np.int64]

ROUNDING = 1e-12
VANISHED = -1e3


@scalar
def peak(x: Floats, ids: Ids, count: int) -> float:
    """The greatest logit; there must be one."""
    top = -math.inf
    for i in range(count):
        top = max(top, x[ids[i]])
    return top


@scalar
def log_mass(x: Floats, ids: Ids, count: int) -> float:
    """The logarithm of the sum of the exponentials."""
    top = peak(x, ids, count)
    total = 0.0
    for i in range(count):
        total += math.exp(x[ids[i]] - top)
    return top + math.log(total)


@scalar
def surprise(log_probability: float) -> float:
    """What a token adds to the entropy, 0 where its probability is."""
    held = max(log_probability, VANISHED)
    return -math.exp(held) * held


@scalar
def entropy(x: Floats, ids: Ids, count: int) -> float:
    """The expected surprise in nats."""
    mass = log_mass(x, ids, count)
    total = 0.0
    for i in range(count):
        total += surprise(x[ids[i]] - mass)
    return total


@scalar
def settled(x: Floats, ids: Ids, count: int) -> int:
    """Leaves out of ``ids`` what has become minus infinity."""
    kept = 0
    for i in range(count):
        token = ids[i]
        if x[token] > -math.inf:
            ids[kept] = token
            kept += 1
    return kept


@scalar
def keep_from(x: Floats, ids: Ids, count: int, least: float) -> int:
    """Keeps logits of at least ``least``, and always the greatest."""
    line = min(least, peak(x, ids, count)) - ROUNDING
    for i in range(count):
        if x[ids[i]] < line:
            x[ids[i]] = -math.inf
    return settled(x, ids, count)


@scalar
def keep_peak(x: Floats, ids: Ids, count: int) -> int:
    """Keeps the greatest logit alone, the lower id of equals."""
    best = ids[0]
    for i in range(1, count):
        if x[ids[i]] > x[best]:
            best = ids[i]
    for i in range(count):
        if ids[i] != best:
            x[ids[i]] = -math.inf
    ids[0] = best
    return 1


@scalar
def keep_likeliest(x: Floats, ids: Ids, count: int, wanted: int, heap: Ids) -> int:
    """Keeps the ``wanted`` greatest logits, the lower ids of equals."""
    if wanted >= count:
        return count
    heaped(x, ids, count, heap)
    waiting = count
    for _ in range(wanted):
        waiting = popped(x, heap, waiting)
    return without(x, ids, count, heap, waiting)


@scalar
def before(key: Floats, one: int, other: int) -> bool:
    """Whether ``one`` comes before ``other``: by the greater key, of equals by the lower id."""
    return key[one] > key[other] or (key[one] == key[other] and one < other)


@scalar
def sunk(key: Floats, heap: Ids, place: int, size: int) -> None:
    """Lets the token at ``place`` sink until what is below it comes after it."""
    token = heap[place]
    while True:
        below = 2 * place + 1
        if below >= size:
            break
        if below + 1 < size and before(key, heap[below + 1], heap[below]):
            below += 1
        if not before(key, heap[below], token):
            break
        heap[place] = heap[below]
        place = below
    heap[place] = token


@scalar
def heaped(key: Floats, ids: Ids, count: int, heap: Ids) -> None:
    """Makes ``heap`` a heap of the possible tokens, the greatest key on top: sorting as far as it is needed."""
    for i in range(count):
        heap[i] = ids[i]
    for place in range(count // 2 - 1, -1, -1):
        sunk(key, heap, place, count)


@scalar
def popped(key: Floats, heap: Ids, size: int) -> int:
    """Moves the top to the end, ``heap[size - 1]``, and returns the size of the heap that is left."""
    top = heap[0]
    heap[0] = heap[size - 1]
    sunk(key, heap, 0, size - 1)
    heap[size - 1] = top
    return size - 1


@scalar
def without(x: Floats, ids: Ids, count: int, heap: Ids, waiting: int) -> int:
    """Rules out the first ``waiting`` tokens of ``heap``."""
    for i in range(waiting):
        x[heap[i]] = -math.inf
    return settled(x, ids, count)
