"""The search by particles: it samples what it says it samples, whatever helps it, and says how well it went."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tests.steer.toys import STOP, Count, Guided, Hashed, NoTwoThrees, Twisting, V, target, total_variation
from toolkit import generate
from toolkit.core import ToolkitError, UsageError, uniform
from toolkit.engine import open_engine
from toolkit.sampling import Allow, Both, Forbid, Sampler
from toolkit.steer import Progress, Steered, SteeringSettings, Together, steer, steering
from toolkit.steer.population import systematic

WISHES = {"plain": Count, "twisted": Twisting, "guided": Guided}
CHAINS = [{}, {"temperature": 0.7}, {"top_k": 2}, {"top_p": 0.6, "temperature": 1.3}, {"presence_penalty": 0.8}]


def search(potential=None, *, particles=64, seed=0, length=5, chain=None, prompt=(STOP, 3), guided=True, **more):
    settings = SteeringSettings(particles=particles, guided=guided, **more.pop("settings", {}))
    asked = {} if potential is None else {"potential": potential}
    sampler = Sampler.from_settings(chain or {})
    engine = more.pop("engine", None) or Hashed()
    return steer(
        engine, prompt, sampler=sampler, length=length, stop=STOP, seed=seed, settings=settings, **asked, **more
    )


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
@pytest.mark.parametrize("resample_below", [0, 0.5, 1])
@pytest.mark.parametrize("constraint", [None, NoTwoThrees()], ids=["free", "constrained"])
def test_shares_converge_to_the_exact_posterior(wish, resample_below, constraint):
    more = {} if constraint is None else {"constraint": constraint}
    exact = target(Hashed(), [STOP, 3], 5, constraint=constraint, potential=wish())
    far, near = (
        total_variation(exact, search(wish(), particles=n, settings={"resample_below": resample_below}, **more))
        for n in (100, 30_000)
    )
    assert near < 0.03
    assert near < far / 3


@pytest.mark.parametrize("chain", CHAINS, ids=str)
@pytest.mark.parametrize("wish", [Count, Guided])
def test_every_chain_has_the_target_that_is_written_down(chain, wish):
    sampler = Sampler.from_settings(chain)
    exact = target(Hashed(), [STOP, 3], 4, sampler=sampler, constraint=NoTwoThrees(), potential=wish())
    found = search(wish(), particles=20_000, length=4, chain=chain, constraint=NoTwoThrees())
    assert total_variation(exact, found) < 0.03
    assert math.exp(found.log_evidence) == pytest.approx(sum(exact.values()), rel=0.03)


def test_with_a_chain_that_rescales_the_target_is_the_chain_given_the_constraint():
    """Conditioning by rejection is the meaning: chain probabilities of whole allowed sequences, renormalised."""
    sampler = Sampler.from_settings({"temperature": 0.7})
    free = target(Hashed(), [STOP, 3], 4, sampler=sampler)
    kept = target(Hashed(), [STOP, 3], 4, sampler=sampler, constraint=NoTwoThrees())
    assert {each: free[each] for each in kept} == pytest.approx(kept)
    assert sum(kept.values()) < 0.9
    assert (
        total_variation(kept, search(particles=20_000, length=4, chain={"temperature": 0.7}, constraint=NoTwoThrees()))
        < 0.03
    )


@pytest.mark.parametrize("wish", WISHES.values(), ids=WISHES)
def test_the_evidence_is_estimated_without_bias(wish):
    exact = sum(target(Hashed(), [STOP, 3], 4, constraint=NoTwoThrees(), potential=wish()).values())
    seeds = 300
    found = np.array(
        [
            math.exp(search(wish(), particles=4, seed=seed, length=4, constraint=NoTwoThrees()).log_evidence)
            for seed in range(seeds)
        ]
    )
    error = found.std() / math.sqrt(seeds)
    assert abs(found.mean() - exact) < 3.5 * error
    assert error < 0.08 * exact


def test_the_chosen_ones_of_many_seeds_follow_the_posterior():
    """One draw from each of many searches: a chi-square with the exact probabilities, rare sequences pooled."""
    exact = target(Hashed(), [STOP, 3], 3, potential=Guided())
    whole, seeds = sum(exact.values()), 700
    drawn = [search(Guided(), particles=150, seed=seed, length=3).chosen.tokens for seed in range(seeds)]
    expected = {tokens: weight / whole * seeds for tokens, weight in exact.items()}
    common = [tokens for tokens, count in expected.items() if count >= 8]
    rest = seeds - sum(expected[each] for each in common)
    statistic = sum((drawn.count(each) - expected[each]) ** 2 / expected[each] for each in common)
    statistic += (sum(each not in common for each in drawn) - rest) ** 2 / rest
    freedom = len(common)
    assert statistic < freedom + 4 * math.sqrt(2 * freedom)  # about one in ten thousand


def test_a_guide_does_better_than_none():
    exact = target(Hashed(), [STOP, 3], 6, potential=Guided())
    errors = {
        guided: np.mean([total_variation(exact, search(Guided(), seed=s, length=6, guided=guided)) for s in range(20)])
        for guided in (True, False)
    }
    assert errors[True] < errors[False]


@pytest.mark.parametrize("chain", CHAINS, ids=str)
@given(seed=st.integers(0, 2**64 - 1), length=st.integers(1, 12))
def test_one_particle_is_plain_generation(chain, seed, length):
    sampler = Sampler.from_settings(chain)
    plain = list(
        generate.tokens(
            Hashed(), [STOP, 3], sampler=sampler, length=length, stop=STOP, seed=seed, constraint=NoTwoThrees()
        )
    )
    found = search(particles=1, seed=seed, length=length, chain=chain, constraint=NoTwoThrees()).chosen
    assert found.tokens == tuple(step.token for step in plain)
    assert found.log_probabilities == pytest.approx(tuple(step.log_probability for step in plain))


def test_one_seed_one_result_and_another_another():
    assert search(Guided(), seed=5) == search(Guided(), seed=5)
    assert len({search(Guided(), seed=seed).log_evidence for seed in range(8)}) == 8


def test_finished_particles_keep_their_place():
    found = search(Count(), particles=500, length=6)
    lengths = {len(each.tokens) for each in found.particles}
    assert len(lengths) > 3
    for each in found.particles:
        assert each.tokens[-1] == STOP or len(each.tokens) == 6
        assert STOP not in each.tokens[:-1]


def test_a_result_adds_up():
    told = list(
        steering(
            engine := Hashed(),
            [STOP, 3],
            sampler=Sampler(),
            length=6,
            stop=STOP,
            potential=Guided(),
            settings=SteeringSettings(particles=50),
            seed=1,
        )
    )
    found, progress = told[-1], told[:-1]
    assert isinstance(found, Steered)
    assert all(isinstance(each, Progress) for each in progress)
    assert [each.position for each in progress] == list(range(1, len(progress) + 1))
    assert found.ess == tuple(each.ess for each in progress)
    assert found.resampled == tuple(each.position - 1 for each in progress if each.resampled)
    assert all(1 <= size <= 50 + 1e-9 for size in found.ess)
    assert sum(each.share for each in found.particles) == pytest.approx(1)
    assert sum(each.copies for each in found.particles) <= 50
    assert found.chosen in found.particles
    assert found.computed == engine.read
    assert list(found.ancestors) == sorted(found.ancestors)
    assert progress[-1].best == found.particles[0].tokens
    assert len({each.tokens for each in found.particles}) == len(found.particles)


def test_particles_that_agree_share_the_models_work():
    sure = Hashed(spread=30.0)  # nearly deterministic: few histories
    found = search(particles=1000, engine=sure, length=10)
    assert found.computed < 200


def test_log_probabilities_are_the_models_own():
    found = search(Guided(), chain={"temperature": 0.5, "top_k": 3}, constraint=Forbid([1], V)).chosen
    engine = Hashed()
    logits_V, memory = engine.feed([STOP, 3], engine.begin())
    for token, own in zip(found.tokens, found.log_probabilities, strict=True):
        exact_V = logits_V.astype(np.float64)
        assert own == pytest.approx(exact_V[token] - np.logaddexp.reduce(exact_V))
        logits_V, memory = engine.feed([token], memory)


@pytest.mark.parametrize("copies", [1, 7, 100])
def test_systematic_sampling_is_unbiased_and_even(copies):
    weights = np.array([0.1, 0.0, 0.45, 0.25, 0.2, 0.0])
    counts = [
        np.bincount(systematic(weights, copies, uniform(seed, 0)), minlength=len(weights)) for seed in range(2000)
    ]
    assert np.all(np.abs(np.mean(counts, 0) - copies * weights) < 0.06)
    assert np.all(np.abs(np.array(counts) - copies * weights) < 1 + 1e-9)
    assert np.all(np.array(counts)[:, weights == 0] == 0)


def test_wishes_together_multiply():
    exact = target(Hashed(), [STOP, 3], 4, potential=Together(Count(), Guided()))
    assert total_variation(exact, search(Together(Twisting(), Guided()), particles=20_000, length=4)) < 0.03


class Until(Count):
    """Is whole as soon as 2 was said."""

    def over(self, state):
        return state == 1


def test_a_potential_may_say_that_all_is_said():
    for each in search(Until(), particles=200, length=9).particles:
        assert 2 not in each.tokens[:-1]


class Impossible(Count):
    def log_weight(self, state):
        return -math.inf


def test_when_nothing_can_be_found_it_is_said_in_a_sentence():
    with pytest.raises(ToolkitError, match="none of 64 particles"):
        search(Impossible())


class Hopeless(Impossible):
    def log_twist(self, state, left):
        return -math.inf


def test_what_is_hopeless_from_the_start_is_refused():
    with pytest.raises(UsageError, match="takes more than 5 tokens"):
        search(Hopeless())


def test_guidance_together_weighs_ending_and_going_on_alike():
    """A wish that does not guide counts on both sides, so its size cannot push the stop token away or forward."""
    both, state = Together(Guided(), Twisting()), (1, 2)
    assert both.guide(state, 3) == pytest.approx(Guided().guide(1, 3) + Twisting().log_twist(2, 3))
    assert Together(Count()).guide((1,), 3) is None


class TwoThreesLater(NoTwoThrees):
    """The same rule, found out only afterwards."""

    def begin(self):
        return (-1, False)

    def allowed(self, state):
        return np.array([state[0] == 1, True, True, True]) if state[0] else np.zeros(V, bool)

    def step(self, state, token):
        return (token, state[0] == token == 3)

    def distance(self, state):
        return 0 if state[0] in (0, 1) else 1

    def pending(self, state):
        return 2

    def withdraw(self, state):
        return 1 if state[1] else 0


def test_what_a_constraint_would_take_back_is_ruled_out():
    exact = target(Hashed(), [STOP, 3], 4, constraint=Both(TwoThreesLater(), Allow(np.ones(V, bool))))
    kept = {tokens: weight for tokens, weight in exact.items() if (3, 3) not in zip((3, *tokens), tokens, strict=False)}
    assert len(kept) < len(exact)
    assert total_variation(kept, search(particles=20_000, length=4, constraint=TwoThreesLater())) < 0.03


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"length": 0}, "at least 1"),
        ({"prompt": [STOP, 3, 3], "constraint": NoTwoThrees()}, "token 2 may not stand there"),
        ({"prompt": [STOP, V]}, f"token 1 of the prompt is {V}"),
    ],
)
def test_what_cannot_be_meant_is_refused(more, says):
    with pytest.raises(UsageError, match=says):
        search(**more)


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.lstm, self.head = nn.Embedding(V, 8), nn.LSTM(8, 16, 2, batch_first=True), nn.Linear(16, V)

    def forward(self, ids_BT, state=None):
        y_BTH, state = self.lstm(self.embed(ids_BT), state)
        return self.head(y_BTH) * 4, state


def test_the_laws_hold_over_a_real_engine():
    torch.manual_seed(3)
    engine = open_engine(Tiny())
    sampler = Sampler.from_settings({"temperature": 0.9, "top_p": 0.95})
    plain = list(generate.tokens(engine, [STOP, 2], sampler=sampler, length=20, stop=STOP, seed=4))
    one = steer(engine, [STOP, 2], sampler=sampler, length=20, stop=STOP, seed=4)
    assert one.chosen.tokens == tuple(step.token for step in plain)
    many = steer(
        engine,
        [STOP, 2],
        sampler=sampler,
        length=20,
        stop=STOP,
        potential=Guided(),
        settings=SteeringSettings(particles=40),
    )
    for each in many.particles[:5]:
        memory, fed, logarithms = engine.begin(), [STOP, 2], []
        for token in each.tokens:
            logits_V, memory = engine.feed(fed, memory)
            logarithms.append(float(torch.log_softmax(torch.tensor(logits_V), -1)[token]))
            fed = [token]
        assert each.log_probabilities == pytest.approx(logarithms, abs=1e-4)
