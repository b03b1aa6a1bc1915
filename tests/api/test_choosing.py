"""What a plan leaves open: width, dropout and length by how much there is to read, and the speed that decides it."""

from pathlib import Path

import pytest

from toolkit.api import Finished, Noted, Plan, fit, open_run
from toolkit.api.choosing import choose, dropout_for, most_epochs, tokens_per_second, width_for
from toolkit.models import ModelSettings
from toolkit.train import ALONE, TrainSettings

MODEL, TRAINING = ModelSettings(width=16, embedding=8), TrainSettings(batch=2, chunk=8)


def chosen(tokens=1000, fixed=("width",), **budget):
    length = {"steps": None, "minutes": None, **budget}
    return choose(MODEL, TRAINING, tokens=tokens, vocabulary=11, device="cpu", fixed=fixed, group=ALONE, **length)


def test_what_is_read_more_often_gets_more_dropout_up_to_a_half():
    chosen = [dropout_for(epochs) for epochs in (0, 0.5, 3, 10, 30, 1000, 10**9)]
    assert chosen == sorted(chosen)
    assert chosen[0] == 0
    assert chosen[-1] == 0.5
    assert 0.2 < dropout_for(26) < 0.3
    assert dropout_for(26, parameters_per_token=20) > dropout_for(26, parameters_per_token=2) == dropout_for(26)


def test_the_longer_the_run_the_wider_the_network_unless_there_is_little_to_learn_from():
    widths = [width_for(10**7, read) for read in (0, 1e6, 2e7, 1e9)]
    assert widths == sorted(set(widths))
    assert width_for(30_000, 1e9) == min(widths)


def test_steps_are_all_made_and_their_epochs_decide_the_dropout():
    plan = chosen(steps=125)
    assert plan.budget == {"steps": 125}
    assert plan.model.width == MODEL.width
    assert plan.model.dropout == dropout_for(2.0, 2395 / 1000)


def test_minutes_end_where_more_of_them_would_only_be_learned_by_heart():
    plan = chosen(minutes=0.05)
    assert plan.budget["minutes"] == 0.05
    assert plan.budget["steps"] == pytest.approx(most_epochs(1000) * 1000 / 16, abs=1)
    assert any("learned by heart" in note for note in plan.notes)
    assert chosen(minutes=0.05, tokens=10**9).budget == {"minutes": 0.05}


def test_what_is_fixed_stays_as_it_is():
    plan = chosen(minutes=0.05, fixed=("width", "dropout"), tokens=10**9)
    assert (plan.model, plan.notes) == (MODEL, [])


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
    said = [each.text for each in events if isinstance(each, Noted) and each.text.startswith("Chosen")]
    assert len(said) == (0 if given else 1)
    kept = open_run(tmp_path / "run").config.model["dropout"]
    assert kept == dropout if given else f"dropout {kept:g}," in said[0]
