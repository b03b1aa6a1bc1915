"""The one table of melody events: which there are, and which id each has.

Encoding, decoding, the grammar, labels, masks and the saved file all read this table, so the layout is
written once. Knows neither which event may follow which (`grammar`) nor how notes become events (`melody`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray
from toolkit.score.notes import MODES, TICKS, Meter

FORMAT = 1
"""Counted up when the same events come to mean other notes."""

IntArray = npt.NDArray[np.int64]

TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

TYPES = ("air", "clog", "hornpipe", "jig", "reel", "slip jig", "strathspey", "waltz")
"""The kinds of tune that have an id of their own."""

_ALIKE = {"double jig": "jig", "single jig": "jig", "slipjig": "slip jig"}


class Kind(IntEnum):
    """What an event says."""

    STOP = 0
    METER = 1
    MODE = 2
    TONIC = 3
    BAR = 4
    PITCH = 5
    REST = 6
    TIE = 7
    UNTIL = 8
    AGAIN = 9
    TYPE = 10


OF_BARS = frozenset({Kind.PITCH, Kind.REST, Kind.TIE, Kind.UNTIL})
"""What fills a bar between its line and the next."""


class Event(NamedTuple):
    """One thing a token says, with a ``value`` in the units of its kind.

    METER, the index of the meter in the layout; MODE, the index in `toolkit.score.notes.MODES`; TONIC, a
    pitch class; BAR, the index in the phrase; PITCH, semitones above the tonic; UNTIL, ticks since the bar
    line (24 a quarter note); AGAIN, how many bars back the bar stands that comes again; TYPE, 0 where nobody said, else
    1 more than the index of the type in the layout; 0 for STOP, REST and TIE.
    """

    kind: Kind
    value: int = 0


@dataclass(frozen=True)
class Layout:
    """What decides the table of events. Every field is saved; two equal layouts give the same ids.

    ``phrase`` is the number of bars after which the count of bars begins again. Pitches reach from ``lowest``
    to ``highest`` semitones around the tonic that lies in the octave upwards from MIDI pitch ``reference``. A bar that
    comes again is announced when it stands at most ``again`` bars back; at 0 none is. ``types`` are the kinds of tune
    that can be told; without any, none is asked for.
    """

    meters: tuple[tuple[int, int], ...] = (
        *((beats, 4) for beats in (2, 3, 4, 5, 6, 7, 9)),
        *((beats, 2) for beats in (2, 3, 4)),
        *((beats, 8) for beats in (3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 15)),
        (6, 16),
    )
    phrase: int = 8
    lowest: int = -24
    highest: int = 36
    reference: int = 60
    again: int = 16
    types: tuple[str, ...] = TYPES

    def __post_init__(self) -> None:
        if not 2 <= self.phrase <= 64:
            raise ValueError("its phrase is not of 2 to 64 bars")
        if not -self.reference <= self.lowest <= 0 <= self.highest <= 116 - self.reference:
            raise ValueError("its pitches leave the range of MIDI")
        if not 1 <= len(set(self.meters)) == len(self.meters) <= 64:
            raise ValueError("its meters are none, too many or not distinct")
        if any(bar % 12 or bar > 384 for bar in self.bars):
            raise ValueError("its bars are too long or not of whole eighth notes")
        if not 0 <= self.again <= 64:
            raise ValueError("it looks back at other than 0 to 64 bars")
        if not len(set(self.types)) == len(self.types) <= 64 or "" in self.types:
            raise ValueError("its types of tune are too many, not distinct or without a name")

    @cached_property
    def events(self) -> tuple[Event, ...]:
        """The event that each id says, in the order of ids."""
        return tuple(self._listed())

    @cached_property
    def ids(self) -> dict[Event, int]:
        return {event: token for token, event in enumerate(self.events)}

    @cached_property
    def by_kind(self) -> dict[Kind, dict[int, int]]:
        """The id of each value, by kind: what encoding looks up for every note."""
        found: dict[Kind, dict[int, int]] = {kind: {} for kind in Kind}
        for token, (kind, value) in enumerate(self.events):
            found[kind][value] = token
        return found

    @cached_property
    def bars(self) -> tuple[int, ...]:
        """The length of a bar in ticks, by index of meter."""
        return tuple(Meter(*each).bar(TICKS) for each in self.meters)

    @cached_property
    def kinds(self) -> IntArray:
        """The number of each id's kind, of shape (V,)."""
        return np.array([event.kind for event in self.events])

    @cached_property
    def values(self) -> IntArray:
        """The value of each id's event, of shape (V,)."""
        return np.array([event.value for event in self.events])

    @cached_property
    def fingerprint(self) -> str:
        """A sha256 of the table and of what its numbers stand for."""
        table = [[event.kind.name, event.value] for event in self.events]
        whole = [FORMAT, TICKS, self.reference, self.meters, MODES, table, *([self.types] if self.types else [])]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    def tonic(self, pitch_class: int) -> int:
        """The MIDI pitch that relative pitch 0 means when the tonic is ``pitch_class``."""
        return self.reference + (pitch_class - self.reference) % 12

    def type_of(self, words: str) -> Event:
        """The event that says what kind of tune it is; what the layout has no id for is left unsaid."""
        name = _ALIKE.get(words, words)
        return Event(Kind.TYPE, 1 + self.types.index(name) if name in self.types else 0)

    def bar(self, number: int) -> Event:
        """The event that opens bar ``number``: full bars count from 1, which begins a phrase; 0 is the pickup."""
        return Event(Kind.BAR, (number - 1) % self.phrase)

    def mask(self, events: Iterable[Event]) -> BoolArray:
        """A read-only mask of shape (V,), True at these events."""
        mask = np.zeros(len(self.events), dtype=np.bool_)
        mask[[self.ids[event] for event in events]] = True
        mask.setflags(write=False)
        return mask

    def label(self, event: Event) -> str:
        """A short name for people."""
        kind, value = event
        if kind is Kind.METER:
            beats, unit = self.meters[value]
            return f"{beats}/{unit}"
        if kind is Kind.MODE:
            return MODES[value]
        if kind is Kind.TONIC:
            return f"in {TONICS[value]}"
        if kind is Kind.BAR:
            return f"bar {value + 1}"
        if kind is Kind.PITCH:
            return f"{value:+d}" if value else "tonic"
        if kind is Kind.AGAIN:
            return f"again {value}"
        if kind is Kind.TYPE:
            return self.types[value - 1] if value else "any type"
        return f"until {value / TICKS:g}" if kind is Kind.UNTIL else kind.name.lower()

    def data(self) -> dict[str, Any]:
        """The fields as plain data for JSON."""
        return asdict(self)

    @classmethod
    def of_data(cls, data: Any) -> Self:
        """The layout that `data` gave, by an earlier version as well; ValueError, TypeError or KeyError otherwise."""
        numbers = {name: data[name] for name in ("phrase", "lowest", "highest", "reference")}
        numbers["again"] = data.get("again", 0)
        types = tuple(data.get("types", ()))
        meters = tuple((beats, unit) for beats, unit in data["meters"])
        if any(type(number) is not int for number in (*numbers.values(), *sum(meters, ()))):
            raise ValueError("its layout holds something else than whole numbers")
        if any(type(name) is not str for name in types):
            raise ValueError("its types of tune are no words")
        return cls(meters=meters, types=types, **numbers)

    def _listed(self) -> Iterator[Event]:
        yield Event(Kind.STOP)
        yield from (Event(Kind.METER, index) for index in range(len(self.meters)))
        yield from (Event(Kind.MODE, index) for index in range(len(MODES)))
        yield from (Event(Kind.TONIC, pitch_class) for pitch_class in range(12))
        yield from (Event(Kind.BAR, index) for index in range(self.phrase))
        yield from (Event(Kind.PITCH, offset) for offset in range(self.lowest, self.highest + 1))
        yield Event(Kind.REST)
        yield Event(Kind.TIE)
        yield from (Event(Kind.UNTIL, tick) for tick in range(1, max(self.bars) + 1) if on_grid(tick))
        yield from (Event(Kind.AGAIN, back) for back in range(1, self.again + 1))
        yield from (Event(Kind.TYPE, number) for number in range(len(self.types) + 1) if self.types)


def on_grid(tick: int) -> bool:
    """Whether ``tick`` is one of the twelve points of a quarter: its 32nds and its triplet 16ths."""
    return tick % 3 == 0 or tick % 4 == 0
