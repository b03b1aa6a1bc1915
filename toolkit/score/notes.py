"""A score as values: notes in integer ticks on tracks, with meters, keys and tempos.

Knows the arithmetic of ticks, bars, keys and seconds. Knows no file format, no instrument's sound and no token.
Bar lines lie at multiples of the bar's length from each meter change; a pickup is silence before the first note.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Self, TypeVar

from toolkit.core import InputError

TICKS = 24
"""Ticks per quarter note on the melody grid: it holds 32nd notes and triplet 16ths exactly."""

MODES = ("major", "minor", "dorian", "phrygian", "lydian", "mixolydian", "locrian")

_PARENT = {"major": 0, "minor": 9, "dorian": 2, "phrygian": 4, "lydian": 5, "mixolydian": 7, "locrian": 11}
"""Semitones from the tonic of the major scale with the same notes up to the mode's tonic."""
_BRIGHTNESS = {"major": 0, "minor": 3, "dorian": 2, "phrygian": 4, "lydian": -1, "mixolydian": 1, "locrian": 5}
"""Fifths from the tonic of that major scale up to the mode's tonic."""
_FIFTHS = (0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5)
"""The usual signature of the major scale on each pitch class."""
_LINE = ("Fb", "Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#")
_LAST = 9  # D#, counted from C: what would be A# or E# is written Bb or F, with flats
_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}
_WORDS = {mode[:3]: mode for mode in MODES} | {"ion": "major", "aeo": "minor"}
_STEPS = {
    mode: tuple(sorted((step - start) % 12 for step in (0, 2, 4, 5, 7, 9, 11))) for mode, start in _PARENT.items()
}
_SLOWEST = 2**24 - 1


def _whole(what: str, value: object, low: int, high: int | None = None) -> None:
    if type(value) is not int or value < low or (high is not None and value > high):
        bounds = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise InputError(f"{what} must be a whole number {bounds}, not {value!r}.")


@dataclass(frozen=True, order=True, slots=True)
class Note:
    """One note: ``start`` and ``duration`` in ticks (duration > 0), MIDI ``pitch`` 0–127, ``velocity`` 1–127."""

    start: int
    pitch: int
    duration: int
    velocity: int = 80

    def __post_init__(self) -> None:
        start, pitch, duration, velocity = self.start, self.pitch, self.duration, self.velocity
        if (
            type(start) is type(pitch) is type(duration) is type(velocity) is int
            and start >= 0
            and 0 <= pitch <= 127
            and duration > 0
            and 1 <= velocity <= 127
        ):
            return
        _whole("a note's start", start, 0)
        _whole("a note's pitch", pitch, 0, 127)
        _whole("a note's duration", duration, 1)
        _whole("a note's velocity", velocity, 1, 127)

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True)
class Track:
    """Notes of one instrument, kept sorted. ``program`` is the General MIDI number 0–127; drums ignore it."""

    notes: tuple[Note, ...]
    program: int = 0
    drums: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        _whole("a track's program", self.program, 0, 127)
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def end(self) -> int:
        """The tick at which the last note ends; 0 without notes."""
        return max((note.end for note in self.notes), default=0)


@dataclass(frozen=True)
class Meter:
    """A time signature from tick ``start`` on; the denominator is a power of two up to 64."""

    numerator: int
    denominator: int
    start: int = 0

    def __post_init__(self) -> None:
        _whole("a meter's numerator", self.numerator, 1, 255)
        _whole("a meter's denominator", self.denominator, 1, 64)
        if self.denominator & (self.denominator - 1):
            raise InputError(f"a meter's denominator must be a power of two, not {self.denominator}.")
        _whole("a meter's start", self.start, 0)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @classmethod
    def parse(cls, text: str, start: int = 0) -> Self:
        """The meter written as ``6/8``, or the signs ``C`` (4/4) and ``C|`` (2/2)."""
        sign = {"C": "4/4", "C|": "2/2"}.get(text.strip(), text)
        found = re.fullmatch(r"\s*(\d{1,3})\s*/\s*(\d{1,2})\s*", sign)
        if not found:
            raise InputError(f"a meter is written like 6/8, not {text!r}.")
        return cls(int(found[1]), int(found[2]), start)

    def bar(self, resolution: int = TICKS) -> int:
        """Ticks in a bar; the nearest whole number where the resolution is too coarse to be exact."""
        return max(1, _nearest(4 * self.numerator * resolution, self.denominator))

    def beat(self, resolution: int = TICKS) -> int:
        """Ticks in a felt beat: three units in 6/8, 9/8 and 12/8, one unit elsewhere."""
        compound = self.denominator >= 8 and self.numerator > 3 and self.numerator % 3 == 0
        return max(1, _nearest(4 * resolution * (3 if compound else 1), self.denominator))


