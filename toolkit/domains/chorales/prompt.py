"""What a user gives of a chorale: all four voices in MIDI, MusicXML or ABC, or one of them as a melody. No ids."""

from __future__ import annotations

from pathlib import Path

from toolkit.core import InputError
from toolkit.domains.music import prompt as melodies
from toolkit.domains.music.corpora import WRITTEN, refuse_strange, score_in
from toolkit.score import Score


def read_prompt(given: str) -> Score:
    """The four-part score in the file that ``given`` names; InputError when it names none."""
    path = Path(given.strip())
    if "\n" in given.strip() or path.suffix.lower() not in WRITTEN or not path.is_file():
        raise InputError(
            f"a chorale is a MIDI, MusicXML or ABC file with four parts, and {given.strip()[:60]!r} is none."
        )
    refuse_strange(path)
    return score_in(path)[0]


def read_melody(given: str) -> Score:
    """One line of notes, in any way that melodies are given."""
    return melodies.read_prompt(given)
