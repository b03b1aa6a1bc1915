"""How fast one core reads memory: what a product with one vector cannot be faster than."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.compiling import vector

_SLOWEST = 5e10
"""Bytes a second that a core reads from a cache at least, about: how often a round reads them."""


@vector
def _read(words: npt.NDArray[np.int64], times: int) -> int:
    """Every word, so many times over; what is made of them keeps the compiler from leaving the reading out."""
    seen = np.int64(0)
    for _ in range(times):
        for i in range(len(words)):
            seen ^= words[i]
    return seen  # type: ignore[return-value]  # numba gives a Python integer


def read_bandwidth(count: int, seconds: float = 0.2) -> float:
    """Bytes a second, over and over the same ``count`` bytes, so from whichever cache holds them; the best of five."""
    words = np.arange(max(count // 8, 512), dtype=np.int64)
    _read(words, 1)
    times, best = max(1, int(seconds / 5 * _SLOWEST / words.nbytes)), 0.0
    for _ in range(5):
        began = time.perf_counter()
        _read(words, times)
        best = max(best, words.nbytes * times / (time.perf_counter() - began))
    return best
