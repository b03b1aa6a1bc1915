"""Melodies as files: what a user takes away.

Each export is a function of a score and of the details of how it came about (settings, seed, model), which
travel in MIDI and JSON files. Some details change the file itself: ``title``, ``tempo`` and ``instrument`` in every
format, ``swing`` and ``dynamics`` where it is played (MIDI and sound) and never where it is written.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.domains.music import listing
from toolkit.score import (
    Score,
    Tempo,
    piano_roll_png,
    piano_roll_svg,
    render_mp3,
    render_ogg,
    render_wav,
    shaped,
    sheet_png,
    sheet_svg,
    swung,
    write_midi,
    write_musicxml,
)
from toolkit.score.abc import write_abc

Export = Callable[[Score, Mapping[str, Any]], bytes]


def written(score: Score, details: Mapping[str, Any]) -> Score:
    """The score with the title, tempo and instrument that the details name."""
    title, tempo, instrument = (_detail(details, name) for name in ("title", "tempo", "instrument"))
    tracks = score.tracks
    if instrument is not None:
        tracks = tuple(replace(track, program=instrument) for track in tracks)
    tempos = score.tempos if tempo is None else (Tempo.from_bpm(tempo),)
    return replace(score, tracks=tracks, tempos=tempos, title=score.title if title is None else str(title))


def performed(score: Score, details: Mapping[str, Any]) -> Score:
    """The score as `written`, played with the swing and the dynamics that the details name."""
    score = written(score, details)
    if _detail(details, "dynamics"):
        score = shaped(score)
    return swung(score, float(_detail(details, "swing") or 0))


def midi(score: Score, details: Mapping[str, Any]) -> bytes:
    """A MIDI file; `toolkit.score.read_details` finds the details in it again."""
    return write_midi(performed(score, details), json.dumps(details, ensure_ascii=False, default=str))


def wav(score: Score, details: Mapping[str, Any]) -> bytes:
    return render_wav(performed(score, details))


def ogg(score: Score, details: Mapping[str, Any]) -> bytes:
    """The sound, compressed; MissingExtraError without soundfile, as `mp3`."""
    return render_ogg(performed(score, details))


def mp3(score: Score, details: Mapping[str, Any]) -> bytes:
    return render_mp3(performed(score, details))


def abc(score: Score, details: Mapping[str, Any]) -> bytes:
    """The melody in ABC notation."""
    return write_abc(written(score, details)).encode()


def musicxml(score: Score, details: Mapping[str, Any]) -> bytes:
    """The melody for notation programs."""
    return write_musicxml(written(score, details))


def engraved_svg(score: Score, details: Mapping[str, Any]) -> bytes:
    """Sheet music as a vector picture; MissingExtraError without verovio."""
    return sheet_svg(written(score, details)).encode()


def engraved_png(score: Score, details: Mapping[str, Any]) -> bytes:
    """Sheet music as a picture; MissingExtraError without verovio or resvg_py."""
    return sheet_png(written(score, details))


def notes_json(score: Score, details: Mapping[str, Any]) -> bytes:
    """The notes as data, times in ticks: ``ticks_per_quarter`` of them make a quarter note."""
    score = written(score, details)
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
    return piano_roll_svg(written(score, details)).encode()


def png(score: Score, details: Mapping[str, Any]) -> bytes:
    """The piano roll as a picture; MissingExtraError without Pillow."""
    return piano_roll_png(written(score, details))


def note_list(score: Score, details: Mapping[str, Any]) -> bytes:
    """The names of the notes, bar by bar."""
    return listing.note_list(written(score, details)).encode()


EXPORTS: Mapping[str, Export] = {
    ".mid": midi,
    ".wav": wav,
    ".ogg": ogg,
    ".mp3": mp3,
    ".json": notes_json,
    ".svg": svg,
    ".png": png,
    ".txt": note_list,
    ".abc": abc,
    ".musicxml": musicxml,
    ".sheet.svg": engraved_svg,
    ".sheet.png": engraved_png,
}


def _detail(details: Mapping[str, Any], name: str) -> Any:
    """A detail said directly, or among the settings of the generation."""
    settings = details.get("settings")
    return details.get(name, settings.get(name) if isinstance(settings, Mapping) else None)
