"""Losses per time step, as polyphonic models are compared: from the nats of tokens to those of steps.

Knows ids and which of them ends a step; no model, no note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.core import InputError


@dataclass(frozen=True)
class StepLoss:
    """Sums over ``pieces`` of T steps each, ``steps`` in all: of the nats of every token within the steps, and of the
    tokens that end the pieces. ``first_nats`` are those of the pieces' first steps; ``piece_means`` is the sum of
    each piece's own mean over its steps.
    """

    pieces: int
    steps: int
    nats: float
    stop_nats: float
    first_nats: float
    piece_means: float

    @property
    def nats_per_step(self) -> float:
        """Over all T steps of every piece, the stop not counted: the figure to compare."""
        return self.nats / self.steps

    @property
    def nats_per_step_with_stop(self) -> float:
        """The same with the token that ends a piece, which a model of piano rolls does not predict."""
        return (self.nats + self.stop_nats) / self.steps

    @property
    def nats_per_step_after_first(self) -> float:
        """Over steps 2 to T, given the first, as where a network predicts each step from those before it."""
        return (self.nats - self.first_nats) / (self.steps - self.pieces)

    @property
    def nats_per_step_by_piece(self) -> float:
        """The mean over the pieces of each one's own nats per step, so that long pieces weigh no more than short."""
        return self.piece_means / self.pieces


def step_loss(
    pieces: Sequence[npt.NDArray[np.integer]], nats: Sequence[npt.NDArray[np.float64]], end_of_step: int
) -> StepLoss:
    """The loss of pieces, each as its ids with the stop last, and the nats of those ids.

    InputError where no piece has more than one step.
    """
    steps, total, stops, firsts, means = 0, 0.0, 0.0, 0.0, 0.0
    for ids, spent in zip(pieces, nats, strict=True):
        (ends,) = np.nonzero(ids == end_of_step)
        inside = float(spent[:-1].sum())
        steps += len(ends)
        total += inside
        stops += float(spent[-1])
        firsts += float(spent[: ends[0] + 1].sum())
        means += inside / len(ends)
    if steps <= len(pieces):
        raise InputError("there is nothing to count: no piece has more than one step.")
    return StepLoss(len(pieces), steps, total, stops, firsts, means)
