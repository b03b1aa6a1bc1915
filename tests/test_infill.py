"""Filling a gap: middles come as often as the likelihood of the whole says, and what is kept is kept."""

import math
from itertools import product

import numpy as np
import pytest

from tests.steer.toys import STOP, Guided, Hashed, V
from toolkit.core import ToolkitError, UsageError
from toolkit.infill import Fit, Gap, infill
from toolkit.sampling import Forbid, Sampler
from toolkit.steer import SteeringSettings

LEFT, RIGHT, LONGEST = (STOP, 3), (2, 1, 3), 4


def any_length(shortest):
    return lambda state, length: Fit.MAY_END if length >= shortest else Fit.NOT_YET


def at_the_first_two(state, length):
    return Fit.ENDS if state == (2,) else Fit.NOT_YET


class Last(Forbid):
    """No stop; the state is the last token."""

    def step(self, state, token):
        return (token,)


def gap(fit=None, **more):
    asked = {"left": LEFT, "right": RIGHT, "constraint": Last([STOP], V), "longest": LONGEST, "stop": STOP, "given": ()}
    return Gap(**{**asked, "fit": fit or any_length(2), **more})


def log_probability(engine, before, tokens, allowed=(1, 2, 3)):
    """Of ``tokens`` after ``before``."""
    total = 0.0
    logits_V, memory = engine.feed(before, engine.begin())
    for token in tokens:
        exact_V = logits_V.astype(float)
        total += exact_V[token] - np.logaddexp.reduce(exact_V)
        logits_V, memory = engine.feed([token], memory)
    return total


def exact(fit, potential=None):
    """{middle: weight}, by writing every middle down."""
    found = {}
    for length in range(1, LONGEST + 1):
        for middle in product((1, 2, 3), repeat=length):
            fits = [fit((token,), number) for number, token in enumerate(middle, start=1)]
            if Fit.ENDS in fits[:-1] or fits[-1] is Fit.NOT_YET:
                continue
            weight = log_probability(Hashed(), LEFT, (*middle, *RIGHT))
            if potential is not None:
                state = potential.begin(())
                for token in middle:
                    state = potential.step(state, token)
                weight += potential.log_weight(state)
            found[middle] = math.exp(weight)
    return found


def fill(fit=None, particles=100, seed=0, count=10_000, **more):
    settings = SteeringSettings(particles=particles)
    return infill(Hashed(), gap(fit), sampler=Sampler(), settings=settings, count=count, seed=seed, **more)


@pytest.mark.parametrize("fit", [any_length(2), any_length(1), at_the_first_two], ids=["2-4", "1-4", "an end"])
@pytest.mark.parametrize("potential", [None, Guided()], ids=["no wish", "a wish"])
def test_shares_converge_to_the_exact_posterior(fit, potential):
    more = {} if potential is None else {"potential": potential}
    wanted = exact(fit, potential)
    found = fill(fit, particles=30_000, **more)
    whole = sum(wanted.values())
    shares = {each.tokens: each.share for each in found.alternatives}
    assert shares.keys() <= wanted.keys()
    assert sum(abs(weight / whole - shares.get(each, 0)) for each, weight in wanted.items()) / 2 < 0.02
    assert math.exp(found.log_evidence) == pytest.approx(whole, rel=0.02)


def test_the_evidence_is_estimated_without_bias():
    whole = sum(exact(any_length(2)).values())
    found = np.array([math.exp(fill(particles=3, seed=seed).log_evidence) for seed in range(225)])
    assert abs(found.mean() - whole) < 3.5 * found.std() / 15
    assert found.std() / 15 < 0.06 * whole


def test_the_first_alternative_is_a_fair_draw_and_none_comes_twice():
    wanted = exact(any_length(2))
    whole, seeds = sum(wanted.values()), 300
    firsts = [fill(seed=seed, particles=200, count=1).alternatives[0].tokens for seed in range(seeds)]
    expected = {each: weight / whole * seeds for each, weight in wanted.items() if weight / whole * seeds >= 8}
    statistic = sum((firsts.count(each) - count) ** 2 / count for each, count in expected.items())
    assert statistic < len(expected) + 4 * math.sqrt(2 * len(expected))
    every = fill().alternatives
    assert len({each.tokens for each in every}) == len(every)
    assert fill(count=3).alternatives == every[:3]


def test_the_log_probabilities_are_the_models_own():
    for each in fill(count=5).alternatives:
        assert each.log_probability == pytest.approx(log_probability(Hashed(), LEFT, each.tokens))
        assert each.right_log_probability == pytest.approx(log_probability(Hashed(), (*LEFT, *each.tokens), RIGHT))


def test_one_seed_one_result():
    assert fill(seed=4) == fill(seed=4)
    assert fill(seed=4) != fill(seed=5)


def test_what_cannot_be_is_said_in_a_sentence():
    with pytest.raises(UsageError, match="right context"):
        infill(Hashed(), gap(right=()), sampler=Sampler())
    with pytest.raises(ToolkitError, match="nothing was found"):
        fill(lambda state, length: Fit.NOT_YET)
