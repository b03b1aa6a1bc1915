"""A Bloom filter: a set of 64-bit numbers in a few bits each, which never forgets one and rarely invents one.

Bloom, "Space/time trade-offs in hash coding with allowable errors" (1970); places by double hashing as Kirsch and
Mitzenmacher, "Less hashing, same performance" (2006). Knows numbers only.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt

from toolkit.originality.ngrams import Words, mixed, mixed_one

Bits = npt.NDArray[np.uint8]

_LEAST = 1 << 15
"""Bits of the smallest filter: double hashing knows size² patterns, so in few bits strangers meet by chance."""

_LOW = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)


@dataclass(frozen=True)
class Bloom:
    """``size`` bits packed eight to a byte, the lowest first; a key sets ``probes`` of them."""

    bits: Bits
    size: int
    probes: int

    @classmethod
    def of(cls, parts: Iterable[Words], distinct: int, rate: float) -> Self:
        """The filter of the keys in all ``parts``, of which ``distinct`` differ: ``rate`` of other keys pass it."""
        probes = max(1, round(-math.log2(rate)))
        # Each bit stays empty with probability exp(-probes * distinct / size); a stranger must meet none that is.
        size = max(_LEAST, math.ceil(-probes * distinct / math.log1p(-(rate ** (1 / probes)))))
        full = np.zeros(size, np.bool_)
        for keys in parts:
            for places in _places(keys, size, probes):
                full[places] = True
        return cls(np.packbits(full, bitorder="little"), size, probes)

    @cached_property
    def rate(self) -> float:
        """The share of keys outside the set that pass all the same, from how full the filter is."""
        full = int(np.unpackbits(self.bits, count=self.size, bitorder="little").sum())
        return float((full / self.size) ** self.probes)

    def contains(self, keys: Words) -> npt.NDArray[np.bool_]:
        """For each key whether it passes. Those that fail at one bit are not asked about the next."""
        passed = np.zeros(keys.shape, np.bool_)
        left = np.arange(keys.size)
        first, apart = _halves(mixed(keys.ravel()))
        for probe in range(self.probes):
            place = (first + np.uint64(probe) * apart) % np.uint64(self.size)
            found = (self.bits[place >> np.uint64(3)] >> (place & np.uint64(7)).astype(np.uint8)) & 1 == 1
            left, first, apart = left[found], first[found], apart[found]
        passed.ravel()[left] = True
        return passed

    def has(self, key: int) -> bool:
        """`contains` of one key."""
        scattered = mixed_one(key)
        place, apart = scattered & 0xFFFFFFFF, (scattered >> 32) | 1
        bits, size = self._bytes, self.size
        for _ in range(self.probes):
            at = place % size
            if not bits[at >> 3] >> (at & 7) & 1:
                return False
            place += apart
        return True

    @cached_property
    def _bytes(self) -> memoryview:
        return memoryview(self.bits.tobytes())


def about_distinct(parts: Iterable[Words], most: int) -> int:
    """About how many different keys all ``parts`` hold, of ``most`` at most, within one in a hundred.

    Linear counting: Whang, Vander-Zanden and Taylor (1990). Without sorting, which would take longer than all else.
    """
    size = max(1 << 12, 4 * most)
    seen = np.zeros(size, np.bool_)
    for keys in parts:
        seen[mixed(keys) % np.uint64(size)] = True
    empty = size - int(seen.sum())
    return math.ceil(-size * math.log(empty / size))


def _halves(scattered: Words) -> tuple[Words, Words]:
    return scattered & _LOW, (scattered >> _HALF) | np.uint64(1)


def _places(keys: Words, size: int, probes: int) -> Iterable[Words]:
    first, apart = _halves(mixed(keys))
    return ((first + np.uint64(probe) * apart) % np.uint64(size) for probe in range(probes))
