"""What a user gives to go on from, as a polyphonic piece: MIDI, MusicXML, or what is a melody elsewhere. No ids."""

from __future__ import annotations

from pathlib import Path

from toolkit.domains.music import prompt as melodies
from toolkit.domains.music.corpora import MIDI, MUSICXML
from toolkit.domains.polyphony.corpora import piece_in
from toolkit.score.notes import Score


def read_prompt(given: str) -> Score:
    """All voices of the MIDI or MusicXML file that ``given`` names, or else the melody that it spells or names.

    InputError in one sentence when there is none.
    """
    path = Path(given.strip())
    if "\n" not in given and path.suffix.lower() in MIDI | MUSICXML and path.exists():
        return piece_in(path)[0]
    return melodies.read_prompt(given)
