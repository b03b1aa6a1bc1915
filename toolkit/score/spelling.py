"""How a pitch is spelled in a key: its letter, its accidental and its octave.

Works on the line of fifths … F C G D … counted from C. Knows no file format and no time.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.score.notes import Key

_LINE = "FCGDAEB"
NATURAL = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Semitones of the seven letters above C."""
_FLATTEST = -3
"""Fifths from the signature to the flattest note used: E flat in C major and A minor; G sharp is the sharpest."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """``letter`` C to B, ``alter`` semitones up (-2 to 2), ``octave`` 4 for the one from middle C."""

    letter: str
    alter: int
    octave: int


def spelled(pitch: int, key: Key) -> Spelling:
    """MIDI ``pitch`` as ``key`` spells it: scale degrees by the signature, others by the nearest of its neighbours."""
    lowest = key.fifths + _FLATTEST
    letter, alter = _named(lowest + (7 * pitch - lowest) % 12)
    return Spelling(letter, alter, (pitch - alter - NATURAL[letter]) // 12 - 1)


def signature(key: Key) -> dict[str, int]:
    """What the key signature does to each of the seven letters."""
    return dict(_named(place) for place in range(key.fifths - 1, key.fifths + 6))


class Accidentals:
    """Which notes of a bar need a sign. Asked in the order in which a reader meets the notes.

    Readers differ in whether an accidental holds for other octaves of its letter, so a sign is given wherever it
    would be missed by either.
    """

    def __init__(self, key: Key) -> None:
        self._letters = signature(key)
        self._signature = dict(self._letters)
        self._places: dict[tuple[str, int], int] = {}

    def needed(self, note: Spelling) -> bool:
        place = (note.letter, note.octave)
        heard = self._letters[note.letter], self._places.get(place, self._signature[note.letter])
        self._letters[note.letter] = self._places[place] = note.alter
        return heard != (note.alter, note.alter)


def _named(place: int) -> tuple[str, int]:
    """(Letter, alteration) at a place on the line of fifths, C being 0."""
    return _LINE[(place + 1) % 7], (place + 1) // 7
