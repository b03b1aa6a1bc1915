"""Filling a gap: middles drawn by the likelihood of the whole, not only of what came before.

For a left and a right context the target is

    p(middle | left, right) ∝ p(left, middle, right),

over every middle that may stand there, short or long. Middles grow as in `toolkit.steer`, and wherever one may end the
model reads the right context after it: its likelihood is the weight of that ending. The chain of the sampler shapes the
middle (its target is that of `toolkit.steer.particles`); the right context counts with the model's own probabilities.

Knows engines, samplers, constraints and particles; what a middle is says a `Gap`, which a domain makes.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, Constraint, Engine, FloatArray, ToolkitError, UsageError, uniform
from toolkit.sampling import Sampler
from toolkit.steer import Potential, Progress, SteeringSettings
from toolkit.steer.particles import ANYTHING, INDIFFERENT, Search, prepared
from toolkit.steer.population import Population, Row, Trail, written

_ALTERNATIVES = (1 << 20) - 3
"""The random lane that orders what is found."""

HOPELESS = 20.0
"""An ending so many nats behind the best one is not read on: what is left out weighs less than 3 in 10^9 of it."""

WIDE = SteeringSettings(particles=64)


class Fit(Enum):
    """Whether a middle that has come so far may end there."""

    NOT_YET = 0
    MAY_END = 1
    ENDS = 2


@dataclass(frozen=True)
class Gap:
    """A place between two contexts.

    The model reads ``left`` first and ``right`` last; both are ids, and ``right`` is not empty. Where what follows is
    written differently after one middle and another, ``following`` says how it is after each; ``settled`` tells which
    of its ids say nothing new and count nothing. ``constraint`` sees ``given`` (None: ``left`` without its stop token),
    then the middle; ``fit`` judges by the constraint's state and the number of tokens whether a middle may end.
    ``longest`` is the most tokens a middle can have.
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    fit: Callable[[Any, int], Fit]
    longest: int
    stop: int
    constraint: Constraint[Any] = ANYTHING
    given: tuple[int, ...] | None = None
    following: Callable[[tuple[int, ...]], tuple[int, ...]] | None = None
    settled: Callable[[npt.NDArray[Any]], BoolArray] | None = None

    def after(self, middle: tuple[int, ...]) -> tuple[int, ...]:
        """The right context after a middle."""
        return self.right if self.following is None else self.following(middle)


@dataclass(frozen=True)
class Middle:
    """One way to fill the gap: its tokens, and in nats under the model alone the log-probability of them after the left
    context and of the right context after them. ``share`` is its part of all weight.
    """

    tokens: tuple[int, ...]
    log_probability: float
    right_log_probability: float
    share: float


@dataclass(frozen=True)
class Infilled:
    """What was found. ``alternatives`` are distinct, drawn by share without replacement: the first is one fair draw.

    ``ess`` is the effective number of the ``candidates``, endings that were weighed; ``log_evidence`` estimates the
    logarithm of the target's total mass; ``computed`` counts the tokens that the model read.
    """

    alternatives: tuple[Middle, ...]
    candidates: int
    ess: float
    log_evidence: float
    computed: int


class _Ending(NamedTuple):
    row: Row
    log_weight: float
    right: float


def infill(engine: Engine, gap: Gap, **asked: Any) -> Infilled:
    """What `infilling` ends with."""
    for told in infilling(engine, gap, **asked):
        last = told
    assert isinstance(last, Infilled)  # it always is
    return last


def infilling(
    engine: Engine,
    gap: Gap,
    *,
    sampler: Sampler,
    potential: Potential[Any] = INDIFFERENT,
    settings: SteeringSettings = WIDE,
    count: int = 1,
    seed: int = 0,
    hopeless: float = HOPELESS,
) -> Iterator[Progress | Infilled]:
    """Fills, telling after each token how it stands; last ``count`` different middles, or as many as were found.

    What is told counts the endings weighed as finished, and has the best of them. The potential weighs middles, besides
    the right context. An ending ``hopeless`` nats behind the best so far is given up; infinity reads the right context
    after every one.

    At once: UsageError for a gap without a right context, or as from `toolkit.steer.steering`. In the end: ToolkitError
    when no middle was found.
    """
    if not gap.right:
        raise UsageError("without a right context there is no gap to fill.")
    search, opening, people = prepared(
        engine,
        gap.left,
        sampler=sampler,
        length=gap.longest + 1,
        stop=gap.stop,
        constraint=gap.constraint,
        given=gap.given,
        potential=potential,
        settings=settings,
        seed=seed,
    )
    return _Filling(search, gap, hopeless).run(opening, people, count)


