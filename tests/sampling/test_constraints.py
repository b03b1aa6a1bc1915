"""The constraints: masks, products, and the promise that what can be finished is finished in time."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import NEVER, UsageError
from toolkit.sampling import Allow, Anything, Both, Finishing, Forbid
from toolkit.sampling.constraints import distances, growth

OPEN, CLOSE, REST, STOP = range(4)


class Brackets:
    """Balanced brackets with rests between, ended by STOP at depth 0. The state is the depth, -1 once stopped."""

    deepest = 50

    def __init__(self):
        self.steps = 0

    def begin(self):
        return 0

    def allowed(self, depth):
        if depth < 0:
            return np.zeros(4, np.bool_)
        return np.array([depth < self.deepest, depth > 0, True, depth == 0])

    def step(self, depth, token):
        assert self.allowed(depth)[token]
        self.steps += 1
        return {OPEN: depth + 1, CLOSE: depth - 1, REST: depth, STOP: -1}[token]

    def distance(self, depth):
        return depth + 1 if depth >= 0 else 0


class FrugalBrackets(Brackets):
    growth = 1


class Word:
    """Exactly one word, letter by letter, ending without a stop token."""

    def __init__(self, word, size):
        self.word, self.size = word, size

    def begin(self):
        return 0

    def allowed(self, place):
        return np.arange(self.size) == (self.word[place] if place < len(self.word) else -1)

    def step(self, place, token):
        return place + 1

    def distance(self, place):
        return len(self.word) - place


def walk(constraint, length, prefer):
    """The tokens of one sequence whose next is always the first allowed of ``prefer(position)``."""
    state, tokens = constraint.begin(), []
    while len(tokens) < length:
        allowed_V = constraint.allowed(state)
        allowed_V = np.ones(4, np.bool_) if allowed_V is None else allowed_V
        if not allowed_V.any():
            assert constraint.distance(state) == 0
            break
        token = next(token for token in prefer(len(tokens)) if allowed_V[token])
        state = constraint.step(state, token)
        tokens.append(token)
    return tokens, constraint.distance(state)


def balanced(tokens):
    depth = 0
    for token in tokens[:-1]:
        depth += {OPEN: 1, CLOSE: -1, REST: 0}[token]
        assert depth >= 0
    return depth == 0 and tokens[-1] == STOP


@pytest.mark.parametrize("inner", [Brackets, FrugalBrackets])
@given(length=st.integers(1, 60), seed=st.integers(0, 10_000))
def test_what_can_be_finished_is_finished_in_time(inner, length, seed):
    rng = np.random.default_rng(seed)
    tokens, distance = walk(Finishing(inner(), length, 4), length, lambda _: rng.permutation(4))
    assert distance == 0
    assert balanced(tokens)


@pytest.mark.parametrize("inner", [Brackets, FrugalBrackets])
@pytest.mark.parametrize("prefer", [(OPEN, REST, CLOSE, STOP), (REST, OPEN, CLOSE, STOP)])
@pytest.mark.parametrize("length", [1, 2, 3, 30, 31])
def test_a_will_never_to_end_is_bent(inner, prefer, length):
    tokens, distance = walk(Finishing(inner(), length, 4), length, lambda _: prefer)
    assert distance == 0
    assert balanced(tokens)
    assert len(tokens) == length


def test_nothing_that_fits_is_taken_away():
    """Brackets with rests are Motzkin words: 1 + 1 + 2 + 4 + 9 + 21 + 51 of them have up to six tokens."""
    length = 7
    finishing = Finishing(FrugalBrackets(), length, 4)

    def endings(constraint, state, left):
        if constraint.distance(state) == 0:
            return 1
        if left == 0:
            return 0
        return sum(
            endings(constraint, constraint.step(state, token), left - 1)
            for token in np.flatnonzero(constraint.allowed(state)).tolist()
        )

    assert endings(finishing, finishing.begin(), length) == endings(Brackets(), 0, length) == 89


def test_a_declared_growth_saves_the_work_until_the_end_is_near():
    counted, frugal = Brackets(), FrugalBrackets()
    for inner in (counted, frugal):
        finishing = Finishing(inner, 1000, 4)
        state = finishing.begin()
        for token in [OPEN, REST, REST, CLOSE] * 20:
            finishing.allowed(state)
            state = finishing.step(state, token)
    assert frugal.steps == 80
    assert 80 < counted.steps <= 80 + 2 * 4  # two depths, each looked at once


def test_a_length_below_the_shortest_ending_is_refused_at_once():
    finishing = Finishing(Brackets(), 3, 4)
    assert finishing.resume(2) == (2, 3)
    with pytest.raises(UsageError, match="the shortest result takes 4 tokens, and the length is 3"):
        finishing.resume(3)
    with pytest.raises(UsageError):
        Finishing(Brackets(), 0, 4).begin()


def test_what_has_no_ending_is_refused_at_once():
    class Endless(Anything):
        def distance(self, state):
            return 2**40

    with pytest.raises(UsageError, match="cannot be finished"):
        Finishing(Endless(), 2**50, 4).begin()


def test_a_mask_that_rules_nothing_out_stays_none():
    finishing = Finishing(Anything(), 2, 4)
    state = finishing.step(finishing.begin(), 1)
    assert finishing.allowed(state) is None
    unsaid = Both(Word([0, 1, 2], 4), Anything())
    assert growth(unsaid) is None


def test_allow_and_forbid_say_the_opposite():
    mask_V = np.array([True, False, True, True])
    assert np.array_equal(Allow(mask_V).allowed(()), Forbid([1], 4).allowed(()))
    mask_V[:] = False
    assert Forbid([], 4).allowed(()).all()


def test_a_mask_is_kept_not_shared():
    mask_V = np.array([True, False])
    constraint = Allow(mask_V)
    mask_V[1] = True
    assert constraint.allowed(()).tolist() == [True, False]


def test_nothing_allowed_or_unknown_tokens_are_refused():
    with pytest.raises(UsageError, match="no token is allowed"):
        Allow(np.zeros(3, np.bool_))
    with pytest.raises(UsageError, match="no token is allowed"):
        Forbid(range(3), 3)
    with pytest.raises(UsageError, match="no token 3"):
        Forbid([3], 3)


@given(st.lists(st.integers(0, 3), max_size=12))
def test_both_accepts_what_each_accepts(tokens):
    both = Both(Brackets(), Forbid([REST], 4))
    state, alone = both.begin(), 0
    for token in tokens:
        expected = Brackets().allowed(alone) & np.array([True, True, False, True])
        assert np.array_equal(both.allowed(state), expected)
        if not expected[token]:
            break
        state, alone = both.step(state, token), Brackets().step(alone, token)
        assert state == (alone, ())
        assert hash(state) == hash((alone, ()))
        assert both.distance(state) == Brackets().distance(alone)


def test_both_keeps_none_where_neither_rules_anything_out():
    assert Both(Anything(), Anything()).allowed(((), ())) is None
    masked = Both(Anything(), Forbid([0], 2))
    assert masked.allowed(masked.begin()).tolist() == [False, True]
    masked = Both(Forbid([0], 2), Anything())
    assert masked.allowed(masked.begin()).tolist() == [False, True]


def test_the_distance_of_both_is_a_lower_bound():
    both = Both(Word([0, 1, 2], 4), FrugalBrackets())
    assert both.distance(both.begin()) == 3
    assert Both(FrugalBrackets(), Anything()).growth == 1


class Ahead(Brackets):
    """Brackets that know all distances at once."""

    def distances(self, depth):
        after_V = np.array([depth + 2, depth, depth + 1, 0], np.int32)
        return np.where(self.allowed(depth), after_V, NEVER).astype(np.int32)


PAIRS = {
    "both step": (lambda: Both(FrugalBrackets(), Brackets())),
    "one looks ahead": (lambda: Both(Ahead(), Brackets())),
    "the other looks ahead": (lambda: Both(Brackets(), Ahead())),
    "both look ahead": (lambda: Both(Ahead(), Ahead())),
    "one never stands in the way": (lambda: Both(Ahead(), Forbid([REST], 4))),
    "neither does": (lambda: Both(Allow(np.array([True, True, False, True])), Anything())),
    "three": (lambda: Both(Both(Ahead(), Forbid([REST], 4)), Both(Anything(), Brackets()))),
    "apart": (lambda: Both(Ahead(), Word([0, 0, 1, 2, 1, 3], 4))),
}


@pytest.mark.parametrize("pair", PAIRS)
@given(wanted=st.lists(st.integers(0, 3), max_size=8))
def test_looking_ahead_of_both_is_stepping_with_each_token(pair, wanted):
    both = PAIRS[pair]()
    state = both.begin()
    for token in wanted:
        told_V = distances(both, state, 4)
        mask_V = both.allowed(state)
        allowed = range(4) if mask_V is None else np.flatnonzero(mask_V).tolist()
        assert told_V.tolist() == [
            min(both.distance(both.step(state, each)), NEVER) if each in allowed else NEVER for each in range(4)
        ]
        if token not in allowed:
            break
        state = both.step(state, token)


def test_what_looks_ahead_is_never_stepped_to_look_ahead():
    ahead = Ahead()
    both = Both(Both(ahead, Anything()), Forbid([REST], 4))
    distances(both, both.begin(), 4)
    assert ahead.steps == 0
