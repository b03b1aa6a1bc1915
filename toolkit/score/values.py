"""Note values: which lengths one note can be written as, and how others are divided so that the beat is seen.

Counts values in 64th notes, of which sixteen make a quarter note of 24 ticks.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

_NAMES = {1: "64th", 2: "32nd", 4: "16th", 8: "eighth", 16: "quarter", 32: "half", 64: "whole", 128: "breve"}
_DOTTED = {base + base // 2: base for base in _NAMES if 2 <= base <= 64}
_WRITABLE = sorted({*_NAMES, *_DOTTED})


def value_name(units: int) -> tuple[str, int]:
    """(The name of a value, how many dots it has)."""
    return (_NAMES[units], 0) if units in _NAMES else (_NAMES[_DOTTED[units]], 1)


def flags(units: int) -> int:
    """How many flags or beams a value has: none from a quarter note on, one as an eighth."""
    return max(0, 5 - (units if units in _NAMES else _DOTTED[units]).bit_length())


def divided(units: int) -> list[int]:
    """``units`` as the fewest values from the longest down."""
    values = []
    while units:
        values.append(_WRITABLE[bisect_right(_WRITABLE, units) - 1])
        units -= values[-1]
    return values


def in_beats(start: int, end: int, beats: Sequence[int], *, rest: bool = False) -> list[tuple[int, int]]:
    """What sounds from tick ``start`` to ``end`` of a bar as (ticks, value), cut where a reader needs to see a beat.

    ``beats`` are the edges of the beats. Whole from the beginning of a beat, whole within one, and whole as a simple
    syncopation (not over the middle of four); cut at a beat otherwise. Both ends are multiples of three ticks.
    """
    place = bisect_right(beats, start) - 1
    at, following = beats[place], beats[place + 1]
    units = 2 * (end - start) // 3
    if end <= following:
        values = divided(units)
        return [(3 * each // 2, each) for each in (values if start == at else reversed(values))]
    if (start == at and _shown(start, end, beats, rest)) or (not rest and _syncopated(start, end, beats, place)):
        return [(end - start, units)]
    if start > at:
        cut = following
    else:
        inner = [edge for edge in beats if start < edge < end]
        cut = max((edge for edge in inner if _shown(start, edge, beats, rest)), default=inner[0])
    return in_beats(start, cut, beats, rest=rest) + in_beats(cut, end, beats, rest=rest)


def _shown(start: int, end: int, beats: Sequence[int], rest: bool) -> bool:
    """Whether one value from the beginning of a beat shows what there is; a rest must fill a bar or 1, 2, 4 … beats."""
    if 2 * (end - start) // 3 not in _WRITABLE:
        return False
    if not rest or (start, end) == (beats[0], beats[-1]):
        return True
    first, count = bisect_right(beats, start) - 1, sum(start < edge <= end for edge in beats)
    return end in beats and count & (count - 1) == 0 and first % count == 0


def _syncopated(start: int, end: int, beats: Sequence[int], place: int) -> bool:
    """Whether it lasts a beat from the middle of one to the middle of the next."""
    if place + 2 >= len(beats) or (len(beats) == 5 and place == 1):
        return False
    at, following, after = beats[place : place + 3]
    return 2 * (following - start) == following - at and 2 * (end - following) == after - following == following - at
