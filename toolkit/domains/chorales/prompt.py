"""What a user gives of a chorale: all four voices in a MIDI or MusicXML file, or one of them as a melody. No ids."""

from __future__ import annotations

from pathlib import Path

from toolkit.core import InputError
from toolkit.domains.music import prompt as melodies
from toolkit.domains.music.corpora import MIDI
from toolkit.score import Score, read_midi, read_musicxml

MUSICXML = frozenset({".musicxml", ".mxl", ".xml"})


def read_prompt(given: str) -> Score:
    """The four-part score in the file that ``given`` names; InputError when it names none."""
    path = Path(given.strip())
    suffix = path.suffix.lower()
    if "\n" in given.strip() or suffix not in MIDI | MUSICXML or not path.is_file():
        raise InputError(f"a chorale is a MIDI or MusicXML file with four parts, and {given.strip()[:60]!r} is none.")
    return read_midi(path) if suffix in MIDI else read_musicxml(path.read_bytes()).score


def read_melody(given: str) -> Score:
    """One line of notes, in any way that melodies are given."""
    return melodies.read_prompt(given)
