"""Calibrations: filled in by a fit, measured again by hand, carried by shipped checkpoints, used by generation."""

import dataclasses
import math

import pytest

from toolkit import runs
from toolkit.api import Plan, fit, open_run, ship
from toolkit.api.calibrating import calibrate, measured
from toolkit.core import CheckpointError, InputError, UsageError
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.text.characters import CharCodec
from toolkit.sampling import Calibration
from toolkit.score.notes import Key, Meter, Note, Score, Track

TEXT = "the cat sat on the mat\n" * 60


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("calibrated")
    corpus = folder / "cats.txt"
    corpus.write_text(TEXT)
    plan = Plan(corpus=str(corpus), out=folder / "run", steps=3, model={"width": 8}, training={"batch": 2, "chunk": 16})
    for _ in fit(plan):
        pass
    return folder / "run", str(corpus)


def test_a_finished_run_knows_its_scale(run):
    opened = open_run(run[0])
    found = Calibration.of_data(opened.config.calibration)
    assert opened.calibration == found
    assert found.entropy == opened.config.result["val_nats_per_token"]
    assert found.tokens_per["character"] == 1
    assert found.tokens_per["word"] == pytest.approx(len(TEXT) / len(TEXT.split()), rel=0.1)


def test_calibrating_again_gives_the_same(run):
    folder, corpus = run
    before = runs.read_config(folder)
    runs.write_config(folder, dataclasses.replace(before, calibration={}))
    assert calibrate(folder, corpus).data() == before.calibration
    assert runs.read_config(folder) == before


def test_a_run_is_calibrated_on_nothing_but_its_own_corpus(run, tmp_path):
    (tmp_path / "dogs.txt").write_text(TEXT.replace("cat", "dog"))
    with pytest.raises(UsageError, match="its own corpus"):
        calibrate(run[0], str(tmp_path / "dogs.txt"))


def test_a_shipped_checkpoint_carries_it(run, tmp_path):
    shipped = ship(run[0], tmp_path / "shipped")
    assert runs.read_config(shipped).calibration == runs.read_config(run[0]).calibration


def test_a_stream_takes_what_is_left_open_from_it(run):
    opened = open_run(run[0])
    stream = opened.stream("the", seed=1, length=4, dry_multiplier=1.0, mirostat=2)
    assert stream.request.sampler.transforms[0].dry_allowed == opened.calibration.phrase
    assert stream.request.sampler.transforms[-1].mirostat_tau == opened.calibration.tau
    assert stream.request.settings["dry_allowed"] is None


def test_a_run_without_one_falls_back_on_its_result(run):
    opened = open_run(run[0])
    bare = dataclasses.replace(opened, config=dataclasses.replace(opened.config, calibration={}))
    assert bare.calibration.entropy == opened.calibration.entropy
    assert dataclasses.replace(bare, config=dataclasses.replace(bare.config, result={})).calibration is None
    broken = dataclasses.replace(opened, config=dataclasses.replace(opened.config, calibration={"entropy": 1}))
    with pytest.raises(CheckpointError, match="calibration"):
        broken.calibration  # noqa: B018 (the looking is what fails)


@pytest.mark.parametrize("name", ["shakespeare", "kjv", "folk"])
def test_the_checkpoints_that_ship_are_calibrated(name):
    opened = open_run(name)
    assert opened.config.calibration
    assert opened.calibration.entropy == opened.config.result["val_nats_per_token"]
    guessed = Calibration.of_result(opened.config.result)
    for unit in set(guessed.tokens_per) & set(opened.calibration.tokens_per):
        ratio = guessed.tokens_per[unit] / opened.calibration.tokens_per[unit]
        assert abs(math.log(ratio)) < 0.4


def test_words_and_lines_are_counted_across_tokens():
    codec = CharCodec.build(["to be\n"])
    tokens = [*codec.encode("to be\nbe"), codec.stop, *codec.encode("to")]
    assert codec.units(tokens) == {"word": 4.0, "line": 2.0}
    assert measured(codec, tokens, 1.5).tokens_per["word"] == len(tokens) / 4
    with pytest.raises(InputError, match="empty"):
        measured(codec, [], 1.5)


def test_bars_and_notes_of_a_melody_are_counted():
    codec = MelodyCodec()
    notes = tuple(Note(start * 24, 60 + start, 24) for start in range(8))
    score = Score((Track(notes),), resolution=24, meters=(Meter(4, 4),), keys=(Key(0, "major"),))
    tokens = [codec.stop, *codec.encode(score)]
    tokens_per = measured(codec, tokens, 1.0).tokens_per
    assert tokens_per["bar"] == len(tokens) / 2
    assert tokens_per["note"] == pytest.approx(len(tokens) / 8)
