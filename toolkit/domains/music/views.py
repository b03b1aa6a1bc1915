"""Melodies as files: what a user takes away.

Each export is a function of a score and of the details of how it came about (settings, seed, model), which
travel in MIDI and JSON files. Three details change the file itself: ``title``, ``tempo`` and ``instrument``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.domains.music import listing
from toolkit.score import Score, Tempo, piano_roll_png, piano_roll_svg, render_wav, write_midi

Export = Callable[[Score, Mapping[str, Any]], bytes]


def performed(score: Score, details: Mapping[str, Any]) -> Score:
    """The score with the title, tempo and instrument that the details name."""
    title, tempo, instrument = (_detail(details, name) for name in ("title", "tempo", "instrument"))
    tracks = score.tracks
    if instrument is not None:
        tracks = tuple(replace(track, program=instrument) for track in tracks)
    tempos = score.tempos if tempo is None else (Tempo.from_bpm(tempo),)
    return replace(score, tracks=tracks, tempos=tempos, title=score.title if title is None else str(title))


def midi(score: Score, details: Mapping[str, Any]) -> bytes:
    """A MIDI file; `toolkit.score.read_details` finds the details in it again."""
    return write_midi(performed(score, details), json.dumps(details, ensure_ascii=False, default=str))


def wav(score: Score, details: Mapping[str, Any]) -> bytes:
    return render_wav(performed(score, details))


def notes_json(score: Score, details: Mapping[str, Any]) -> bytes:
    """The notes as data, times in ticks: ``ticks_per_quarter`` of them make a quarter note."""
    score = performed(score, details)
    key = score.keys[0] if score.keys else None
    data = {
        "title": score.title,
        "meter": str(score.meters[0]),
        "key": key.name if key else None,
        "tempo": round(score.tempos[0].bpm, 3),
        "instrument": score.tracks[0].program if score.tracks else 0,
        "ticks_per_quarter": score.resolution,
        "notes": [
            {
                "start": note.start,
                "duration": note.duration,
                "pitch": note.pitch,
                "name": listing.pitch_name(note.pitch, key),
            }
            for note in score.notes
        ],
        "details": details,
    }
    return (json.dumps(data, indent=1, ensure_ascii=False, default=str) + "\n").encode()


def svg(score: Score, details: Mapping[str, Any]) -> bytes:
    """The piano roll as a vector picture."""
    return piano_roll_svg(performed(score, details)).encode()


def png(score: Score, details: Mapping[str, Any]) -> bytes:
    """The piano roll as a picture; MissingExtraError without Pillow."""
    return piano_roll_png(performed(score, details))


def note_list(score: Score, details: Mapping[str, Any]) -> bytes:
    """The names of the notes, bar by bar."""
    return listing.note_list(performed(score, details)).encode()


EXPORTS: Mapping[str, Export] = {
    ".mid": midi,
    ".wav": wav,
    ".json": notes_json,
    ".svg": svg,
    ".png": png,
    ".txt": note_list,
}


def _detail(details: Mapping[str, Any], name: str) -> Any:
    """A detail said directly, or among the settings of the generation."""
    settings = details.get("settings")
    return details.get(name, settings.get(name) if isinstance(settings, Mapping) else None)
