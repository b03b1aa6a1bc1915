"""Sequential Monte Carlo over forked recurrent states: many beginnings, the promising ones multiplied, one drawn.

Steering by SMC: Lew et al. 2023 (2306.03081); twists: Zhao et al. 2024 (2404.17546). Knows engines, samplers,
constraints and potentials by what they promise.

What is sampled. Let q(v | x) be what plain generation draws the next token from: the constraint's mask (with the
length, `Finishing`), then the sampler's chain. Let Z(x) be the mass that the chain without the mask gives to the tokens
that the mask leaves, and φ the potential. The target is the distribution proportional to

    φ(x) · Π_t q(x_t | x_<t) · Z(x_<t).

With a chain that only rescales (none, a temperature, biases) q·Z is the chain's own distribution where it is allowed,
so the target is the chain's distribution of whole sequences, given that they keep the constraint, weighted by φ. A
mask alone does not give that: it draws each token as if every future were equally possible. A stage that truncates
(top-k, top-p) sees the mask first, as everywhere; where the chain without the mask would leave nothing that is allowed,
Z is the model's own mass of what is allowed. Stages that draw take one number for all particles of a position. What a
constraint would take back is ruled out.

Particles with the same history are one row with a count: they share the model's work, their weights are equal, and
their next tokens are drawn systematically from one uniform number, so a token of probability a half goes to half of
them. Everything is a function of the seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from toolkit.core import Constraint, Engine, FloatArray, ToolkitError, UsageError, uniform
from toolkit.sampling import Anything, Finishing, Prospect, Sampler, decided, opened, withdraw
from toolkit.sampling.logits import Logits, log_softmax
from toolkit.steer.found import CHOICE, Particle, Progress, Steered
from toolkit.steer.population import Population, Row, Trail, effective, resample, shares, systematic, written
from toolkit.steer.potentials import Indifferent, Potential, guidance, log_twist, over, steps
from toolkit.steer.settings import SteeringSettings

ANYTHING = Anything()
INDIFFERENT = Indifferent()
NEUTRAL = SteeringSettings()

_DRAWS, _RESAMPLES = 1 << 20, (1 << 20) - 1
"""Random lanes: of rows beyond the first (that one takes plain generation's), and of resampling."""


class _Child(NamedTuple):
    parent: Row
    token: int
    copies: int
    log_probability: float
    log_weight: float
    """The parent's with the correction of this draw, before the twist."""
    prospect: Prospect


def steering(
    engine: Engine,
    prompt: Sequence[int],
    *,
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = ANYTHING,
    given: Sequence[int] | None = None,
    potential: Potential[Any] = INDIFFERENT,
    settings: SteeringSettings = NEUTRAL,
    seed: int = 0,
) -> Iterator[Progress | Steered]:
    """Searches, telling after each position how it stands; the last thing told is the `Steered` result.

    ``prompt``, ``given``, ``length`` and ``stop`` are as in `toolkit.generate.tokens`; the potential sees what
    the sampler sees. Before the first token: UsageError as there. ToolkitError when every particle has met a dead end.
    """
    search, opening, people = prepared(
        engine,
        prompt,
        sampler=sampler,
        length=length,
        stop=stop,
        constraint=constraint,
        given=given,
        potential=potential,
        settings=settings,
        seed=seed,
    )
    return search.run(opening, people)


def steer(engine: Engine, prompt: Sequence[int], **asked: Any) -> Steered:
    """What `steering` ends with."""
    for told in steering(engine, prompt, **asked):
        last = told
    assert isinstance(last, Steered)  # it always is
    return last


@dataclass(frozen=True)
class Search:
    """Everything that stays the same while particles grow."""

    engine: Engine
    sampler: Sampler
    constraint: Finishing[Any]
    potential: Potential[Any]
    settings: SteeringSettings
    length: int
    stop: int
    seed: int

    def run(self, opening: Sequence[int], people: Population) -> Iterator[Progress | Steered]:
        """Grows the particles to their ends; see `steering`."""
        logits_V, memory = self.engine.feed(opening, self.engine.begin())
        logits_NV = logits_V[None]
        sizes: list[float] = []
        resampled: list[int] = []
        computed = len(opening)
        for position in range(self.length):
            people, size, again = self.grown(people, logits_NV, position)
            sizes.append(size)
            resampled += [position] * again
            yield _progress(people, position + 1, size, again)
            if not people.growing:
                break
            logits_NV, memory = self.read(people, memory)
            computed += len(people.growing)
        yield self._result(people, sizes, resampled, computed)

    def grown(self, people: Population, logits_NV: FloatArray, position: int) -> tuple[Population, float, bool]:
        """(every growing sequence a token longer, the effective number of particles, whether they were resampled)."""
        people = self._longer(people, logits_NV, position)
        size = effective(people.rows)
        again = size < self.settings.resample_below * self.settings.particles
        if again:
            people = resample(people, self.settings.particles, uniform(self.seed, position, _RESAMPLES))
        return people, size, again

    def read(self, people: Population, memory: Any) -> tuple[FloatArray, Any]:
        """The model's logits and memory after the newest token of every growing sequence."""
        memory = self.engine.rows(memory, [row.place for row in people.growing])
        return self.engine.advance([row.trail.token for row in people.growing if row.trail], memory)

    def _longer(self, people: Population, logits_NV: FloatArray, position: int) -> Population:
        """Every growing sequence a token longer; those that are whole are moved to the finished."""
        children: list[_Child] = []
        finished = list(people.finished)
        for place, (row, logits_V) in enumerate(zip(people.growing, logits_NV, strict=True)):
            allowed_V = self.constraint.allowed(row.constraint)
            if allowed_V is not None and not allowed_V.any():
                if self.constraint.distance(row.constraint) == 0:
                    finished.append(self._ended(row))
                continue
            lane = place + _DRAWS if place else 0
            placed = row._replace(place=place)
            exact_V = decided(self.constraint, row.constraint, logits_V.astype(np.float64), allowed_V)
            children.extend(self._drawn(placed, exact_V, allowed_V, position, lane))
        growing: list[Row] = []
        for row, is_over in self._stepped(children, self.length - position - 1):
            if row.log_weight > -math.inf:
                (finished if is_over else growing).append(row)
        everyone = Population(growing, [row for row in finished if row.log_weight > -math.inf])
        if not everyone.rows:
            raise ToolkitError(
                f"none of {self.settings.particles} particles could do what is asked for beyond token {position + 1}; "
                "more particles may, or a greater length."
            )
        return everyone

    def _drawn(self, row: Row, logits_V: Logits, allowed_V: Any, position: int, lane: int) -> Iterator[_Child]:
        """The next tokens of one sequence's particles, drawn systematically from the guided proposal."""
        left = self.length - position - 1
        prospect = self.sampler.prospect(logits_V, row.sampler, allowed_V, seed=self.seed, position=position)
        target_V = prospect.probabilities_V
        correction = self._allowed_mass(row, logits_V, allowed_V, position)
        proposal_V, guided_V = target_V, None
        if self.settings.guided:
            guided_V = guidance(self.potential, row.potential, left, self.stop)
        if guided_V is not None:
            with np.errstate(divide="ignore"):
                tilted_V = np.log(target_V) + guided_V
            top = tilted_V.max()
            if top == -math.inf:
                return
            proposal_V = np.exp(tilted_V - top)
            total = float(proposal_V.sum())
            correction += top + math.log(total)
            proposal_V = proposal_V / total
        own_V = log_softmax(logits_V)
        tokens, counts = np.unique(
            systematic(proposal_V, row.copies, uniform(self.seed, position, lane)), return_counts=True
        )
        for token, copies in zip(tokens.tolist(), counts.tolist(), strict=True):
            log_weight = row.log_weight + correction - (0.0 if guided_V is None else float(guided_V[token]))
            yield _Child(row, token, copies, float(own_V[token]), log_weight, prospect)

    def _allowed_mass(self, row: Row, logits_V: Logits, allowed_V: Any, position: int) -> float:
        """The logarithm of Z: what the chain, without the mask, gives to the tokens that the mask leaves."""
        if allowed_V is None or allowed_V.all():
            return 0.0
        if self.sampler.transforms:
            chain_V = self.sampler.probabilities(logits_V, row.sampler, seed=self.seed, position=position)
            mass = float(chain_V[allowed_V].sum())
            if mass > 0:
                return math.log(min(1.0, mass))
        return float(np.logaddexp.reduce(log_softmax(logits_V)[allowed_V]))

    def _stepped(self, children: Sequence[_Child], left: int) -> Iterator[tuple[Row, bool]]:
        """(row, whether it is whole) for each child, its twist brought up to date."""
        going = [child for child in children if child.token != self.stop]
        states = iter(
            steps(
                self.potential,
                [child.parent.potential for child in going],
                [child.token for child in going],
                [child.log_probability for child in going],
            )
        )
        for child in children:
            parent, token = child.parent, child.token
            state = parent.potential if token == self.stop else next(states)
            constraint = self.constraint.step(parent.constraint, token)
            ends = token == self.stop or left == 0 or over(self.potential, state)
            twist = self.potential.log_weight(state) if ends else log_twist(self.potential, state, left)
            if withdraw(self.constraint, constraint):
                twist = -math.inf
            row = Row(
                Trail(parent.trail, token, child.log_probability),
                parent.sampler if ends else child.prospect.after(token),
                constraint,
                state,
                twist,
                child.copies,
                child.log_weight + twist - parent.twist,
                parent.place,
            )
            yield row, ends

    def _ended(self, row: Row) -> Row:
        """A sequence after which nothing may come, weighed as it stands."""
        whole = self.potential.log_weight(row.potential)
        return row._replace(twist=whole, log_weight=row.log_weight + whole - row.twist)

    def _result(self, people: Population, sizes: Sequence[float], resampled: Sequence[int], computed: int) -> Steered:
        rows = people.finished
        share_R, log_total = shares(rows)
        order = np.argsort(-share_R, kind="stable")
        particles = tuple(
            Particle(*written(rows[index].trail), float(share_R[index]), rows[index].copies) for index in order.tolist()
        )
        chosen = systematic(share_R[order], 1, uniform(self.seed, 0, CHOICE))[0]
        longest = max(len(each.tokens) for each in particles)
        return Steered(
            particles=particles,
            chosen=particles[int(chosen)],
            log_evidence=log_total - math.log(self.settings.particles),
            ess=tuple(sizes),
            resampled=tuple(resampled),
            ancestors=tuple(len({each.tokens[:depth] for each in particles}) for depth in range(1, longest + 1)),
            computed=computed,
        )


def prepared(
    engine: Engine,
    prompt: Sequence[int],
    *,
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any],
    given: Sequence[int] | None,
    potential: Potential[Any],
    settings: SteeringSettings,
    seed: int,
) -> tuple[Search, list[int], Population]:
    """(the search, what the model reads first, all particles at the beginning); arguments and errors as `steering`."""
    if length < 1:
        raise UsageError(f"the length must be at least 1, not {length}.")
    opening = opened(
        prompt,
        sampler=sampler,
        constraint=constraint,
        given=given,
        length=length,
        stop=stop,
        vocabulary=engine.vocabulary,
    )
    begun = potential.begin(opening.seen)
    hope = log_twist(potential, begun, length)
    if hope == -math.inf:
        raise UsageError(f"what is asked for takes more than {length} tokens.")
    first = Row(None, opening.sampler, opening.state, begun, hope, settings.particles, hope)
    search = Search(engine, sampler, opening.constraint, potential, settings, length, stop, seed)
    return search, list(opening.tokens), Population([first])


def _progress(people: Population, position: int, size: float, again: bool) -> Progress:
    best = max(people.rows, key=lambda row: row.log_weight + math.log(row.copies))
    finished = sum(row.copies for row in people.finished)
    return Progress(position, size, len(people.growing), finished, again, best.trail)
