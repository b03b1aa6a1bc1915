"""The sampler: order, mask, draw, and what it reports."""

import math
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats

from toolkit.core import ToolkitError, UsageError, knob, uniform
from toolkit.sampling import TRANSFORMS, Memoryless, Sampler, Temperature, TopK, TopP, draw, sampling_knobs

BELOW_ONE = math.nextafter(1, 0)


def row(seed=0, size=65):
    return np.random.default_rng(seed).normal(0, 2, size).astype(np.float32)


def weights():
    elements = st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 1e-300))
    return hnp.arrays(np.float64, st.integers(1, 40), elements=elements)


@given(weights(), st.one_of(st.floats(0, BELOW_ONE), st.just(BELOW_ONE), st.just(0.0)))
def test_a_draw_never_has_probability_zero(probabilities_V, u):
    assume(probabilities_V.any())
    assert probabilities_V[draw(probabilities_V, u)] > 0


def test_a_draw_survives_u_times_the_sum_rounding_up_to_the_sum():
    assert draw(np.array([0.0, 5e-324, 0.0]), BELOW_ONE) == 1


@given(weights(), st.floats(0, BELOW_ONE))
def test_a_draw_inverts_the_cumulative_distribution(probabilities_V, u):
    assume(probabilities_V.sum() > 1e-3)
    token = draw(probabilities_V, u)
    total = probabilities_V.sum()
    assert probabilities_V[:token].sum() <= u * total + 1e-12
    assert probabilities_V[: token + 1].sum() >= u * total - 1e-12


@pytest.mark.parametrize("settings", [{}, {"temperature": 0.7, "top_p": 0.9}, {"min_p": 0.05}], ids=str)
def test_a_hundred_thousand_draws_follow_the_probabilities(settings):
    sampler = Sampler.from_settings(settings)
    allowed_V = np.arange(65) % 5 != 0
    probabilities_V = sampler.probabilities(row(), sampler.begin([]), allowed_V)
    n = 100_000
    tokens = [draw(probabilities_V, uniform(1, position)) for position in range(n)]
    counts_V = np.bincount(tokens, minlength=65)
    assert not counts_V[probabilities_V == 0].any()
    common_V = probabilities_V * n >= 5
    observed, expected = counts_V[common_V], probabilities_V[common_V] * n
    rest = n - expected.sum()
    if rest > 1e-6:
        observed, expected = np.append(observed, n - observed.sum()), np.append(expected, rest)
    assert stats.chisquare(observed, expected, sum_check=False).pvalue > 1e-4


def test_the_mask_comes_before_the_transforms():
    logits_V = np.log(np.array([0.4, 0.3, 0.2, 0.1]))
    sampler = Sampler((TopK(1),))
    allowed_V = np.array([False, True, True, True])
    assert sampler.probabilities(logits_V, sampler.begin([]), allowed_V).tolist() == [0, 1, 0, 0]


def test_transforms_apply_in_their_declared_order():
    settings = {
        "top_p": 0.5,
        "temperature": 0.1,
        "repetition_penalty": 2.0,
        "logit_bias": "#0=1",
        "frequency_penalty": 1,
    }
    sampler = Sampler.from_settings(settings)
    kinds = [type(stage) for stage in sampler.transforms]
    assert kinds == [kind for kind in TRANSFORMS if kind in kinds]
    assert len(kinds) == 5
    probabilities_V = np.array([0.4, 0.35, 0.25])
    hot_then_cut = Sampler.from_settings({"temperature": 0.1, "top_p": 0.5}).probabilities(
        np.log(probabilities_V), ((), ())
    )
    cut_then_hot = Sampler((TopP(0.5), Temperature(0.1))).probabilities(np.log(probabilities_V), ((), ()))
    assert np.count_nonzero(hot_then_cut) == 1
    assert np.count_nonzero(cut_then_hot) == 2


