"""Distributions over all notes of a set of tunes, and how near two of them are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from toolkit.musicality.bars import bars_of, line_of, steps_of, tonic_of
from toolkit.score.notes import Score

Counts = npt.NDArray[np.float64]

_WIDEST = 24
_LONGEST = 192


def _intervals(score: Score) -> list[int]:
    return [max(-_WIDEST, min(_WIDEST, semitones)) + _WIDEST for semitones, _ in steps_of(score)]


def _durations(score: Score) -> list[int]:
    return [min(_LONGEST, round(24 * note.duration / score.resolution)) for note in line_of(score)]


def _onsets(score: Score) -> list[int]:
    return [min(_LONGEST, ticks) for _, ticks in steps_of(score)]


def _places(score: Score) -> list[int]:
    return [
        min(_LONGEST * 2, round(24 * (note.start - bar.start) / score.resolution))
        for bar in bars_of(score)
        for note in bar.notes
    ]


def _degrees(score: Score) -> list[int]:
    tonic = tonic_of(score)
    return [(note.pitch - tonic) % 12 for note in line_of(score)]


DISTRIBUTIONS: Mapping[str, tuple[Callable[[Score], list[int]], int]] = {
    "interval": (_intervals, 2 * _WIDEST + 1),
    "duration": (_durations, _LONGEST + 1),
    "time to the next note": (_onsets, _LONGEST + 1),
    "place in the bar": (_places, 2 * _LONGEST + 1),
    "degree of the scale": (_degrees, 12),
}
"""By name: the value of each note, and how many values there are. Intervals are in semitones, beyond two octaves
counted as two; times in 24ths of a quarter note, at most two whole notes; degrees in semitones above the tonic."""


def histograms(scores: Iterable[Score]) -> dict[str, Counts]:
    """For each distribution, how often each value occurs in each tune: (tunes, values)."""
    scores = list(scores)
    return {
        name: np.stack(
            [np.bincount(np.array(values(score), np.int64), minlength=size)[:size].astype(float) for score in scores]
        )
        for name, (values, size) in DISTRIBUTIONS.items()
    }


def divergence(counts: Counts, others: Counts) -> Counts:
    """The Jensen-Shannon divergence of two histograms in bits, 0 to 1, along the last axis (Lin 1991)."""
    p, q = (each / each.sum(-1, keepdims=True) for each in (counts, others))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        each = sum(np.where(side > 0, side * np.log2(side / middle), 0) for side in (p, q))
    result: Counts = np.asarray(each).sum(-1) / 2
    return result


def overlap(counts: Counts, others: Counts) -> Counts:
    """The area that two histograms share, 0 to 1, along the last axis.

    Of the values themselves; Yang and Lerch (2018) overlap densities of distances between pieces instead.
    """
    p, q = (each / each.sum(-1, keepdims=True) for each in (counts, others))
    shared: Counts = np.minimum(p, q).sum(-1)
    return shared


def nearest_shares(scores: Sequence[Score], run: int = 5) -> list[float]:
    """For each tune, the greatest share of its runs of ``run`` steps that one other tune of the set has too.

    nan for tunes shorter than that. High where a set says the same again and again.
    """
    runs = [
        frozenset(tuple(steps[at : at + run]) for at in range(len(steps) - run + 1)) for steps in map(steps_of, scores)
    ]
    holders: dict[tuple[tuple[int, int], ...], list[int]] = {}
    for place, own in enumerate(runs):
        for each in own:
            holders.setdefault(each, []).append(place)
    shares = []
    for place, own in enumerate(runs):
        counts: dict[int, int] = {}
        for each in own:
            for other in holders[each]:
                if other != place:
                    counts[other] = counts.get(other, 0) + 1
        shares.append(max(counts.values(), default=0) / len(own) if own else float("nan"))
    return shares
