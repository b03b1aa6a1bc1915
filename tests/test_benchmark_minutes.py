"""The transformer that networks are measured against: it sees no future, and every prediction counts once."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import gpt, minutes


@given(st.integers(1, 300), st.sampled_from([(8, 8), (8, 4), (64, 32)]))
def test_windows_make_every_prediction_once(predictions, shape):
    context, stride = shape
    made = []
    for number, (first, last) in enumerate(gpt._windows(predictions, context, stride)):
        assert 0 < last - first <= context
        made += range(first + (context - stride if number else 0), last)
    assert made == list(range(predictions))


@pytest.mark.parametrize("rotary", [True, False])
def test_it_sees_what_came_before_and_nothing_else(rotary):
    torch.manual_seed(0)
    model = gpt.Gpt(11, gpt.GptSettings(layers=2, heads=2, width=16, context=12, rotary=rotary)).eval()
    ids = torch.randint(0, 11, (1, 12))
    changed = ids.clone()
    changed[0, 7] = (changed[0, 7] + 1) % 11
    before, after = model(ids)[0], model(changed)[0]
    assert torch.allclose(before[:7], after[:7], atol=1e-6)
    assert not torch.allclose(before[8:], after[8:], atol=1e-6)


def test_it_learns_and_its_loss_is_that_of_its_predictions():
    tokens = np.arange(4_000) % 7
    settings = gpt.GptSettings(layers=1, heads=2, width=16, context=16, rows=8)
    trained = gpt.train(tokens, 7, settings, minutes=0.05, seed=0)
    assert trained.tokens == trained.steps * 8 * 16
    slid, apart = (gpt.loss(trained.model, tokens[:200], slide=slide) for slide in (True, False))
    assert slid < apart + 1e-4  # where both are next to nothing, neither is less
    assert apart < np.log(7)


def test_the_report_gathers_seeds():
    row = {"corpus": "x", "minutes": 2.0, "who": "gpt", "codec": "char", "parameters": 5, "epochs": 1.5}
    measured = {"measure": {"byte": 10}, "carried": 20.0, "windows": 30.0}
    table = minutes.report([{**row, **measured, "seed": seed} for seed in (0, 1)])
    assert "| x | 2 | gpt | char | 5 | 1.5 | 2.000 2.000 | 3.000 | 2.885 a byte | 2 |" in table
