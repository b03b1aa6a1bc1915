"""The melodies of a grammar that keep to rules: an automaton that always knows the exact shortest way to an end.

Its state is the grammar's place, the header so far, and the state of the rules' product machine. Under a header whose
meter, mode and tonic are all said, distances are looked up in a `Horizon`. Before that they are the least over the
headers that are left; the search ends as soon as one header is as near as any melody could be, so that a key left open
does not cost a computation for each. Knows events, and token numbers only through the layout.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, UsageError
from toolkit.domains.music.events import Event, Kind, Layout
from toolkit.domains.music.grammar import Grammar, Limits, Place, Stage
from toolkit.domains.music.rules.horizon import ANYWHERE, FAR, BarPermits, Horizon, together
from toolkit.domains.music.rules.product import Product, product
from toolkit.domains.music.rules.rule import Header, Rule
from toolkit.score.notes import MODES, Key, Meter

_REMEMBERED = 1 << 14
_HORIZONS = 8

_PATIENCE = 48
"""After so many headers none of which is as near as can be, the nearest of them counts: a distance safe to rely on."""

Distances = npt.NDArray[np.int32]


class RuledPlace(NamedTuple):
    """Where a melody stands: in its bar, under which header (meter, mode, tonic, as far as said), within the rules."""

    place: Place
    header: tuple[int, ...] = ()
    rules: int = 0


class _Tables:
    """The rules under headers that are alike to them: their machines as one, and the horizons for each beginning."""

    def __init__(self, header: Header, rules: Sequence[Rule]) -> None:
        self.header, self._rules = header, rules
        machines = [each for each in (rule.machine(header) for rule in rules) if each is not None]
        remembers = any(rule.remembers_pitch for rule in rules)
        self.product = product(machines, len(header.pitches), remembers)
        self.possible = bool(self.product.final_Q.any())
        self.points = {tick: point for point, tick in enumerate(header.ticks)}
        self.horizon = lru_cache(_HORIZONS)(self._horizon)
        self.permits = lru_cache(maxsize=None)(self._permits)

    def _horizon(self, start: int) -> Horizon:
        return Horizon(self.header, self.product, self.permits, start)

    def _permits(self, bar: int) -> BarPermits:
        given = [rule.permits(self.header, bar) for rule in self._rules]
        return together(self.header, [each for each in given if each is not None])


class _Bound(NamedTuple):
    """The tables for a header, and the index of each pitch there by its semitones above the tonic."""

    tables: _Tables
    indices: dict[int, int]


class RuledGrammar:
    """A `toolkit.core.Constraint` with `Lookahead`; UsageError when no melody within ``limits`` keeps to ``rules``."""

    def __init__(self, layout: Layout, limits: Limits, rules: Sequence[Rule]) -> None:
        self.layout, self.rules = layout, tuple(rules)
        self.grammar = Grammar(layout, limits)
        self._fewest = max((rule.fewest_notes for rule in rules), default=1)
        self._bound = lru_cache(_REMEMBERED)(self._bound_to)
        self._tables: dict[Hashable, _Tables] = {}
        self.distance = lru_cache(_REMEMBERED)(self._distance)
        self.distances = lru_cache(_REMEMBERED)(self._distances)
        self.allowed = lru_cache(_REMEMBERED)(self._allowed)
        self._first = lru_cache(_REMEMBERED)(self._distance_of_first_bar)
        if self.distance(self.begin()) >= NEVER:
            raise UsageError(f"there is no melody {' and '.join(rule.phrase for rule in self.rules)} as asked.")

    def begin(self) -> RuledPlace:
        return RuledPlace(self.grammar.begin())

    def step(self, state: RuledPlace, token: int) -> RuledPlace:
        return self.after(state, self.layout.events[token])

    def _allowed(self, state: RuledPlace) -> BoolArray:
        mask_V: BoolArray = self.distances(state) < NEVER
        mask_V.setflags(write=False)
        return mask_V

    def after(self, state: RuledPlace, event: Event) -> RuledPlace:
        """The state after an allowed event."""
        place = self.grammar.after(state.place, event)
        kind, value = event
        if kind in (Kind.METER, Kind.MODE, Kind.TONIC):
            return RuledPlace(place, (*state.header, value))
        if kind in (Kind.PITCH, Kind.REST) or (kind is Kind.UNTIL and state.place.sounding):
            return RuledPlace(place, state.header, self._moved(state, event))
        return RuledPlace(place, state.header, state.rules)

    def _moved(self, state: RuledPlace, event: Event) -> int:
        bound = self._bound(state.header)
        table = bound.tables.product
        if event.kind is Kind.PITCH:
            return int(table.strike_QP[state.rules, bound.indices[event.value]])
        if event.kind is Kind.REST:
            return int(table.rest_Q[state.rules])
        passed = bound.tables.header.ticks[bound.tables.points[state.place.tick] : bound.tables.points[event.value] + 1]
        moved = state.rules
        for begin, end in pairwise(passed):
            moved = int(table.longer_Q[end - begin, moved])
        return moved

    # --- distances -----------------------------------------------------------------------------------------------

    def _distance(self, state: RuledPlace) -> int:
        """The fewest tokens, stop included, to the end of a melody within the rules; `NEVER` if none."""
        stage = state.place.stage
        if stage is Stage.DONE:
            return 0
        if stage < Stage.FIRST_BAR:
            return self._least_of(self.grammar.headers(*state.header), 3 - stage)
        if stage is Stage.FIRST_BAR:
            return self._first(state.header)
        if stage is Stage.START:
            return self._least_pickup(state)
        if stage is Stage.FIRST_NOTE and state.place.start:
            return self._first_note(state)
        return self._within(state)

    def _within(self, state: RuledPlace, start: int | None = None) -> int:
        """The distance from a place after the first bar's opening, by another horizon than its own if one is named."""
        place, rules = state.place, state.rules
        tables = self._bound(state.header).tables
        if not tables.possible:
            return NEVER
        bar, point = (
            tables.horizon(place.start if start is None else start).bar(place.number),
            tables.points[place.tick],
        )
        permits = tables.permits(place.number)
        if place.complete and self._may_stop(place, tables.product, permits, point, rules):
            return 1
        if place.stage is Stage.FIRST_NOTE:
            if not permits.first_T[point]:
                return NEVER
            table = bar.first_TQ
        elif place.stage is Stage.UNTIL:
            table = bar.note_TQ if place.sounding else bar.rest_TQ
        else:
            table = bar.after_note_TQ if place.sounding else bar.after_rest_TQ
        return _plain(bar.far(table, point, rules))

    def _may_stop(self, place: Place, machine: Product, permits: BarPermits, point: int, rules: int) -> bool:
        """Whether the rules let a melody end in a place where its form does."""
        if self.grammar.limits.bars not in (None, place.number) or not permits.stop_T[point]:
            return False
        return bool(machine.final_Q[rules] and (not place.sounding or permits.release_T[point]))

    def _distances(self, state: RuledPlace) -> Distances:
        """The distance after each token, of shape (V,); `NEVER` where it may not follow or leads nowhere."""
        found_V = np.full(len(self.layout.events), NEVER, np.int32)
        stage = state.place.stage
        if stage is Stage.UNTIL:
            self._untils(state, found_V)
        elif stage >= Stage.FIRST_NOTE:
            self._sounds(state, found_V)
        else:
            for event in self.grammar.formed(state.place):
                found_V[self.layout.ids[event]] = self.distance(self.after(state, event))
        found_V.setflags(write=False)
        return found_V

    def _sounds(self, state: RuledPlace, found_V: Distances) -> None:
        """The distances after what may follow where a sound, a bar line or the end may come."""
        place, rules = state.place, state.rules
        tables, indices = self._bound(state.header)
        permits, point = tables.permits(place.number), tables.points[place.tick]
        bar = tables.horizon(place.start).bar(place.number)
        released = bool(not place.sounding or permits.release_T[point])
        if place.stage is Stage.FIRST_NOTE and not permits.first_T[point]:
            return
        for event in self.grammar.formed(place):
            token = self.layout.ids[event]
            if event.kind is Kind.PITCH:
                pitch = indices[event.value]
                if released and permits.strike_TP[point, pitch]:
                    found_V[token] = _plain(bar.far(bar.note_TQ, point, tables.product.strike_QP[rules, pitch]))
            elif event.kind is Kind.STOP:
                if self._may_stop(place, tables.product, permits, point, rules):
                    found_V[token] = 0
            elif event.kind is Kind.TIE:
                if permits.hold_TP[point].take(tables.product.pitch_Q[rules], mode="clip"):
                    found_V[token] = _plain(bar.far(bar.note_TQ, point, rules))
            elif event.kind is Kind.BAR or (released and permits.silence_T[point]):
                found_V[token] = self.distance(self.after(state, event))

    def _untils(self, state: RuledPlace, found_V: Distances) -> None:
        """The distances after each end of the sound that has begun."""
        place = state.place
        tables = self._bound(state.header).tables
        permits, ticks = tables.permits(place.number), tables.header.ticks
        first, last = tables.points[place.tick], len(ticks) - 1
        rules = state.rules
        for point in range(first + 1, last + 1):
            if place.sounding:
                rules = int(tables.product.longer_Q[ticks[point] - ticks[point - 1], rules])
            event = Event(Kind.UNTIL, ticks[point])
            if not place.sounding or point == last or permits.release_T[point]:
                after = RuledPlace(self.grammar.after(place, event), state.header, rules)
                found_V[self.layout.ids[event]] = self.distance(after)
            goes_on = permits.hold_TP[point].take(tables.product.pitch_Q[rules], mode="clip")
            if not (goes_on if place.sounding else permits.silence_T[point]):
                return

    # --- headers and first bars ----------------------------------------------------------------------------------

    def _least_of(self, headers: Iterable[tuple[int, int, int]], before: int) -> int:
        """``before`` more than the least distance from the first bar under any of ``headers``."""
        least = NEVER
        for count, header in enumerate(headers, start=1):
            least = min(least, self._first(header))
            if least <= self._lower_bound or (least < NEVER and count >= _PATIENCE):
                break
        return least + before if least < NEVER else NEVER

    @property
    def _lower_bound(self) -> int:
        """No melody is shorter from before its first full bar: it has so many bar lines and sounds, and an end."""
        bars = self.grammar.limits.bars or 1
        return bars + 2 * max(bars, self._fewest) + 1

    @property
    def _lower_bound_of_pickup(self) -> int:
        """The same for a melody with a pickup, which has one bar more and says where it begins."""
        bars = self.grammar.limits.bars or 0
        return 2 + bars + 2 * max(bars + 1, self._fewest) + 1

    def _distance_of_first_bar(self, header: tuple[int, ...]) -> int:
        if not self._bound(header).tables.possible:
            return NEVER
        bar = RuledPlace(self._first_place(header), header)
        least = _more(self._within(self.after(bar, self.layout.bar(1))), 1)
        if least <= self._lower_bound_of_pickup:
            return least
        return min(least, _more(self._least_pickup(self.after(bar, self.layout.bar(0)), least), 1))

    def _first_place(self, header: tuple[int, ...]) -> Place:
        place = self.grammar.begin()
        for kind, value in zip((Kind.METER, Kind.MODE, Kind.TONIC), header, strict=True):
            place = self.grammar.after(place, Event(kind, value))
        return place

    def _least_pickup(self, state: RuledPlace, enough: int = 0) -> int:
        """The distance where a pickup is to begin; anything from ``enough`` on may be told as ``enough``."""
        after = [self.after(state, event) for event in self.grammar.formed(state.place)]
        bounds = [self._within(each, ANYWHERE) for each in after]
        least = NEVER
        for bound, each in sorted(zip(bounds, after, strict=True), key=lambda pair: pair[0]):
            if _more(bound, 1) >= min(least, enough or NEVER):
                break
            least = min(least, _more(self._first_note(each), 1))
        return least

    def _first_note(self, state: RuledPlace) -> int:
        """The distance where a pickup's first note is to begin: seldom does it depend on where that is."""
        likely = self._within(state, 0)
        return likely if likely <= self._within(state, ANYWHERE) else self._within(state)

    # --- rules under a header ------------------------------------------------------------------------------------

    def _bound_to(self, header: tuple[int, ...]) -> _Bound:
        meter, mode, tonic = header
        base = self.layout.tonic(tonic)
        pitches = self.grammar.pitches(mode, tonic)
        said = Header(
            Meter(*self.layout.meters[meter]),
            Key(tonic, MODES[mode]),
            tuple(base + pitch for pitch in pitches),
            self.grammar.limits.bars,
        )
        alike = (said.meter, len(pitches), *(rule.depends(said) for rule in self.rules))
        if alike not in self._tables:
            self._tables[alike] = _Tables(said, self.rules)
        return _Bound(self._tables[alike], {pitch: index for index, pitch in enumerate(pitches)})


def _plain(distance: int) -> int:
    return distance if distance < FAR else NEVER


def _more(distance: int, tokens: int) -> int:
    return distance + tokens if distance < NEVER else NEVER
