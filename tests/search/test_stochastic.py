"""Stochastic beam search against exact sampling without replacement."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tests.search.trees import STOP, Line, NoRepeat, Rows, Trap, Word, leaves
from toolkit.core import ToolkitError
from toolkit.sampling import Anything, Sampler
from toolkit.search import SearchSettings, search


def run(engine, *, count, seed=0, chain=None, length=3, constraint=Anything()):  # noqa: B008
    return search(
        engine,
        [STOP],
        settings=SearchSettings("stochastic"),
        sampler=Sampler.from_settings(chain or {}),
        length=length,
        stop=STOP,
        constraint=constraint,
        seed=seed,
        count=count,
    )


def fits(counts, probabilities):
    """The p-value of counts against probabilities, rare outcomes pooled."""
    n = sum(counts.values())
    assert not counts.keys() - probabilities.keys()
    common = [each for each in probabilities if n * probabilities[each] >= 8]
    observed, expected = [counts.get(each, 0) for each in common], [n * probabilities[each] for each in common]
    if n - sum(expected) > 1:
        observed, expected = [*observed, n - sum(observed)], [*expected, n - sum(expected)]
    assert len(observed) > 3
    return stats.chisquare(observed, expected, sum_check=False).pvalue


@pytest.mark.parametrize(
    ("chain", "constraint"),
    [({}, None), ({"temperature": 0.5}, None), ({"frequency_penalty": 1.0}, None), ({"temperature": 1.5}, Line())],
    ids=["plain", "cold", "penalised", "constrained"],
)
def test_samples_come_as_if_drawn_one_by_one_without_putting_back(chain, constraint):
    engine, constraint = Rows(model=4), constraint or Anything()
    asked = {"chain": chain, "constraint": constraint, "length": 5 if isinstance(constraint, Line) else 3}
    every = leaves(engine, sampler=Sampler.from_settings(chain), constraint=constraint, length=asked["length"])
    p = {tokens: searched for tokens, (searched, _) in every.items()}
    exact = {(one, two): p[one] * p[two] / (1 - p[one]) for one, two in itertools.permutations(p, 2)}
    counts, included = {}, {}
    for seed in range(1500):
        drawn = tuple(each.tokens for each in run(engine, count=2, seed=seed, **asked))
        counts[drawn] = counts.get(drawn, 0) + 1
        for tokens in drawn:
            included[tokens] = included.get(tokens, 0) + 1
    assert fits(counts, exact) > 1e-3
    for tokens, times in included.items():
        q = sum(probability for pair, probability in exact.items() if tokens in pair)
        assert abs(times - 1500 * q) < 4.5 * math.sqrt(1500 * q * (1 - q)) + 1


def test_the_weighted_sum_is_an_unbiased_estimate():
    engine = Rows(model=5)
    every = leaves(engine, length=4)
    measures = {
        "one": lambda tokens: 1.0,
        "length": len,
        "twos": lambda tokens: tokens.count(2) ** 2,
        "rare": lambda tokens: float(tokens == min(every, key=lambda each: every[each][0])) * 100,
    }
    exact = {name: sum(p * f(tokens) for tokens, (p, _) in every.items()) for name, f in measures.items()}
    estimates = {name: [] for name in measures}
    for seed in range(1500):
        found = run(engine, count=4, seed=seed, length=4)
        for name, f in measures.items():
            estimates[name].append(sum(math.exp(each.log_weight) * f(each.tokens) for each in found))
    for name, values in estimates.items():
        error = np.std(values) / math.sqrt(len(values))
        assert abs(np.mean(values) - exact[name]) < 4 * error, name
        assert error > 0


@given(st.integers(0, 2**64 - 1), st.integers(1, 40), st.integers(0, 50))
def test_samples_are_distinct_and_those_of_fewer_are_the_first_of_more(seed, count, model):
    engine = Rows(model=model)
    found = run(engine, count=count, seed=seed)
    assert len({each.tokens for each in found}) == len(found)
    assert [each.score for each in found] == sorted((each.score for each in found), reverse=True)
    more = run(engine, count=count + 3, seed=seed)
    assert [(each.tokens, each.score) for each in found] == [(each.tokens, each.score) for each in more[:count]]


def test_everything_is_found_with_its_own_probability_as_weight_when_all_is_asked_for():
    engine = Rows()
    every = leaves(engine, length=3)
    found = run(engine, count=len(every))
    assert {each.tokens for each in found} == set(every)
    for each in found:
        assert math.exp(each.log_weight) == pytest.approx(every[each.tokens][0])
        assert math.exp(each.searched) == pytest.approx(every[each.tokens][0])
        assert math.exp(each.log_probability) == pytest.approx(every[each.tokens][1])
    assert len(run(engine, count=1000)) == len(every)


def test_the_first_sample_is_an_ordinary_draw():
    engine = Rows(model=8)
    every = leaves(engine, length=3)
    counts = {}
    for seed in range(1500):
        (one,) = run(engine, count=1, seed=seed)
        counts[one.tokens] = counts.get(one.tokens, 0) + 1
    assert fits(counts, {tokens: p for tokens, (p, _) in every.items()}) > 1e-3


@given(st.integers(0, 1000), st.integers(4, 9))
def test_constraints_are_kept_and_every_sample_ends_within_the_length(seed, length):
    for each in run(Rows(), constraint=Line(), length=length, count=5, seed=seed):
        assert each.tokens[-3:] == (2, 1, STOP)
        assert len(each.tokens) <= length


def test_one_seed_gives_one_result_and_others_others():
    assert run(Rows(), count=3, seed=5) == run(Rows(), count=3, seed=5)
    assert len({tuple(each.tokens for each in run(Rows(), count=3, seed=seed)) for seed in range(30)}) > 10


def test_a_long_sequence_keeps_a_finite_weight():
    found = run(Rows(size=60), count=3, length=250, chain={"logit_bias": "#0=-inf"})
    for each in found:
        assert math.exp(each.searched) == 0
        assert math.isfinite(each.log_weight) and math.isfinite(each.score)


def test_a_sequence_with_nothing_more_to_say_is_finished():
    (found,) = run(Rows(), constraint=Word(), count=3, length=9)
    assert found.tokens == (2, 1) and found.log_weight == 0


def test_no_tokens_are_found_where_none_are_asked_for():
    (found,) = run(Rows(), count=2, length=0)
    assert found.tokens == () and found.log_weight == 0


@pytest.mark.parametrize("constraint", [NoRepeat(), Trap()], ids=["taken back", "dead end"])
def test_what_has_no_known_distribution_is_refused(constraint):
    with pytest.raises(ToolkitError, match="never takes anything back"):
        run(Rows(), constraint=constraint, count=20)
