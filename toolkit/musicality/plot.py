"""A comparison as one picture: where the tunes of both sets lie, measure by measure. Needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.figures import COLOURS, figure, png
from toolkit.musicality.comparison import Compared, Comparison, Values

_OURS, _THEIRS = COLOURS[1], COLOURS[0]
_COLUMNS = 4


def comparison_png(comparison: Comparison, ours: str, corpus: str) -> bytes:
    """The picture, its sets called ``ours`` and ``corpus``; MissingExtraError without matplotlib."""
    count = len(comparison.measures)
    rows = -(-count // _COLUMNS)
    drawn, places = figure(3.2 * _COLUMNS, 1.9 * rows + 0.7, rows, _COLUMNS)
    differing = set(comparison.differing())
    for place, measure in zip(places.flat, comparison.measures, strict=False):
        _one(place, measure, *comparison.values[measure.name], differs=measure.name in differing)
    for place in places.flat[count:]:
        place.set_axis_off()
    handles, _ = places.flat[0].get_legend_handles_labels()
    labels = [f"{ours} ({comparison.tunes})", f"{corpus} ({comparison.others})"]
    drawn.legend(handles, labels, loc="outside upper center", ncols=2, frameon=False)
    return png(drawn)


def _one(place: Any, measure: Compared, ours: Values, theirs: Values, *, differs: bool) -> None:
    ours, theirs = ours[np.isfinite(ours)], theirs[np.isfinite(theirs)]
    together = np.concatenate([ours, theirs])
    if not len(together):
        together = np.zeros(1)  # where no tune is long enough, an empty picture
    low, high = np.percentile(together, (0.5, 99.5))
    edges = np.linspace(low, high if high > low else low + 1, 21)
    for values, colour, filled in ((ours, _OURS, True), (theirs, _THEIRS, False)):
        counts, _ = np.histogram(np.clip(values, edges[0], edges[-1]), edges)
        shares = counts / max(1, len(values))
        place.stairs(shares, edges, color=colour, fill=filled, alpha=0.45 if filled else 1, linewidth=1.6, label=colour)
        place.axvline(values.mean() if len(values) else np.nan, color=colour, linewidth=1.2, linestyle="--")
    star = " *" if differs else ""
    place.set_title(f"{measure.name}{star}", fontsize=9)
    place.set_xlabel(measure.unit, fontsize=8)
    place.set_yticks([])
    place.spines["left"].set_visible(False)
