"""Which melody event may follow which, as an automaton that always knows the shortest way to an end.

A sequence is METER MODE TONIC, a TYPE before them where the layout knows any, then bars. A bar is BAR, then pairs
of what sounds (PITCH, REST, or TIE: the note from before the bar line goes on) and UNTIL, the place in the bar where
it ends; it is full at its length. A tune with a pickup begins with the BAR before the first of the phrase, then UNTIL
says where in it the first note begins. So a tune's first event is a pitch, and a silence before it needs no other form.

A tune may end where a bar is full and where the pickup completes it. Each melody has exactly one spelling:
a silence is one REST up to the next bar line, and one after the last note reaches just to the next place
where a tune may end. `Limits` narrows the automaton to the tunes a user asked for; it stays exact, so
whoever follows `Grammar.distance` never gets stuck.

Knows events, not notes, and token numbers only through the `Layout`; that a bar is announced is no matter of form, but
of what was said before (`announcing`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

from toolkit.core import BoolArray, UsageError
from toolkit.domains.music.events import Event, Kind, Layout
from toolkit.domains.music.scales import Tones
from toolkit.score.notes import MODES, Key

UNREACHABLE = 2**31 - 1
"""The distance of a place from which no tune within the limits can be finished."""

_REMEMBERED = 1 << 15


class Stage(IntEnum):
    """What is expected next. The header's stages count up to the first bar, one for each token."""

    TYPE = -1
    METER = 0
    MODE = 1
    TONIC = 2
    FIRST_BAR = 3
    START = 4
    FIRST_NOTE = 5
    SOUND = 6
    UNTIL = 7
    BAR_LINE = 8
    DONE = 9


class Place(NamedTuple):
    """Where in a tune a sequence stands: the state of the automaton.

    ``bar`` is its length in ticks; ``palette`` indexes the pitches in use (before TONIC: the mode); ``start`` is
    where the pickup begins, 0 without one; ``number`` counts bars, 0 being the pickup, and starts again after
    a phrase unless bars are limited; ``tick`` is the place in the bar; ``sounding`` says whether the last event,
    finished or not, was a note; ``home`` whether the tune may end with the last note; ``complete`` whether it may
    end here.
    """

    stage: Stage
    bar: int = 0
    palette: int = 0
    start: int = 0
    number: int = 0
    tick: int = 0
    sounding: bool = False
    home: bool = True
    complete: bool = False


@dataclass(frozen=True)
class Limits:
    """What a tune must be, in musical terms. None leaves a thing open.

    ``bars`` counts full bars: the pickup is not one, and the last may lack it. ``low`` and ``high`` are MIDI
    pitches, both inclusive. ``scale`` keeps to the seven notes of the mode, ``tones`` to those it names; ``cadence``
    asks the last note to be a tonic. ``tune_type`` is one of the layout's.
    """

    meter: tuple[int, int] | None = None
    mode: str | None = None
    tonic: int | None = None
    bars: int | None = None
    low: int = 0
    high: int = 127
    scale: bool = False
    cadence: bool = False
    tones: Tones | None = None
    tune_type: str | None = None


