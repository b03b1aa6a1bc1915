"""The measurements of what goes on inside, on material of which the answer is known."""

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from toolkit.core import InputError
from toolkit.inspect.gates import gates_of, half_lives
from toolkit.inspect.gradients import reach, regimes
from toolkit.inspect.memory import context_loss
from toolkit.inspect.probes import probe
from toolkit.inspect.recall import Recall, episodes, recall_accuracy
from toolkit.inspect.surprise import area_under_curve, oddities
from toolkit.inspect.tracing import as_new, hidden_states, losses, trace
from toolkit.inspect.units import tracking_units
from toolkit.models import CELLS, ModelSettings, RecurrentLM

RNG = np.random.default_rng


def model(cell="lstm", **settings):
    torch.manual_seed(3)
    return RecurrentLM(11, ModelSettings(cell=cell, **{"width": 12, "embedding": 8, "layers": 2, **settings})).eval()


def ids(rows, length, seed=0):
    return RNG(seed).integers(0, 11, (rows, length))


def test_a_trace_holds_what_the_model_holds():
    network, read = model(), ids(3, 20)
    seen = trace(network, read)
    assert seen.states["c"].shape == (2, 3, 20, 12)
    np.testing.assert_allclose(seen.states["h"][-1], hidden_states(network, read), atol=1e-5)
    np.testing.assert_allclose(seen.nats_BT, losses(network, read, chunk=7), atol=1e-5)
    c, f = seen.states["c"], seen.gates["forget"]
    assert seen.kept is not None
    np.testing.assert_array_equal(seen.kept, f)
    assert np.abs(c[:, :, 1:] - f[:, :, 1:] * c[:, :, :-1]).max() <= 1, "i and g add at most 1"


@pytest.mark.parametrize("share", [0.2, 0.9, 0.99])
def test_a_half_life_is_that_of_the_share_kept(share):
    kept = np.full((2, 3, 400, 4), share, np.float32)
    np.testing.assert_allclose(half_lives(kept), np.log(0.5) / np.log(share), rtol=1e-3)


def test_a_unit_that_is_emptied_now_and_then_keeps_until_it_is():
    kept = np.full((1, 1, 400, 1), 0.99999, np.float32)
    kept[:, :, ::10] = 1e-6
    assert 3 < half_lives(kept)[0, 0] < 7, "five steps on average until the next of ten"


def test_gates_of_an_untrained_network_are_neither_open_nor_closed():
    found = gates_of(trace(model(), ids(4, 64)))
    assert set(found.saturation) == {"forget", "input", "output"}
    assert all(each.left_LH.max() < 0.1 and each.right_LH.max() < 0.1 for each in found.saturation.values())


def test_a_planted_unit_is_found_and_noise_is_not():
    rng = RNG(0)
    units = rng.normal(size=(2, 8, 300, 6)).astype(np.float32)
    feature = np.repeat(rng.integers(0, 2, (8, 60)), 5, axis=1).astype(np.float32)
    units[1, :, :, 4] -= 1.5 * feature
    noise = np.repeat(rng.integers(0, 2, (8, 60)), 5, axis=1).astype(np.float32)
    found = {each.feature: each for each in tracking_units(units, {"planted": feature, "noise": noise}, rng)}
    assert (found["planted"].layer, found["planted"].unit, found["planted"].claimed) == (1, 4, True)
    assert found["planted"].correlation < -0.4
    assert not found["noise"].claimed


def test_slow_noise_that_correlates_by_chance_is_not_claimed():
    """Two things that both change slowly agree by accident: a shuffle of single steps would call that a discovery."""
    claimed = 0
    for seed in range(10):
        rng = RNG(seed)
        units = rng.normal(size=(1, 6, 400, 40)).cumsum(2).astype(np.float32)
        feature = rng.normal(size=(6, 400)).cumsum(1).astype(np.float32)
        claimed += tracking_units(units, {"walk": feature}, rng)[0].claimed
    assert claimed <= 1


def test_what_an_untrained_network_tracks_as_well_is_not_claimed():
    rng = RNG(1)
    feature = rng.integers(0, 2, (8, 300)).astype(np.float32)
    ours, other = (rng.normal(size=(1, 8, 300, 5)).astype(np.float32) for _ in range(2))
    ours[0, :, :, 2] += feature
    other[0, :, :, 1] += 3 * feature
    (found,) = tracking_units(ours, {"the token itself": feature}, rng, untrained_LBTH=other)
    assert abs(found.correlation) > found.by_chance
    assert not found.claimed


