"""The loop: it learns, guards against numbers that are not finite, and its schedule is as declared."""

import math

import numpy as np
import pytest
import torch

from toolkit.batches import Batch
from toolkit.core import DivergedError
from toolkit.models import CELLS, ModelSettings, RecurrentLM
from toolkit.train import Training, TrainSettings, learning_rate, optimiser_for, train

ONE_BATCH = torch.randint(0, 7, (4, 17), generator=torch.Generator().manual_seed(0)).numpy()
ONE_BATCH[:, 0] = range(4)  # rows begin apart, so that every next token can be known
ONE_BATCH[:, 1] = 6  # which none begins with: attention to one token twice is attention to it once


def same_batch(step: int) -> Batch:
    return Batch(ONE_BATCH[:, :-1].copy(), ONE_BATCH[:, 1:].copy(), np.ones(4, bool))


def beginning(cell: str = "lstm", settings: TrainSettings | None = None, **model: object) -> Training:
    torch.manual_seed(1)
    lm = RecurrentLM(7, ModelSettings(**{"cell": cell, "width": 32, "embedding": 16, "dropout": 0.0, **model}))
    return Training(lm, optimiser_for(lm, settings or TrainSettings()))


def run(training: Training, settings: TrainSettings, steps: int, batch=same_batch, seed: int = 0):
    return list(train(training, batch, settings, lambda step: step / steps, seed=seed))


@pytest.mark.parametrize("cell", CELLS)
def test_one_batch_is_learnt_by_heart(cell):
    settings = TrainSettings(learning_rate=1e-2, weight_decay=0.0)
    stacked = {"norm": True, "residual": True, "layers": 2} if cell == "transformer" else {}  # as it is built
    progress = run(beginning(cell, settings, **stacked), settings, 300)
    assert progress[0].loss > 1.5
    assert progress[-1].loss < 0.02, "what remains is all there is to learn: no two rows begin alike"


def test_the_loss_is_that_of_plain_pytorch():
    training = beginning()
    logits, _ = training.model(torch.from_numpy(ONE_BATCH[:, :-1].copy()))
    expected = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(ONE_BATCH[:, 1:]).flatten())
    first = next(train(training, same_batch, TrainSettings(precision="fp32"), lambda step: step / 2, seed=0))
    assert first.loss == pytest.approx(float(expected.detach()), abs=1e-6)


def test_a_row_goes_on_from_its_memory_unless_it_begins_afresh():
    memories = []

    class Watched(RecurrentLM):
        def forward(self, ids_BT, state=None):
            memories.append(None if state is None else [each.detach().clone() for each in state])
            return super().forward(ids_BT, state)

    model = Watched(7, ModelSettings(width=8, embedding=4))
    training = Training(model, optimiser_for(model, TrainSettings()))
    fresh = [[True] * 4, [False, True, False, False], [False] * 4]
    batch = same_batch(0)
    steps = train(
        training,
        lambda step: Batch(batch.x_BT, batch.y_BT, np.asarray(fresh[step])),
        TrainSettings(),
        lambda step: step / 3,
        seed=0,
    )
    carried = [training.carry for _ in steps]
    assert memories[0] is None
    for memory, before, begun in zip(memories[1:], carried, fresh[1:], strict=False):
        for mine, theirs in zip(memory, before, strict=True):
            assert torch.equal(mine[:, ~np.asarray(begun)], theirs[:, ~np.asarray(begun)])
            assert not mine[:, begun].any()


def test_the_rate_rises_then_falls_to_the_floor():
    settings = TrainSettings(learning_rate=1.0, warmup=0.1, warmup_steps=50, floor=0.05)
    rates = [learning_rate(step, step / 1000, settings) for step in range(1001)]
    peak = rates.index(max(rates))
    assert peak == 100
    assert max(rates) == pytest.approx(1.0)
    assert rates[:peak] == sorted(rates[:peak])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert rates[-1] == pytest.approx(0.05)


def test_the_rate_stands_at_its_peak_until_it_falls_fast_and_then_slowly():
    settings = TrainSettings(learning_rate=1.0, warmup=0.0, warmup_steps=0, decay=0.4, floor=0.0)
    rates = [learning_rate(step, step / 100, settings) for step in range(101)]
    assert rates[30:61] == [1.0] * 31
    assert rates[70] == pytest.approx(0.5)  # a quarter of the fall is over, and half of the rate
    assert rates[100] == 0.0


