from __future__ import annotations

import io
import json
import wave

import pytest

from toolkit.domains.music.listing import note_list, pitch_name, show
from toolkit.domains.music.views import EXPORTS
from toolkit.score import Key, Meter, Note, Score, Track, read_details, read_midi
from toolkit.score.abc import read_tunes

TUNE = Score(
    (Track((Note(48, 69, 24), Note(72, 70, 36), Note(120, 74, 48))),),
    meters=(Meter(3, 4),),
    keys=(Key(5, "major"),),
    title="Evening",
)
DETAILS = {"seed": 7, "settings": {"tempo": 90, "instrument": 73, "bars": None}, "title": "Morning"}


def test_the_midi_file_holds_the_notes_the_settings_and_the_details() -> None:
    data = EXPORTS[".mid"](TUNE, DETAILS)
    read = read_midi(data)
    assert [(n.start / read.resolution, n.pitch) for n in read.notes] == [(n.start / 24, n.pitch) for n in TUNE.notes]
    assert (read.title, round(read.tempos[0].bpm), read.tracks[0].program) == ("Morning", 90, 73)
    assert (read.meters[0], read.keys[0]) == (Meter(3, 4), Key(5, "major"))
    assert json.loads(read_details(data) or "") == DETAILS


def test_without_details_the_score_speaks_for_itself() -> None:
    read = read_midi(EXPORTS[".mid"](TUNE, {}))
    assert (read.title, round(read.tempos[0].bpm), read.tracks[0].program) == ("Evening", 120, 0)


def test_notes_as_data() -> None:
    data = json.loads(EXPORTS[".json"](TUNE, DETAILS))
    assert data["notes"][1] == {"name": "Bb4", "pitch": 70, "start": 72, "duration": 36}
    assert (data["meter"], data["key"], data["tempo"], data["instrument"]) == ("3/4", "F major", 90.0, 73)
    assert data["details"] == DETAILS


def test_the_sound_lasts_as_long_as_the_tune() -> None:
    with wave.open(io.BytesIO(EXPORTS[".wav"](TUNE, {"tempo": 300}))) as sound:
        assert sound.getnframes() / sound.getframerate() >= TUNE.end / 24 * 0.2


def test_pictures() -> None:
    assert b"<svg" in EXPORTS[".svg"](TUNE, DETAILS)
    pytest.importorskip("PIL")
    assert EXPORTS[".png"](TUNE, DETAILS).startswith(b"\x89PNG")


def test_bar_by_bar() -> None:
    assert note_list(TUNE) == (
        "Evening\n3/4, F major, 3 notes\n\n"
        "   0  z:2 A4\n"
        "   1  Bb4:3/2 z:1/2 D5~\n"
        "   2  D5\n"
    )  # fmt: skip
    assert EXPORTS[".txt"](TUNE, DETAILS).decode().startswith("Morning\n3/4, F major")


def test_a_terminal_gets_as_many_bars_a_line_as_fit() -> None:
    assert show(TUNE) == "3/4, F major, 3 notes\n| z:2 A4 | Bb4:3/2 z:1/2 D5~ | D5 |"
    assert show(TUNE, width=24) == "3/4, F major, 3 notes\n| z:2 A4 |\n| Bb4:3/2 z:1/2 D5~ |\n| D5 |"
    assert show(Score((Track(()),))) == "4/4, 0 notes"


def test_names_of_pitches() -> None:
    assert [pitch_name(each) for each in (60, 61, 21)] == ["C4", "C#4", "A0"]
    assert pitch_name(61, Key(1, "major")) == "Db4"


def test_notation_has_the_title_and_the_tempo_and_is_never_swung() -> None:
    played = {**DETAILS, "swing": 1.0, "dynamics": True}
    for suffix in (".abc", ".musicxml", ".svg", ".txt"):
        assert EXPORTS[suffix](TUNE, played) == EXPORTS[suffix](TUNE, DETAILS)
    text = EXPORTS[".abc"](TUNE, DETAILS).decode()
    assert "T:Morning\n" in text
    assert "Q:1/4=90\n" in text
    (tune,) = read_tunes(text)
    assert tune.score.notes == TUNE.notes
    assert b"<work-title>Morning</work-title>" in EXPORTS[".musicxml"](TUNE, DETAILS)


def test_midi_is_played_with_swing_and_dynamics() -> None:
    reel = Score((Track(tuple(Note(12 * place, 60, 12) for place in range(8))),))
    read = read_midi(EXPORTS[".mid"](reel, {"settings": {"swing": 1.0, "dynamics": True}}))
    assert [3 * note.start / read.resolution for note in read.notes[:4]] == [0, 2, 3, 5]
    assert len({note.velocity for note in read.notes}) > 3
    straight = read_midi(EXPORTS[".mid"](reel, {"settings": {"swing": 0.0, "dynamics": False}}))
    assert (straight.resolution, {note.velocity for note in straight.notes}) == (24, {80})


def test_sheet_music() -> None:
    pytest.importorskip("verovio")
    pytest.importorskip("resvg_py")
    assert b"Morning" in EXPORTS[".sheet.svg"](TUNE, DETAILS)
    assert EXPORTS[".sheet.png"](TUNE, DETAILS).startswith(b"\x89PNG")


def test_compressed_sound() -> None:
    pytest.importorskip("soundfile")
    assert EXPORTS[".ogg"](TUNE, DETAILS).startswith(b"OggS")
    assert len(EXPORTS[".mp3"](TUNE, DETAILS)) > 1_000