@dataclass(frozen=True)
class Key:
    """A tonic (pitch class 0–11, C is 0) and a mode of `MODES`, from tick ``start`` on."""

    tonic: int
    mode: str
    start: int = 0

    def __post_init__(self) -> None:
        _whole("a key's tonic", self.tonic, 0, 11)
        if self.mode not in MODES:
            raise InputError(f"a key's mode is one of {', '.join(MODES)}, not {self.mode!r}.")
        _whole("a key's start", self.start, 0)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def parse(cls, text: str, start: int = 0) -> Self:
        """The key written as ``D dorian``, ``Gm``, ``F# minor``, ``Bb``, ``EMix`` or ``A Minor``."""
        found = re.fullmatch(r"\s*([A-Ga-g])([#b♯♭]?)\s*([A-Za-z]*)\s*", text)
        word = found[3] if found else ""
        mode = {"": "major", "M": "major", "m": "minor"}.get(word) or _WORDS.get(word.lower()[:3])
        if not found or mode is None:
            raise InputError(f"a key is written like D dorian, Gm or F# minor, not {text!r}.")
        return cls((_LETTERS[found[1].upper()] + _ACCIDENTALS[found[2]]) % 12, mode, start)

    @classmethod
    def from_fifths(cls, fifths: int, mode: str = "major", start: int = 0) -> Self:
        """The key of ``mode`` whose signature has ``fifths`` sharps (flats when negative), from -7 to 7."""
        _whole("a key signature", fifths, -7, 7)
        if mode not in MODES:
            raise InputError(f"a key's mode is one of {', '.join(MODES)}, not {mode!r}.")
        return cls((7 * fifths + _PARENT[mode]) % 12, mode, start)

    @property
    def fifths(self) -> int:
        """Sharps (positive) or flats (negative) in the usual signature: the mode's own, so D dorian has none."""
        fifths = _FIFTHS[(self.tonic - _PARENT[self.mode]) % 12]
        return fifths - 12 if fifths + _BRIGHTNESS[self.mode] > _LAST else fifths

    @property
    def tonic_name(self) -> str:
        """The tonic spelled as its signature spells it: Bb, not A#."""
        return _LINE[self.fifths + _BRIGHTNESS[self.mode] + _LINE.index("C")]

    @property
    def name(self) -> str:
        return f"{self.tonic_name} {self.mode}"

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """The seven pitch classes of the scale, from the tonic up."""
        return tuple((self.tonic + step) % 12 for step in _STEPS[self.mode])

    def transposed(self, semitones: int) -> Self:
        return replace(self, tonic=(self.tonic + semitones) % 12)


@dataclass(frozen=True)
class Tempo:
    """Microseconds per quarter note from tick ``start`` on, as MIDI stores them (1 to 16,777,215)."""

    microseconds: int
    start: int = 0

    def __post_init__(self) -> None:
        _whole("a tempo's microseconds per quarter", self.microseconds, 1, _SLOWEST)
        _whole("a tempo's start", self.start, 0)

    @classmethod
    def from_bpm(cls, bpm: float, start: int = 0) -> Self:
        """The nearest tempo MIDI can store to ``bpm`` quarter notes a minute."""
        if not 60e6 / _SLOWEST <= bpm <= 60e6:
            raise InputError(f"a tempo must be at least 3.6 quarter notes a minute, and not {bpm:g}.")
        return cls(min(round(60e6 / bpm), _SLOWEST), start)

    @property
    def bpm(self) -> float:
        """Quarter notes a minute."""
        return 60e6 / self.microseconds


Change = TypeVar("Change", Meter, Key, Tempo)


