"""Scores in integer ticks, and the one place that reads and writes MIDI files, sound and piano rolls.

Importing it loads no MIDI library: what needs one is imported when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from toolkit.score.notes import MODES, TICKS, Key, Meter, Note, Score, Tempo, Track, in_order

if TYPE_CHECKING:
    from toolkit.score.engraving import sheet_png, sheet_svg
    from toolkit.score.keys import detect_key
    from toolkit.score.melody import Extraction, extract_melody
    from toolkit.score.midi import read_details, read_midi, write_midi
    from toolkit.score.musicxml import read_musicxml, write_musicxml
    from toolkit.score.performance import shaped, swung
    from toolkit.score.roll import piano_roll_png, piano_roll_svg
    from toolkit.score.smf import MidiError
    from toolkit.score.sound import render, render_mp3, render_ogg, render_wav, sound_engine

__all__ = [
    "MODES",
    "TICKS",
    "Extraction",
    "Key",
    "Meter",
    "MidiError",
    "Note",
    "Score",
    "Tempo",
    "Track",
    "detect_key",
    "extract_melody",
    "in_order",
    "piano_roll_png",
    "piano_roll_svg",
    "read_details",
    "read_midi",
    "read_musicxml",
    "render",
    "render_mp3",
    "render_ogg",
    "render_wav",
    "shaped",
    "sheet_png",
    "sheet_svg",
    "sound_engine",
    "swung",
    "write_midi",
    "write_musicxml",
]

_HOMES = {
    "MidiError": "smf",
    "detect_key": "keys",
    "Extraction": "melody",
    "extract_melody": "melody",
    "read_details": "midi",
    "read_midi": "midi",
    "write_midi": "midi",
    "piano_roll_png": "roll",
    "piano_roll_svg": "roll",
    "render": "sound",
    "render_mp3": "sound",
    "render_ogg": "sound",
    "render_wav": "sound",
    "shaped": "performance",
    "sheet_png": "engraving",
    "sheet_svg": "engraving",
    "sound_engine": "sound",
    "swung": "performance",
    "read_musicxml": "musicxml",
    "write_musicxml": "musicxml",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"toolkit.score.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
