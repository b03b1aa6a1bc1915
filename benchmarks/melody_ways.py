"""Other ways to write the same melody: one-to-one translations of the events of the codec `melody`.

Each `Way` turns the symbols of a tune into others and back, so ways can be put one after another, and whatever they
make can be measured against the codec itself on the same notes. Knows symbols; neither ids nor networks, which are
in `melody_ways_measured`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from random import Random
from typing import Any, NamedTuple

Symbol = tuple[Any, ...]
"""What a token says: a word and its values, as ("UNTIL", 24)."""

Symbols = list[Symbol]
SOUNDS = frozenset({"PITCH", "REST", "TIE"})
LAST_AGAIN = 16
"""The most bars that a bar may reach back to say what it is."""


class Way(NamedTuple):
    """``write`` and its inverse ``read``. ``about`` completes "the codec, but …"."""

    about: str
    write: Callable[[Symbols], Symbols]
    read: Callable[[Symbols], Symbols]


def units(write: bool) -> Callable[[Symbols], Symbols]:
    """Places in 24ths of the meter's own unit, so that 2/4 in sixteenths and 2/2 in eighths share symbols."""

    def translated(symbols: Symbols) -> Symbols:
        unit = Fraction(symbols[0][2], 4)
        scale = unit if write else 1 / unit
        return [(each[0], each[1] * scale) if each[0] == "UNTIL" else each for each in symbols]

    return translated


def lengths(write: bool) -> Callable[[Symbols], Symbols]:
    """How long a sound is, instead of where in the bar it ends. The beginning of a pickup stays a place."""

    def translated(symbols: Symbols) -> Symbols:
        found: Symbols = []
        at = 0
        for before, each in zip([(), *symbols], symbols, strict=False):
            if each[0] == "BAR":
                at = 0
            elif each[0] in ("UNTIL", "LENGTH"):
                value = each[1] - at if write else each[1] + at
                if before[0] == "BAR":
                    found.append(each)
                    at = each[1]
                    continue
                found.append(("LENGTH" if write else "UNTIL", value))
                at = each[1] if write else value
                continue
            found.append(each)
        return found

    return translated


def joined(symbols: Symbols) -> Symbols:
    """A sound and its end as one symbol."""
    found: Symbols = []
    for each in symbols:
        if each[0] in ("UNTIL", "LENGTH") and found[-1][0] in SOUNDS:
            found.append((*found.pop(), *each))
        else:
            found.append(each)
    return found


def parted(symbols: Symbols) -> Symbols:
    """The inverse of `joined`."""
    found: Symbols = []
    for each in symbols:
        words = [place for place, part in enumerate(each) if isinstance(part, str) and place]
        found.extend([each] if not words else [each[: words[0]], each[words[0] :]])
    return found


def contour(write: bool) -> Callable[[Symbols], Symbols]:
    """Each pitch but the first as semitones from the one before."""

    def translated(symbols: Symbols) -> Symbols:
        before, found = None, []
        for each in symbols:
            if each[0] not in ("PITCH", "STEP"):
                found.append(each)
                continue
            pitch = each[1] if write or before is None else before + each[1]
            found.append(each if before is None else (("STEP", pitch - before) if write else ("PITCH", pitch)))
            before = pitch
        return found

    return translated


def absolute(write: bool, reference: int = 60) -> Callable[[Symbols], Symbols]:
    """MIDI pitches instead of semitones above the tonic."""

    def translated(symbols: Symbols) -> Symbols:
        base = reference + next(each[1] for each in symbols if each[0] == "TONIC")
        return [(each[0], each[1] + (base if write else -base)) if each[0] == "PITCH" else each for each in symbols]

    return translated


def _bars(symbols: Symbols) -> Iterator[Symbols]:
    """The header, then each bar with the BAR that opens it."""
    found: Symbols = []
    for each in symbols:
        if each[0] == "BAR":
            yield found
            found = []
        found.append(each)
    yield found


def _is_pickup(bar: Symbols) -> bool:
    return len(bar) > 1 and bar[1][0] == "UNTIL"


def _comes_again(bars: Sequence[Symbols], number: int) -> int | None:
    """How many bars back the nearest bar stands that holds what bar ``number`` holds; None where none does."""
    bar = bars[number]
    if len(bar) < 2 or _is_pickup(bar):
        return None
    return next((back for back in range(1, min(number, LAST_AGAIN) + 1) if bars[number - back][1:] == bar[1:]), None)


def again(symbols: Symbols, *, spelled: bool = False) -> Symbols:
    """AGAIN k for what follows the bar line of a bar that says what the k-th bar before it said.

    ``spelled`` writes the bar all the same: then AGAIN announces it.
    """
    head, *bars = _bars(symbols)
    found = list(head)
    for number, bar in enumerate(bars):
        back = _comes_again(bars, number)
        found.append(bar[0])
        if back is not None:
            found.append(("AGAIN", back))
        if back is None or spelled:
            found.extend(bar[1:])
    return found


def spelled_out(symbols: Symbols) -> Symbols:
    """The inverse of `again`."""
    head, *bars = _bars(symbols)
    found: list[Symbols] = []
    for bar in bars:
        if len(bar) == 2 and bar[1][0] == "AGAIN":
            found.append([bar[0], *found[-bar[1][1]][1:]])
        else:
            found.append(bar)
    return [*head, *(each for bar in found for each in bar)]


def unannounced(symbols: Symbols) -> Symbols:
    return [each for each in symbols if each[0] != "AGAIN"]


def forced(symbols: Symbols) -> list[bool]:
    """Which symbols an announced repetition leaves no choice about."""
    found: list[bool] = []
    inside = False
    for each in symbols:
        if each[0] in ("BAR", "STOP"):
            inside = False
        found.append(inside)
        inside = inside or each[0] == "AGAIN"
    return found


WAYS: Mapping[str, Way] = {
    "units": Way("places in 24ths of the meter's unit", units(True), units(False)),
    "lengths": Way("how long a sound is instead of where it ends", lengths(True), lengths(False)),
    "joined": Way("a sound and its end as one token", joined, parted),
    "contour": Way("steps from the pitch before", contour(True), contour(False)),
    "absolute": Way("MIDI pitches", absolute(True), absolute(False)),
    "again": Way("a bar that comes again as one token", again, spelled_out),
    "announced": Way("a bar that comes again announced, then written", lambda s: again(s, spelled=True), unannounced),
}


@dataclass(frozen=True)
class Writing:
    """Ways one after another, by their names with a plus between them; none of them is the codec itself."""

    ways: tuple[str, ...]

    def write(self, symbols: Symbols) -> Symbols:
        for name in self.ways:
            symbols = WAYS[name].write(symbols)
        return symbols

    def read(self, symbols: Symbols) -> Symbols:
        for name in reversed(self.ways):
            symbols = WAYS[name].read(symbols)
        return symbols


def transposed(symbols: Symbols, by: int) -> Symbols:
    """A tune in MIDI pitches, higher by so many semitones."""
    return [
        (each[0], each[1] + by)
        if each[0] == "PITCH"
        else (each[0], (each[1] + by) % 12)
        if each[0] == "TONIC"
        else each
        for each in symbols
    ]


def transpositions(symbols: Symbols, low: int, high: int, rng: Random) -> int:
    """A random transposition within an octave that keeps a tune in MIDI pitches between ``low`` and ``high``."""
    pitches = [each[1] for each in symbols if each[0] == "PITCH"]
    ways = [by for by in range(-6, 6) if low <= min(pitches) + by and max(pitches) + by <= high]
    return rng.choice(ways or [0])
