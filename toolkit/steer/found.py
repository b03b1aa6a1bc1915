"""What a search by particles tells: how it stands, and what it found. Knows no engine, sampler or potential."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from toolkit.core import uniform
from toolkit.steer.population import Trail, systematic, written

CHOICE = (1 << 20) - 2
"""The random lane by which sequences are drawn from what was found."""


@dataclass(frozen=True)
class Particle:
    """A sequence, the model's own log-probability of each of its tokens in nats, and its share of all weight.

    ``copies`` is how many particles ended as this sequence.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    share: float
    copies: int

    @property
    def log_probability(self) -> float:
        """Of the whole sequence, under the model without constraint or transforms, in nats."""
        return math.fsum(self.log_probabilities)


@dataclass(frozen=True)
class Progress:
    """How the search stands after ``position`` tokens.

    ``ess`` is the effective number of particles (Kong 1992) before resampling; ``rows`` the number of distinct
    sequences still growing, ``finished`` of particles that have ended; ``heaviest`` is the heaviest sequence, if any.
    """

    position: int
    ess: float
    rows: int
    finished: int
    resampled: bool
    heaviest: Trail | None

    @property
    def best(self) -> tuple[int, ...]:
        """The tokens of the heaviest sequence."""
        return written(self.heaviest)[0]


@dataclass(frozen=True)
class Steered:
    """What a search found: distinct sequences, heaviest first, their shares summing to 1.

    ``chosen`` was drawn by share. ``log_evidence`` estimates the logarithm of the target's total mass (its exponential
    without bias): how likely the model is, left alone, to do what was asked. ``ancestors`` counts the distinct first
    tokens, first two tokens and so on that the result still descends from; ``computed`` the tokens the model read.
    """

    particles: tuple[Particle, ...]
    chosen: Particle
    log_evidence: float
    ess: tuple[float, ...]
    resampled: tuple[int, ...]
    ancestors: tuple[int, ...]
    computed: int

    def drawn(self, count: int, seed: int) -> tuple[Particle, ...]:
        """``count`` sequences drawn by share, systematically; a heavy one may come more than once."""
        shares = np.array([each.share for each in self.particles])
        return tuple(self.particles[row] for row in systematic(shares, count, uniform(seed, 0, CHOICE)))
