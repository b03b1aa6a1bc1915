"""Tunes that come back to themselves: a form such as AABB, whose parts of one letter are alike but for their last bar.

What stands around is any melody within `Limits`; the constraint here only repeats what was written. It is exact: a bar
may be written again wherever its first note is struck there, and so the first bar of a part that returns begins with
no tie. Knows events and bars; no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import BoolArray, UsageError
from toolkit.domains.music.events import Event, Kind, Layout
from toolkit.domains.music.grammar import UNREACHABLE, Grammar, Limits, Place, Stage, grammar_within

_SHORTEST = 3
"""Tokens in a bar at least: the bar line, one sound, and where it ends."""
_MOST_PARTS = 16


@dataclass(frozen=True)
class Form:
    """``parts`` are letters, one for each part of ``length`` bars."""

    parts: str
    length: int

    @classmethod
    def parse(cls, text: str, length: int) -> Form:
        """The form written as ``AABB``; UsageError for anything else."""
        parts = text.replace(" ", "").upper()
        if not 1 <= len(parts) <= _MOST_PARTS or not parts.isalpha() or not parts.isascii():
            raise UsageError(f"a form is written as letters, one for each part, such as AABB, not {text!r}.")
        return cls(parts, length)

    @property
    def bars(self) -> int:
        return len(self.parts) * self.length

    def source(self, number: int) -> int | None:
        """The bar that bar ``number`` (from 1) repeats; None where it is new, as the last of every part is."""
        part, within = divmod(number - 1, self.length)
        if part >= len(self.parts) or within == self.length - 1:
            return None
        first = self.parts.index(self.parts[part])
        return None if first == part else first * self.length + within + 1

    def copies(self, number: int) -> tuple[int, ...]:
        """The later bars that repeat bar ``number``."""
        return tuple(other for other in range(number + 1, self.bars + 1) if self.source(other) == number)


class Written(NamedTuple):
    """Where a tune stands, and the tokens of each of its full bars so far, bar lines left out."""

    place: Place
    bars: tuple[tuple[int, ...], ...] = ()


class Formed:
    """A `toolkit.core.Constraint[Written]`: the melodies within limits that have a form.

    UsageError where the limits ask for another number of bars.
    """

    def __init__(self, layout: Layout, limits: Limits, form: Form) -> None:
        if limits.bars != form.bars:
            raise UsageError(f"a tune of the form {form.parts} in parts of {form.length} bars has {form.bars} bars.")
        self._layout, self._form = layout, form
        self._grammar: Grammar = grammar_within(layout, limits)
        self._tie = layout.ids[Event(Kind.TIE)]
        self._copies = {number: form.copies(number) for number in range(1, form.bars + 1)}
        self.growth = Grammar.growth + 2 * max(map(len, self._copies.values()))
        self.allowed = lru_cache(1024)(self._allowed)

    def begin(self) -> Written:
        return Written(self._grammar.begin())

    def step(self, state: Written, token: int) -> Written:
        place = self._grammar.step(state.place, token)
        bars = state.bars
        if place.number > len(bars):
            bars = (*bars, ())
        elif bars and place.stage is not Stage.DONE:
            bars = (*bars[:-1], (*bars[-1], token))
        return Written(place, bars)

    def distance(self, state: Written) -> int:
        """The fewest tokens to the end: those of the grammar, and what repeated bars have above the shortest."""
        place, bars = state
        shortest = self._grammar.distance(place)
        if shortest >= UNREACHABLE or not bars or place.stage is Stage.DONE:
            return shortest
        now = len(bars)
        more = sum(
            (len(bar) + 1 - _SHORTEST) * sum(each > now for each in self._copies[number])
            for number, bar in enumerate(bars[:-1], 1)
        )
        source = self._form.source(now)
        rest = {Stage.UNTIL: 1, Stage.BAR_LINE: 0}.get(place.stage, 2)
        if source is not None:
            more += len(bars[source - 1]) - len(bars[-1]) - rest
        return shortest + more + len(self._copies[now]) * (len(bars[-1]) + rest + 1 - _SHORTEST)

    def _allowed(self, state: Written) -> BoolArray:
        place, bars = state
        mask_V: BoolArray = self._grammar.allowed(place)
        if not bars or place.stage in (Stage.BAR_LINE, Stage.DONE):
            return mask_V
        now, done = len(bars), len(bars[-1])
        source = self._form.source(now)
        if source is not None:
            forced_V = np.zeros_like(mask_V)
            forced_V[bars[source - 1][done]] = True
            return mask_V & forced_V
        if not done and self._copies[now] and (now - 1) % self._form.length == 0:
            mask_V = mask_V.copy()
            mask_V[self._tie] = False
        return mask_V
