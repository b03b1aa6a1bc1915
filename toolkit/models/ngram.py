"""An n-gram model of ids with interpolated modified Kneser-Ney smoothing: the line a network has to beat.

It counts, so it trains in seconds; it speaks the engines' protocol, so it samples through the same loop.
Chen and Goodman, "An empirical study of smoothing techniques for language modeling" (1999), section 3.
Knows ids only, and no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.core import FloatArray

Ids = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

LEAST_DISCOUNT = 0.01
"""What is taken from every count at least."""


@dataclass(frozen=True)
class _Order:
    """The k-grams of one length: a sorted key (context number, last token) each, with what smoothing needs.

    ``kept`` is the discounted share of a k-gram among its context's, ``spared`` what a context leaves to the
    shorter ones. ``first`` maps nothing: a k-gram's number is its place among ``keys``.
    """

    keys: Ids
    kept: Floats
    spared: Floats

    def find(self, context: Ids, token: Ids, vocabulary: int) -> Ids:
        """The numbers of k-grams given by context number and last token; -1 where one was never seen."""
        wanted = context * vocabulary + token
        place = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        return np.where((context >= 0) & (self.keys[place] == wanted), place, -1)


class NGram:
    """p(token | the ``order - 1`` tokens before it), for every token, never zero."""

    name = "n-gram"
    precision = "fp64"

    def __init__(self, tokens: npt.NDArray[np.integer], order: int, vocabulary: int) -> None:
        ids = np.asarray(tokens, np.int64)
        order = min(order, len(ids))  # a text has no k-grams longer than itself
        self.order, self.vocabulary = order, vocabulary
        numbers, uniques, firsts, counts = _count(ids, order, vocabulary)
        self._orders = []
        for k in range(order):
            weights = counts[k].astype(float)
            if k + 1 < order:
                # Below the top, what counts is how many different tokens a k-gram was seen after.
                longer = numbers[k][firsts[k + 1]]
                weights = np.maximum(np.bincount(longer, minlength=len(uniques[k])), 1).astype(float)
            contexts = uniques[k] // vocabulary if k else np.zeros(len(uniques[0]), np.int64)
            self._orders.append(_smoothed(uniques[k], contexts, weights, len(uniques[k - 1]) if k else 1))

    def log_probabilities(self, tokens: npt.NDArray[np.integer]) -> Floats:
        """Natural logarithms of p for tokens[1:], each given what stands before it in ``tokens``."""
        ids = np.asarray(tokens, np.int64)
        p = np.full(len(ids), 1 / self.vocabulary)
        before = np.zeros(len(ids), np.int64)  # the number of the context that ends just before each token
        for order in self._orders:
            found = order.find(before, ids, self.vocabulary)
            known = before >= 0
            share = np.where(found >= 0, order.kept[found], 0.0)
            p = np.where(known, share + order.spared[before] * p, p)
            before = np.concatenate([[-1], found[:-1]])
        logs: Floats = np.log(p[1:])
        return logs

    def begin(self) -> tuple[int, ...]:
        """The memory before any token (see `toolkit.core.Engine`)."""
        return ()

    def feed(self, tokens: Sequence[int], memory: tuple[int, ...]) -> tuple[FloatArray, tuple[int, ...]]:
        """Log p of every next token, shape (V,), and the last tokens as memory."""
        memory = (*memory, *tokens)[-(self.order - 1) :] if self.order > 1 else ()
        every = np.arange(self.vocabulary)
        p = np.full(self.vocabulary, 1 / self.vocabulary)
        for k, order in enumerate(self._orders[: len(memory) + 1]):
            context = self._number(memory[len(memory) - k :])
            if context < 0:
                break
            found = order.find(np.full(self.vocabulary, context), every, self.vocabulary)
            p = np.where(found >= 0, order.kept[found], 0.0) + order.spared[context] * p
        return np.log(p).astype(np.float32), memory

    def _number(self, context: Sequence[int]) -> int:
        number = np.zeros(1, np.int64)
        for order, token in zip(self._orders, context, strict=False):
            number = order.find(number, np.asarray([token]), self.vocabulary)
        return int(number[0])


def _count(ids: Ids, order: int, vocabulary: int) -> tuple[list[Ids], list[Ids], list[Ids], list[Ids]]:
    """For each k: every position's k-gram number, the sorted keys, where each first ends, and how often it stands."""
    numbers: list[Ids] = []
    uniques: list[Ids] = []
    firsts: list[Ids] = []
    counts: list[Ids] = []
    before = np.zeros(len(ids), np.int64)
    for _ in range(order):
        usable = before >= 0
        keys, first, inverse, count = np.unique(
            (before * vocabulary + ids)[usable], return_index=True, return_inverse=True, return_counts=True
        )
        number = np.full(len(ids), -1, np.int64)
        number[usable] = inverse
        numbers.append(number)
        uniques.append(keys)
        firsts.append(np.flatnonzero(usable)[first])
        counts.append(count)
        before = np.concatenate([[-1], number[:-1]])
    return numbers, uniques, firsts, counts


def _smoothed(keys: Ids, contexts: Ids, weights: Floats, context_count: int) -> _Order:
    n1, n2, n3, n4 = (max(1, int((weights == each).sum())) for each in (1, 2, 3, 4))
    y = n1 / (n1 + 2 * n2)
    # In a small text the estimates can reach zero or below, which would leave nothing to what was never seen.
    estimates = [1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3]
    discounts = np.concatenate([[0.0], np.clip(estimates, LEAST_DISCOUNT, [1, 2, 3])])
    discount = discounts[np.minimum(weights, 3).astype(int)]
    totals = np.bincount(contexts, weights, context_count)
    spared = np.bincount(contexts, discount, context_count)
    with np.errstate(invalid="ignore", divide="ignore"):
        # A context that nothing follows (the corpus ended there) leaves everything to the shorter one.
        left = np.where(totals > 0, spared / totals, 1.0)
    return _Order(keys, (weights - discount) / totals[contexts], left)