class Grammar:
    """The automaton of a layout within limits: a `toolkit.core.Constraint` whose state is a `Place`.

    UsageError when no tune can meet the limits.
    """

    growth = 4
    """The most that one token adds to `distance`: a REST where the tune was complete."""

    def __init__(self, layout: Layout, limits: Limits | None = None) -> None:
        self.layout = layout
        self.limits = limits or Limits()
        self._meters = [m for m, each in enumerate(layout.meters) if self.limits.meter in (None, each)]
        self._modes = [m for m, each in enumerate(MODES) if self.limits.mode in (None, each)]
        self._tonics = [t for t in range(12) if self.limits.tonic in (None, t)]
        self._palettes = {(mode, tonic): self._pitches(mode, tonic) for mode in self._modes for tonic in self._tonics}
        self._distinct = sorted({each for each in self._palettes.values() if each})
        self._notes = [[Event(Kind.PITCH, pitch) for pitch in each] for each in self._distinct]
        self._untils = [event for event in layout.events if event.kind is Kind.UNTIL]
        self._masks: dict[bytes, BoolArray] = {}  # far fewer than places
        self._shortest = 3 * (self.limits.bars or 1) + 1
        self.allowed = lru_cache(_REMEMBERED)(self._allowed)
        self.step = lru_cache(_REMEMBERED)(self._step)
        self._check()

    def begin(self) -> Place:
        return Place(Stage.TYPE if self.layout.types else Stage.METER)

    def _allowed(self, place: Place) -> BoolArray:
        """The mask of events after which a tune within the limits can still be finished."""
        events = self.formed(place)
        if place.number == self.limits.bars:  # only the last bar has sounds that lead nowhere
            events = (event for event in events if self.distance(self.after(place, event)) < UNREACHABLE)
        mask = self.layout.mask(events)
        return self._masks.setdefault(mask.tobytes(), mask)

    def _step(self, place: Place, token: int) -> Place:
        return self.after(place, self.layout.events[token])

    def after(self, place: Place, event: Event) -> Place:
        """The place after an allowed event."""
        kind, value = event
        if kind is Kind.UNTIL:
            return self._reach(place, value)
        if kind is Kind.PITCH:
            home = not self.limits.cadence or value % 12 == 0
            return place._replace(stage=Stage.UNTIL, sounding=True, home=home, complete=False)
        if kind is Kind.TIE or kind is Kind.REST:
            return place._replace(stage=Stage.UNTIL, sounding=kind is Kind.TIE, complete=False)
        if kind is Kind.BAR:
            return self._cross(place, event)
        if kind is Kind.TYPE:
            return Place(Stage.METER)
        if kind is Kind.METER:
            return Place(Stage.MODE, bar=self.layout.bars[value])
        if kind is Kind.MODE:
            return place._replace(stage=Stage.TONIC, palette=value)
        if kind is Kind.TONIC:
            palette = self._distinct.index(self._palettes[place.palette, value])
            return place._replace(stage=Stage.FIRST_BAR, palette=palette)
        return Place(Stage.DONE)

    def distance(self, place: Place) -> int:
        """The fewest tokens, stop included, to the end of a tune within the limits; `UNREACHABLE` if none.

        A bar costs three tokens at least: BAR, one sound, UNTIL its end.
        """
        stage = place.stage
        if stage is Stage.DONE:
            return 0
        if stage < Stage.FIRST_BAR:
            return 3 - stage + self._shortest
        if stage is Stage.FIRST_BAR:
            return self._shortest
        left = self._bars_left(place)
        if left:
            return self._rest_of_bar(place) + 3 * left + 1
        if place.complete:
            return 1
        if stage is Stage.UNTIL:
            return self._last_sound(place)
        if stage is Stage.BAR_LINE:
            return UNREACHABLE if self.limits.bars else 4
        return self._rest_of_bar(place) + 1

    def formed(self, place: Place) -> Iterator[Event]:
        """The events that the form of a melody permits here."""
        stage = place.stage
        if stage is Stage.TYPE:
            yield from self._types()
        elif stage is Stage.METER:
            yield from (Event(Kind.METER, meter) for meter in self._meters)
        elif stage is Stage.MODE:
            yield from (Event(Kind.MODE, mode) for mode in self._modes if self._tonics_for(mode))
        elif stage is Stage.TONIC:
            yield from (Event(Kind.TONIC, tonic) for tonic in self._tonics_for(place.palette))
        elif stage is Stage.FIRST_BAR:
            yield from (self.layout.bar(number) for number in (0, 1))
        elif stage is Stage.START:
            yield from (event for event in self._later(place) if event.value < place.bar)
        elif stage is Stage.FIRST_NOTE:
            yield from self._notes[place.palette]
        elif stage is Stage.SOUND:
            yield from self._sounds(place)
        elif stage is Stage.UNTIL:
            yield from self._later(place)
        elif stage is Stage.BAR_LINE and place.number != self.limits.bars:
            yield self.layout.bar(place.number + 1)
        if place.complete and not self._bars_left(place):
            yield Event(Kind.STOP)

    def _types(self) -> Iterator[Event]:
        if self.limits.tune_type is not None:
            yield self.layout.type_of(self.limits.tune_type)
        else:
            yield from (Event(Kind.TYPE, number) for number in range(len(self.layout.types) + 1))

    def _sounds(self, place: Place) -> Iterator[Event]:
        yield from self._notes[place.palette]
        if place.tick == 0 and place.sounding:
            yield Event(Kind.TIE)
        if place.tick == 0 or place.sounding:
            yield Event(Kind.REST)

    def _later(self, place: Place) -> Iterator[Event]:
        return (event for event in self._untils if place.tick < event.value <= place.bar)

    def _reach(self, place: Place, tick: int) -> Place:
        if place.stage is Stage.START:
            return place._replace(stage=Stage.FIRST_NOTE, start=tick, tick=tick)
        ends = (place.start, place.bar) if place.sounding else (closing(place.tick, place.start, place.bar),)
        stage = Stage.BAR_LINE if tick == place.bar else Stage.SOUND
        return place._replace(stage=stage, tick=tick, complete=place.home and tick in ends)

    def _cross(self, place: Place, event: Event) -> Place:
        if place.stage is not Stage.FIRST_BAR:
            return place._replace(stage=Stage.SOUND, number=self._next(place.number), tick=0, complete=False)
        if event == self.layout.bar(0):
            return place._replace(stage=Stage.START)
        return place._replace(stage=Stage.FIRST_NOTE, number=1)

    def _next(self, number: int) -> int:
        return number + 1 if self.limits.bars else number % self.layout.phrase + 1

    def _bars_left(self, place: Place) -> int:
        return self.limits.bars - place.number if self.limits.bars else 0

    def _rest_of_bar(self, place: Place) -> int:
        """The fewest tokens from here until the bar is full."""
        return {Stage.START: 3, Stage.UNTIL: 1, Stage.BAR_LINE: 0}.get(place.stage, 2)

    def _last_sound(self, place: Place) -> int:
        """The distance from a sound without its UNTIL in what may be the last bar."""
        if place.home and (place.sounding or closing(place.tick, place.start, place.bar) is not None):
            return 2  # it ends the tune
        if any(event.value < place.bar for event in self._later(place)):
            return 4  # another note does, in this bar
        return UNREACHABLE if self.limits.bars else 5

    def headers(self, meter: int | None = None, mode: int | None = None) -> Iterator[tuple[int, int, int]]:
        """Every (meter, mode, tonic) that the limits leave, narrowed to a meter or a mode."""
        for each_meter in self._meters if meter is None else [meter]:
            for each_mode in self._modes if mode is None else [mode]:
                yield from ((each_meter, each_mode, tonic) for tonic in self._tonics_for(each_mode))

    def pitches(self, mode: int, tonic: int) -> tuple[int, ...]:
        """The pitches in semitones above the tonic that the limits leave in a key, in order."""
        return self._palettes[mode, tonic]

    def _tonics_for(self, mode: int) -> list[int]:
        return [tonic for tonic in self._tonics if self._palettes[mode, tonic]]

    def _pitches(self, mode: int, tonic: int) -> tuple[int, ...]:
        """The relative pitches that the limits leave in a key; none where they leave no melody."""
        base = self.layout.tonic(tonic)
        lowest = max(self.layout.lowest, self.limits.low - base)
        highest = min(self.layout.highest, self.limits.high - base)
        degrees = set(Key(0, MODES[mode]).pitch_classes if self.limits.scale else range(12))
        if self.limits.tones is not None:
            degrees &= self.limits.tones.above(Key(tonic, MODES[mode]))
        pitches = tuple(pitch for pitch in range(lowest, highest + 1) if pitch % 12 in degrees)
        lacks_cadence = self.limits.cadence and all(pitch % 12 for pitch in pitches)
        return () if lacks_cadence else pitches

    def _check(self) -> None:
        asked = self.limits
        if not self._meters:
            raise UsageError(
                f"melodies can be in {', '.join(map(_meter, self.layout.meters))}, not {_meter(asked.meter)}."
            )
        if asked.tune_type is not None and asked.tune_type not in self.layout.types:
            if not self.layout.types:
                raise UsageError("this model was told nothing of types of tune: it cannot be asked for one.")
            known = ", ".join(self.layout.types)
            raise UsageError(f"the types of tune that this model knows are {known}, not {asked.tune_type}.")
        if asked.bars is not None and asked.bars < 1:
            raise UsageError(f"a melody has at least one bar, not {asked.bars}.")
        if not self._distinct:
            key = "any key" if asked.tonic is None else Key(asked.tonic, asked.mode or MODES[0]).tonic_name
            note = "a tonic" if asked.cadence else "a note"
            of = f" of {asked.tones.name}" if asked.tones is not None else ""
            raise UsageError(f"no melody in {key} has {note}{of} from {asked.low} to {asked.high} (MIDI pitches).")


@lru_cache(maxsize=8)
def grammar_within(layout: Layout, limits: Limits) -> Grammar:
    """The grammar of a layout within limits, shared so that its masks are computed once."""
    return Grammar(layout, limits)


def closing(tick: int, start: int, bar: int) -> int | None:
    """Where in the bar a silence after the last note ends, for a tune whose pickup begins at ``start``.

    None where the tune may end at ``tick`` without one: at a bar line, and where the pickup completes the bar.
    """
    if tick in (0, start, bar):
        return None
    return start if tick < start else bar


def _meter(meter: tuple[int, int] | None) -> str:
    return "any meter" if meter is None else f"{meter[0]}/{meter[1]}"
