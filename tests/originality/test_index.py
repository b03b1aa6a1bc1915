"""The index of hashes: it misses no copy, raises no more false alarms than it says, and trusts no file."""

import copy
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.originality.brute import as_words, matches
from toolkit.core import CheckpointError
from toolkit.originality import NgramIndex, measure, mixed, mixed_one, of_data, shapes
from toolkit.originality.bloom import Bloom, about_distinct
from toolkit.originality.ngrams import power, suffixes, unbroken, windows

SYMBOLS = st.lists(st.integers(1, 3), max_size=40)
RATES = {3: 0.01, 7: 0.02}


def index_of(corpus, rates=RATES):
    return NgramIndex.build([as_words(each) for each in corpus], rates, "words", "0" * 64)


@given(st.lists(st.integers(0, 2**64 - 1), max_size=30), st.integers(1, 12))
def test_windows_hash_each_run_as_its_polynomial(symbols, size):
    hashes = windows(as_words(symbols), size).tolist()
    runs = [symbols[at : at + size] for at in range(len(symbols) - size + 1)]
    assert hashes == [sum(each * power(size - 1 - k) for k, each in enumerate(run)) % 2**64 for run in runs]
    assert hashes == [suffixes(run)[size] for run in runs]


@given(st.integers(0, 2**64 - 1))
def test_one_number_is_mixed_as_many_are(symbol):
    assert mixed(as_words([symbol])).tolist() == [mixed_one(symbol)]


@given(st.lists(st.integers(0, 3), max_size=20), st.integers(1, 6))
def test_no_run_reaches_across_a_break(symbols, size):
    runs = [symbols[at : at + size] for at in range(len(symbols) - size + 1)]
    assert unbroken(as_words(symbols), size).tolist() == [0 not in run for run in runs]


@given(st.lists(st.integers(0, 2**64 - 1), max_size=50), st.lists(st.integers(0, 2**64 - 1), max_size=50))
def test_a_filter_forgets_nothing_and_answers_one_as_many(keys, others):
    held = Bloom.of([as_words(keys)], max(1, len(set(keys))), 0.1)
    assert held.contains(as_words(keys)).all()
    assert [held.has(each) for each in others] == held.contains(as_words(others)).tolist()


@pytest.mark.parametrize("rate", [0.3, 0.05, 0.01])
def test_false_alarms_are_as_frequent_as_stated(rate):
    rng = np.random.default_rng(5)
    keys, strangers = rng.integers(0, 2**64, (2, 20_000), np.uint64)
    held = Bloom.of([keys], len(keys), rate)
    seen, spread = held.contains(strangers).mean(), 4 * np.sqrt(rate / len(strangers))
    assert abs(held.rate - rate) < 0.05 * rate
    assert abs(seen - held.rate) < spread


def test_different_keys_are_counted_within_one_in_a_hundred():
    rng = np.random.default_rng(6)
    keys = rng.integers(0, 30_000, 100_000).astype(np.uint64)
    assert abs(about_distinct([keys], len(keys)) / len(np.unique(keys)) - 1) < 0.01


@given(st.lists(SYMBOLS, min_size=1, max_size=4), SYMBOLS)
def test_no_copy_is_missed(corpus, query):
    """Neither a false negative of a run nor a longest run told too short."""
    reach = index_of(corpus).reach(as_words(query))
    assert all(told >= true for told, true in zip(reach, matches(query, corpus), strict=True) if true >= min(RATES))


@given(st.lists(SYMBOLS, min_size=1, max_size=3), SYMBOLS)
def test_almost_no_alarm_is_false_where_filters_are_large(corpus, query):
    """With false alarms as good as ruled out, small runs are told exactly."""
    reach = index_of(corpus, {3: 1e-9, 7: 1e-9}).reach(as_words(query))
    true = matches(query, corpus)
    for told, copied in zip(reach.tolist(), true, strict=True):
        assert (told >= 3) == (copied >= 3)
        assert (told >= 7) == (copied >= 7)


@given(SYMBOLS, SYMBOLS, SYMBOLS)
def test_layers_know_what_either_knows(one, other, query):
    both = index_of([one]).with_layers(index_of([other]))
    reach = both.reach(as_words(query))
    assert all(told >= true for told, true in zip(reach, matches(query, [one, other]), strict=True) if true >= 3)
    assert all(both.rate(size) >= index_of([one]).rate(size) for size in RATES)


def test_it_comes_back_from_its_data_as_it_was():
    index = built()
    facts, arrays = index.data()
    facts = json.loads(json.dumps(facts))
    again = of_data(facts, arrays)
    assert shapes(facts) == {name: each.shape for name, each in arrays.items()}
    assert again.held_out == index.held_out != ()
    query = as_words(np.random.default_rng(1).integers(1, 4, 200))
    assert (again.reach(query) == index.reach(query)).all()


def built():
    rng = np.random.default_rng(0)
    corpus = [rng.integers(1, 4, 60) for _ in range(9)]
    index = index_of(corpus)
    samples = [as_words(each) for each in rng.integers(1, 4, (10, 60))]
    scores = measure(samples, index.reach, sizes=index.sizes, lengths=(20, 50), overlap=0)
    return NgramIndex(index.sizes, index.layers, scores)


DAMAGE = [
    lambda facts: facts.pop("sizes"),
    lambda facts: facts.update(format=2),
    lambda facts: facts.update(sizes=[7, 3]),
    lambda facts: facts.update(sizes=[3, 2000]),
    lambda facts: facts.update(sizes=[3.0, 7]),
    lambda facts: facts.update(layers=[]),
    lambda facts: facts.update(layers=facts["layers"] * 17),
    lambda facts: facts["layers"][0].pop("name"),
    lambda facts: facts["layers"][0].update(symbols=-1),
    lambda facts: facts["layers"][0]["filters"].pop(),
    lambda facts: facts["layers"][0]["filters"][0].update(bits=2**60),
    lambda facts: facts["layers"][0]["filters"][0].update(bits=0),
    lambda facts: facts["layers"][0]["filters"][0].update(bits=True),
    lambda facts: facts["layers"][0]["filters"][0].update(probes=10**9),
    lambda facts: facts["layers"][0]["filters"][0].update(bits=facts["layers"][0]["filters"][0]["bits"] + 64),
    lambda facts: facts.update(held_out=None),
    lambda facts: facts["held_out"][0].update(length=0),
    lambda facts: facts["held_out"][0].update(longest=[1, 2]),
    lambda facts: facts["held_out"][0].update(longest=["nan"] * 7),
    lambda facts: facts["held_out"][0].update(novel={"x": [0] * 7}),
]


@pytest.mark.parametrize("damage", DAMAGE)
def test_facts_that_cannot_be_are_refused(damage):
    facts, arrays = built().data()
    facts = copy.deepcopy(json.loads(json.dumps(facts)))
    damage(facts)
    with pytest.raises(CheckpointError):
        of_data(facts, arrays)


def test_held_out_scores_are_quantiles_of_what_samples_score():
    index = index_of([[1, 2, 3] * 20])
    samples = [as_words([1, 2, 3] * 4)] * 4 + [as_words([1, 1, 1, 2, 2, 2, 3, 3, 3, 1, 1, 1])] * 4
    (scores,) = measure(samples, index.reach, sizes=index.sizes, lengths=(12, 99), overlap=0)
    assert (scores.length, scores.samples) == (12, 8)
    assert scores.longest[-1] == 12
    assert scores.longest[0] <= 5  # nothing of the second kind is copied but for false alarms
    assert scores.novel[3][0] == 0
    assert scores.novel[3][-1] > 0.5
