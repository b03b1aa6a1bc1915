"""A population of weighted sequences: how they share their beginnings, how evenly they weigh, how they are resampled.

Knows rows with a count and a weight, and nothing of models or of how rows grow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.sampling.logits import Logits


class Trail(NamedTuple):
    """A sequence as its last token and the sequence before it, so that forks share their beginning."""

    before: Trail | None
    token: int
    log_probability: float


class Row(NamedTuple):
    """One distinct sequence, with how many particles stand on it and the log-weight of each.

    ``twist`` is the guess already counted in ``log_weight``; ``place`` is its row in the engine's memory.
    """

    trail: Trail | None
    sampler: tuple[Any, ...]
    constraint: Any
    potential: Any
    twist: float
    copies: int
    log_weight: float
    place: int = -1


@dataclass
class Population:
    """Everything that a search holds at one moment."""

    growing: list[Row]
    finished: list[Row] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        return [*self.growing, *self.finished]


def written(trail: Trail | None) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """(tokens, their log-probabilities) of a trail, from the first on."""
    tokens, logarithms = [], []
    while trail is not None:
        tokens.append(trail.token)
        logarithms.append(trail.log_probability)
        trail = trail.before
    return tuple(reversed(tokens)), tuple(reversed(logarithms))


def shares(rows: Sequence[Row]) -> tuple[Logits, float]:
    """(each row's part of all weight, the logarithm of all weight); rows count as often as they have copies."""
    log_R = np.array([row.log_weight + math.log(row.copies) for row in rows])
    total = float(np.logaddexp.reduce(log_R))
    return np.exp(log_R - total), total


def effective(rows: Sequence[Row]) -> float:
    """The effective number of particles: the square of the sum of weights over the sum of squares (Kong 1992)."""
    share_R, _ = shares(rows)
    copies_R = np.array([row.copies for row in rows])
    return float(1 / np.sum(share_R**2 / copies_R))


def systematic(weights: Logits, count: int, u: float) -> npt.NDArray[np.intp]:
    """``count`` indices in rising order, index i about ``count`` times its part of ``weights`` (Kitagawa 1996).

    The cumulative weight is read at ``count`` evenly spaced places, shifted by ``u`` in [0, 1); an index of weight 0
    never comes.
    """
    cumulative = weights.cumsum()
    places = (np.arange(count) + u) * (cumulative[-1] / count)
    found = cumulative.searchsorted(places, side="right")
    last: np.intp = np.flatnonzero(weights)[-1]  # the greatest place may be rounded up to the whole
    return np.asarray(np.minimum(found, last), np.intp)


def resample(people: Population, count: int, u: float) -> Population:
    """``count`` particles of equal weight in which every sequence has about its share, the total weight unchanged."""
    rows = people.rows
    share_R, total = shares(rows)
    copies_R = np.bincount(systematic(share_R, count, u), minlength=len(rows))
    even = total - math.log(count)
    kept = [
        row._replace(copies=copies, log_weight=even) if copies else None
        for row, copies in zip(rows, copies_R.tolist(), strict=True)
    ]
    border = len(people.growing)
    return Population(
        [row for row in kept[:border] if row is not None], [row for row in kept[border:] if row is not None]
    )
