"""One part of a MusicXML document, measure by measure: what sounds in each, before it is known where the bar lines are.

Times are exact fractions of a quarter note from the measure's beginning. Knows elements of MusicXML; puts no score
together (`reader`). What is left out is counted by name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import NamedTuple
from xml.etree.ElementTree import Element

from toolkit.core import InputError
from toolkit.score.musicxml.drums import pitch_at
from toolkit.score.notes import MODES

LONGEST_MEASURE = 1024
"""Quarter notes in a measure at most."""

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNITS = {
    name: Fraction(8, 2**place)
    for place, name in enumerate(("breve", "whole", "half", "quarter", "eighth", "16th", "32nd", "64th"))
}
_NUMBER = re.compile(r"[+-]?\d{1,9}(\.\d{1,9})?")


class Sound(NamedTuple):
    """A written note: tied to what is ``before``, to what is ``after``."""

    at: Fraction
    pitch: int
    length: Fraction
    before: bool
    after: bool


@dataclass
class Measured:
    """A measure of one part. ``length`` is as far as its notes and rests reach."""

    length: Fraction = Fraction(0)
    sounds: list[Sound] = field(default_factory=list)
    fermatas: list[Fraction] = field(default_factory=list)
    meter: tuple[int, int] | None = None
    key: tuple[int, str | None] | None = None
    tempos: list[tuple[Fraction, float]] = field(default_factory=list)
    implicit: bool = False
    repeats: bool = False
    """Whether a section that is repeated begins here."""
    returns: int = 0
    """How often what leads here is played in all, where it is repeated after this measure; 0 where it is not."""
    passes: tuple[int, ...] = ()
    """The passes in which an ending that stands here is played; none where there is no ending."""


def measures_of(elements: Sequence[Element], drums: Mapping[str, int], left_out: Counter[str]) -> Iterator[Measured]:
    """The measures of a part; ``drums`` maps an instrument's id to the pitch it sounds. InputError where a value is
    none; what is left out is counted in ``left_out``.
    """
    reader = _Part(drums, left_out)
    for element in elements:
        yield reader.measure(element)


class _Part:
    """What goes on from measure to measure."""

    def __init__(self, drums: Mapping[str, int], left_out: Counter[str]) -> None:
        self._drums, self._left_out = drums, left_out
        self._divisions = Fraction(1)
        self._transpose = 0
        self._passes: tuple[int, ...] = ()

    def measure(self, element: Element) -> Measured:
        measured = Measured(implicit=element.get("implicit") == "yes", passes=self._passes)
        at, onset = Fraction(0), Fraction(0)
        for child in element:
            if child.tag == "note":
                at, onset = self._note(child, at, onset, measured)
            elif child.tag == "backup":
                at = max(Fraction(0), at - self._duration(child))
            elif child.tag == "forward":
                at += self._duration(child)
            elif child.tag == "attributes":
                self._attributes(child, measured)
            elif child.tag in ("direction", "sound"):
                tempo = _tempo(child)
                if tempo is not None:
                    measured.tempos.append((at, tempo))
            elif child.tag == "barline":
                self._barline(child, measured)
            elif child.tag == "harmony":
                self._left_out["chord symbol"] += 1
            measured.length = max(measured.length, at)
            if measured.length > LONGEST_MEASURE:
                raise InputError(
                    f"measure {element.get('number', '?')} is longer than {LONGEST_MEASURE} quarter notes."
                )
        return measured

    def _note(self, note: Element, at: Fraction, onset: Fraction, measured: Measured) -> tuple[Fraction, Fraction]:
        """Where the next note begins, and where this one does."""
        if note.find("grace") is not None:
            self._left_out["grace note"] += 1
            return at, onset
        if note.find("cue") is not None:
            self._left_out["cue note"] += 1
            return at + (0 if note.find("chord") is not None else self._duration(note)), onset
        length = self._duration(note)
        chord = note.find("chord") is not None
        start = onset if chord else at
        pitch = self._pitch(note)
        if pitch is not None and length > 0:
            ties = {each.get("type") for each in note.iter("tie")}
            measured.sounds.append(Sound(start, pitch, length, "stop" in ties, "start" in ties))
        if note.find("notations/fermata") is not None:
            measured.fermatas.append(start)
        return max(at, start + length) if chord else at + length, start

    def _pitch(self, note: Element) -> int | None:
        """The MIDI pitch that sounds; None for a rest, and for what sounds at no pitch and on no drum."""
        written = note.find("pitch")
        if written is not None:
            step = (written.findtext("step") or "").strip().upper()
            if step not in _STEPS:
                raise InputError(f"a pitch has the step {step[:8]!r}, and there are A to G.")
            alter = round(float(_number(written, "alter", Fraction(0))))
            octave = int(_number(written, "octave", Fraction(4)))
            pitch = 12 * (octave + 1) + _STEPS[step] + alter + self._transpose
            if not 0 <= pitch <= 127:
                raise InputError(f"a note has the MIDI pitch {pitch}, outside 0 to 127.")
            return pitch
        unpitched = note.find("unpitched")
        if unpitched is None:
            return None
        instrument = note.find("instrument")
        named = None if instrument is None else self._drums.get(instrument.get("id", ""))
        if named is not None:
            return named
        return pitch_at(unpitched.findtext("display-step") or "", unpitched.findtext("display-octave") or "")

    def _duration(self, element: Element) -> Fraction:
        length = _number(element, "duration", Fraction(0)) / self._divisions
        if not 0 <= length <= LONGEST_MEASURE:
            raise InputError(f"a duration is {float(length):g} quarter notes.")
        return length

    def _attributes(self, attributes: Element, measured: Measured) -> None:
        divisions = _number(attributes, "divisions", self._divisions)
        if not 0 < divisions <= 1 << 20:
            raise InputError(f"a quarter note has {float(divisions):g} divisions.")
        self._divisions = divisions
        time, key, transpose = (attributes.find(each) for each in ("time", "key", "transpose"))
        if transpose is not None:
            octaves = _number(transpose, "octave-change", Fraction(0))
            self._transpose = round(float(_number(transpose, "chromatic", Fraction(0)))) + 12 * int(octaves)
        if time is not None and time.find("beats") is not None:
            measured.meter = _meter(time)
        if key is not None and key.find("fifths") is not None:
            mode = (key.findtext("mode") or "").strip().lower()
            mode = {"ionian": "major", "aeolian": "minor"}.get(mode, mode)
            sounding = (7 * self._transpose + 6) % 12 - 6  # fifths that a transposing instrument's key lies away
            fifths = int(_number(key, "fifths", Fraction(0)))
            measured.key = _nearest(fifths + sounding) if sounding else fifths, mode if mode in MODES else None

    def _barline(self, barline: Element, measured: Measured) -> None:
        repeat, ending = barline.find("repeat"), barline.find("ending")
        if ending is not None:
            if ending.get("type") == "start":
                self._passes = tuple(int(each) for each in re.findall(r"\d{1,2}", ending.get("number", "")))
                measured.passes = self._passes
            else:
                self._passes = ()
        if repeat is not None and repeat.get("direction") == "forward":
            measured.repeats = True
        elif repeat is not None:
            times = repeat.get("times", "2")
            measured.returns = min(int(times), 16) if times.isdigit() and int(times) > 1 else 2


def _nearest(fifths: int) -> int:
    """The same signature written with at most seven accidentals."""
    return fifths - 12 if fifths > 7 else fifths + 12 if fifths < -7 else fifths


def _meter(time: Element) -> tuple[int, int]:
    beats = sum(int(each) for each in re.findall(r"\d{1,3}", time.findtext("beats") or ""))
    unit = (time.findtext("beat-type") or "").strip()
    if not 1 <= beats <= 255 or unit not in ("1", "2", "4", "8", "16", "32", "64"):
        raise InputError(f"a time signature is {beats}/{unit[:8]}.")
    return beats, int(unit)


def _tempo(element: Element) -> float | None:
    """Quarter notes a minute, as it is to sound, or else as the metronome mark says."""
    sound = element if element.tag == "sound" else element.find("sound")
    told = None if sound is None else sound.get("tempo")
    if told is not None and _NUMBER.fullmatch(told.strip()):
        return float(told)
    mark = element.find("direction-type/metronome")
    unit = None if mark is None else _UNITS.get((mark.findtext("beat-unit") or "").strip())
    if mark is None or unit is None:
        return None
    found = _NUMBER.search(mark.findtext("per-minute") or "")
    dotted = Fraction(3 if mark.find("beat-unit-dot") is not None else 2, 2)
    return float(found[0]) * float(unit * dotted) if found else None


def _number(element: Element, name: str, default: Fraction) -> Fraction:
    text = element.findtext(name)
    if text is None or not text.strip():
        return default
    if not _NUMBER.fullmatch(text.strip()):
        raise InputError(f"a {name} is {text.strip()[:20]!r} instead of a number.")
    return Fraction(text.strip())
