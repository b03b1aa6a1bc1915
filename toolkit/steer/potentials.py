"""What a wish for a whole result is: a potential, a number that says how welcome a finished sequence would be.

A constraint says at each token what may follow; a potential may be soft, and may be known only at the end. Four more
promises are optional, and worth making where they are cheap: `Twisted` and `Guiding` make the search efficient and
change nothing of what is searched for, `Ending` says that all is said, `Accompanying` steps side by side.
Knows no model, no search and no meaning of ids.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from toolkit.core import promises

P = TypeVar("P")
P_contra = TypeVar("P_contra", contravariant=True)

Factors = npt.NDArray[np.float64]
"""One logarithm for each token, of shape (V,)."""


class Potential(Protocol[P]):
    """An automaton over what is generated, the stop token excepted, that weighs it once it is whole.

    States are values: `step` returns a new one and leaves the given one untouched.
    """

    def begin(self, prompt: Sequence[int]) -> P:
        """The state before the first new token, having seen the prompt's ids."""
        ...

    def step(self, state: P, token: int) -> P: ...

    def log_weight(self, state: P) -> float:
        """The logarithm of the factor by which a sequence that ends here is preferred; minus infinity rules it out."""
        ...


@runtime_checkable
class Twisted(Protocol[P_contra]):
    """A potential that guesses, before the end, what its weight will come to (Zhao et al. 2024, 2404.17546).

    A good guess keeps promising beginnings alive. Any guess leaves the target as it is, as long as it is minus
    infinity only where the weight surely will be.
    """

    def log_twist(self, state: P_contra, left: int) -> float:
        """The guess in ``state`` when at most ``left`` tokens may still come."""
        ...


@runtime_checkable
class Guiding(Protocol[P_contra]):
    """A potential that can say of all tokens at once how promising each is; promising ones are drawn more often.

    The draw is corrected for, so guidance leaves the target as it is, on the same condition as a twist.
    """

    def guide(self, state: P_contra, left: int) -> Factors | None:
        """What the twist comes to after each token, about: shape (V,), ``left`` tokens after it. None: no opinion.

        On the scale of `log_weight`, which takes the place of the stop token's entry: ending here is one choice among
        the others.
        """
        ...


@runtime_checkable
class Ending(Protocol[P_contra]):
    """A potential that can tell when a sequence is whole although no stop token came, as at the end of a line."""

    def over(self, state: P_contra) -> bool:
        """True when the sequence ends here. The target is then over sequences cut at the first such place."""
        ...


@runtime_checkable
class Accompanying(Protocol[P]):
    """A potential that steps many states at once, and cheaper so: another model run alongside."""

    def steps(self, states: Sequence[P], tokens: Sequence[int], log_probabilities: Sequence[float]) -> Sequence[P]:
        """``step(states[i], tokens[i])`` for each i; ``log_probabilities`` are the steered model's own, in nats.

        All ``states`` come from the same call before, or from `begin`.
        """
        ...


def log_twist(potential: Potential[P], state: P, left: int) -> float:
    """The potential's guess; 0, no opinion, from one that makes none."""
    return potential.log_twist(state, left) if promises(potential, Twisted) else 0.0


def over(potential: Potential[P], state: P) -> bool:
    """Whether the potential says that the sequence is whole."""
    return potential.over(state) if promises(potential, Ending) else False


def steps(
    potential: Potential[P], states: Sequence[P], tokens: Sequence[int], log_probabilities: Sequence[float]
) -> Sequence[P]:
    """The states after one token each, side by side where the potential can."""
    if promises(potential, Accompanying):
        return potential.steps(states, tokens, log_probabilities)
    return [potential.step(state, token) for state, token in zip(states, tokens, strict=True)]


def guidance(potential: Potential[P], state: P, left: int, stop: int) -> Factors | None:
    """What guides the next draw, the factor of stopping here included; None where nothing does."""
    factors_V = potential.guide(state, left) if promises(potential, Guiding) else None
    if factors_V is None:
        return None
    whole_V = np.array(factors_V, np.float64)
    whole_V[stop] = potential.log_weight(state)
    return whole_V


class Indifferent:
    """No wish at all: every sequence weighs the same."""

    def begin(self, prompt: Sequence[int]) -> tuple[()]:
        return ()

    def step(self, state: tuple[()], token: int) -> tuple[()]:
        return state

    def log_weight(self, state: tuple[()]) -> float:
        return 0.0


class Together:
    """Several wishes at once: weights, guesses and guidance multiply. It is over when one of them is."""

    def __init__(self, *potentials: Potential[Any]) -> None:
        self.potentials = potentials

    def begin(self, prompt: Sequence[int]) -> tuple[Any, ...]:
        return tuple(each.begin(prompt) for each in self.potentials)

    def step(self, state: tuple[Any, ...], token: int) -> tuple[Any, ...]:
        return tuple(each.step(mine, token) for each, mine in zip(self.potentials, state, strict=True))

    def steps(
        self, states: Sequence[tuple[Any, ...]], tokens: Sequence[int], log_probabilities: Sequence[float]
    ) -> list[tuple[Any, ...]]:
        if not states:
            return []
        columns = zip(*states, strict=True)
        stepped = [
            steps(each, column, tokens, log_probabilities)
            for each, column in zip(self.potentials, columns, strict=True)
        ]
        return list(zip(*stepped, strict=True)) if stepped else list(states)

    def log_weight(self, state: tuple[Any, ...]) -> float:
        return _total(each.log_weight(mine) for each, mine in zip(self.potentials, state, strict=True))

    def log_twist(self, state: tuple[Any, ...], left: int) -> float:
        return _total(log_twist(each, mine, left) for each, mine in zip(self.potentials, state, strict=True))

    def guide(self, state: tuple[Any, ...], left: int) -> Factors | None:
        """The guides' opinions; a potential without one counts with its twist, so that ending here weighs fairly."""
        sure, opinions = 0.0, []
        for each, mine in zip(self.potentials, state, strict=True):
            factors_V = each.guide(mine, left) if promises(each, Guiding) else None
            if factors_V is None:
                sure += log_twist(each, mine, left)
            else:
                opinions.append(factors_V)
        return np.sum(opinions, axis=0) + sure if opinions else None

    def over(self, state: tuple[Any, ...]) -> bool:
        return any(over(each, mine) for each, mine in zip(self.potentials, state, strict=True))


def _total(logarithms: Any) -> float:
    """The sum, minus infinity as soon as one of them is (plus infinity is no weight)."""
    total = 0.0
    for each in logarithms:
        if each == -math.inf:
            return -math.inf
        total += each
    return total
