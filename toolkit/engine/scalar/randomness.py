"""`toolkit.core.uniform` as scalar code: the same number for the same seed, position and lane.

All words are unsigned 64-bit integers below 2**32, so that products are exact and no integer turns into a float.
"""

from __future__ import annotations

import numpy as np

from toolkit.engine.scalar.compiling import scalar

_WORD = np.uint64(0xFFFFFFFF)
_HALF = np.uint64(32)
_FIRST, _SECOND = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_KEY_FIRST, _KEY_SECOND = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_UP, _DOWN = np.uint64(21), np.uint64(11)
_ZERO = np.uint64(0)


@scalar
def uniform(seed: np.uint64, position: np.uint64, lane: np.uint64) -> float:
    """A number in [0, 1) with 53 random bits; all arguments are unsigned."""
    c0, c1, c2, c3 = position & _WORD, position >> _HALF, lane & _WORD, _ZERO
    k0, k1 = seed & _WORD, seed >> _HALF
    for _ in range(10):
        high, low = _FIRST * c0, _SECOND * c2
        c0, c1, c2, c3 = (low >> _HALF) ^ c1 ^ k0, low & _WORD, (high >> _HALF) ^ c3 ^ k1, high & _WORD
        k0, k1 = (k0 + _KEY_FIRST) & _WORD, (k1 + _KEY_SECOND) & _WORD
    return float((c0 << _UP) | (c1 >> _DOWN)) * 2.0**-53
