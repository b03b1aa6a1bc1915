"""A score as plain data, for JSON: every field, nothing rounded. Knows no file format."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.core import InputError
from toolkit.score.notes import Key, Meter, Note, Score, Tempo, Track


def score_data(score: Score) -> dict[str, Any]:
    """Numbers, texts and lists of them, from which `score_of_data` makes an equal score."""
    return {
        "resolution": score.resolution,
        "title": score.title,
        "tune_type": score.tune_type,
        "fermatas": list(score.fermatas),
        "meters": [[each.numerator, each.denominator, each.start] for each in score.meters],
        "keys": [[each.tonic, each.mode, each.start] for each in score.keys],
        "tempos": [[each.microseconds, each.start] for each in score.tempos],
        "tracks": [
            {
                "program": track.program,
                "drums": track.drums,
                "name": track.name,
                "notes": [[note.start, note.pitch, note.duration, note.velocity] for note in track.notes],
            }
            for track in score.tracks
        ],
    }


def score_of_data(data: Any) -> Score:
    """The score that `score_data` wrote down; InputError when ``data`` is none."""
    try:
        return Score(
            tracks=tuple(_track(each) for each in data["tracks"]),
            meters=tuple(Meter(*each) for each in data["meters"]),
            keys=tuple(Key(*each) for each in data["keys"]),
            tempos=tuple(Tempo(*each) for each in data["tempos"]),
            resolution=data["resolution"],
            title=str(data["title"]),
            tune_type=str(data["tune_type"]),
            fermatas=tuple(data.get("fermatas", ())),
        )
    except (TypeError, KeyError, IndexError) as error:
        raise InputError(f"what should be a score is none: {error!r}.") from None


def _track(data: Mapping[str, Any]) -> Track:
    notes = tuple(Note(*each) for each in data["notes"])
    return Track(notes, data["program"], bool(data["drums"]), str(data["name"]))