class _Filling:
    """A search that weighs endings while particles grow."""

    def __init__(self, search: Search, gap: Gap, hopeless: float) -> None:
        self._search, self._gap, self._hopeless = search, gap, hopeless
        self._endings: list[_Ending] = []
        self._best = -math.inf
        self._computed = 0

    def run(self, opening: Sequence[int], people: Population, count: int) -> Iterator[Progress | Infilled]:
        """Grows middles until none is left that may grow; see `infilling`."""
        yield from self._growing(opening, people)
        yield self._result(count)

    def _growing(self, opening: Sequence[int], people: Population) -> Iterator[Progress]:
        engine = self._search.engine
        logits_V, memory = engine.feed(opening, engine.begin())
        logits_NV = logits_V[None]
        self._computed += len(opening)
        for position in range(self._gap.longest):
            people, size, again = self._search.grown(people, logits_NV, position)
            people = Population(people.growing)  # a stop token ends no middle
            if not people.growing:
                return
            logits_NV, memory = self._search.read(people, memory)
            self._computed += len(people.growing)
            people = self._weighed(people, logits_NV, memory, position + 1)
            yield Progress(position + 1, size, len(people.growing), len(self._endings), again, self._leading())
            if not people.growing:
                return
            places = [row.place for row in people.growing]
            logits_NV, memory = logits_NV[places], engine.rows(memory, places)

    def _weighed(self, people: Population, logits_NV: FloatArray, memory: Any, length: int) -> Population:
        """What goes on growing, after every sequence that may end here has been weighed as if it did."""
        rows = [row._replace(place=place) for place, row in enumerate(people.growing)]
        fits = [self._gap.fit(row.constraint[0], length) for row in rows]
        ending = [row for row, fit in zip(rows, fits, strict=True) if fit is not Fit.NOT_YET]
        whole = [self._search.potential.log_weight(row.potential) - row.twist for row in ending]
        ending = [row._replace(log_weight=row.log_weight + each) for row, each in zip(ending, whole, strict=True)]
        self._endings.extend(self._read_on([row for row in ending if row.log_weight > -math.inf], logits_NV, memory))
        return Population([row for row, fit in zip(rows, fits, strict=True) if fit is not Fit.ENDS])

    def _read_on(self, rows: Sequence[Row], logits_NV: FloatArray, memory: Any) -> Iterator[_Ending]:
        """The endings, each with the right context's log-probability, but for those that fall hopelessly behind."""
        engine = self._search.engine
        right_N = np.zeros(len(rows))
        weight_N = np.array([row.log_weight + math.log(row.copies) for row in rows])
        alive = np.arange(len(rows))
        places = np.array([row.place for row in rows])
        rights = [self._gap.after(written(row.trail)[0]) for row in rows]
        free = [self._free(right) for right in rights]
        for number in itertools.count():
            over = np.array([len(rights[index]) == number for index in alive.tolist()], np.bool_)
            for index in alive[over].tolist():
                log_weight = float(weight_N[index] + right_N[index])
                self._best = max(self._best, log_weight)
                yield _Ending(rows[index], log_weight, float(right_N[index]))
            alive, places = alive[~over], places[~over]
            if not len(alive):
                return
            if number:
                read = [rights[index][number - 1] for index in alive.tolist()]
                logits_NV, memory = engine.advance(read, engine.rows(memory, places.tolist()))
                places = np.arange(len(alive))
                self._computed += len(alive)
            exact_NV = logits_NV[places].astype(np.float64)
            tokens = [rights[index][number] for index in alive.tolist()]
            counts = np.array([free[index][number] for index in alive.tolist()])
            right_N[alive] += counts * (exact_NV[np.arange(len(alive)), tokens] - np.logaddexp.reduce(exact_NV, axis=1))
            kept = weight_N[alive] + right_N[alive] > self._best - self._hopeless
            alive, places = alive[kept], places[kept]

    def _free(self, right: tuple[int, ...]) -> BoolArray:
        settled = self._gap.settled
        return np.ones(len(right), np.bool_) if settled is None else ~settled(np.array(right))

    def _leading(self) -> Trail | None:
        """The heaviest ending; none before there is one."""
        heaviest = max(self._endings, key=lambda each: each.log_weight, default=None)
        return None if heaviest is None else heaviest.row.trail

    def _result(self, count: int) -> Infilled:
        if not self._endings:
            raise ToolkitError("nothing was found that fits between the two; more particles or more room may help.")
        log_E = np.array([each.log_weight for each in self._endings])
        total = float(np.logaddexp.reduce(log_E))
        share_E = np.exp(log_E - total)
        chosen = _in_drawn_order(log_E - total, self._search.seed)[:count]
        return Infilled(
            alternatives=tuple(self._middle(self._endings[index], float(share_E[index])) for index in chosen),
            candidates=len(self._endings),
            ess=float(1 / (share_E**2).sum()),
            log_evidence=total - math.log(self._search.settings.particles),
            computed=self._computed,
        )

    def _middle(self, ending: _Ending, share: float) -> Middle:
        tokens, logarithms = written(ending.row.trail)
        return Middle(tokens, math.fsum(logarithms), ending.right, share)


def _in_drawn_order(log_share_E: Any, seed: int) -> list[int]:
    """Indices drawn one after the other by share, none twice: by falling log-share plus Gumbel noise (Yellott 1977)."""
    noise = [-math.log(-math.log(uniform(seed, index, _ALTERNATIVES) or 1e-300)) for index in range(len(log_share_E))]
    order: list[int] = np.argsort(-(log_share_E + noise), kind="stable").tolist()
    return order
