"""How a cell's gates are used: open, closed or in between, and how long each unit keeps what it holds.

Saturation as in Karpathy, Johnson and Fei-Fei, "Visualizing and understanding recurrent networks" (1506.02078),
section 4.2: a gate is left-saturated below 0.1 and right-saturated above 0.9. Knows traces; draws nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from toolkit.inspect.tracing import Floats, Trace

LEFT, RIGHT = 0.1, 0.9


@dataclass(frozen=True)
class Saturation:
    """Of one gate, the share of the time that every unit spends below `LEFT` and above `RIGHT`; shape (L, H)."""

    left_LH: Floats
    right_LH: Floats


@dataclass(frozen=True)
class Gates:
    """``saturation`` by gate; ``half_life_LH`` in tokens, None where the cell keeps nothing by a gate."""

    saturation: Mapping[str, Saturation]
    half_life_LH: Floats | None


def gates_of(trace: Trace) -> Gates:
    """The use of every gate over a trace."""
    saturation = {
        name: Saturation((each < LEFT).mean((1, 2)), (each > RIGHT).mean((1, 2))) for name, each in trace.gates.items()
    }
    return Gates(saturation, None if trace.kept is None else half_lives(trace.kept))


def half_lives(kept_LBTH: Floats) -> Floats:
    """Tokens until half of what a unit holds is gone; shape (L, H). The median over all moments of a row's first half.

    What is left after k tokens is the product of k shares: logarithms are added up until they come to that of a half.
    What still is not gone when a row ends counts as lasting just so long: such a half-life is longer than it says.
    """
    layers, rows, steps, width = kept_LBTH.shape
    lost = -np.log(np.clip(kept_LBTH.astype(np.float64), 1e-30, 1 - 1e-9))
    total = np.concatenate([np.zeros((layers, rows, 1, width)), lost.cumsum(2)], 2)
    starts = np.arange(max(1, steps // 2))
    found = np.empty((layers, width, rows, len(starts)), np.float32)
    for layer, row, unit in np.ndindex(layers, rows, width):
        line = total[layer, row, :, unit]
        half = line[starts] + np.log(2)
        after = np.minimum(np.searchsorted(line, half), steps)  # the first moment by which half is gone
        within = 1 - np.clip((line[after] - half) / np.maximum(lost[layer, row, after - 1, unit], 1e-12), 0, 1)
        found[layer, unit, row] = after - 1 + within - starts
    median: Floats = np.median(found.reshape(layers, width, -1), -1).astype(np.float32)
    return median
