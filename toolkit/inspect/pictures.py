"""The pictures of `toolkit.inspect`, from arrays: tokens coloured by a number, states over time, curves over lags.

Knows how things are drawn, in the style of `toolkit.figures`; measures nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.figures import COLOURS, DIVERGING, FAINT, INK, SEQUENTIAL, figure, gif, line, png
from toolkit.inspect.gates import Gates
from toolkit.inspect.tracing import Floats

_COLUMNS = 96
"""Characters in a line of coloured tokens."""

Series = Mapping[str, tuple[Any, Any]]
"""Name -> (x, y)."""


def coloured_tokens(
    panels: Sequence[tuple[str, Floats]], labels: Sequence[str], *, centred: bool, legend: str = ""
) -> bytes:
    """For every (title, a value for each of ``labels``) the labels written out, each on its value's colour."""
    places, lines = _laid_out(labels)
    drawn, axes = figure(11.5, len(panels) * (0.4 + 0.21 * lines) + 0.2, len(panels))
    from matplotlib import colormaps
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.patches import Rectangle

    for axis, (title, values) in zip(axes[:, 0], panels, strict=True):
        size = float(np.percentile(np.abs(values), 99)) or 1.0
        scale = Normalize(-size if centred else 0.0, size)
        colours = colormaps[DIVERGING if centred else "YlOrBr"]
        for (row, column), label, value in zip(places, labels, values, strict=True):
            colour = colours(scale(value))
            axis.add_patch(Rectangle((column, row), len(label), 1, facecolor=colour, linewidth=0))
            ink = INK if 0.3 * colour[0] + 0.6 * colour[1] + 0.1 * colour[2] > 0.45 else "white"
            axis.text(column + len(label) / 2, row + 0.55, label, ha="center", va="center", size=7.4, color=ink,
                      family="monospace", parse_math=False)  # fmt: skip
        axis.set(xlim=(0, _COLUMNS), ylim=(lines, 0))
        axis.set_title(title, loc="left", fontsize=9)
        axis.set_axis_off()
        bar = drawn.colorbar(ScalarMappable(scale, colours), ax=axis, shrink=0.9, aspect=12, pad=0.01)
        bar.set_label(legend, size=7)
        bar.ax.tick_params(labelsize=6)
    return png(drawn)


def _laid_out(labels: Sequence[str]) -> tuple[list[tuple[int, int]], int]:
    """Where each label begins, as (line, column), and how many lines there are."""
    places, row, column = [], 0, 0
    for label in labels:
        if column + len(label) > _COLUMNS:
            row, column = row + 1, 0
        places.append((row, column))
        column += len(label)
    return places, row + 1


def states_over_time(panels: Sequence[tuple[str, Floats]], labels: Sequence[str]) -> bytes:
    """For every (title, values of shape (H, T)) a heat-map, with the tokens below the last."""
    drawn, axes = figure(11.5, 2.6 * len(panels) + 0.6, len(panels), sharex=True)
    for axis, (title, values_HT) in zip(axes[:, 0], panels, strict=True):
        size = float(np.percentile(np.abs(values_HT), 99)) or 1.0
        seen = axis.imshow(values_HT, aspect="auto", cmap=DIVERGING, vmin=-size, vmax=size, interpolation="nearest")
        axis.set_title(title, loc="left", fontsize=9)
        axis.set_ylabel("units, slowest first")
        drawn.colorbar(seen, ax=axis, pad=0.01)
    last = axes[-1, 0]
    last.set_xticks(range(len(labels)), labels, fontsize=6, family="monospace", rotation=_turn(labels))
    return png(drawn)


def states_moving(title: str, values_HT: Floats, labels: Sequence[str]) -> bytes:
    """The units as a square that changes with every token, as a GIF; below it what was read."""
    width = int(np.ceil(np.sqrt(len(values_HT))))
    size = float(np.percentile(np.abs(values_HT), 99)) or 1.0
    padded = np.full((width * width, values_HT.shape[1]), np.nan, np.float32)
    padded[: len(values_HT)] = values_HT
    drawn, axes = figure(4.4, 4.8)
    axis = axes[0, 0]
    seen = axis.imshow(padded[:, 0].reshape(width, width), cmap=DIVERGING, vmin=-size, vmax=size)
    axis.set(xticks=[], yticks=[])
    axis.set_title(title, fontsize=9)
    said = axis.set_xlabel("", family="monospace", loc="right", parse_math=False)

    def update(number: int) -> None:
        seen.set_data(padded[:, number].reshape(width, width))
        said.set_text("".join(labels[: number + 1])[-44:])

    return gif(drawn, len(labels), update, milliseconds=160)


def _turn(labels: Sequence[str]) -> int:
    return 0 if max(map(len, labels), default=0) <= 1 else 90