@dataclass(frozen=True)
class Score:
    """Tracks and what governs them, in ticks of 1/``resolution`` quarter note.

    Meters and tempos begin at tick 0; each kind of change is in order of its start, no two at one tick. ``tune_type``
    is what kind of tune it is, in lower-case words (reel, slip jig, waltz); empty where nobody said. ``fermatas`` are
    the ticks at which what begins there is held.
    """

    tracks: tuple[Track, ...]
    meters: tuple[Meter, ...] = (Meter(4, 4),)
    keys: tuple[Key, ...] = ()
    tempos: tuple[Tempo, ...] = (Tempo(500_000),)
    resolution: int = TICKS
    title: str = ""
    tune_type: str = ""
    fermatas: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        _whole("a score's resolution", self.resolution, 1, 32_767)
        for what, changes in (("meter", self.meters), ("tempo", self.tempos)):
            if not changes or changes[0].start:
                raise InputError(f"a score's first {what} must begin at tick 0.")
        for what, starts in (
            ("meters", [each.start for each in self.meters]),
            ("keys", [each.start for each in self.keys]),
            ("tempos", [each.start for each in self.tempos]),
        ):
            if starts != sorted(set(starts)):
                raise InputError(f"a score's {what} must be in order, no two of them at one tick.")
        for fermata in self.fermatas:
            _whole("a fermata's place", fermata, 0)

    @property
    def notes(self) -> tuple[Note, ...]:
        """The notes of all tracks in order."""
        if len(self.tracks) == 1:
            return self.tracks[0].notes
        return tuple(sorted(note for track in self.tracks for note in track.notes))

    @property
    def end(self) -> int:
        """The tick at which the last note ends; 0 without notes."""
        return max((track.end for track in self.tracks), default=0)

    def rescaled(self, resolution: int) -> Score:
        """The same score in ticks of another size; what falls between two ticks goes to the nearer one."""

        def moved(tick: int) -> int:
            return _nearest(tick * resolution, self.resolution)

        def rewritten(note: Note) -> Note:
            start = moved(note.start)
            return Note(start, note.pitch, max(1, moved(note.end) - start), note.velocity)

        if resolution == self.resolution:
            return self
        _whole("a score's resolution", resolution, 1, 32_767)
        return replace(
            self,
            tracks=tuple(replace(track, notes=tuple(map(rewritten, track.notes))) for track in self.tracks),
            meters=in_order(replace(each, start=moved(each.start)) for each in self.meters),
            keys=in_order(replace(each, start=moved(each.start)) for each in self.keys),
            tempos=in_order(replace(each, start=moved(each.start)) for each in self.tempos),
            resolution=resolution,
            fermatas=tuple(sorted(set(map(moved, self.fermatas)))),
        )

    def transposed(self, semitones: int) -> Score:
        """The score with every pitch but the drums' moved; InputError when one leaves 0–127."""
        return replace(
            self,
            tracks=tuple(
                track
                if track.drums
                else replace(track, notes=tuple(replace(note, pitch=note.pitch + semitones) for note in track.notes))
                for track in self.tracks
            ),
            keys=tuple(key.transposed(semitones) for key in self.keys),
        )

    def seconds_at(self, tick: int) -> float:
        """When ``tick`` sounds, in seconds from the beginning."""
        starts, passed = self._clock
        place = bisect_right(starts, tick) - 1
        microseconds = passed[place] + (tick - starts[place]) * self.tempos[place].microseconds
        return microseconds / (1e6 * self.resolution)

    @cached_property
    def _clock(self) -> tuple[list[int], list[int]]:
        """Where each tempo begins, and what has passed by then in microseconds times the resolution."""
        passed = [0]
        for tempo, following in pairwise(self.tempos):
            passed.append(passed[-1] + (following.start - tempo.start) * tempo.microseconds)
        return [tempo.start for tempo in self.tempos], passed

    def bar_lines(self) -> tuple[int, ...]:
        """The ticks of the bar lines from 0 up to the one at or after the end of the last note."""
        lines: list[int] = []
        for meter, following in zip(self.meters, (*self.meters[1:], None), strict=True):
            bar = meter.bar(self.resolution)
            until = self.end + bar if following is None else min(following.start, self.end + bar)
            lines.extend(range(meter.start, until, bar))
        return tuple(lines)


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """Meters, keys or tempos sorted by start, the last given of those at one tick, without mere repetitions."""
    latest = {change.start: change for change in changes}
    kept: list[Change] = []
    for start in sorted(latest):
        if not kept or replace(latest[start], start=kept[-1].start) != kept[-1]:
            kept.append(latest[start])
    return tuple(kept)


def _nearest(numerator: int, denominator: int) -> int:
    return (2 * numerator + denominator) // (2 * denominator)
