"""MusicXML to scores: parts as tracks, tied notes as one, and what was left out told in sentences.

Knows how measures of several parts lie side by side and how repeats are played; what is in a measure is `measures`,
what is in a file `container`. Grace notes, cue notes, chord symbols, dynamics and lyrics are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate
from xml.etree.ElementTree import Element

from toolkit.core import InputError
from toolkit.score.keys import detect_key
from toolkit.score.musicxml.container import document
from toolkit.score.musicxml.measures import Measured, measures_of
from toolkit.score.notes import TICKS, Key, Meter, Note, Score, Tempo, Track, in_order
from toolkit.score.sheet import Sheet, sentences_on

MOST_NOTES = 200_000
MOST_MEASURES = 20_000
MOST_PARTS = 128
_FINEST = 20_160
"""Ticks a quarter note at most: finer fractions are moved to the nearest."""


def read_musicxml(data: bytes, *, unfold: bool = False) -> Sheet:
    """The score in a MusicXML file, .mxl or not; InputError, in one sentence, when it cannot be read.

    Repeats are kept as written, once through, or with ``unfold`` played. A first measure that is short is a pickup:
    silence before it fills the bar. Without a stated mode, the key is the one of its signature that the notes are in.
    """
    root = document(data)
    left_out: Counter[str] = Counter()
    parts = _parts(root)
    if not parts:
        raise InputError("it has no parts.")
    if len(parts) > MOST_PARTS:
        raise InputError(f"it has {len(parts)} parts, and {MOST_PARTS} are read at most.")
    declared = {each.get("id", ""): each for each in root.iter("score-part")}
    voices = [list(measures_of(elements, _drums(declared.get(name)), left_out)) for name, elements in parts]
    count = max(map(len, voices))
    if not count or count > MOST_MEASURES:
        raise InputError("it has no measures." if not count else f"it has more than {MOST_MEASURES:,} measures.")
    for voice in voices:
        voice.extend(Measured() for _ in range(count - len(voice)))
    folded = any(measure.returns for measure in voices[0])
    order = _played(voices[0]) if unfold else list(range(count))
    laid = _Laid(voices, order)
    tracks = [_track(laid.notes(voice), declared.get(name)) for (name, _), voice in zip(parts, voices, strict=True)]
    findings = list(sentences_on(left_out))
    if folded and not unfold:
        findings.append("its repeats are kept as written, once through.")
    score = Score(
        tuple(tracks),
        laid.meters(),
        laid.keys([note for track in tracks if not track.drums for note in track.notes]),
        laid.tempos(),
        laid.resolution,
        _title(root),
        fermatas=laid.fermatas(),
    )
    return Sheet(score, tuple(findings))


def _parts(root: Element) -> list[tuple[str, list[Element]]]:
    """(A part's id, its measures), whichever way round the document has them."""
    if root.tag == "score-partwise":
        return [(part.get("id", ""), part.findall("measure")) for part in root.findall("part")]
    gathered: dict[str, list[Element]] = {}
    for measure in root.findall("measure"):
        for part in measure.findall("part"):
            own = Element("measure", measure.attrib)
            own.extend(part)
            gathered.setdefault(part.get("id", ""), []).append(own)
    return list(gathered.items())


def _drums(part: Element | None) -> dict[str, int]:
    """The pitch of each instrument that is a drum."""
    found = {}
    for instrument in part.findall("midi-instrument") if part is not None else ():
        told = (instrument.findtext("midi-unpitched") or "").strip()
        if told.isdigit() and 1 <= int(told) <= 128:
            found[instrument.get("id", "")] = int(told) - 1
    return found


def _track(notes: tuple[Note, ...], part: Element | None) -> Track:
    name, program, drums = "", 0, False
    if part is not None:
        name = " ".join((part.findtext("part-name") or "").split())[:200]
        told = (part.findtext("midi-instrument/midi-program") or "").strip()
        program = int(told) - 1 if told.isdigit() and 1 <= int(told) <= 128 else 0
        drums = (part.findtext("midi-instrument/midi-channel") or "").strip() == "10"
    return Track(notes, program, drums, name)


def _title(root: Element) -> str:
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    return " ".join(title.split())[:200]


def _played(measures: Sequence[Measured]) -> list[int]:
    """The order in which measures are played: sections between repeat signs again, each time with its own ending."""
    order: list[int] = []
    begin, number, turn = 0, 0, 1
    while number < len(measures) and len(order) < MOST_MEASURES:
        measure = measures[number]
        if measure.repeats and number != begin:
            begin, turn = number, 1
        if not measure.passes or turn in measure.passes:
            order.append(number)
            if measure.returns and turn < max(measure.returns, max(measure.passes, default=0) + bool(measure.passes)):
                number, turn = begin, turn + 1
                continue
            if measure.returns:
                begin, turn = number + 1, 1
        number += 1
    return order


@dataclass
class _Sounding:
    """A note as it grows from tie to tie, in quarter notes."""

    pitch: int
    start: Fraction
    end: Fraction


class _Laid:
    """Measures of all parts in a row, with the tick at which each begins."""

    def __init__(self, voices: Sequence[Sequence[Measured]], order: Sequence[int]) -> None:
        self._voices, self._order = voices, order
        self._lengths = [self._length(number, place) for place, number in enumerate(order)]
        self._begins = list(accumulate(self._lengths, initial=self._pickup()))
        self.resolution = _resolution(voices, self._lengths)

    def notes(self, voice: Sequence[Measured]) -> tuple[Note, ...]:
        """The notes of a part, those tied together as one."""
        whole: list[_Sounding] = []
        tied: dict[tuple[int, Fraction], _Sounding] = {}
        for number, begin in zip(self._order, self._begins, strict=False):
            # In the order of time, because a voice may be written after what it is tied to in another.
            for at, pitch, length, before, after in sorted(voice[number].sounds):
                start = begin + at
                note = tied.pop((pitch, start), None) if before else None
                if note is None:
                    note = _Sounding(pitch, start, start)
                    whole.append(note)
                note.end = start + length
                if after:
                    tied[pitch, note.end] = note
        if len(whole) > MOST_NOTES:
            raise InputError(f"it has more than the {MOST_NOTES:,} notes that are read.")
        notes = set()  # what two voices of a part strike together is one note
        for each in whole:
            tick = self._tick(each.start)
            notes.add(Note(tick, each.pitch, max(1, self._tick(each.end) - tick)))
        return tuple(notes)

    def meters(self) -> tuple[Meter, ...]:
        changes = [Meter(4, 4)]
        for place, number in enumerate(self._order):
            found = self._meter(number)
            if found is not None:
                changes.append(Meter(found[0], found[1], self._tick(self._begins[place]) if place else 0))
        return in_order(changes)

    def keys(self, notes: Sequence[Note]) -> tuple[Key, ...]:
        changes = []
        for place, number in enumerate(self._order):
            found = next((voice[number].key for voice in self._voices if voice[number].key), None)
            if found is not None:
                fifths, mode = found
                if not -7 <= fifths <= 7:
                    raise InputError(f"a key signature has {abs(fifths)} sharps or flats, and 7 are the most.")
                start = self._tick(self._begins[place]) if place else 0
                changes.append(Key.from_fifths(fifths, mode or _mode(fifths, notes), start))
        return in_order(changes) or ((replace(detect_key(notes), start=0),) if notes else ())

    def tempos(self) -> tuple[Tempo, ...]:
        changes = [Tempo(500_000)]
        for place, number in enumerate(self._order):
            for at, bpm in (each for voice in self._voices for each in voice[number].tempos):
                if 3.6 <= bpm <= 1_000:
                    start = self._tick(self._begins[place] + at) if place or at else 0
                    changes.append(Tempo.from_bpm(bpm, start))
        return in_order(changes)

    def fermatas(self) -> tuple[int, ...]:
        found = {
            self._tick(begin + at)
            for number, begin in zip(self._order, self._begins, strict=False)
            for voice in self._voices
            for at in voice[number].fermatas
        }
        return tuple(sorted(found))

    def _length(self, number: int, place: int) -> Fraction:
        written = max(voice[number].length for voice in self._voices)
        return written or self._bar(place)

    def _pickup(self) -> Fraction:
        """The silence that fills the bar of a short first measure."""
        if len(self._order) < 2:
            return Fraction(0)
        short = self._bar(0) - self._lengths[0]
        return short if short > 0 else Fraction(0)

    def _bar(self, place: int) -> Fraction:
        """Quarter notes in a bar of the meter that holds there."""
        told = [found for number in self._order[: place + 1] if (found := self._meter(number)) is not None]
        numerator, denominator = told[-1] if told else (4, 4)
        return Fraction(4 * numerator, denominator)

    def _meter(self, number: int) -> tuple[int, int] | None:
        """The meter that the first part which names any names in a measure."""
        return next((voice[number].meter for voice in self._voices if voice[number].meter), None)

    def _tick(self, quarters: Fraction) -> int:
        return math.floor(quarters * self.resolution + Fraction(1, 2))


def _mode(fifths: int, notes: Sequence[Note]) -> str:
    """Major or minor on a signature of which only the accidentals are told: the one that the notes speak for."""
    found = detect_key(notes)
    minor = Key.from_fifths(fifths, "minor")
    return "minor" if (found.tonic, found.mode) == (minor.tonic, "minor") else "major"


def _resolution(voices: Sequence[Sequence[Measured]], lengths: Sequence[Fraction]) -> int:
    """Ticks a quarter note that hold every time, a multiple of those of `toolkit.score` where that is not too fine."""
    denominators = {1, *(length.denominator for length in lengths)}
    denominators.update(each.denominator for each in _times(voices))
    resolution = TICKS
    for each in sorted(denominators):
        finer = math.lcm(resolution, each)
        if finer <= _FINEST:
            resolution = finer
    return resolution


def _times(voices: Sequence[Sequence[Measured]]) -> Iterator[Fraction]:
    for voice in voices:
        for measure in voice:
            for sound in measure.sounds:
                yield sound.at
                yield sound.length
