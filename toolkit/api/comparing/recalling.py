"""How long cells of one size can hold a symbol: accuracy by lag, and by how far back a gradient reaches."""

from __future__ import annotations

import dataclasses
import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from toolkit.api.suited import suited
from toolkit.core import checked
from toolkit.inspect.recall import VOCABULARY, Recall, recall_accuracy
from toolkit.models import CELLS, ModelSettings
from toolkit.models.sizes import of_size

PARAMETERS = 20_000
LAGS = (5, 10, 20, 40, 80)


class Recalled(NamedTuple):
    """The share of symbols that a cell recalled, one number for each seed."""

    cell: str
    lag: int
    chunk: int
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(self.accuracies)

    @property
    def deviation(self) -> float:
        return statistics.stdev(self.accuracies) if len(self.accuracies) > 1 else 0.0


def sized(cell: str, parameters: int = PARAMETERS) -> ModelSettings:
    """What suits the cell, with about so many parameters on the task's vocabulary."""
    settings = {"embedding": 32, "dropout": 0.0, **suited(cell).model, "cell": cell, "context": 128}
    return of_size(VOCABULARY, checked(ModelSettings, settings), parameters)


def recalled(
    cells: Sequence[str] = tuple(CELLS),
    lags: Sequence[int] = LAGS,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    task: Recall | None = None,
) -> Iterator[Recalled]:
    """For every cell and lag, trained and tested on that lag; gradients reach back a whole episode."""
    task = task or Recall(lag=0)
    for cell in cells:
        for lag in lags:
            yield _one(cell, dataclasses.replace(task, lag=lag, chunk=None), seeds)


def within_chunks(
    cell: str, lag: int, chunks: Sequence[int], *, seeds: Sequence[int] = (0, 1, 2), task: Recall | None = None
) -> Iterator[Recalled]:
    """For one lag, what a cell learns where gradients reach back only so many tokens, the state being carried on.

    The same number of tokens is read with every length.
    """
    task = task or Recall(lag=lag)
    for chunk in chunks:
        steps = task.steps * (lag + 2) // chunk
        yield _one(cell, dataclasses.replace(task, lag=lag, chunk=chunk, steps=steps), seeds)


def _one(cell: str, task: Recall, seeds: Sequence[int]) -> Recalled:
    accuracies = tuple(recall_accuracy(sized(cell), task, seed=seed) for seed in seeds)
    return Recalled(cell, task.lag, task.chunk or task.lag + 2, accuracies)
