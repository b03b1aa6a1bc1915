"""The published sets, read from a small file of the same kind, and from the real ones where they are."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from tests.domains.polyphony.pieces import random_steps, some_rolls, write_rolls
from toolkit.api import built_in, open_corpus
from toolkit.core import InputError
from toolkit.domains.polyphony.grid import steps_of
from toolkit.domains.polyphony.rolls import FOLDER, ROLLS
from toolkit.domains.polyphony.steps import StepsCodec

SPLITS = {"traindata": "train", "validdata": "validation", "testdata": "test"}
pytest.importorskip("scipy")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ROLLS)
def test_a_set_keeps_its_splits_its_order_and_every_step(name: str, folder: Path) -> None:
    roll = ROLLS[name]
    written = some_rolls(folder / roll.file)
    corpus = open_corpus(name)
    assert corpus.domain == "polyphony"
    for key, split in SPLITS.items():
        read = list(corpus.read(split))
        assert [steps_of(each.item, roll.grid) for each in read] == written[key]
        assert len({each.name for each in read}) == len(read)
    codec = StepsCodec.build(each.item for each in corpus.read("train"))
    assert codec.grid == roll.grid


def test_silence_at_the_end_is_left_out_and_told_and_silent_pieces_are_dropped(folder: Path) -> None:
    rng = np.random.default_rng(1)
    sounds = random_steps(rng, 8)
    content = {key: [random_steps(rng, 9)] for key in SPLITS}
    content["traindata"] = [[set(), *sounds, set(), set()], [set(), set()]]
    write_rolls(folder / "JSB_Chorales.mat", content)
    corpus = open_corpus("jsb")
    (kept,) = corpus.read("train")
    assert steps_of(kept.item, 1) == [set(), *sounds]
    outcomes = {each.name: (each.outcome, each.reason) for each in corpus.findings}
    assert outcomes["train-0001"] == ("changed", "the 2 silent steps at its end are left out.")
    assert outcomes["train-0002"][0] == "dropped"


def test_the_content_decides_the_fingerprint(folder: Path) -> None:
    some_rolls(folder / "JSB_Chorales.mat", seed=1)
    first = open_corpus("jsb").sha256
    some_rolls(folder / "JSB_Chorales.mat", seed=2)
    assert open_corpus("jsb").sha256 != first


def test_a_missing_file_is_said_in_a_sentence_that_tells_where_to_get_it(folder: Path) -> None:
    assert not built_in()["musedata"].available()
    with pytest.raises(InputError, match=r"MuseData\.mat.*TOOLKIT_POLYPHONIC"):
        open_corpus("musedata")
    some_rolls(folder / "MuseData.mat")
    assert built_in()["musedata"].available()


def test_files_that_are_something_else_are_refused(folder: Path) -> None:
    from scipy.io import savemat

    path = folder / "JSB_Chorales.mat"
    path.write_bytes(b"nonsense" * 100)
    with pytest.raises(InputError, match="cannot be read"):
        open_corpus("jsb")
    savemat(path, {"other": np.zeros(3)})
    with pytest.raises(InputError, match="does not hold"):
        open_corpus("jsb")
    cells = np.empty((1, 1), object)
    for strange in (np.zeros((4, 87)), np.full((4, 88), 2), np.zeros((2, 2, 88))):
        cells[0, 0] = strange
        savemat(path, dict.fromkeys(SPLITS, cells))
        with pytest.raises(InputError, match="something else"):
            open_corpus("jsb")


@pytest.mark.parametrize(
    ("name", "counts", "steps"),
    [
        ("jsb", (229, 76, 77), (13_807, 4_602, 4_725)),
        pytest.param("nottingham", (694, 173, 170), (176_556, 45_513, 44_463), marks=pytest.mark.slow),
        pytest.param("musedata", (524, 135, 124), (245_201, 82_755, 64_339), marks=pytest.mark.slow),
        pytest.param("piano-midi", (87, 12, 25), (75_911, 8_540, 19_036), marks=pytest.mark.slow),
    ],
)
def test_the_real_sets_have_the_pieces_and_steps_they_should(
    name: str, counts: tuple[int, ...], steps: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every step of validation and test; of training all but the silent ones at the end of three pieces."""
    if not os.environ.get(FOLDER):
        monkeypatch.setenv(FOLDER, str(Path(__file__).parents[4] / "shared" / "data" / "polyphonic"))
    if not built_in()[name].available():
        pytest.skip(f"{ROLLS[name].file} is not here")
    corpus = open_corpus(name)
    codec = StepsCodec.build(each.item for each in corpus.read("train"))
    assert codec.size == 90
    for split, count, total in zip(("train", "validation", "test"), counts, steps, strict=True):
        encoded = [codec.encode(each.item) for each in corpus.read(split)]
        assert len(encoded) == count
        assert sum(ids.count(codec.end_of_step) for ids in encoded) == total
