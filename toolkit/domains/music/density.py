"""So many notes in every bar: melodies within limits in each full bar of which between so few and so many notes begin.

Exact: no bar is left short of notes, and where the last note must be a tonic, the last that may be struck is one. Knows
events and bars; no model.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import BoolArray, UsageError
from toolkit.domains.music.events import Event, Kind, Layout, on_grid
from toolkit.domains.music.grammar import UNREACHABLE, Grammar, Limits, Place, Stage, grammar_within

_ASKED = re.compile(r"(\d{1,2})(?:\s*-\s*(\d{1,2}))?")


class Counted(NamedTuple):
    """Where a melody stands, and how many notes have begun in its newest bar."""

    place: Place
    begun: int = 0


class Dense:
    """A `toolkit.core.Constraint[Counted]`: in every full bar, the last included, ``low`` to ``high`` notes begin.

    A note held over a bar line begins once. UsageError where the limits do not say how many bars there are.
    """

    def __init__(self, layout: Layout, limits: Limits, low: int, high: int) -> None:
        if limits.bars is None:
            raise UsageError("so many notes in every bar: say how many bars there are, too.")
        self._layout, self._bars, self._low, self._high = layout, limits.bars, low, high
        self._grammar: Grammar = grammar_within(layout, limits)
        self._points = [tick for tick in range(max(layout.bars)) if on_grid(tick)]
        self._untils = [(number, event.value) for number, event in enumerate(layout.events) if event.kind is Kind.UNTIL]
        self._pitches = np.array([event.kind is Kind.PITCH for event in layout.events])
        self._home = np.array([event.kind is Kind.PITCH and event.value % 12 == 0 for event in layout.events])
        self._stop = layout.ids[Event(Kind.STOP)]
        self._waits = [layout.ids[Event(kind)] for kind in (Kind.REST, Kind.TIE)]
        self._cadence = limits.cadence
        self.growth = Grammar.growth + 2 * low
        self.allowed = lru_cache(1 << 14)(self._allowed)
        if any(low > bisect_left(self._points, bar) for bar in self._lengths()):
            raise UsageError(f"a bar has no room for {low} notes.")

    def begin(self) -> Counted:
        return Counted(self._grammar.begin())

    def step(self, state: Counted, token: int) -> Counted:
        place = self._grammar.step(state.place, token)
        fresh = place.number != state.place.number
        return Counted(place, 0 if fresh else state.begun + bool(self._pitches[token]))

    def distance(self, state: Counted) -> int:
        """The fewest tokens to the end: every bar to come has the fewest notes, and so has what is left of this one."""
        place, count = state
        shortest = self._grammar.distance(place)
        if shortest >= UNREACHABLE or place.stage is Stage.DONE:
            return shortest
        more = 2 * (max(1, self._low) - 1)  # tokens of a bar above the three that the grammar counts
        coming = self._bars - place.number if place.stage >= Stage.START else self._bars
        need = max(0, self._low - count) if place.number else 0
        last = place.number == self._bars
        if place.stage in (Stage.FIRST_NOTE, Stage.SOUND) and need:
            now = 2 * need + last - (shortest - 3 * coming if last else 2)
        elif place.stage is Stage.UNTIL and need:
            now = 1 + 2 * need + last - (shortest if last else 1)
        else:
            now = 0
        return shortest + now + coming * more

    def _allowed(self, state: Counted) -> BoolArray:
        place, count = state
        mask_V: BoolArray = self._grammar.allowed(place).copy()
        if place.number == 0 or place.stage is Stage.DONE:
            return mask_V
        if count >= self._high:
            mask_V[self._pitches] = False
        elif count + 1 == self._high and place.number == self._bars and self._cadence:
            mask_V[self._pitches & ~self._home] = False
        need = self._low - count
        if need > 0:
            mask_V[self._stop] = False
        room = bisect_left(self._points, place.bar)
        if place.stage is Stage.SOUND and room - bisect_left(self._points, place.tick) - 1 < need:
            mask_V[self._waits] = False  # too few points are left for all the notes but here
        if place.stage is Stage.UNTIL:
            for number, tick in self._untils:
                if mask_V[number] and not self._may_reach(state, number, room - bisect_left(self._points, tick)):
                    mask_V[number] = False
        return mask_V

    def _may_reach(self, state: Counted, token: int, room: int) -> bool:
        """Whether there is room for the notes still needed after an end that leaves so many points of the bar."""
        place, count = state
        if place.sounding or not room:
            return room >= self._low - count
        after = self._grammar.step(place, token)
        # After a silence within the bar a note follows, unless all is over there.
        ends = after.complete and place.number == self._bars and count >= self._low
        return ends or (count < self._high and room >= max(1, self._low - count))

    def _lengths(self) -> list[int]:
        """The bars that the limits leave, in ticks."""
        meter = self._grammar.limits.meter
        return [bar for each, bar in zip(self._layout.meters, self._layout.bars, strict=True) if meter in (None, each)]


def notes_asked(text: str) -> tuple[int, int]:
    """(The fewest, the most) notes in a bar, written as ``4-6`` or ``5``; UsageError for anything else."""
    found = _ASKED.fullmatch(text.strip())
    low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not 0 <= low <= high or not high:
        raise UsageError(f"notes in a bar are written like 4-6 or 5, not {text!r}.")
    return low, high
