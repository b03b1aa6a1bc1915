"""What has come before, as scalar code: penalties, DRY and banned runs. Sources stand at the stages.

The history is ``past[low:high]``, oldest first. ``marks`` of shape (V,) are all 0 between calls.
"""

from __future__ import annotations

import math

import numpy as np

from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.row import Floats, Ids, log_mass, settled

_CERTAIN = 1e3


@scalar
def repeats(past: Ids, low: int, high: int, end: int, length: int) -> bool:
    """Whether the ``length`` tokens up to ``end`` are the last ones of the history."""
    if end - length + 1 < low:
        return False
    for back in range(length):  # noqa: SIM110 (a generator is no scalar code)
        if past[end - back] != past[high - 1 - back]:
            return False
    return True


@scalar
def counted(past: Ids, low: int, high: int, span: int, marks: Ids, sign: int) -> None:
    """Adds ``sign`` to the mark of every token where it came after the last ``span - 1`` tokens."""
    if span <= 1:
        for i in range(low, high):
            marks[past[i]] += sign
        return
    for end in range(low + span - 2, high - 1):
        if past[end] == past[high - 1] and repeats(past, low, high, end, span - 1):
            marks[past[end + 1]] += sign


@scalar
def repetition(
    x: Floats, ids: Ids, count: int, less_one: float, past: Ids, low: int, high: int, span: int, marks: Ids
) -> int:
    counted(past, low, high, span, marks, 1)
    mass = log_mass(x, ids, count)
    for i in range(count):
        if marks[ids[i]]:
            x[ids[i]] += less_one * (x[ids[i]] - mass)
    counted(past, low, high, span, marks, -1)
    return settled(x, ids, count)


@scalar
def frequency(
    x: Floats,
    ids: Ids,
    count: int,
    each: float,
    once: float,
    past: Ids,
    low: int,
    high: int,
    span: int,
    marks: Ids,
) -> int:
    counted(past, low, high, span, marks, 1)
    for i in range(count):
        times = marks[ids[i]]
        if times:
            x[ids[i]] = x[ids[i]] - each * times - once
    counted(past, low, high, span, marks, -1)
    return count


@scalar
def no_repeats(x: Floats, ids: Ids, count: int, past: Ids, low: int, high: int, length: int, marks: Ids) -> int:
    counted(past, low, high, length, marks, 1)
    left = 0
    for i in range(count):
        left += marks[ids[i]] == 0
    if left:
        for i in range(count):
            if marks[ids[i]]:
                x[ids[i]] = -math.inf
    counted(past, low, high, length, marks, -1)
    return settled(x, ids, count)


@scalar
def dry(
    x: Floats,
    ids: Ids,
    count: int,
    multiplier: float,
    base: float,
    past: Ids,
    low: int,
    high: int,
    allowed: int,
    breakers: Ids,
    marks: Ids,
) -> int:
    reach = _since(past, low, high, breakers)
    most = math.log(_CERTAIN) / math.log(base) if base > 1 else math.inf
    if reach >= allowed:
        for end in range(low + allowed - 1, high - 1):
            if past[end] == past[high - 1] and repeats(past, low, high, end, allowed):
                length, limit = allowed, min(reach, end - low + 1)
                while length < limit and past[end - length] == past[high - 1 - length]:
                    length += 1
                marks[past[end + 1]] = max(marks[past[end + 1]], length)
        for i in range(count):
            length = marks[ids[i]]
            if length and not _among(breakers, ids[i]):
                beyond = min(float(length - allowed), most)
                x[ids[i]] -= min(_CERTAIN, multiplier * math.pow(base, beyond))
        for i in range(low, high):
            marks[past[i]] = 0
    return count


@scalar
def _since(past: Ids, low: int, high: int, breakers: Ids) -> int:
    """How many tokens have come since the last breaker."""
    if len(breakers):
        for back in range(high - low):
            if _among(breakers, past[high - 1 - back]):
                return back
    return high - low


@scalar
def _among(tokens: Ids, token: np.int64) -> bool:
    for each in tokens:  # noqa: SIM110
        if each == token:
            return True
    return False
