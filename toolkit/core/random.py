"""Randomness as a function: one uniform number for each (seed, position, lane).

A sequence owns the stream of its seed; a token's draw depends on its position alone, never on who drew
before, so streaming, batching and resuming cannot change it. Plain integers, no global state.

Philox 4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)

DRAW = 0
"""The lane of the one draw that picks a token; a transform that needs a number uses another lane."""

TREE = 0xFFFFFFFF
"""The lane of `uniforms` and `branch` for a search, where every sequence begun has a stream of its own."""


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Ten rounds of Philox 4x32: four random 32-bit words for a 128-bit counter and a 64-bit key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high = _MULTIPLIERS[0] * c0
        low = _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (low >> 32) ^ c1 ^ k0, low & _WORD, (high >> 32) ^ c3 ^ k1, high & _WORD
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, position: int, lane: int = DRAW) -> float:
    """A number in [0, 1) with 53 random bits, the same for the same arguments on every machine.

    ``seed`` is taken modulo 2**64, ``position`` (the index of the token drawn) modulo 2**64.
    """
    words = philox(
        (position & _WORD, (position >> 32) & _WORD, lane & _WORD, 0),
        (seed & _WORD, (seed >> 32) & _WORD),
    )
    return ((words[0] << 21) | (words[1] >> 11)) * 2.0**-53


def uniforms(seed: int, positions: npt.NDArray[Any], lane: int = DRAW) -> npt.NDArray[np.float64]:
    """`uniform` at many positions of one seed and lane: float64 of the shape of ``positions``, integers from 0."""
    at = positions.astype(np.uint64)
    mask, shift = np.uint64(_WORD), np.uint64(32)
    c0, c1 = at & mask, at >> shift
    c2, c3 = np.full_like(at, lane & _WORD), np.zeros_like(at)
    k0, k1 = seed & _WORD, (seed >> 32) & _WORD
    for _ in range(10):
        high, low = c0 * np.uint64(_MULTIPLIERS[0]), c2 * np.uint64(_MULTIPLIERS[1])
        c0, c1 = (low >> shift) ^ c1 ^ np.uint64(k0), low & mask
        c2, c3 = (high >> shift) ^ c3 ^ np.uint64(k1), high & mask
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    drawn: npt.NDArray[np.float64] = ((c0 << np.uint64(21)) | (c1 >> np.uint64(11))) * 2.0**-53
    return drawn


def branch(seed: int, position: int) -> int:
    """The seed of another stream, below 2**64, for each position of this one: how sequences that fork part ways."""
    words = philox(
        (position & _WORD, (position >> 32) & _WORD, TREE, 1),
        (seed & _WORD, (seed >> 32) & _WORD),
    )
    return (words[0] << 32) | words[1]
