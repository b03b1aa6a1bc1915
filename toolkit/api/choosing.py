"""What a plan leaves open, chosen from what the machine can do and how much there is to learn.

Nothing here knows a corpus by its name: only how many tokens it has, and how often they will be read.
"""

from __future__ import annotations

import math
import time
from typing import NamedTuple

import numpy as np

from toolkit.batches import Batch
from toolkit.models import ModelSettings, RecurrentLM
from toolkit.train import Training, TrainSettings, optimiser_for, train

MEASURED = 2.0
"""Seconds of a run, at most, that measuring the machine may take."""

_SHARE = 0.01  # of a budget that measuring may take
_WARMING = 2  # steps that do not count: PyTorch chooses its kernels in them
_FEWEST = 2  # steps to count at least, however slow they are
_DROPOUT_PER_DOUBLING = 0.055
_MOST_DROPOUT = 0.5


class Reading(NamedTuple):
    """How much a run will read: tokens a second on this machine, and how often it comes to each token."""

    tokens_per_second: float | None
    epochs: float


def dropout_for(epochs: float) -> float:
    """The dropout for a network that reads every token so many times: what is seen often is learned by heart.

    Fitted to one layer of 512 on a million characters (docs/log.md, 2026-11-27): 0 to 0.1 were best in 3 epochs, 0.1 to
    0.25 in 10, 0.25 in 20 to 27.
    """
    return round(min(_MOST_DROPOUT, _DROPOUT_PER_DOUBLING * math.log2(1 + epochs)), 2)


def reading(
    tokens: int,
    *,
    model: ModelSettings,
    vocabulary: int,
    training: TrainSettings,
    minutes: float | None,
    steps: int | None,
    device: str,
) -> Reading:
    """How often a run of so many ``minutes``, or else ``steps``, reads each of ``tokens``. Minutes are measured."""
    if minutes is None:
        return Reading(None, (steps or 0) * training.batch * training.chunk / max(tokens, 1))
    speed = tokens_per_second(model, vocabulary, training, device, min(MEASURED, 60 * minutes * _SHARE))
    return Reading(speed, 60 * minutes * speed / max(tokens, 1))


def tokens_per_second(
    model: ModelSettings, vocabulary: int, training: TrainSettings, device: str, seconds: float
) -> float:
    """How fast this machine trains such a model, from about ``seconds`` of real steps on made-up ids."""
    rng = np.random.default_rng(0)
    ids_BT = rng.integers(0, vocabulary, (training.batch, training.chunk + 1))
    batch = Batch(ids_BT[:, :-1], ids_BT[:, 1:], np.zeros(training.batch, np.bool_))
    network = RecurrentLM(vocabulary, model).to(device)
    begun = Training(network, optimiser_for(network, training))
    took: list[float] = []
    before = time.perf_counter()
    for progress in train(begun, lambda _: batch, training, lambda _: 0.0, seed=0):
        now = time.perf_counter()
        if progress.step > _WARMING:
            took.append(now - before)
        before = now
        if len(took) >= _FEWEST and sum(took) >= seconds:
            break
    return training.batch * training.chunk / float(np.median(took))
