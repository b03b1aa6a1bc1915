"""Two sets of tunes compared, measure by measure, with errors, and with what chance alone would do.

Means have bootstrap intervals (Efron 1979); whether two differ is told by a permutation test, and how far they are
apart by the probability of superiority, which has no unit. Beside every difference stands what two sets of these
sizes, both drawn from the corpus, differ by. Knows numbers and scores; draws only from the generator it is given.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import InputError
from toolkit.musicality.distributions import Counts, divergence, histograms, nearest_shares, overlap
from toolkit.musicality.measures import MEASURES, Measure
from toolkit.score.notes import Score

Values = npt.NDArray[np.float64]

DRAWS = 2000
_PAIRS = 200
FEWEST = 2

NEAREST = Measure(
    "share with the nearest",
    "share",
    "what a tune shares with the one of its set that is most like it",
    lambda _: np.nan,
)


@dataclass(frozen=True)
class Spread:
    """A mean and the ends of its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Compared:
    """One measure of both sets. ``superiority`` is the chance that a tune of the set has more of it than one of the
    corpus, ties halved: 0.5 where they are alike. ``p`` is how often chance makes means differ so much; ``chance`` is
    what 95 in 100 pairs of sets of these sizes, both drawn from the corpus, differ by at most.
    """

    name: str
    unit: str
    about: str
    ours: Spread
    corpus: Spread
    superiority: float
    p: float
    chance: float


@dataclass(frozen=True)
class Near:
    """How near the distribution of the set is to that of the corpus: ``divergence`` in bits, ``overlap`` from 0 to 1.

    With what two sets of these sizes give that are both drawn from the corpus, the middle of many.
    """

    name: str
    divergence: Spread
    overlap: float
    divergence_by_chance: float
    overlap_by_chance: float


@dataclass(frozen=True)
class Comparison:
    """``tunes`` of the set against ``others`` of the corpus; ``values`` are those of each tune, by measure and set."""

    tunes: int
    others: int
    measures: tuple[Compared, ...]
    distributions: tuple[Near, ...]
    values: Mapping[str, tuple[Values, Values]]

    def data(self) -> dict[str, Any]:
        """Everything but the values of each tune, for JSON."""
        return {
            "tunes": self.tunes,
            "others": self.others,
            "measures": [asdict(each) for each in self.measures],
            "distributions": [asdict(each) for each in self.distributions],
        }

    def differing(self, level: float = 0.05) -> tuple[str, ...]:
        """The measures whose difference chance does not explain, all of them tested together (Holm 1979)."""
        found = []
        ordered = sorted((each for each in self.measures if not np.isnan(each.p)), key=lambda each: each.p)
        for rank, each in enumerate(ordered):
            if each.p > level / (len(ordered) - rank):
                break
            found.append(each.name)
        return tuple(found)


def compare(
    ours: Sequence[Score],
    corpus: Sequence[Score],
    rng: np.random.Generator,
    *,
    more: Mapping[Measure, tuple[Sequence[float], Sequence[float]]] | None = None,
) -> Comparison:
    """Every measure and distribution of two sets; ``more`` are measures made elsewhere, with the values of both.

    InputError where a set has fewer than two tunes with notes.
    """
    ours, corpus = ([score for score in each if len(score.notes) > 1] for each in (ours, corpus))
    for scores, name in ((ours, "set"), (corpus, "corpus")):
        if len(scores) < FEWEST:
            raise InputError(f"the {name} has {len(scores)} tunes with notes, and {FEWEST} are needed to compare.")
    values = {
        measure: (np.array([measure.of(each) for each in ours]), np.array([measure.of(each) for each in corpus]))
        for measure in MEASURES
    }
    # The more tunes there are, the nearer is the nearest: both sets are cut to one size.
    size = min(len(ours), len(corpus))
    values[NEAREST] = (_nearest(ours, size, rng), _nearest(corpus, size, rng))
    for measure, (one, other) in (more or {}).items():
        values[measure] = (np.array(one, np.float64), np.array(other, np.float64))
    return Comparison(
        len(ours),
        len(corpus),
        tuple(_compared(measure, *both, rng) for measure, both in values.items()),
        _near(histograms(ours), histograms(corpus), rng),
        {measure.name: both for measure, both in values.items()},
    )