def gates_in_use(gates: Gates, untrained: Gates) -> bytes:
    """Every unit by how often each of its gates is closed and open, and how long units keep what they hold."""
    count = len(gates.saturation)
    timed = gates.half_life_LH is not None
    drawn, axes = figure(3.3 * (count + timed), 3.5, 1, count + timed)
    for axis, (name, found) in zip(axes[0], gates.saturation.items(), strict=False):
        fresh = untrained.saturation[name]
        axis.scatter(fresh.right_LH, fresh.left_LH, s=9, color=FAINT, marker="x", linewidth=0.6, label="untrained")
        for layer, (right, left) in enumerate(zip(found.right_LH, found.left_LH, strict=True)):
            axis.scatter(right, left, s=9, color=COLOURS[layer % len(COLOURS)], alpha=0.6, label=f"layer {layer + 1}")
        axis.plot([0, 1], [1, 0], color=FAINT, linewidth=0.6)
        axis.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel="share of time open (> 0.9)", title=f"{name} gate")
    axes[0, 0].set_ylabel("share of time closed (< 0.1)")
    axes[0, 0].legend(fontsize=7, frameon=False, loc="upper right")
    if gates.half_life_LH is not None and untrained.half_life_LH is not None:
        axis = axes[0, -1]
        longest = max(float(gates.half_life_LH.max()), float(untrained.half_life_LH.max()), 2.0)
        edges = np.geomspace(0.1, longest * 1.01, 32)
        axis.hist(untrained.half_life_LH.ravel(), edges, color=FAINT, histtype="step", label="untrained", linewidth=1.4)
        for layer, values in enumerate(gates.half_life_LH):
            colour = COLOURS[layer % len(COLOURS)]
            axis.hist(np.clip(values, 0.1, None), edges, color=colour, alpha=0.6, label=f"layer {layer + 1}")
        axis.set(xscale="log", xlabel="half-life in tokens", ylabel="units", title="how long units keep")
    return png(drawn)


def gradients_through_time(reaches: Series, regimes: Series, norms: tuple[Any, Any] | None, clip: float) -> bytes:
    """How far gradients reach, by cell and by spectral radius; and a run's gradient norms with the line of clipping."""
    drawn, axes = figure(14 if norms else 10, 3.8, 1, 3 if norms else 2)
    for number, (name, (x, y)) in enumerate(reaches.items()):
        line(axes[0, 0], number, x, _positive(y), name)
    for number, (name, (x, y)) in enumerate(regimes.items()):
        line(axes[0, 1], number, x, _positive(y), name)
    axes[0, 0].set(yscale="log", xlabel="lag k, tokens", ylabel="|∂loss$_t$ / ∂h$_{t-k}$|", title="by cell")
    axes[0, 1].set(yscale="log", xlabel="lag k, tokens", title="untrained RNN, by spectral radius")
    for axis in axes[0, :2]:
        low, high = axis.get_ylim()
        axis.set_ylim(max(low, 1e-12), high)
        axis.legend(fontsize=7, frameon=False)
    if norms:
        axis = axes[0, 2]
        axis.plot(*norms, color=COLOURS[0], linewidth=0.8)
        axis.axhline(clip, color=COLOURS[1], linestyle="--", linewidth=1.2, label=f"clipped to {clip:g}")
        axis.set(yscale="log", xlabel="step", ylabel="norm of the gradient", title="while this run learned")
        axis.legend(fontsize=7, frameon=False)
    return png(drawn)


def _positive(values: Any) -> Any:
    return np.where(np.asarray(values) > 0, values, np.nan)


def curves(
    series: Mapping[str, tuple[Any, Any, Any]],
    x_label: str,
    y_label: str,
    *,
    logarithmic: bool = False,
    level: tuple[str, float] | None = None,
    size: tuple[float, float] = (6.4, 3.8),
) -> bytes:
    """(x, y, error or None) by name, with bands of one error; ``level`` is a line across, with its name."""
    drawn, axes = figure(*size)
    axis = axes[0, 0]
    for number, (name, (x, y, error)) in enumerate(series.items()):
        line(axis, number, x, y, name, marker="o", markersize=3)
        if error is not None:
            y, error = np.asarray(y), np.asarray(error)
            axis.fill_between(x, y - error, y + error, color=COLOURS[number % len(COLOURS)], alpha=0.18, linewidth=0)
    if level is not None:
        axis.axhline(level[1], color=FAINT, linestyle="--", linewidth=1.2)
        axis.annotate(level[0], (0.99, level[1]), xycoords=("axes fraction", "data"), ha="right", va="bottom", size=7)
    if logarithmic:
        axis.set_xscale("log", base=2)
        ticks = sorted({int(each) for x, _, _ in series.values() for each in x})
        axis.set_xticks(ticks, [f"{each:,}" for each in ticks])
    axis.set(xlabel=x_label, ylabel=y_label)
    if len(series) > 1:
        axis.legend(fontsize=7.5, frameon=False)
    return png(drawn)


def taken_for(confusion_KK: Any, names: Sequence[str]) -> bytes:
    """Who was taken for whom, in shares of each true label."""
    size = 2.4 + 0.34 * len(names)
    drawn, axes = figure(size + 1, size)
    axis = axes[0, 0]
    shares = confusion_KK / np.maximum(confusion_KK.sum(1, keepdims=True), 1)
    seen = axis.imshow(shares, cmap=SEQUENTIAL, vmin=0, vmax=1)
    axis.set_xticks(range(len(names)), names, rotation=90, fontsize=7)
    axis.set_yticks(range(len(names)), names, fontsize=7)
    axis.set(xlabel="told", ylabel="true")
    drawn.colorbar(seen, ax=axis, label="share of the items of a label")
    return png(drawn)