@pytest.mark.parametrize("cell", [name for name, each in CELLS.items() if each.step])
def test_the_gradient_through_time_is_that_of_finite_differences(cell):
    """h_{t-k} is pushed, and the loss moves by the gradient's share of the push."""
    network, read = model(cell).double(), ids(1, 9)
    found = reach(network, read).of_state
    assert found is not None
    given = torch.from_numpy(read)

    def loss(state):
        logits, _ = network(given[:, 5:8], state)
        return float(cross_entropy(logits[:, -1], given[:, 8]))

    with torch.no_grad():
        _, state = network(given[:, :5])
        slopes = []
        for place, each in enumerate(state):
            for at in np.ndindex(*each.shape):
                pushed = [one.clone() for one in state]
                pushed[place][at] += 1e-5
                slopes.append((loss(tuple(pushed)) - loss(state)) / 1e-5)
    assert found[2] == pytest.approx(np.linalg.norm(slopes), rel=1e-3)


def test_every_cell_has_a_gradient_by_its_input():
    for cell in CELLS:
        found = reach(model(cell), ids(2, 12))
        assert len(found.of_input) == 10
        assert (found.of_input[:3] > 0).all()
        assert (found.of_state is None) == (cell == "transformer")


def test_gradients_vanish_below_a_radius_of_1_and_explode_above():
    low, one, high = regimes(11, ids(8, 60), (0.5, 1.0, 1.6), width=64)
    assert low.reach.halving() < 1.5
    assert low.reach.of_state[-1] < 1e-12
    assert high.reach.of_state[-1] > 10 * one.reach.of_state[-1]
    assert high.clipped <= 1.0001


def test_a_model_of_the_last_token_needs_one_token_of_context():
    """An embedding that decides everything: the recurrent matrices are silenced."""
    network = model("rnn", layers=1)
    with torch.no_grad():
        network.layers[0].weight_hh_l0.zero_()
    found = context_loss(network, ids(1, 4000)[0], RNG(0), lengths=(1, 2, 4, 8, 16), count=100)
    assert found.enough() == 1
    assert np.abs(found.gained()[0]).max() < 1e-5


def test_too_little_text_for_contexts_is_said():
    with pytest.raises(InputError, match="too few"):
        context_loss(model(), ids(1, 9)[0], RNG(0))


def test_episodes_ask_for_what_stood_before_the_lag():
    x, y = episodes(Recall(lag=4, rows=3), 5, RNG(0))
    assert x.shape == y.shape == (3, 30)
    asked = y >= 0
    assert asked.sum() == 15
    np.testing.assert_array_equal(y[asked], x[:, ::6].ravel())


def test_an_lstm_recalls_and_one_whose_gradient_stops_early_does_not():
    settings = ModelSettings(cell="lstm", width=32, embedding=16, dropout=0.0)
    assert recall_accuracy(settings, Recall(lag=4, steps=300, rows=32), seed=0) > 0.9
    stopped = Recall(lag=4, steps=900, rows=32, chunk=1)
    assert recall_accuracy(settings, stopped, seed=0) < 0.9


def test_a_probe_reads_what_is_there_and_not_what_is_not():
    network, rng = model(width=32), RNG(0)
    labels = ["low" if each else "high" for each in rng.integers(0, 2, 120)]
    items = [rng.integers(0, 5, 30) + 5 * (label == "high") for label in labels]
    found = probe(network, as_new(network, 5), items, labels, rng)
    assert found.accuracy > 0.95
    assert found.ngrams > 0.95
    assert found.shuffled < 0.8
    assert found.confusion_KK.sum() == found.held_out
    nothing = probe(network, as_new(network, 5), items, rng.permutation(labels).tolist(), rng)
    assert nothing.accuracy < 0.8


def test_a_probe_needs_two_labels():
    with pytest.raises(InputError, match="two labels"):
        probe(model(), model(), [np.array([1, 2])] * 20, ["same"] * 20, RNG(0))


def test_what_does_not_belong_comes_first():
    rng = RNG(0)
    usual = [rng.normal(1.0, 0.05, 50) for _ in range(20)]
    found = oddities(["a", "b"], [rng.normal(1.0, 0.05, 50), rng.normal(3.0, 0.05, 50)], usual)
    assert found[0].name == "b"
    assert found[0].score > 20 > 5 > abs(found[1].score)


def test_the_area_under_the_curve_counts_pairs():
    assert area_under_curve([3, 4], [1, 2]) == 1.0
    assert area_under_curve([1], [1]) == 0.5
    assert area_under_curve([1, 3], [2]) == 0.5
