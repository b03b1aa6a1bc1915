"""Where the drums of General MIDI stand on a staff of five lines.

Source: the common practice described by Norman Weinberg, "Guidelines for Drumset Notation", Percussive Notes (1994).
"""

from __future__ import annotations

_PLACES = {
    **dict.fromkeys((35, 36), ("F", 4, False)),  # bass drums
    **dict.fromkeys((37, 38, 39, 40), ("C", 5, False)),  # snares, side stick, clap
    **dict.fromkeys((41, 43), ("A", 4, False)),  # floor toms
    **dict.fromkeys((45, 47), ("D", 5, False)),  # low and middle toms
    **dict.fromkeys((48, 50), ("E", 5, False)),  # high toms
    44: ("D", 4, True),  # hi-hat by foot
    **dict.fromkeys((42, 46), ("G", 5, True)),  # hi-hats
    **dict.fromkeys((51, 53, 59), ("F", 5, True)),  # ride cymbals
    **dict.fromkeys((49, 52, 55, 57), ("A", 5, True)),  # crash cymbals
}


def place_of(drum: int) -> tuple[str, int, bool]:
    """(Letter, octave, whether its head is a cross) of a General MIDI drum, as in the treble clef."""
    return _PLACES.get(drum, ("B", 4, False))


def pitch_at(letter: str, octave: str) -> int:
    """The General MIDI drum at a place of the staff, the first of several; a closed hi-hat where there is none."""
    found = (drum for drum, place in _PLACES.items() if (place[0], str(place[1])) == (letter.strip(), octave.strip()))
    return next(found, 42)
