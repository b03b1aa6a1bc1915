"""What a plan leaves open: dropout by how often a token is read, and the speed that decides it."""

from pathlib import Path

import pytest

from toolkit.api import Finished, Noted, Plan, fit, open_run
from toolkit.api.choosing import dropout_for, reading, tokens_per_second
from toolkit.models import ModelSettings
from toolkit.train import TrainSettings

MODEL, TRAINING = ModelSettings(width=16, embedding=8), TrainSettings(batch=2, chunk=8)


def test_what_is_read_more_often_gets_more_dropout_up_to_a_half():
    chosen = [dropout_for(epochs) for epochs in (0, 0.5, 3, 10, 30, 1000, 10**9)]
    assert chosen == sorted(chosen)
    assert chosen[0] == 0
    assert chosen[-1] == 0.5
    assert 0.2 < dropout_for(26) < 0.3


def test_steps_are_counted_and_minutes_are_measured():
    def read(**budget):
        length = {"steps": None, "minutes": None, **budget}
        return reading(1000, model=MODEL, vocabulary=11, training=TRAINING, device="cpu", **length)

    assert read(steps=125) == (None, 2.0)
    measured = read(minutes=0.05)
    assert measured.tokens_per_second > 0
    assert measured.epochs == pytest.approx(3 * measured.tokens_per_second / 1000)


def test_a_model_sixteen_times_as_wide_is_slower():
    def speed(width):
        return tokens_per_second(ModelSettings(width=width), 11, TrainSettings(), "cpu", 0.05)

    assert speed(32) > 2 * speed(512)


@pytest.mark.parametrize(("given", "dropout"), [({}, None), ({"dropout": 0.33}, 0.33)])
def test_a_fit_says_what_it_chose_unless_it_was_told(tmp_path: Path, given, dropout):
    corpus = tmp_path / "rhyme.txt"
    corpus.write_text("the cat sat on the mat and the rat sat on the cat.\n" * 40)
    plan = Plan(str(corpus), tmp_path / "run", steps=8, model={"width": 16, **given})
    events = list(fit(plan))
    assert isinstance(events[-1], Finished)
    said = [each.text for each in events if isinstance(each, Noted) and each.text.startswith("Dropout")]
    assert len(said) == (0 if given else 1)
    kept = open_run(tmp_path / "run").config.model["dropout"]
    assert kept == dropout if given else f" {kept:g}," in said[0]
