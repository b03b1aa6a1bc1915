"""A melody as it is heard event by event: a value that grows, where a decoder is an object that changes.

Keeps notes with their place in the bar, pitches as semitones above the tonic. Knows events, and no token number
beyond the `Layout`; what is heard must be grammatical.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from toolkit.domains.music.events import OF_BARS, Kind, Layout
from toolkit.score.notes import Meter


class Sounded(NamedTuple):
    """A note: the number of the bar it begins in (0 the pickup), the tick in it, semitones above the tonic, ticks."""

    bar: int
    tick: int
    pitch: int
    length: int


class Heard(NamedTuple):
    """What was heard so far. ``tick`` is where in bar ``number`` the next sound begins, -1 before the first bar.

    A bar that is announced is heard at once, for nothing else can come; its tokens then are ``known`` and say nothing
    more. ``bars`` are the tokens of all bars. ``sounding`` is what sounds without an end yet: a pitch, a tie or a rest;
    the last of ``notes`` may still go on over the bar line. ``bar`` and ``beat`` are lengths in ticks.
    """

    bar: int = 0
    beat: int = 0
    number: int = -1
    tick: int = 0
    sounding: tuple[Kind, int] | None = None
    notes: tuple[Sounded, ...] = ()
    bars: tuple[tuple[int, ...], ...] = ()
    known: bool = False

    @property
    def at(self) -> int:
        """Ticks since the first full bar line; before it negative."""
        return (self.number - 1) * self.bar + self.tick

    def onset(self, note: Sounded) -> int:
        """Where a note begins, counted as ``at`` is."""
        return (note.bar - 1) * self.bar + note.tick


def hear(layout: Layout, heard: Heard, token: int) -> Heard:
    """What is heard after one more token."""
    kind, value = layout.events[token]
    if kind in OF_BARS:
        return heard if heard.known else _sounds(heard, token, kind, value)
    if kind is Kind.AGAIN:
        for each in heard.bars[-1 - value]:
            heard = hear(layout, heard, each)
        return heard._replace(known=True)
    if kind is Kind.BAR:
        first = 1 if value == layout.bar(1).value else 0
        number = first if heard.number < 0 else heard.number + 1
        return heard._replace(number=number, tick=0, bars=(*heard.bars, ()), known=False)
    if kind is Kind.METER:
        meter = Meter(*layout.meters[value])
        return heard._replace(bar=meter.bar(), beat=meter.beat())
    return heard


def heard_from(layout: Layout, tokens: Iterable[int]) -> Heard:
    """What is heard after all of ``tokens``."""
    heard = Heard()
    for token in tokens:
        heard = hear(layout, heard, token)
    return heard


def _sounds(heard: Heard, token: int, kind: Kind, value: int) -> Heard:
    heard = heard._replace(bars=(*heard.bars[:-1], (*heard.bars[-1], token)))
    return _until(heard, value) if kind is Kind.UNTIL else heard._replace(sounding=(kind, value))


def _until(heard: Heard, tick: int) -> Heard:
    notes = heard.notes
    length = tick - heard.tick
    if heard.sounding is not None:
        kind, pitch = heard.sounding
        if kind is Kind.PITCH:
            notes = (*notes, Sounded(heard.number, heard.tick, pitch, length))
        elif kind is Kind.TIE:
            notes = (*notes[:-1], notes[-1]._replace(length=notes[-1].length + length))
    return heard._replace(tick=tick, sounding=None, notes=notes)
