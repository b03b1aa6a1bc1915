"""What ABC's information fields mean: keys, meters, unit lengths and tempos, and the error all of ABC shares.

Knows one field at a time. Knows no tune and no music code.
Source: the abc music standard 2.1 (2011), section 3.1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from toolkit.core import InputError
from toolkit.score import Key, Meter, Tempo


class AbcError(InputError):
    """ABC that cannot be read, in one sentence."""


WHOLE = 2**14 * 3**3 * 5 * 7
"""Grains in a whole note: time is counted in these, exactly, in lengths down to 1/16384 with any tuplet of 2 to 9."""

NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
ACCIDENTALS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_SHARPENED = "FCGDAEB"
_MODES = {
    "maj": ("major", 0),
    "ion": ("major", 0),
    "min": ("minor", -3),
    "aeo": ("minor", -3),
    "dor": ("dorian", -2),
    "phr": ("phrygian", -4),
    "lyd": ("lydian", 1),
    "mix": ("mixolydian", -1),
    "loc": ("locrian", -5),
}
"""Mode, and the fifths by which its signature differs from the major key on the same tonic."""
_CLEFS = frozenset({"clef", "treble", "bass", "alto", "tenor", "perc", "none"})
_NOT_MODES = _CLEFS | {"exp", "octave", "oct", "transpose", "middle", "m", "stafflines", "shift", "style"}
_KEY = re.compile(r"\s*([A-Ga-g])([#b♯♭]?)\s*([A-Za-z]*)(.*)", re.DOTALL)
_EXTRA = re.compile(r"(\^\^?|__?|=)([A-Ga-g])(?![A-Za-z])")
_TEMPO = re.compile(r"((?:\d+/\d+\s+)*\d+/\d+)\s*=\s*(\d+(?:\.\d+)?)")

COMMON_METERS = ("2/4", "3/4", "4/4", "2/2", "6/8", "9/8", "12/8", "3/8", "3/2", "6/4", "5/4", "4/2")


@dataclass(frozen=True)
class Signature:
    """A key as it is written: ``key`` is what it means; ``altered`` raises letters, ``{"F": 1, "B": -1}``."""

    key: Key
    altered: tuple[tuple[str, int], ...] = ()


@lru_cache(maxsize=1024)
def read_key(text: str) -> Signature | None:
    """The key of a ``K:`` field; None for a field that only sets a clef; AbcError for what is no key.

    Capitals do not matter in a mode ("GM" is G minor, as the standard says) and its first three letters
    decide. Highland pipes ("Hp", "HP") sound A mixolydian. ``none`` and an empty field have no sharps or flats
    and count as C major. ``exp`` replaces the mode's own signature by the accidentals that follow.
    """
    words = text.split()
    if not words or words[0].lower() == "none":
        return Signature(Key(0, "major"))
    if words[0] in {"HP", "Hp"}:
        return Signature(Key(9, "mixolydian"), (("F", 1), ("C", 1)))
    if words[0].lower().split("=")[0] in _NOT_MODES:
        return None
    found = _KEY.match(text)
    if found is None:
        raise AbcError(f"the key {text.strip()!r} is not one that ABC knows.")
    tonic, accidental, word, rest = found.groups()
    raised = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1}[accidental]
    mode, change = _mode(word, text)
    fifths = _FIFTHS[tonic.upper()] + 7 * raised + change
    if abs(fifths) > 7:
        raise AbcError(f"the key {text.strip()!r} would need {abs(fifths)} sharps or flats.")
    altered = {} if "exp" in words or word.lower() == "exp" else _signature(fifths)
    for sign, letter in _EXTRA.findall(rest):
        altered[letter.upper()] = ACCIDENTALS[sign]
    pitch_class = (NATURAL[tonic.upper()] + raised) % 12
    return Signature(Key(pitch_class, mode), tuple((letter, by) for letter, by in altered.items() if by))


def _mode(word: str, text: str) -> tuple[str, int]:
    lower = word.lower()
    if lower == "m":
        return _MODES["min"]
    if not word or lower in _NOT_MODES:
        return _MODES["maj"]
    if lower[:3] not in _MODES:
        raise AbcError(f"the key {text.strip()!r} names no mode that ABC knows.")
    return _MODES[lower[:3]]


def _signature(fifths: int) -> dict[str, int]:
    if fifths >= 0:
        return dict.fromkeys(_SHARPENED[:fifths], 1)
    return dict.fromkeys(_SHARPENED[fifths:], -1)


@lru_cache(maxsize=256)
def read_meter(text: str) -> Meter | None:
    """The meter of an ``M:`` field, sums such as ``2+3/8`` added up; None for ``none`` or an empty field."""
    plain = text.strip().split()[0] if text.strip() else ""
    if plain.lower() in {"", "none"}:
        return None
    found = re.fullmatch(
        r"\(?(\d{1,2}(?:\+\d{1,2})*)\)?/(\d{1,2})", {"C": "4/4", "C|": "2/2", "c|": "2/2"}.get(plain, plain)
    )
    if found is None:
        raise AbcError(f"the meter {text.strip()!r} is not one that ABC knows.")
    try:
        return Meter(sum(map(int, found[1].split("+"))), int(found[2]))
    except InputError as error:
        raise AbcError(f"the meter {text.strip()!r} cannot be meant: {error}") from None


def bar_length(meter: Meter) -> int:
    """A bar in grains."""
    return meter.numerator * WHOLE // meter.denominator


def spelled(grains: int) -> str:
    """A duration in whole notes, for people: ``7/8``."""
    return str(Fraction(grains, WHOLE))


def default_unit(meter: Meter | None) -> Fraction:
    """The note length when no ``L:`` is given: a sixteenth in meters under three quarters, else an eighth."""
    return Fraction(1, 16) if meter is not None and 4 * bar_length(meter) < 3 * WHOLE else Fraction(1, 8)


def read_unit(text: str) -> Fraction:
    """The unit note length of an ``L:`` field, in whole notes."""
    found = re.fullmatch(r"\s*(\d{1,3})\s*(?:/\s*(\d{1,3}))?\s*", text)
    if found is None or not int(found[1]) or (found[2] is not None and not int(found[2])):
        raise AbcError(f"the note length {text.strip()!r} is not a fraction such as 1/8.")
    return Fraction(int(found[1]), int(found[2] or 1))


def read_tempo(text: str, unit: Fraction) -> Tempo | None:
    """The tempo of a ``Q:`` field; None when it says it in words only. A bare number counts unit lengths."""
    plain = re.sub(r'"[^"]*"', " ", text)
    found = _TEMPO.search(plain)
    if found is not None:
        beat = sum((_fraction(each) for each in found[1].split()), Fraction(0))
        per_minute = float(found[2])
    else:
        number = re.search(r"(\d+(?:\.\d+)?)\s*$", plain)
        if number is None:
            return None
        beat, per_minute = unit, float(number[1])
    try:
        return Tempo.from_bpm(per_minute * float(beat) * 4)
    except InputError:
        return None


def _fraction(text: str) -> Fraction:
    over, under = text.split("/")
    return Fraction(int(over), max(1, int(under)))


@lru_cache(maxsize=4096)
def read_length(text: str, unit: Fraction) -> int:
    """What follows a note, ``3``, ``/``, ``//``, ``3/2`` …, as grains when the unit note length is ``unit``."""
    over, *under = text.split("/")
    length = unit * int(over or 1) * WHOLE
    for each in under:
        if each and not int(each):
            raise AbcError(f"the note length {text!r} divides by nothing.")
        length /= int(each or 2)
    return exactly(length.numerator, length.denominator)


def exactly(over: int, under: int) -> int:
    """``over / under`` grains, which must be whole."""
    grains, rest = divmod(over, under)
    if rest:
        raise AbcError("a note is shorter, or divided into other parts, than can be counted exactly.")
    return grains
