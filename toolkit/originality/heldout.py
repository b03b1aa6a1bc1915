"""What people's own work scores: how much held-out material of a few lengths shares with the training corpus.

Without it a number says little: any new page of Shakespeare shares long runs with the others. Knows symbols only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.core import CheckpointError
from toolkit.originality.ngrams import Words

QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""The shares of samples that score at most the numbers in `HeldOut`."""

_SAMPLES = 256
_FEWEST = 8
_MOST_LENGTHS = 16


@dataclass(frozen=True)
class HeldOut:
    """Samples of held-out material, ``length`` units each, at the `QUANTILES`.

    ``longest`` is the longest run shared with the training corpus, in units, where anything below the smallest size of
    the index counts as one less than that; ``novel`` the share of runs that are new, for each size in units.
    """

    length: int
    samples: int
    longest: tuple[float, ...]
    novel: Mapping[int, tuple[float, ...]]

    @property
    def usual(self) -> float:
        """The median of the longest runs."""
        return self.longest[QUANTILES.index(0.5)]

    @property
    def high(self) -> float:
        """What 95 in 100 samples do not exceed."""
        return self.longest[QUANTILES.index(0.95)]

    def data(self) -> dict[str, Any]:
        novel = {str(size): list(each) for size, each in self.novel.items()}
        return {"length": self.length, "samples": self.samples, "longest": list(self.longest), "novel": novel}


def measure(
    documents: Iterable[Words],
    reach: Callable[[Words], Any],
    *,
    sizes: Sequence[int],
    lengths: Iterable[int],
    overlap: int,
) -> tuple[HeldOut, ...]:
    """The scores of samples cut from ``documents``, spread evenly; no entry for a length with fewer than eight.

    ``reach`` is an index's; ``sizes`` are in symbols, ``lengths`` in units.
    """
    held = list(documents)
    found = []
    for length in lengths:
        samples = _spread(_cut(held, length - overlap))
        if len(samples) < _FEWEST:
            continue
        reaches = [reach(each) for each in samples]
        longest = [max(int(each.max()), sizes[0] - 1) + overlap for each in reaches]
        novel = {
            size + overlap: _quantiles([float((each[: 1 - size or None] < size).mean()) for each in reaches])
            for size in sizes
            if size <= length - overlap
        }
        found.append(HeldOut(length, len(samples), _quantiles(longest), novel))
    return tuple(found)


def of_data(facts: Any) -> tuple[HeldOut, ...]:
    """What `HeldOut.data` wrote, one a length; CheckpointError for anything else."""
    if not isinstance(facts, list) or len(facts) > _MOST_LENGTHS:
        raise CheckpointError("the scores of held-out material beside the index cannot be read.")
    try:
        return tuple(
            HeldOut(
                _count(each["length"]),
                _count(each["samples"]),
                _numbers(each["longest"]),
                {_count(int(size)): _numbers(shares) for size, shares in each["novel"].items()},
            )
            for each in facts
        )
    except (TypeError, ValueError, KeyError, AttributeError):
        raise CheckpointError("the scores of held-out material beside the index cannot be read.") from None


def _cut(documents: Iterable[Words], symbols: int) -> list[Words]:
    """Stretches of ``symbols``, one behind the other from the beginning of each document."""
    return [each[start : start + symbols] for each in documents for start in range(0, len(each) - symbols + 1, symbols)]


def _spread(samples: list[Words]) -> list[Words]:
    """At most so many of them, evenly chosen."""
    if len(samples) <= _SAMPLES:
        return samples
    return [samples[index * len(samples) // _SAMPLES] for index in range(_SAMPLES)]


def _quantiles(values: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(float(each), 4) for each in np.quantile(values, QUANTILES))


def _count(value: Any) -> int:
    if type(value) is not int or not 0 < value < 1 << 40:
        raise ValueError("not a count")
    return value


def _numbers(values: Any) -> tuple[float, ...]:
    numbers = tuple(float(each) for each in values)
    if len(numbers) != len(QUANTILES) or not all(0 <= each < 1 << 40 for each in numbers):
        raise ValueError("not quantiles")
    return numbers
