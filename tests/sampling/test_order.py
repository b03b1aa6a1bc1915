"""The order of the stages: presets, lists, what is not listed, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import UsageError
from toolkit.sampling import ORDERS, STAGES, TRANSFORMS, Sampler, stages_in

MOVABLE = [stage.name for stage in TRANSFORMS if not stage.last]


def names(order):
    return tuple(stage.name for stage in stages_in(order))


@pytest.mark.parametrize("order", ORDERS)
def test_an_order_with_a_name_says_where_every_stage_stands(order):
    assert sorted(ORDERS[order]) == sorted(STAGES)
    assert names(order) == ORDERS[order]
    assert names(",".join(ORDERS[order])) == ORDERS[order]


def test_the_order_of_hugging_face_and_that_of_llama_cpp():
    ours = [each for each in names("hf") if each in ("temperature", "top_k", "top_p", "min_p", "typical", "eta")]
    assert ours == ["temperature", "top_k", "top_p", "min_p", "typical", "eta"]
    theirs = ("repetition", "dry", "top_n_sigma", "top_k", "typical", "top_p", "min_p", "xtc", "temperature")
    assert tuple(each for each in names("llama.cpp") if each in theirs) == theirs


@given(st.lists(st.sampled_from(MOVABLE), unique=True))
def test_any_list_is_kept_and_completed_and_what_must_be_last_is(listed):
    placed = names(", ".join(listed))
    assert sorted(placed) == sorted(STAGES)
    assert [each for each in placed if each in listed] == listed
    assert placed[-1] == "adaptive"
    for before, stage in itertools.pairwise(MOVABLE):
        if stage not in listed:
            assert placed[placed.index(stage) - 1] == before


def test_without_a_list_the_order_is_the_toolkits_own():
    assert names("") == names("toolkit") == tuple(stage.name for stage in TRANSFORMS)


@pytest.mark.parametrize(
    ("order", "says"),
    [
        ("top_q", "did you mean 'top_"),
        ("temprature, top_p", "did you mean 'temperature'"),
        ("lama.cpp", "did you mean 'llama.cpp'"),
        ("top_p,temperature,top_p", "lists top_p twice"),
        ("adaptive,temperature", "must be the last stage"),
        ("llama.cpp,top_p", "llama.cpp"),
    ],
)
def test_an_order_that_cannot_be_is_refused(order, says):
    with pytest.raises(UsageError, match=says):
        Sampler.from_settings({"order": order})


def test_a_sampler_obeys_and_shows_its_order():
    settings = {"temperature": 0.1, "top_p": 0.5, "repetition_penalty": 1.2, "adaptive": True}
    assert Sampler.from_settings(settings).order == ("repetition", "temperature", "top_p", "adaptive")
    late = Sampler.from_settings({**settings, "order": "top_p,temperature"})
    assert late.order == ("repetition", "top_p", "temperature", "adaptive")


def test_another_order_gives_another_distribution():
    logits_V = np.log(np.array([0.4, 0.35, 0.25]))
    settings = {"temperature": 0.1, "top_p": 0.5}
    kept = {}
    for order in ("hf", "llama.cpp"):
        sampler = Sampler.from_settings({**settings, "order": order})
        kept[order] = np.count_nonzero(sampler.probabilities(logits_V, sampler.begin([])))
    assert kept == {"hf": 1, "llama.cpp": 2}
