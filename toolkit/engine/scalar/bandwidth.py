"""How fast one core reads memory: what a product with one vector cannot be faster than."""

from __future__ import annotations

import time

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.compiling import scalar


@scalar
def _read(words: npt.NDArray[np.int64], times: int) -> int:
    seen = np.int64(0)
    for _ in range(times):
        for word in words:
            seen ^= word
    return int(seen)


def read_bandwidth(count: int, seconds: float = 0.2) -> float:
    """Bytes a second, over and over the same ``count`` bytes, so from whichever cache holds them; the best of five."""
    words = np.arange(max(count // 8, 512), dtype=np.int64)
    _read(words, 1)
    times, best = max(1, int(seconds / 5 * 5e10 / words.nbytes)), 0.0
    for _ in range(5):
        began = time.perf_counter()
        _read(words, times)
        best = max(best, words.nbytes * times / (time.perf_counter() - began))
    return best