def spread(values: Values, rng: np.random.Generator) -> Spread:
    """The mean of what is a number, and where 95 in 100 means of resamplings lie."""
    values = values[np.isfinite(values)]
    if not len(values):
        return Spread(np.nan, np.nan, np.nan)
    means = values[rng.integers(len(values), size=(DRAWS, len(values)))].mean(1)
    low, high = np.percentile(means, (2.5, 97.5))
    return Spread(float(values.mean()), float(low), float(high))


def superiority(ours: Values, others: Values) -> float:
    """P(one of ours > one of theirs), ties counted half (Vargha and Delaney 2000)."""
    ours, others = np.sort(ours[np.isfinite(ours)]), np.sort(others[np.isfinite(others)])
    if not len(ours) or not len(others):
        return np.nan
    less, upto = (np.searchsorted(others, ours, side) for side in ("left", "right"))
    return float((less + upto).sum() / (2 * len(ours) * len(others)))


def permutation_p(ours: Values, others: Values, rng: np.random.Generator) -> float:
    """How often sets drawn from both together have means as far apart; never 0, the sets themselves count as a draw."""
    ours, others = ours[np.isfinite(ours)], others[np.isfinite(others)]
    if not len(ours) or not len(others):
        return np.nan
    together = np.concatenate([ours, others])
    apart = abs(ours.mean() - others.mean())
    chosen = rng.permuted(np.tile(together, (DRAWS, 1)), axis=1)
    drawn = abs(chosen[:, : len(ours)].mean(1) - chosen[:, len(ours) :].mean(1))
    return float((1 + (drawn >= apart - 1e-12).sum()) / (1 + DRAWS))


def _nearest(scores: Sequence[Score], size: int, rng: np.random.Generator) -> Values:
    chosen = sorted(rng.choice(len(scores), size, replace=False).tolist())
    return np.array(nearest_shares([scores[place] for place in chosen]))


def chance(values: Values, ours: int, others: int, rng: np.random.Generator) -> float:
    """What 95 in 100 pairs of means differ by at most, of ``ours`` and of ``others`` values drawn from ``values``."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan
    one, other = (values[rng.integers(len(values), size=(DRAWS, size))].mean(1) for size in (ours, others))
    return float(np.percentile(abs(one - other), 95))


def _compared(measure: Measure, ours: Values, others: Values, rng: np.random.Generator) -> Compared:
    return Compared(
        measure.name,
        measure.unit,
        measure.about,
        spread(ours, rng),
        spread(others, rng),
        superiority(ours, others),
        permutation_p(ours, others, rng),
        chance(others, len(ours), len(others), rng),
    )


def _near(ours: Mapping[str, Counts], corpus: Mapping[str, Counts], rng: np.random.Generator) -> tuple[Near, ...]:
    found = []
    for name, mine in ours.items():
        theirs = corpus[name]
        draws = [_resampled(mine, rng) for _ in range(_PAIRS)]
        distances = [float(divergence(each, theirs.sum(0))) for each in draws]
        low, high = np.percentile(distances, (2.5, 97.5))
        pairs = [(_resampled(theirs, rng, len(mine)), _resampled(theirs, rng)) for _ in range(_PAIRS)]
        found.append(
            Near(
                name,
                Spread(float(divergence(mine.sum(0), theirs.sum(0))), float(low), float(high)),
                float(overlap(mine.sum(0), theirs.sum(0))),
                float(np.median([divergence(*each) for each in pairs])),
                float(np.median([overlap(*each) for each in pairs])),
            )
        )
    return tuple(found)


def _resampled(counts: Counts, rng: np.random.Generator, size: int | None = None) -> Counts:
    drawn: Counts = counts[rng.integers(len(counts), size=size or len(counts))].sum(0)
    return drawn
