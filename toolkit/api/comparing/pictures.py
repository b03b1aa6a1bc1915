"""The pictures of a comparison. Knows its numbers and the one style of all figures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from toolkit.api.comparing.corpora import Compared
from toolkit.api.comparing.costs import DecodingCost
from toolkit.api.comparing.recalling import Recalled
from toolkit.figures import COLOURS, figure, line, png
from toolkit.inspect.pictures import curves


def learning_curves(found: Sequence[Compared]) -> bytes:
    """The quick validation loss by seconds and by tokens read: the mean over seeds, and their range."""
    drawn, axes = figure(10, 3.8, 1, 2, sharey=True)
    for number, each in enumerate(found):
        for axis, column in zip(axes[0], (0, 1), strict=True):
            looks = min(len(trial.curve) for trial in each.trials)
            x = np.mean([[look[column] for look in trial.curve[:looks]] for trial in each.trials], axis=0)
            y = np.array([[look[2] for look in trial.curve[:looks]] for trial in each.trials])
            line(axis, number, x, y.mean(0), f"{each.cell}")
            axis.fill_between(x, y.min(0), y.max(0), color=COLOURS[number % len(COLOURS)], alpha=0.2, linewidth=0)
    ends = [trial.curve[-1][2] for each in found for trial in each.trials if trial.curve]
    if ends:
        axes[0, 0].set_ylim(min(ends) - 0.05, 2.2 * max(ends) - min(ends))
    axes[0, 0].set(xlabel="seconds", ylabel="validation loss, nats per token")
    axes[0, 1].set(xlabel="tokens read")
    axes[0, 0].legend(fontsize=7.5, frameon=False)
    return png(drawn)


def state_growth(costs: Sequence[DecodingCost]) -> bytes:
    """What the next token takes, and what the state weighs, by the length of the context."""
    drawn, axes = figure(10, 3.6, 1, 2)
    for number, cell in enumerate(dict.fromkeys(each.cell for each in costs)):
        own = [each for each in costs if each.cell == cell]
        lengths = [each.context for each in own]
        line(axes[0, 0], number, lengths, [each.milliseconds for each in own], cell, marker="o", markersize=3)
        line(axes[0, 1], number, lengths, [each.state_bytes / 1024 for each in own], cell, marker="o", markersize=3)
    for axis, label in zip(axes[0], ("milliseconds for the next token", "state, KiB"), strict=True):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set(xlabel="tokens read before", ylabel=label)
        ticks = sorted({each.context for each in costs})
        axis.set_xticks(ticks, [f"{each:,}" for each in ticks])
    axes[0, 0].legend(fontsize=7.5, frameon=False)
    return png(drawn)


def recall_by_lag(found: Sequence[Recalled]) -> bytes:
    """Accuracy by lag, a curve for each cell."""
    cells = dict.fromkeys(each.cell for each in found)
    series = {}
    for cell in cells:
        own = [each for each in found if each.cell == cell]
        series[cell] = ([each.lag for each in own], [each.mean for each in own], [each.deviation for each in own])
    return curves(series, "lag, tokens", "share recalled", logarithmic=True, level=("guessing", 1 / 8))
