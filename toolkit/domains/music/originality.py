"""Melodies as they are compared with the training tunes, and the constraint that keeps one from copying too far.

Compared are the steps from note to note: the interval in semitones, and the time from the beginning of one to the
beginning of the next in 24ths of a quarter note. So a copy is found in any key, at any tempo and on any instrument, and
does not hide in notes held longer or cut short; the same tune in notes of twice the value is another one. A run of N
notes is N - 1 such steps. Knows notes and the events of the melody codec; the comparing is `toolkit.originality`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from toolkit.core import BoolArray, Codec, Document, UsageError
from toolkit.domains.music.events import Kind, Layout
from toolkit.domains.music.listing import length_mark, pitch_name
from toolkit.domains.music.melody import MelodyCodec
from toolkit.originality import BREAK, Candidates, CopyLimit, NgramIndex, Seen, Trace, mixed_one
from toolkit.score.notes import TICKS, Score

_INTERVALS = 256  # more than there are between two MIDI pitches, up and down
_HELD = 64  # tokens held back at most while a copy grows, or a bar is announced, so that they can be taken back


class MelodyView:
    """A `toolkit.originality.View` of scores; each track is a line of its own."""

    unit = "note"
    overlap = 1
    rates: Mapping[int, float] = MappingProxyType({5: 0.005, 11: 0.01})
    lengths: tuple[int, ...] = (16, 32, 64, 128)

    def look(self, item: Score, given: Score | None = None) -> Seen:
        """The steps between the notes that came after those given, in the order of `Score.notes`, track by track."""
        lines = [track.notes for track in item.rescaled(TICKS).tracks if not track.drums]
        if given is not None:
            lines = [line[len(given.notes) :] for line in lines[:1]]
        skipped = 0 if given is None else len(given.notes)
        symbols, starts = [], []
        for line in lines:
            for number, (note, after) in enumerate(pairwise(line)):
                symbols.append(_step(after.pitch - note.pitch, after.start - note.start))
                starts.append(skipped + number)
            symbols.append(BREAK)
            starts.append(skipped + max(0, len(line) - 1))
            skipped += len(line)
        places = np.array(starts[:-1], np.int64)
        return Seen(np.array(symbols[:-1], np.uint64), places, places + 2)

    def excerpt(self, item: Score, start: int, end: int) -> str:
        """The notes by name, each with its length in quarter notes where it is not one."""
        key = item.keys[0] if item.keys else None
        notes = [note for track in item.tracks if not track.drums for note in track.notes]
        return " ".join(
            pitch_name(note.pitch, key) + length_mark(note.duration, item.resolution) for note in notes[start:end]
        )

    def label(self, document: Document[Score]) -> str:
        title = document.item.title
        return f"{title} ({document.name})" if title else document.name


class Hearing(NamedTuple):
    """Where a melody stands: ``given`` tokens still to come, the length of its bar and the ``tick`` in it, ``since``
    the newest generated note began, its ``pitch`` above the tonic (None before the first), whether it is within a bar
    that comes ``again``, and ``held`` tokens that may yet be taken back.
    """

    trace: Trace
    given: int
    tick: int = 0
    since: int = 0
    pitch: int | None = None
    again: bool = False
    held: int = 0


class MelodyCopyLimit:
    """A `Constraint[Hearing]`: the generated notes hold no copy of more than ``most`` notes in a row.

    It sees the whole tune, of which the first ``given`` tokens were given: their notes do not count. Only a pitch can
    complete a copy; where every one would, and neither rest nor tie may stand, the notes that led there are taken back,
    and so is the announcement of a bar that would complete one.
    ``distance`` is always 0. UsageError where the index knows no copies so short.
    """

    growth = 0

    def __init__(self, layout: Layout, index: NgramIndex, most: int, given: int = 0) -> None:
        if most < index.sizes[0]:
            raise UsageError(f"copies can be limited to {index.sizes[0]} notes at the least, not {most}.")
        self._limit = CopyLimit(index, most - MelodyView.overlap)
        self._events = layout.events
        self._given = given
        pitches = [token for token, event in enumerate(layout.events) if event.kind is Kind.PITCH]
        self._pitches = np.array(pitches)
        self._heights = np.array([layout.events[token].value for token in pitches])
        self._allowed = lru_cache(64)(self._mask)

    def begin(self) -> Hearing:
        return Hearing(self._limit.begin(), self._given)

    def allowed(self, state: Hearing) -> BoolArray | None:
        if state.pitch is None or self._limit.room(state.trace) > 0:
            return None
        return self._allowed(state)

    def step(self, state: Hearing, token: int) -> Hearing:
        kind, value = self._events[token]
        if kind is Kind.UNTIL:
            state = state._replace(tick=value, since=state.since + value - state.tick)
        elif kind is Kind.BAR:
            state = state._replace(tick=0, again=False)
        elif kind is Kind.AGAIN:
            state = state._replace(again=not state.given)
        elif kind is Kind.PITCH and not state.given:
            state = self._struck(state, value)
        growing = state.again or 2 * self._limit.room(state.trace) < self._limit.most
        return state._replace(given=max(0, state.given - 1), held=min(state.held + 1, _HELD) if growing else 0)

    def distance(self, state: Hearing) -> int:
        return 0

    def pending(self, state: Hearing) -> int:
        return state.held

    def withdraw(self, state: Hearing) -> int:
        return 0

    def _struck(self, state: Hearing, pitch: int) -> Hearing:
        trace = state.trace
        if state.pitch is not None:
            trace = self._limit.step(trace, mixed_one(_step(pitch - state.pitch, state.since)))
        return state._replace(trace=trace, pitch=pitch, since=0)

    def _mask(self, state: Hearing) -> BoolArray | None:
        assert state.pitch is not None
        symbols = np.array([[_step(height, state.since)] for height in (self._heights - state.pitch).tolist()])
        candidates = Candidates(symbols.astype(np.uint64), np.ones(len(symbols), np.int64))
        blocked = self._limit.blocked(state.trace, candidates)
        if not blocked.any():
            return None
        mask_V = np.ones(len(self._events), np.bool_)
        mask_V[self._pitches[blocked]] = False
        return mask_V


def copy_limit(codec: Codec[Score, Any], index: NgramIndex, most: int, given: Score | None = None) -> MelodyCopyLimit:
    """The constraint on melodies of ``codec`` that go on from ``given``; UsageError for another kind of codec."""
    if not isinstance(codec, MelodyCodec):
        raise UsageError(f"copies cannot be limited in melodies of the codec {codec.name!r}.")
    return MelodyCopyLimit(codec.layout, index, most, 0 if given is None else len(codec.opening(given)))


def _step(interval: int, ticks: int) -> int:
    """The symbol of a step; never `BREAK`."""
    return ticks * _INTERVALS + interval + _INTERVALS // 2
