"""Units that track something one can name: where in a line, in quotes, in a bar; found, and held to two nulls.

Karpathy, Johnson and Fei-Fei (1506.02078) found such units by eye. Here each feature is correlated with every unit
on one half of the rows and the best one is scored on the other half. A unit counts where that beats (1) the best
correlation that any unit reaches with the feature shifted in time, at its 99th percentile, which keeps both as
smooth as they are, and (2) the best unit, found and scored in the same way, of a network of the same shape that has
learned nothing. Knows arrays of activations and of features. Shapes: B rows, T steps, U units, F features.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.inspect.tracing import Floats

PERCENTILE = 99.0
_SHIFTS = 200


@dataclass(frozen=True)
class TrackingUnit:
    """The unit that follows a feature best: ``correlation`` is on rows that it was not chosen on.

    ``by_chance`` is what a shifted feature reaches, ``untrained`` the correlation of the best unit of a network that
    has learned nothing (0 where none was looked at).
    """

    feature: str
    layer: int
    unit: int
    correlation: float
    by_chance: float
    untrained: float

    @property
    def claimed(self) -> bool:
        """Whether neither chance nor a random network explains it."""
        return abs(self.correlation) > max(self.by_chance, abs(self.untrained))


def tracking_units(
    activations_LBTH: Floats,
    features: Mapping[str, Floats],
    rng: np.random.Generator,
    *,
    untrained_LBTH: Floats | None = None,
    shifts: int = _SHIFTS,
) -> list[TrackingUnit]:
    """For every feature of shape (B, T) its unit; features that never change are left out. Strongest first.

    Rows are split in halves, so there must be at least two.
    """
    _, rows, _, width = activations_LBTH.shape
    half = rows // 2
    found = []
    ours_BTU = _by_unit(activations_LBTH)
    chance = _Chance(ours_BTU[half:])
    random_BTU = None if untrained_LBTH is None else _by_unit(untrained_LBTH)
    for name, feature_BT in features.items():
        if feature_BT[:half].std() == 0 or feature_BT[half:].std() == 0:
            continue
        unit, correlation = _best(ours_BTU, feature_BT, half)
        untrained = 0.0 if random_BTU is None else _best(random_BTU, feature_BT, half)[1]
        found.append(
            TrackingUnit(
                name,
                unit // width,
                unit % width,
                correlation,
                chance.of(feature_BT[half:], rng, shifts),
                untrained,
            )
        )
    return sorted(found, key=lambda each: -abs(each.correlation))


def _by_unit(activations_LBTH: Floats) -> Floats:
    layers, rows, steps, width = activations_LBTH.shape
    return activations_LBTH.transpose(1, 2, 0, 3).reshape(rows, steps, layers * width)


def _best(units_BTU: Floats, feature_BT: Floats, half: int) -> tuple[int, float]:
    """The unit that correlates most on the first rows, and its correlation on the others."""
    unit = int(np.abs(_correlations(units_BTU[:half], feature_BT[:half])).argmax())
    return unit, float(_correlations(units_BTU[half:, :, unit : unit + 1], feature_BT[half:])[0])


class _Chance:
    """What the best of all units reaches with a feature shifted around each row by chance.

    The sum over time of a unit and a shifted feature is, for all shifts at once, a product of Fourier transforms: those
    of the units are made once for all features.
    """

    def __init__(self, units_BTU: Floats) -> None:
        units = units_BTU - units_BTU.mean((0, 1))
        self._size_U = (units**2).sum((0, 1))
        self._transformed = np.fft.rfft(units, axis=1)

    def of(self, feature_BT: Floats, rng: np.random.Generator, shifts: int) -> float:
        steps = feature_BT.shape[1]
        feature = feature_BT - feature_BT.mean()
        scale_U = np.sqrt(self._size_U * (feature**2).sum()) + 1e-12
        products = self._transformed * np.conj(np.fft.rfft(feature, axis=1))[:, :, None]
        at_shift_BTU = np.fft.irfft(products, steps, axis=1)
        rows = np.arange(len(feature_BT))
        best = []
        for _ in range(shifts):
            shift_B = rng.integers(steps // 10, steps - steps // 10, len(rows))
            best.append(float((np.abs(at_shift_BTU[rows, shift_B].sum(0)) / scale_U).max()))
        return float(np.percentile(best, PERCENTILE))


def _correlations(units_BTU: Floats, feature_BT: Floats) -> npt.NDArray[np.floating]:
    """Pearson's, of every unit with the feature over all rows and steps; 0 for a unit that never changes."""
    units = units_BTU.reshape(-1, units_BTU.shape[-1])
    feature = feature_BT.reshape(-1).astype(np.float64)
    feature = (feature - feature.mean()) / (feature.std() + 1e-12)
    spread = units.std(0, dtype=np.float64)
    together = (units - units.mean(0)).T @ feature.astype(np.float32) / len(feature)
    found: npt.NDArray[np.floating] = np.where(spread > 1e-9, together / (spread + 1e-12), 0.0)
    return found
