from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit import generate
from toolkit.models.ngram import LEAST_DISCOUNT, NGram
from toolkit.sampling import Sampler

VOCABULARY = 5
IDS = st.lists(st.integers(0, VOCABULARY - 1), min_size=2, max_size=60)


class Reference:
    """Chen and Goodman's equations written down with dictionaries, one k-gram at a time.

    p_k(w | h) = max(c(hw) - D(c(hw)), 0) / c(h·) + left(h) p_{k-1}(w | h without its first), where below the top
    c counts the different tokens before a k-gram, as it does when only the beginning of the text is before it: one.
    """

    def __init__(self, ids: Sequence[int], order: int, vocabulary: int) -> None:
        order = min(order, len(ids))
        self.order, self.vocabulary = order, vocabulary
        self.counts: list[dict[tuple[int, ...], int]] = []
        for k in range(1, order + 1):
            seen = Counter(tuple(ids[i : i + k]) for i in range(len(ids) - k + 1))
            if k < order:
                before = defaultdict(set)
                for i in range(1, len(ids) - k + 1):
                    before[tuple(ids[i : i + k])].add(ids[i - 1])
                seen = Counter({gram: max(1, len(before[gram])) for gram in seen})
            self.counts.append(seen)
        self.discounts = [self._discounts(list(each.values())) for each in self.counts]

    @staticmethod
    def _discounts(counts: list[int]) -> list[float]:
        n = [max(1, counts.count(c)) for c in (1, 2, 3, 4)]
        y = n[0] / (n[0] + 2 * n[1])
        return [0.0] + [min(c, max(LEAST_DISCOUNT, c - (c + 1) * y * n[c] / n[c - 1])) for c in (1, 2, 3)]

    def probability(self, history: tuple[int, ...], token: int) -> float:
        history = history[len(history) - min(len(history), self.order - 1) :]
        shorter = self.probability(history[1:], token) if history else 1 / self.vocabulary
        counts, discounts = self.counts[len(history)], self.discounts[len(history)]
        following = {gram[-1]: c for gram, c in counts.items() if gram[:-1] == history}
        if not following:
            return shorter
        total = sum(following.values())
        spared = sum(discounts[min(c, 3)] for c in following.values()) / total
        own = following.get(token, 0)
        return (own - discounts[min(own, 3)]) / total + spared * shorter


@given(IDS, IDS, st.integers(1, 4))
def test_equals_the_equations(train: list[int], text: list[int], order: int) -> None:
    reference = Reference(train, order, VOCABULARY)
    expected = [reference.probability(tuple(text[:i]), text[i]) for i in range(1, len(text))]
    found = NGram(np.asarray(train), order, VOCABULARY).log_probabilities(np.asarray(text))
    np.testing.assert_allclose(np.exp(found), expected, rtol=1e-9)


@given(IDS, IDS, st.integers(1, 4))
def test_sums_to_one_after_any_history(train: list[int], history: list[int], order: int) -> None:
    model = NGram(np.asarray(train), order, VOCABULARY)
    logs, _ = model.feed(history, model.begin())
    assert np.exp(logs.astype(float)).sum() == pytest.approx(1, abs=1e-5)
    assert np.isfinite(logs).all()


@given(IDS, IDS, st.integers(1, 4))
def test_step_by_step_equals_the_whole(train: list[int], text: list[int], order: int) -> None:
    model = NGram(np.asarray(train), order, VOCABULARY)
    memory, steps = model.begin(), []
    for token, following in pairwise(text):
        logs, memory = model.feed([token], memory)
        steps.append(logs[following])
    np.testing.assert_allclose(steps, model.log_probabilities(np.asarray(text)), atol=1e-5)
    at_once, _ = model.feed(text[:-1], model.begin())
    np.testing.assert_allclose(at_once[text[-1]], steps[-1], atol=1e-6)


def test_a_longer_context_helps_where_the_text_has_one() -> None:
    text = np.tile([0, 1, 0, 2, 0, 3, 0, 4], 40)
    losses = [-NGram(text, order, VOCABULARY).log_probabilities(text).mean() for order in (1, 2, 3)]
    assert losses[0] > losses[1] > losses[2]
    assert losses[2] < 0.1 < math.log(4) / 2 <= losses[1]


def test_a_text_shorter_than_the_order_will_do() -> None:
    short, fitting = (NGram(np.asarray([0, 1]), order, VOCABULARY) for order in (7, 2))
    text = np.asarray([0, 1, 2, 0, 1])
    np.testing.assert_array_equal(short.log_probabilities(text), fitting.log_probabilities(text))


def test_never_seen_ids_keep_a_share() -> None:
    model = NGram(np.asarray([0, 1, 0, 1, 0]), 3, VOCABULARY)
    assert np.exp(model.log_probabilities(np.asarray([4, 3, 4]))).min() > 0


def test_samples_through_the_decode_loop() -> None:
    text = np.tile([0, 1, 2, 3], 50)
    model = NGram(text, 4, VOCABULARY)
    steps = generate.tokens(model, [0, 1, 2], sampler=Sampler(), length=200, stop=4, seed=1)
    made = [2, *(step.token for step in steps)]
    followed = [following == (token + 1) % 4 for token, following in pairwise(made)]
    assert sum(followed) > 0.9 * len(followed)
