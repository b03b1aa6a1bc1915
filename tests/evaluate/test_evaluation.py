"""Evaluation counts every prediction once, in fp32, in units the codec does not choose."""

import itertools
import math

import numpy as np
import pytest
import torch

from toolkit.batches import Encoded
from toolkit.core import InputError
from toolkit.evaluate import Evaluation, evaluate
from toolkit.models import ModelSettings, RecurrentLM


@pytest.fixture(scope="module")
def model():
    torch.manual_seed(2)
    return RecurrentLM(9, ModelSettings(width=12, embedding=6))


@pytest.fixture(scope="module")
def split():
    tokens = np.random.default_rng(0).integers(0, 9, 400)
    return Encoded(tokens, np.asarray([0]), {"byte": 800.0, "character": 400.0})


def by_hand(model, tokens, edges) -> float:
    """The sum over stretches, each from the zero state, token by token."""
    total = 0.0
    with torch.no_grad():
        for first, last in itertools.pairwise(edges):
            state = None
            for place in range(first, last):
                logits, state = model.eval()(torch.tensor([[int(tokens[place])]]), state)
                total -= float(logits[0, 0].log_softmax(-1)[int(tokens[place + 1])])
    return total


def test_one_stream_carries_its_state_over_every_prediction(model, split):
    for chunk in (7, 64, 5000):
        score = evaluate(model, split, chunk=chunk)
        assert score.predictions == 399
        assert score.nats == pytest.approx(by_hand(model, split.tokens, [0, 399]), rel=1e-5)


def test_several_streams_leave_nothing_out_and_count_no_padding(model, split):
    score = evaluate(model, split, rows=4, chunk=30)
    edges = np.linspace(0, 399, 5).astype(int).tolist()
    assert score.nats == pytest.approx(by_hand(model, split.tokens, edges), rel=1e-5)


def test_windows_forget_and_still_predict_every_token(model, split):
    score = evaluate(model, split, reset=50)
    assert score.nats == pytest.approx(by_hand(model, split.tokens, [*range(0, 399, 50), 399]), rel=1e-5)


def test_the_model_is_left_as_it_was(model, split):
    model.train()
    evaluate(model, split)
    assert model.training


def test_units():
    score = Evaluation(800 * math.log(2), 100, {"byte": 400.0, "character": 200.0})
    assert score.bits_per("byte") == pytest.approx(2.0)
    assert score.bits_per("character") == pytest.approx(4.0)
    assert score.report()["val_bits_per_byte"] == pytest.approx(2.0)
    assert score.report()["val_nats_per_token"] == pytest.approx(8 * math.log(2))


def test_an_empty_split_is_refused(model):
    with pytest.raises(InputError, match="nothing to evaluate"):
        evaluate(model, Encoded(np.asarray([], int), np.asarray([], int), {}))


def test_a_limit_reads_the_beginning_of_every_stream_and_measures_in_proportion(model, split):
    score = evaluate(model, split, rows=4, limit=80)
    edges = np.linspace(0, 399, 5).astype(int).tolist()
    by_stream = [by_hand(model, split.tokens, [first, first + 20]) for first in edges[:-1]]
    assert score.predictions == 80
    assert score.nats == pytest.approx(sum(by_stream), rel=1e-5)
    assert score.measure["byte"] == pytest.approx(800 * 80 / 399)
