"""Hashes of runs of symbols: a 64-bit number for every run of n, the same one at a time and all at once.

A symbol is a positive 64-bit number: a character, or a step of a melody. `BREAK` stands between two documents, and no
run reaches across it. Equal runs have equal hashes, always; different ones share a hash about once in 2**64.

The hash of a run is a polynomial in its mixed symbols, modulo 2**64 (Karp and Rabin, "Efficient randomized
pattern-matching algorithms", 1987, with the modulus that machines have). Knows numbers only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]
"""Symbols, mixed symbols or hashes: unsigned 64-bit numbers."""

BREAK = 0
BASE = 0xD1342543DE82EF95  # odd, so that no symbol of a run is ever shifted out
MASK = (1 << 64) - 1


def mixed(symbols: Words) -> Words:
    """Symbols scattered over 64 bits: the finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)."""
    z = symbols + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    scattered: Words = z ^ (z >> np.uint64(31))
    return scattered


def mixed_one(symbol: int) -> int:
    """`mixed` of a single number."""
    z = (symbol + 0x9E3779B97F4A7C15) & MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)


def power(exponent: int) -> int:
    """``BASE`` to the power of ``exponent``: what a hash is multiplied by when so many symbols follow."""
    return pow(BASE, exponent, 1 << 64)


def windows(mixed_T: Words, size: int) -> Words:
    """The hash of each run of ``size`` mixed symbols, of shape (T - size + 1,); empty where there is none.

    Runs are put together from runs of 1, 2, 4 … symbols, as the binary digits of ``size`` say.
    """
    places = len(mixed_T) - size + 1
    if places < 1:
        return np.empty(0, np.uint64)
    whole = np.zeros(len(mixed_T) + 1, np.uint64)
    covered, length, part = 0, 1, mixed_T
    while True:
        factor = np.uint64(power(length))
        if size & length:
            covered += length
            count = len(mixed_T) - covered + 1
            whole = whole[:count] * factor + part[covered - length : covered - length + count]
        if covered == size:
            return whole
        part = part[:-length] * factor + part[length:]
        length *= 2


def suffixes(tail: Sequence[int]) -> list[int]:
    """The hashes of the last 0, 1, 2 … mixed symbols of ``tail``."""
    hashes = [0]
    factor = 1
    for symbol in reversed(tail):
        hashes.append((symbol * factor + hashes[-1]) & MASK)
        factor = factor * BASE & MASK
    return hashes


def unbroken(symbols: Words, size: int) -> npt.NDArray[np.bool_]:
    """Which of the runs that `windows` hashes hold no `BREAK`."""
    if len(symbols) < size:
        return np.empty(0, np.bool_)
    breaks = np.concatenate([[0], np.cumsum(symbols == BREAK)])
    inside: npt.NDArray[np.bool_] = breaks[size:] == breaks[:-size]
    return inside


def joined(sequences: Iterable[Words]) -> Words:
    """Sequences one after another, a `BREAK` behind each."""
    parts = [part for each in sequences for part in (each, np.array([BREAK], np.uint64))]
    return np.concatenate(parts) if parts else np.empty(0, np.uint64)
