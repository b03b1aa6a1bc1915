"""A hundred thousand draws of every stage against the distribution its source says, by a chi-square test.

The distribution is worked out by `tests.sampling.oracles`, so that stage and draw are tested together and the wrong
probabilities cannot agree with themselves.
"""

import math

import numpy as np
import pytest
from scipy import stats

from tests.sampling import oracles
from tests.sampling.situations import distinct
from toolkit.core import uniform
from toolkit.sampling import TRANSFORMS, Sampler, draw

MANY = 100_000
ROW = distinct(3, 66) / 2
BEST = int(ROW.argmax())
HISTORY = [1, 2, 3, BEST, 5, 6, 1, 2, 3, BEST, 0, 9, 1, 2, 3]
WINDOW = {"repetition_window": 64, "penalty_window": 64, "dry_window": 64, "no_repeats_window": 64}


def kept(tokens):
    return oracles.probabilities([x if token in tokens else -math.inf for token, x in enumerate(ROW)])


def mixed(share, one, other):
    return [share * p + (1 - share) * q for p, q in zip(one, other, strict=True)]


def of(logits):
    return oracles.probabilities(list(logits))


R = ROW.tolist()
CASES = {
    "repetition": ({"repetition_penalty": 1.8, "repetition_span": 3}, of(oracles.repetition(R, HISTORY, 64, 3, 1.8))),
    "frequency": (
        {"frequency_penalty": 0.4, "presence_penalty": 0.3, "penalty_span": 1},
        of(oracles.frequency_presence(R, HISTORY, 64, 1, 0.4, 0.3)),
    ),
    "dry": ({"dry_multiplier": 1.0, "dry_allowed": 2}, of(oracles.dry(R, HISTORY, 64, 1.0, 1.75, 2))),
    "bias": ({"logit_bias": "#0=1.5,#7=-2"}, of([x + {0: 1.5, 7: -2}.get(token, 0) for token, x in enumerate(R)])),
    "no_repeats": ({"no_repeats": True, "no_repeats_length": 3}, kept(oracles.no_repeats(R, HISTORY, 64, 3))),
    "ban": ({"ban": "#0,#9"}, kept(set(range(66)) - {0, 9})),
    "temperature": ({"temperature": 1.7}, of(oracles.temperature(R, 1.7))),
    "dynamic_temperature": (
        {"dynamic_low": 0.5, "dynamic_high": 2.5, "dynamic_exponent": 0.7},
        of(oracles.dynamic_temperature(R, 0.5, 2.5, 0.7)),
    ),
    "smoothing": ({"smoothing_factor": 0.1, "smoothing_curve": 1.5}, of(oracles.smoothing(R, 0.1, 1.5))),
    "top_n_sigma": ({"top_n_sigma": 1.2}, kept(oracles.top_n_sigma(R, 1.2))),
    "top_k": ({"top_k": 9}, kept(oracles.top_k(R, 9))),
    "top_p": ({"top_p": 0.9}, kept(oracles.top_p(R, 0.9))),
    "min_p": ({"min_p": 0.05}, kept(oracles.min_p(R, 0.05))),
    "typical": ({"typical_p": 0.6}, kept(oracles.typical(R, 0.6))),
    "epsilon": ({"epsilon": 0.02}, kept(oracles.epsilon(R, 0.02))),
    "eta": ({"eta": 0.05}, kept(oracles.eta(R, 0.05))),
    "top_a": ({"top_a": 0.4}, kept(oracles.top_a(R, 0.4))),
    "tail_free": ({"tail_free": 0.9}, kept(oracles.tail_free(R, 0.9))),
    "top_h": ({"top_h": 0.7}, kept(oracles.top_h(R, 0.7))),
    "p_less": ({"p_less": True}, kept(oracles.p_less(R, None))),
    "xtc": ({"xtc_probability": 0.3, "xtc_threshold": 0.05}, mixed(0.3, kept(oracles.xtc(R, 0.05)), of(R))),
    "mirostat": ({"mirostat": 2, "mirostat_tau": 2.0}, kept(oracles.mirostat_2(R, 4.0))),
    "adaptive": ({"adaptive": True, "adaptive_target": 0.2}, of(oracles.adaptive(R, 0.2, 0.2))),
}


def test_every_stage_is_drawn_from():
    assert set(CASES) == {stage.name for stage in TRANSFORMS}


@pytest.mark.parametrize("name", CASES)
def test_a_hundred_thousand_draws_follow_the_stages_distribution(name):
    settings, wanted = CASES[name]
    sampler = Sampler.from_settings({**WINDOW, **settings})
    assert name in sampler.order
    assert np.abs(np.array(wanted) - of(R)).sum() > 0.02, "a stage that changes nothing proves nothing"
    states, rng = sampler.begin(HISTORY), np.random.default_rng(17)
    if sampler.transforms[0].lane is None:
        counts_V = drawn(sampler.probabilities(ROW, states), rng.random(MANY))
    else:  # its own draw first: the positions are few enough to ask for one by one, each standing for a share
        rows = [sampler.probabilities(ROW, states, seed=1, position=position) for position in range(500)]
        counts_V = sum(drawn(row_V, rng.random(MANY // 500)) for row_V in rows)
    assert_follows(counts_V, np.array(wanted), spread=1 if name != "xtc" else MANY // 500)


def drawn(probabilities_V, numbers):
    """How often each token is drawn for these numbers: `draw`, for many at once."""
    cumulative_V = probabilities_V.cumsum()
    tokens = cumulative_V.searchsorted(numbers * cumulative_V[-1], side="right")
    for number, token in list(zip(numbers, tokens, strict=True))[:50]:
        assert draw(probabilities_V, float(number)) == token
    return np.bincount(tokens, minlength=len(probabilities_V))


def assert_follows(counts_V, wanted_V, spread=1):
    """``spread`` divides the statistic where draws come in clusters that share a coin."""
    assert not counts_V[wanted_V == 0].any()
    total = counts_V.sum()
    common_V = wanted_V * total >= 5
    observed = np.append(counts_V[common_V], counts_V[~common_V].sum())
    expected = np.append(wanted_V[common_V], wanted_V[~common_V].sum()) * total
    observed, expected = observed[expected > 0], expected[expected > 0]
    statistic = float(((observed - expected) ** 2 / expected).sum()) / spread
    assert stats.chi2.sf(statistic, max(1, len(observed) - 1)) > 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_hundred_thousand_tokens_drawn_one_by_one_follow_it_too(name):
    """The whole of `Sampler.sample`, each position with its own numbers."""
    settings, wanted = CASES[name]
    sampler = Sampler.from_settings({**WINDOW, **settings})
    states = sampler.begin(HISTORY)
    tokens = [sampler.sample(ROW, states, seed=11, position=position).token for position in range(MANY)]
    assert_follows(np.bincount(tokens, minlength=66), np.array(wanted))


def test_the_coin_of_xtc_falls_as_often_as_it_says():
    sampler = Sampler.from_settings({"xtc_probability": 0.3, "xtc_threshold": 0.05})
    (stage,) = sampler.transforms
    obvious = int(ROW.argmax())
    struck = [sampler.probabilities(ROW, ((),), seed=2, position=at)[obvious] == 0 for at in range(2000)]
    assert struck == [uniform(2, at, stage.lane) < 0.3 for at in range(2000)]
    assert stats.binomtest(sum(struck), 2000, 0.3).pvalue > 1e-4
