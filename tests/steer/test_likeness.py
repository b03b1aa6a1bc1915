"""Sounding like another model: the target is a ratio of likelihoods, whichever way the particles get there."""

import math

import pytest

from tests.steer.toys import STOP, Count, Hashed, V, target, total_variation
from toolkit.core import UsageError
from toolkit.sampling import Sampler
from toolkit.steer import Likeness, SteeringSettings, Together, steer

PROMPT, LENGTH = [STOP, 3], 4


def mixed(strength):
    """{sequence: p(x) · (q(x) / p(x)) ** strength}, by the two models' own probabilities of every sequence."""
    here, there = (target(Hashed(salt), PROMPT, LENGTH) for salt in (7, 8))

    def spoken(other, tokens):  # the stop token is no part of what the potential hears
        if tokens[-1] != STOP:
            return other[tokens]
        begun = target(Hashed(8 if other is there else 7), PROMPT, len(tokens) - 1) if len(tokens) > 1 else {}
        return begun.get(tokens[:-1], 1.0)

    return {each: here[each] * (spoken(there, each) / spoken(here, each)) ** strength for each in here}


def search(potential, particles=20_000):
    settings = SteeringSettings(particles=particles)
    return steer(Hashed(), PROMPT, sampler=Sampler(), length=LENGTH, stop=STOP, potential=potential, settings=settings)


@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_the_target_is_the_ratio_of_likelihoods(strength):
    exact = mixed(strength)
    found = search(Likeness(Hashed(8), PROMPT, strength, vocabulary=V))
    assert total_variation(exact, found) < 0.03
    assert math.exp(found.log_evidence) == pytest.approx(sum(exact.values()), rel=0.03)


def test_it_goes_together_with_other_wishes():
    found = search(Together(Count(), Likeness(Hashed(8), PROMPT, 1.0, vocabulary=V)))
    exact = {each: weight * math.exp(1.5 * each.count(2)) for each, weight in mixed(1.0).items() if each.count(2) != 3}
    assert total_variation(exact, found) < 0.03


def test_a_model_of_other_tokens_is_refused():
    with pytest.raises(UsageError, match="knows 4 tokens and this one 9"):
        Likeness(Hashed(), PROMPT, 1.0, vocabulary=9)
