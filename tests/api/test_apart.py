"""Files of strangers, read in a process of their own: the same items, one sentence for what is wrong, and limits."""

import json
import sys

import pytest

from toolkit import domains
from toolkit.api import apart, recipe_in
from toolkit.api.apart import read_apart, recipe_apart
from toolkit.core import InputError
from toolkit.score import Note, Score, Track, write_midi

TUNE = "X:1\nM:6/8\nL:1/8\nK:D\nd2e fga | g2f e2d | a2g fed | e3 d3 |\n"
DETAILS = {"run": "poem", "checkpoint": "ab", "seed": 3, "prompt": None, "settings": {"length": 4}}


@pytest.fixture
def tune(tmp_path):
    path = tmp_path / "tune.abc"
    path.write_text(TUNE)
    return path


@pytest.mark.parametrize("domain", ["music", "polyphony"])
def test_what_is_read_apart_is_what_is_read_here(tune, domain):
    assert read_apart(tune, domain) == domains.find(domain).read_prompt(str(tune))


def test_a_recipe_read_apart_is_the_recipe(tmp_path):
    path = tmp_path / "made.json"
    path.write_text(json.dumps({"details": DETAILS}))
    assert recipe_apart(path) == recipe_in(path)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("bad.mid", b"MThd nonsense"),
        ("empty.abc", b""),
        ("bad.mxl", b"PK\x03\x04 nonsense"),
        ("bad.musicxml", b"<score-partwise><part>"),
        ("deep.json", b"[" * 100_000),
        ("none.json", b"{}"),
    ],
)
def test_what_cannot_be_read_is_told_in_one_sentence_without_a_path(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InputError) as caught:
        recipe_apart(path) if path.suffix == ".json" else read_apart(path, "music")
    told = str(caught.value)
    assert told.endswith(".") and "\n" not in told and str(tmp_path) not in told


def test_a_file_that_takes_too_long_is_given_up(tune):
    with pytest.raises(InputError, match=r"tune\.abc takes longer than 0\.05 seconds"):
        read_apart(tune, "music", seconds=0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="memory is limited where there is a Unix")
def test_a_file_that_fills_the_memory_is_given_up_alone(tmp_path, monkeypatch):
    path = tmp_path / "long.mid"
    notes = tuple(Note(2 * beat, 60 + beat % 12, 2) for beat in range(60_000))
    path.write_bytes(write_midi(Score((Track(notes),))))
    assert len(read_apart(path, "polyphony").tracks[0].notes) == 60_000
    little = "import sys; from toolkit.api import apart; apart.MEMORY = 100 << 20; sys.exit(apart.main(*sys.argv[1:]))"
    monkeypatch.setattr(apart, "PROGRAM", ("-c", little))
    with pytest.raises(InputError, match=r"more memory|cannot be read"):
        read_apart(path, "polyphony")
