"""Sets of tones that a melody may be asked to keep to: named scales, degrees, or notes by name.

A scale is counted from the tonic, whatever that is; notes by name are what they are. Knows no melody and no token.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from toolkit.core import UsageError, unknown
from toolkit.score.notes import MODES, Key

SCALES: dict[str, tuple[int, ...]] = {
    **{mode: Key(0, mode).pitch_classes for mode in MODES},
    "harmonic minor": (0, 2, 3, 5, 7, 8, 11),
    "melodic minor": (0, 2, 3, 5, 7, 8, 9, 10, 11),
    "jazz minor": (0, 2, 3, 5, 7, 9, 11),
    "harmonic major": (0, 2, 4, 5, 7, 8, 11),
    "phrygian dominant": (0, 1, 4, 5, 7, 8, 10),
    "major pentatonic": (0, 2, 4, 7, 9),
    "minor pentatonic": (0, 3, 5, 7, 10),
    "blues": (0, 3, 5, 6, 7, 10),
    "major blues": (0, 2, 3, 4, 7, 9),
    "whole tone": (0, 2, 4, 6, 8, 10),
    "octatonic": (0, 2, 3, 5, 6, 8, 9, 11),
    "dominant octatonic": (0, 1, 3, 4, 6, 7, 9, 10),
    "chromatic": tuple(range(12)),
}
"""Semitones above the tonic. "melodic minor" has both forms of its sixth and seventh degree, up and down."""

MODE_OF = {
    **{mode: mode for mode in MODES},
    "harmonic minor": "minor",
    "melodic minor": "minor",
    "jazz minor": "minor",
    "harmonic major": "major",
    "phrygian dominant": "phrygian",
    "major pentatonic": "major",
    "minor pentatonic": "minor",
    "blues": "minor",
    "major blues": "major",
}
"""The mode that a melody in a scale is in, unless another is asked for; the symmetrical scales are in any."""

_NOTES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTERED = {"": 0, "#": 1, "♯": 1, "b": -1, "♭": -1, "##": 2, "bb": -2}
_DEGREES = (0, 2, 4, 5, 7, 9, 11)
_SEPARATORS = re.compile(r"[\s,;|-]+")


@dataclass(frozen=True)
class Tones:
    """Twelve-tone pitch classes: semitones above the tonic where ``relative``, else counted from C."""

    name: str
    classes: frozenset[int]
    relative: bool
    mode: str | None = None

    def above(self, key: Key) -> frozenset[int]:
        """The tones as semitones above the tonic of ``key``."""
        return self.classes if self.relative else frozenset((each - key.tonic) % 12 for each in self.classes)

    @classmethod
    def parse(cls, text: str) -> Tones:
        """A scale of `SCALES`, notes such as ``C D E G A``, or degrees of the major scale such as ``1 2 b3 5``."""
        name = " ".join(re.split(r"[\s_-]+", text.strip().lower()))
        if name in SCALES:
            return cls(name, frozenset(SCALES[name]), relative=True, mode=MODE_OF.get(name))
        words = [word for word in _SEPARATORS.split(text.strip()) if word]
        if words and all(pitch_class(word) is not None for word in words):
            return cls(" ".join(words), frozenset(pitch_class(word) or 0 for word in words), relative=False)
        degrees = [_degree(word) for word in words]
        if words and None not in degrees:
            return cls(f"the degrees {' '.join(words)}", frozenset(each or 0 for each in degrees), relative=True)
        raise unknown("scale", text, SCALES) if words else UsageError("no tones are named.")


def pitch_class(name: str) -> int | None:
    """The pitch class (C is 0) of a note's name, such as ``Bb`` or ``f#``; None for any other word."""
    letter, altered = name[:1].upper(), name[1:]
    return (_NOTES[letter] + _ALTERED[altered]) % 12 if letter in _NOTES and altered in _ALTERED else None


def _degree(word: str) -> int | None:
    found = re.fullmatch(r"([#b♯♭]{0,2})([1-7])", word)
    if not found or found[1] not in _ALTERED:
        return None
    return (_DEGREES[int(found[2]) - 1] + _ALTERED[found[1]]) % 12
