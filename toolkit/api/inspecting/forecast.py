"""What comes next, with intervals, and whether they can be trusted: the topic `forecast`, for domains of numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material
from toolkit.api.running import Run
from toolkit.core import UsageError
from toolkit.figures import COLOURS, figure, line, png
from toolkit.inspect.tracing import Ids

_AHEAD, _PATHS, _SHOWN = 48, 256, 96
_TESTED = 4000
_SHARES = (0.5, 0.9)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class _OneStep:
    """Of every number of what was read: the median that was forecast for it, and the intervals that should hold it."""

    truth: Floats
    median: Floats
    intervals: dict[float, tuple[Floats, Floats]]

    def held(self, share: float) -> float:
        low, high = self.intervals[share]
        return float(((self.truth >= low) & (self.truth <= high)).mean())


def forecast(run: Run, asked: Asked) -> Insight:
    """The next 48 numbers, a median and intervals, from 256 paths; and how often one-step intervals hold the truth."""
    if run.domain.values is None:
        raise UsageError(f"forecasts are of numbers, and {run.name} is of {run.domain.name}.")
    read = material(run, asked, _TESTED)
    ids = read.ids[-_TESTED:].astype(np.int64)
    points = _points(run)
    kept = np.argsort(points, kind="stable")
    found = _one_step(run, ids, points, kept)
    paths_NT = points[_paths(run, ids, asked.seed)]
    bands = {share: _quantiles(paths_NT, share) for share in _SHARES}
    middle = np.median(paths_NT, axis=0)
    error = float(np.abs(found.median - found.truth).mean())
    naive = float(np.abs(np.diff(points[ids])).mean())
    held = {share: found.held(share) for share in _SHARES}
    said = (
        f"Over the last {len(found.truth)} numbers of {read.said}, each forecast from those before it: the median "
        f"misses by "
        f"{error:.4g} on average, the number before by {naive:.4g}. Intervals that should hold half of them hold "
        f"{held[0.5]:.0%}, those that should hold 90% hold {held[0.9]:.0%}. "
    )
    better = "It forecasts better" if error < naive else "That is no better"
    said += f"{better} than saying that nothing changes. "
    low, high = bands[0.9]
    said += (
        f"From there on, its 90% interval is {high[0] - low[0]:.4g} wide for the next number and "
        f"{high[-1] - low[-1]:.4g} "
        f"after {_AHEAD}."
    )

    columns = [middle, *(side for band in bands.values() for side in band)]

    def draw() -> bytes:
        drawn, axes = figure(10, 3.6)
        axis = axes[0, 0]
        past = points[ids[-_SHOWN:]]
        line(axis, 0, range(-len(past) + 1, 1), past, "read")
        steps = np.arange(1, _AHEAD + 1)
        for share, (low, high) in bands.items():
            label = f"{share:.0%} interval"
            axis.fill_between(steps, low, high, color=COLOURS[1], alpha=0.18, linewidth=0, label=label)
        line(axis, 1, steps, middle, "median of paths")
        axis.set(xlabel="steps from the end of what was read", ylabel="value")
        axis.legend(fontsize=7.5, frameon=False, loc="upper left")
        return png(drawn)

    return Insight(
        f"What {run.name} expects next",
        said,
        ("ahead", "median", "50% from", "to", "90% from", "to"),
        [(str(step), *(f"{each[step - 1]:.4g}" for each in columns)) for step in (1, 2, 4, 8, 16, 32, 48)],
        {
            "read": read.said,
            "tested": len(found.truth),
            "error": error,
            "error_of_no_change": naive,
            "held": {f"{share:g}": each for share, each in held.items()},
            "median": middle.tolist(),
            "intervals": {f"{share:g}": [low.tolist(), high.tolist()] for share, (low, high) in bands.items()},
        },
        draw,
    )


def _points(run: Run) -> Floats:
    """The number that each id stands for; not a number for the stop."""
    values = run.domain.values
    assert values is not None
    decoded = [values(run.codec.decode([token])) for token in range(run.codec.size)]
    return np.array([each[0] if len(each) else np.nan for each in decoded])


def _one_step(run: Run, ids: Ids, points: Floats, kept: Ids) -> _OneStep:
    with torch.inference_mode():
        logits_BTV, _ = run.model(torch.from_numpy(ids[None, :-1]))
        p_TV = torch.softmax(logits_BTV[0].double(), -1).numpy()[:, kept]
    p_TV = np.where(np.isnan(points[kept]), 0.0, p_TV)
    up_to = p_TV.cumsum(1) / p_TV.sum(1, keepdims=True)
    known = points[kept]

    def at(share: float) -> Floats:
        found: Floats = known[np.minimum((up_to < share - 1e-12).sum(1), np.count_nonzero(~np.isnan(known)) - 1)]
        return found

    half = {share: (1 - share) / 2 for share in _SHARES}
    intervals = {share: (at(tail), at(1 - tail)) for share, tail in half.items()}
    counted = ~np.isnan(points[ids[1:]])
    return _OneStep(
        points[ids[1:]][counted],
        at(0.5)[counted],
        {share: (low[counted], high[counted]) for share, (low, high) in intervals.items()},
    )


@torch.inference_mode()
def _paths(run: Run, ids: Ids, seed: int) -> Ids:
    """Ids of shape (N, T): drawn from the model as it is, side by side; a path never stops."""
    rng = np.random.default_rng(seed)
    _, state = run.model(torch.from_numpy(ids[None, :-1]))
    state = tuple(each.expand(-1, _PATHS, -1).contiguous() for each in state)
    last, drawn = np.full(_PATHS, ids[-1]), []
    for _ in range(_AHEAD):
        logits_BTV, state = run.model(torch.from_numpy(last[:, None]), state)
        logits_BTV[..., run.codec.stop] = -torch.inf
        up_to = torch.softmax(logits_BTV[:, 0].double(), -1).cumsum(-1).numpy()
        last = np.minimum((up_to < rng.random((_PATHS, 1))).sum(1), run.codec.size - 1)
        drawn.append(last)
    return np.stack(drawn, 1)


def _quantiles(paths_NT: Floats, share: float) -> tuple[Floats, Floats]:
    tail = (1 - share) / 2
    low, high = np.quantile(paths_NT, (tail, 1 - tail), axis=0)
    return low, high
