"""`toolkit musicality` over files: what it writes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from toolkit.cli import main
from toolkit.score import Note, Score, Track, write_midi


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "tunes"
    made.mkdir()
    for number in range(6):
        pitches = [60 + (number * 5 + step * (1 + number % 3)) % 13 for step in range(32)]
        notes = tuple(Note(24 * place, pitch, 24) for place, pitch in enumerate(pitches))
        (made / f"{number}.mid").write_bytes(write_midi(Score((Track(notes),), title=f"Tune {number}")))
    return made


def test_files_against_files(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "picture.png"
    asked = ["musicality", str(folder), "--against", str(folder), "--split", "train", "-o", str(picture)]
    assert main([*asked, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["tunes"] == 6
    assert {each["name"] for each in told["measures"]} >= {"scale consistency", "share with the nearest"}
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert main(asked) == 0
    assert "groove similarity" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["nothing", "--against", "{}"], "neither a run nor"),
        (["{}", "--against", "nothing"], "corpus"),
        (["{}", "--against", "{}", "-o", "a.pdf"], ".png"),
        (["{}", "--against", "{}", "--split", "some"], "split"),
        (["shakespeare", "--against", "{}", "--split", "train", "--count", "2"], "makes no tunes"),
    ],
)
def test_what_cannot_be_is_one_sentence(folder: Path, capsys, asked: list[str], said: str) -> None:
    assert main(["musicality", *(each.format(folder) for each in asked)]) in (2, 3)
    streams = capsys.readouterr()
    assert said in streams.err
    assert not streams.out