@given(st.integers(0, 1000), st.integers(1, 70))
def test_neutral_settings_change_nothing(seed, size):
    logits_V = row(seed, size)
    neutral = {each.name: each.default for each in sampling_knobs()}
    sampler = Sampler.from_settings(neutral)
    assert sampler.transforms == ()
    kept_in = Sampler(tuple(stage() for stage in TRANSFORMS))
    plain_V = Sampler().probabilities(logits_V, ())
    np.testing.assert_array_equal(kept_in.probabilities(logits_V, kept_in.begin([0])), plain_V)
    exact_V = np.exp(logits_V.astype(np.float64))
    np.testing.assert_allclose(plain_V, exact_V / exact_V.sum(), rtol=1e-12)


@given(st.integers(0, 200), st.sampled_from([{}, {"top_k": 5}, {"top_p": 0.5}, {"min_p": 0.3}]))
def test_greedy_is_argmax_whatever_is_cut_and_drawn(seed, more):
    logits_V = row(seed)
    sampler = Sampler.from_settings({"temperature": 0, **more})
    assert sampler.sample(logits_V, sampler.begin([]), seed=seed, position=3).token == int(logits_V.argmax())


def test_the_reported_log_probability_is_the_models_own():
    logits_V = row()
    sampler = Sampler.from_settings({"temperature": 0.3, "top_k": 3})
    allowed_V = logits_V < np.sort(logits_V)[-4]
    drawn = sampler.sample(logits_V, sampler.begin([]), allowed_V, seed=1, position=0)
    exact = logits_V.astype(np.float64)
    assert drawn.log_probability == pytest.approx(exact[drawn.token] - np.log(np.exp(exact).sum()))


def test_states_follow_the_tokens():
    sampler = Sampler.from_settings({"frequency_penalty": 2.0, "penalty_window": 2})
    states = sampler.step(sampler.begin([0]), 1)
    logits_V = np.zeros(3)
    probabilities_V = sampler.probabilities(logits_V, states)
    assert probabilities_V[0] == probabilities_V[1] < probabilities_V[2]
    forgotten_V = sampler.probabilities(logits_V, sampler.step(sampler.step(states, 2), 2))
    assert forgotten_V[0] == forgotten_V[1] > forgotten_V[2]


@dataclass(frozen=True)
class Coin(Memoryless):
    """Drops the likeliest token half of the time: a stage with a draw of its own."""

    lane: ClassVar[int | None] = 9
    coin: bool = knob(False, "whether")
    neutral = False

    def apply(self, logits_V, state, u):
        out_V = logits_V.copy()
        if u < 0.5:
            out_V[out_V.argmax()] = -np.inf
        return out_V

    def lower(self):
        raise NotImplementedError("a stage of this test alone, which no engine knows")


def test_a_stage_that_draws_has_its_own_lane():
    sampler = Sampler((Coin(),))
    logits_V = np.array([1.0, 0.0])
    dropped = [
        sampler.probabilities(logits_V, sampler.begin([]), seed=4, position=position)[0] == 0 for position in range(400)
    ]
    assert dropped == [uniform(4, position, 9) < 0.5 for position in range(400)]
    assert 150 < sum(dropped) < 250


@pytest.mark.parametrize(
    ("logits", "allowed", "says"),
    [
        ([0.0, 1.0], [False, False], "no token is left"),
        ([-math.inf, -math.inf], None, "no token is left"),
        ([math.nan, 1.0], None, "not a number"),
        ([0.0, math.inf], None, "not a number"),
    ],
)
@pytest.mark.parametrize("settings", [{}, {"top_k": 1}, {"temperature": 0}, {"top_p": 0.5}], ids=str)
def test_a_row_that_cannot_be_drawn_from_is_refused(logits, allowed, says, settings):
    sampler = Sampler.from_settings(settings)
    allowed_V = None if allowed is None else np.array(allowed)
    with pytest.raises(ToolkitError, match=says):
        sampler.probabilities(np.array(logits, np.float32), sampler.begin([]), allowed_V)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"temprature": 1.0}, "did you mean 'temperature'"),
        ({"top_p": 1.5}, "between 0 and 1"),
        ({"top_k": -1}, "at least 0"),
        ({"temperature": math.nan}, "finite"),
        ({"biases": ()}, "biases"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, says):
    with pytest.raises(UsageError, match=says):
        Sampler.from_settings(settings)
