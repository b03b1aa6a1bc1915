"""What others report on the four sets of piano rolls, as data: nats per time step on the test split, lower is better.

All are negative log-likelihoods on the grids and splits of Boulanger-Lewandowski et al. 2012. Knows numbers and where
they come from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BENCHMARKS = ("jsb", "nottingham", "musedata", "piano-midi")
"""The sets, by the names of the corpora that hold them."""

_RECALLED = "recalled until checked against the paper"
_COMPUTED = "computed from the same files, every count half a step more than it is"
_SETS_2012 = "Boulanger-Lewandowski, Bengio and Vincent, ICML 2012, arXiv 1206.6392"
_GATED_2014 = "Chung, Gulcehre, Cho and Bengio 2014, arXiv 1412.3555"
_TCN_2018 = "Bai, Kolter and Koltun 2018, arXiv 1803.01271; over steps 2 to T"


@dataclass(frozen=True)
class Row:
    """A model's figures by set. ``source`` is where they stand, ``known`` how we know them."""

    model: str
    source: str
    known: str
    figures: Mapping[str, float]


def _row(model: str, source: str, known: str, *figures: float | None) -> Row:
    """A row of figures in the order of `BENCHMARKS`; None where none is reported."""
    pairs = zip(BENCHMARKS, figures, strict=True)
    return Row(model, source, known, {name: figure for name, figure in pairs if figure is not None})


ROWS = (
    _row("each key by itself: its share of steps", "training split", _COMPUTED, 11.06, 10.25, 11.51, 11.05),
    _row("each key by itself, by the step before", "training split", _COMPUTED, 10.48, 5.17, 8.56, 8.26),
    _row("RNN-RBM", _SETS_2012, _RECALLED, 6.27, 2.39, 6.01, 7.09),
    _row("RNN-NADE", _SETS_2012, _RECALLED, 5.83, 2.91, 6.74, 7.48),
    _row("RNN-NADE, Hessian-free", _SETS_2012, _RECALLED, 5.56, 2.31, 5.60, 7.05),
    _row("tanh RNN", _GATED_2014, _RECALLED, 9.10, 3.13, 6.23, 9.03),
    _row("GRU", _GATED_2014, _RECALLED, 8.54, 3.23, 5.99, 8.82),
    _row("LSTM", _GATED_2014, _RECALLED, 8.67, 3.20, 6.23, 9.03),
    _row("RNN", _TCN_2018, _RECALLED, 8.91, 4.05, None, None),
    _row("LSTM", _TCN_2018, _RECALLED, 8.45, 3.29, None, None),
    _row("GRU", _TCN_2018, _RECALLED, 8.43, 3.46, None, None),
    _row("TCN", _TCN_2018, _RECALLED, 8.10, 3.07, None, None),
)


def rows_of(benchmark: str) -> tuple[Row, ...]:
    """The rows that have a figure for a set, the best first."""
    rows = [row for row in ROWS if benchmark in row.figures]
    return tuple(sorted(rows, key=lambda row: row.figures[benchmark]))
