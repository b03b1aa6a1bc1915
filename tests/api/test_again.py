"""A result saved is a result that can be made again, byte for byte, from its file alone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given

from tests.domains.tunes import tunes
from toolkit.api import open_run, recipe_in
from toolkit.core import CheckpointError, InputError, UsageError
from toolkit.score import Note, Score, Track
from toolkit.score.data import score_data, score_of_data

PROMPT = "X:1\nM:6/8\nK:D\nA|d2e fga|b2a fed|\n"


@given(tunes())
def test_a_score_comes_back_from_its_data(score: Score) -> None:
    assert score_of_data(json.loads(json.dumps(score_data(score)))) == score


@pytest.mark.parametrize(
    "data", [None, {}, [], {"tracks": [1]}, score_data(Score((Track((Note(0, 60, 6),)),))) | {"meters": []}]
)
def test_what_is_no_score_is_refused(data: object) -> None:
    with pytest.raises(InputError):
        score_of_data(data)


@pytest.mark.parametrize("suffix", [".mid", ".wav", ".json", ".svg"])
def test_a_melody_is_made_again_without_the_file_it_went_on_from(tmp_path: Path, suffix: str) -> None:
    prompt = tmp_path / "tune.abc"
    prompt.write_text(PROMPT)
    run = open_run("folk")
    made = run.generate(str(prompt), seed=5, bars=4, tempo=90).save(tmp_path / f"made{suffix}")
    prompt.unlink()
    recipe = recipe_in(made)
    stream = recipe.stream(recipe.open())
    list(stream)
    again = stream.result().save(tmp_path / f"again{suffix}")
    assert again.read_bytes() == made.read_bytes()
    if suffix != ".json":
        assert Path(f"{again}.json").read_bytes() == Path(f"{made}.json").read_bytes()


def test_a_text_is_made_again_from_its_sidecar(tmp_path: Path) -> None:
    result = open_run("shakespeare").generate("ROMEO:", seed=3, length=40)
    recipe = recipe_in(result.save(tmp_path / "made.txt"))
    stream = recipe.stream(recipe.open())
    list(stream)
    assert stream.result().details == result.details
    assert stream.result().text == result.text


def test_one_of_several_found_is_made_again(tmp_path: Path) -> None:
    asked = {"meter": "6/8", "key": "D", "bars": 2, "search": "beam", "beams": 4}
    for place, stream in enumerate(open_run("folk").streams(seed=1, count=3, **asked), start=1):
        list(stream)
        made = stream.result()
        recipe = recipe_in(made.save(tmp_path / f"{place}.mid"))
        assert (recipe.place, recipe.count) == (place, 3)
        other = recipe.stream(recipe.open())
        list(other)
        assert other.result().export(".mid") == made.export(".mid")


def test_a_setting_changed_changes_only_that(tmp_path: Path) -> None:
    made = open_run("folk").generate(seed=5, bars=4)
    recipe = recipe_in(made.save(tmp_path / "made.mid"))
    stream = recipe.stream(recipe.open(), tempo=60)
    list(stream)
    assert stream.result().item == made.item
    assert stream.result().settings == {**made.settings, "tempo": 60}


def test_other_weights_are_refused(tmp_path: Path) -> None:
    made = open_run("folk").generate(seed=5, bars=1).save(tmp_path / "made.mid")
    with pytest.raises(CheckpointError, match="other weights"):
        recipe_in(made).open("shakespeare")


def test_a_run_that_is_nowhere_is_asked_for(tmp_path: Path) -> None:
    made = open_run("folk").generate(seed=5, bars=1)
    path = tmp_path / "made.json"
    path.write_text(json.dumps(made.details | {"run": "elsewhere"}))
    with pytest.raises(UsageError, match="name its folder"):
        recipe_in(path).open()


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"run": 1}', "[" * 100_000])
def test_damaged_details_are_one_sentence(tmp_path: Path, content: str) -> None:
    path = tmp_path / "made.json"
    path.write_text(content)
    with pytest.raises(InputError):
        recipe_in(path)


def test_a_file_that_tells_nothing_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "made.wav").write_bytes(b"RIFF")
    for name in ("made.wav", "absent.mid", "absent.wav"):
        with pytest.raises(InputError):
            recipe_in(tmp_path / name)
