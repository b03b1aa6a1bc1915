"""What a user gives to go on from, as a polyphonic piece: a MIDI file, or what is a melody elsewhere. Knows no ids."""

from __future__ import annotations

from pathlib import Path

from toolkit.domains.music import prompt as melodies
from toolkit.domains.music.corpora import MIDI
from toolkit.domains.polyphony.corpora import piece_in
from toolkit.score.notes import Score


def read_prompt(given: str) -> Score:
    """All voices of the MIDI file that ``given`` names, or the melody that it spells or that an ABC file holds.

    InputError in one sentence when there is none.
    """
    path = Path(given.strip())
    if "\n" not in given and path.suffix.lower() in MIDI and path.exists():
        return piece_in(path)[0]
    return melodies.read_prompt(given)
