"""The limit on copying: whatever is drawn under it, no copy is longer, by the look of every run."""

import itertools
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.originality.brute import as_words, matches
from toolkit.core import UsageError
from toolkit.originality import Candidates, CopyLimit, NgramIndex, mixed_one

CORPUS = st.lists(st.lists(st.integers(1, 3), max_size=40), min_size=1, max_size=3)


def index_of(corpus):
    return NgramIndex.build([as_words(each) for each in corpus], {3: 0.02, 6: 0.05}, "words", "0" * 64)


def rows(candidates):
    symbols = np.zeros((len(candidates), max(map(len, candidates))), np.uint64)
    for row, each in enumerate(candidates):
        symbols[row, : len(each)] = each
    return Candidates(symbols, np.array([len(each) for each in candidates]))


@given(CORPUS, st.integers(2, 9), st.randoms(use_true_random=False))
def test_what_always_copies_when_it_may_never_copies_too_much(corpus, most, rng):
    limit, made = CopyLimit(index_of(corpus), most), []
    trace = limit.begin()
    source = max(corpus, key=len) or [1]
    for at in range(60):
        wanted = [source[at % len(source)], *rng.sample([1, 2, 3, 4, 5], 5)]
        blocked = limit.blocked(trace, rows([[each] for each in wanted]))
        free = [each for each, stopped in zip(wanted, blocked, strict=True) if not stopped]
        if not free:
            break
        made.append(free[0])
        trace = limit.step(trace, mixed_one(free[0]))
    assert max(matches(made, corpus), default=0) <= most


@given(CORPUS, st.integers(2, 9), st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=9), min_size=1, max_size=6))
def test_a_candidate_is_blocked_when_a_step_within_it_would_be(corpus, most, candidates):
    limit = CopyLimit(index_of(corpus), most)
    trace = limit.begin()
    for symbol in max(corpus, key=len):
        stepped = []
        for each in candidates:
            ahead, over = trace, False
            for other in each:
                ahead = limit.step(ahead, mixed_one(other))
                over |= limit.room(ahead) < 0
            stepped.append(over)
        assert limit.blocked(trace, rows(candidates)).tolist() == stepped
        after = limit.step(trace, mixed_one(symbol))
        trace = after if limit.room(after) >= 0 else limit.begin()


@given(CORPUS, st.integers(2, 9), st.lists(st.integers(1, 3), max_size=30))
def test_room_is_never_more_than_there_is(corpus, most, symbols):
    limit = CopyLimit(index_of(corpus), most)
    trace = limit.begin()
    rooms = []
    for symbol in symbols:
        rooms.append(limit.room(trace))
        trace = limit.step(trace, mixed_one(symbol))
        if limit.room(trace) < 0:
            break
    rooms.append(limit.room(trace))
    assert all(after >= before - 1 for before, after in itertools.pairwise(rooms))


def test_states_are_values():
    limit = CopyLimit(index_of([[1, 2, 3, 1, 2, 3, 1]]), 4)
    trace = limit.begin()
    assert limit.step(trace, mixed_one(1)) == limit.step(trace, mixed_one(1))
    assert {trace: 1}[limit.begin()] == 1


def test_shorter_copies_than_the_index_knows_cannot_be_limited():
    with pytest.raises(UsageError):
        CopyLimit(index_of([[1, 2, 3]]), 1)


def test_the_tail_stays_short():
    limit, rng = CopyLimit(index_of([[1, 2, 3]]), 9), random.Random(0)
    trace = limit.begin()
    for _ in range(100):
        trace = limit.step(trace, mixed_one(rng.randint(1, 9)))
    assert len(trace.tail) == 5
