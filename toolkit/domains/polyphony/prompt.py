"""What a user gives to go on from, as a polyphonic piece: MIDI, MusicXML, ABC or a melody. No ids."""

from __future__ import annotations

from pathlib import Path

from toolkit.domains.music import prompt as melodies
from toolkit.domains.music.corpora import WRITTEN, refuse_strange, score_in
from toolkit.domains.polyphony.corpora import piece_of
from toolkit.score.notes import Score


def read_prompt(given: str) -> Score:
    """All voices of the MIDI, MusicXML or ABC file that ``given`` names, or else the melody that it spells or names.

    InputError in one sentence when there is none.
    """
    path = Path(given.strip())
    if "\n" not in given and path.suffix.lower() in WRITTEN and path.exists():
        refuse_strange(path)
        return piece_of(*score_in(path), called=path.stem)[0]
    return melodies.read_prompt(given)