@pytest.mark.parametrize(("steps", "risen"), [(10_000, 200), (1000, 150), (100, 25)])
def test_a_short_run_rises_over_enough_steps_but_no_more_than_a_quarter(steps, risen):
    settings = TrainSettings(learning_rate=1.0, warmup=0.02, warmup_steps=150, floor=1.0)
    rates = [learning_rate(step, step / steps, settings) for step in range(steps + 1)]
    assert rates.index(1.0) == risen


def test_a_single_bad_step_changes_no_weight_and_training_goes_on():
    training = beginning()
    settings = TrainSettings(warmup=0.0, warmup_steps=0)
    loop = train(training, same_batch, settings, lambda step: step / 10, seed=0)
    next(loop)
    before = {name: each.clone() for name, each in training.model.state_dict().items()}
    hook = training.model.head.register_forward_hook(lambda module, given, out: out * math.nan)
    assert next(loop).skipped
    assert all(torch.equal(each, before[name]) for name, each in training.model.state_dict().items())
    hook.remove()
    assert not next(loop).skipped
    assert any(not torch.equal(each, before[name]) for name, each in training.model.state_dict().items())


def test_bad_steps_in_a_row_end_training_with_finite_weights():
    training = beginning()
    training.model.head.register_forward_hook(lambda module, given, out: out * math.inf)
    with pytest.raises(DivergedError, match="diverged"):
        run(training, TrainSettings(), 10)
    assert all(bool(each.isfinite().all()) for each in training.model.parameters())


def test_only_matrices_decay():
    optimiser = beginning().optimiser
    decayed, left = optimiser.param_groups
    assert all(each.dim() > 1 for each in decayed["params"])
    assert all(each.dim() == 1 for each in left["params"])
    assert (decayed["weight_decay"], left["weight_decay"]) == (0.1, 0.0)


@pytest.mark.parametrize(
    ("knob", "value"),
    [
        ("learning_rate", 1e-4),
        ("weight_decay", 5.0),
        ("beta1", 0.5),
        ("beta2", 0.5),
        ("clip", 1e-3),
        ("warmup", 0.9),
        ("decay", 0.9),
        ("floor", 0.5),
    ],
)
def test_every_knob_of_the_optimiser_changes_what_is_learnt(knob, value):
    outcomes = []
    for changed in ({}, {knob: value}):
        settings = TrainSettings(warmup_steps=0, **changed)
        training = beginning(settings=settings)
        run(training, settings, 8)
        outcomes.append(training.model.head.weight.detach())
    assert not torch.equal(*outcomes)


def test_dropout_belongs_to_seed_and_step():
    def learnt(seed: int) -> torch.Tensor:
        training = beginning(dropout=0.5)
        torch.manual_seed(99)  # whatever the process did before
        run(training, TrainSettings(), 3, seed=seed)
        return training.model.head.weight.detach()

    assert torch.equal(learnt(4), learnt(4))
    assert not torch.equal(learnt(4), learnt(5))


def test_the_average_is_a_mean_at_first_and_then_forgets():
    weights = torch.nn.Linear(1, 1, bias=False)
    training = Training(weights, optimiser_for(weights, TrainSettings()))
    seen = []
    for number in range(1, 201):
        with torch.no_grad():
            weights.weight.fill_(float(number))
        training.step = 8 * number
        training.follow(number / 200, horizon=0.1)
        seen.append(float(training.average.weight))
        if number <= 10:
            assert seen[-1] == pytest.approx((1 + number) / 2)
    assert 200 - 0.1 * 200 - 2 < seen[-1] < 200 - 0.1 * 200 + 2
    assert not training.average.weight.requires_grad


def test_without_a_horizon_the_average_is_the_last_weights():
    weights = torch.nn.Linear(2, 2)
    training = Training(weights, optimiser_for(weights, TrainSettings()), step=80)
    with torch.no_grad():
        weights.weight.fill_(3.0)
    training.follow(0.5, horizon=0.0)
    assert torch.equal(training.average.weight, weights.weight)
