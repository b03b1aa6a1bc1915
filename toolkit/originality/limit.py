"""The limit on copying, symbol by symbol: how long the newest symbols may be a copy already, and what may follow.

An automaton over mixed symbols (`toolkit.originality.ngrams.mixed`) with a small hashable state. A run of L copied
symbols is, for each size n up to L, a chain of L - n + 1 known runs of n; so where a chain is too short there is no
such copy. The limit never lets a longer copy through, and now and then stops what is none. Knows symbols, not what they
mean, and no token.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, UsageError
from toolkit.originality.index import NgramIndex
from toolkit.originality.ngrams import MASK, Words, mixed, power, suffixes, windows


class Trace(NamedTuple):
    """The newest mixed symbols, and for each size in use how many known runs end there in a row."""

    tail: tuple[int, ...]
    chains: tuple[int, ...]


class CopyLimit:
    """No copy of more than ``most`` symbols; UsageError where the index knows no runs so short."""

    def __init__(self, index: NgramIndex, most: int) -> None:
        self.index = index
        self.most = most
        self.sizes = tuple(size for size in index.sizes if size <= most + 1)
        if not self.sizes:
            raise UsageError(f"copies can be limited to {index.sizes[0] - 1} symbols at the least, not {most}.")
        self._ends = tuple(most + 2 - size for size in self.sizes)  # a chain as long as this is a copy too long

    def begin(self) -> Trace:
        return Trace((), (0,) * len(self.sizes))

    def step(self, trace: Trace, symbol: int) -> Trace:
        """The state after a mixed symbol."""
        tail = (*trace.tail, symbol)
        hashes = suffixes(tail)
        chains = tuple(
            chain + 1 if len(tail) >= size and self.index.has(size, hashes[size]) else 0
            for size, chain in zip(self.sizes, trace.chains, strict=True)
        )
        return Trace(tail[1 - self.sizes[-1] :] if self.sizes[-1] > 1 else (), chains)

    def room(self, trace: Trace) -> int:
        """How many symbols may follow, whichever they are, before a copy could be too long; below 0: it is."""
        return max(end - chain for end, chain in zip(self._ends, trace.chains, strict=True)) - 1

    def blocked(self, trace: Trace, candidates: Candidates) -> BoolArray:
        """For each candidate whether a copy would be too long within it. Shape (candidates,)."""
        blocked = np.zeros(len(candidates.lengths), np.bool_)
        left = np.flatnonzero(candidates.lengths > self.room(trace))
        hashes = suffixes(trace.tail)
        chains = [np.full(len(left), chain) for chain in trace.chains]
        for place in range(int(candidates.lengths.max(initial=0))):
            if not len(left):
                break
            for rank, size in enumerate(self.sizes):
                known = self._known(hashes, candidates, left, place, size)
                chains[rank] = np.where(known, chains[rank] + 1, 0)
            pairs = list(zip(self._ends, chains, strict=True))
            over = np.logical_and.reduce([chain >= end for end, chain in pairs])
            blocked[left[over]] = True
            to_come = candidates.lengths[left] - place - 1
            open_ = ~over & np.logical_and.reduce([chain + to_come >= end for end, chain in pairs]) & (to_come > 0)
            left, chains = left[open_], [chain[open_] for chain in chains]
        return blocked

    def _known(
        self, hashes: Sequence[int], candidates: Candidates, left: npt.NDArray[np.intp], place: int, size: int
    ) -> BoolArray:
        """Whether the run of ``size`` that ends at ``place`` of each candidate left is known."""
        before = size - place - 1  # so many of its symbols stand before the candidate
        if before >= len(hashes):
            return np.zeros(len(left), np.bool_)
        if before <= 0:
            return self.index.contains(size, candidates.inside(size)[left, -before])
        reached = np.uint64(hashes[before] * power(place + 1) & MASK)
        return self.index.contains(size, candidates.inside(place + 1)[left, 0] + reached)


class Candidates:
    """What may follow, each some symbols long: ``symbols_CL`` filled up with anything behind ``lengths`` of them."""

    def __init__(self, symbols_CL: Words, lengths: npt.NDArray[np.int64]) -> None:
        self.lengths = lengths
        self._mixed_CL = mixed(symbols_CL)
        self._inside: dict[int, Words] = {}

    def inside(self, size: int) -> Words:
        """The hashes of the runs of ``size`` within each candidate, of shape (C, L - size + 1)."""
        if size not in self._inside:
            width = self._mixed_CL.shape[1]
            flat = windows(self._mixed_CL.ravel(), size)
            rows = np.arange(len(self._mixed_CL))[:, None] * width + np.arange(width - size + 1)
            self._inside[size] = flat[rows]
        return self._inside[size]
