"""A vocabulary of four, an engine that can be enumerated, and what its target is by brute force."""

import math
from functools import lru_cache

import numpy as np

from toolkit.sampling import Anything, Finishing, Sampler

V, STOP = 4, 0


@lru_cache(10_000)
def hashed(salt, spread, row):
    logits_V = np.random.default_rng([salt, *row]).normal(0, spread, V).astype(np.float32)
    logits_V.flags.writeable = False
    return logits_V


class Hashed:
    """An engine whose logits are a fixed random function of the last two tokens fed."""

    name, precision, vocabulary = "hashed", "fp32", V

    def __init__(self, salt=7, spread=1.0):
        self.salt, self.spread = salt, spread
        self.read = 0

    def begin(self):
        return ((),)

    def feed(self, fed, memory):
        self.read += len(fed)
        memory = ((*memory[0], *fed)[-2:],)
        return self._logits(memory[0]), memory

    def rows(self, memory, rows):
        return tuple(memory[row] for row in rows)

    def advance(self, tokens, memory):
        self.read += len(tokens)
        after = tuple((*row, token)[-2:] for row, token in zip(memory, tokens, strict=True))
        return np.stack([self._logits(row) for row in after]), after

    def _logits(self, row):
        return hashed(self.salt, self.spread, row)


def target(engine, prompt, length, *, sampler=None, constraint=None, potential=None):
    """{sequence: unnormalised weight}, by walking every sequence there is: the definition, and no search."""
    sampler = sampler or Sampler()
    finishing = Finishing(constraint or Anything(), length, V)
    found = {}

    def walk(tokens, logits_V, memory, sampling, state, wish, log_weight):
        left = length - len(tokens)
        allowed_V = finishing.allowed(state)
        if left == 0 or (tokens and tokens[-1] == STOP) or (allowed_V is not None and not allowed_V.any()):
            extra = potential.log_weight(wish) if potential else 0.0
            if extra > -math.inf:
                found[tokens] = math.exp(log_weight + extra)
            return
        chain_V = sampler.probabilities(logits_V, sampling)
        allowed_V = np.ones(V, bool) if allowed_V is None else allowed_V
        drawn_V = sampler.probabilities(logits_V, sampling, allowed_V)
        mass = chain_V[allowed_V].sum()
        if not mass:
            own_V = np.exp(logits_V.astype(float))
            mass = own_V[allowed_V].sum() / own_V.sum()
        for token in np.flatnonzero(drawn_V).tolist():
            after_V, remembered = engine.feed([token], memory)
            heard = wish if potential is None or token == STOP else potential.step(wish, token)
            walk(
                (*tokens, token),
                after_V,
                remembered,
                sampler.step(sampling, token),
                finishing.step(state, token),
                heard,
                log_weight + math.log(drawn_V[token] * mass),
            )

    logits_V, memory = engine.feed(prompt, engine.begin())
    seen = prompt[1:] if prompt[0] == STOP else prompt
    state = finishing.begin()
    for token in seen:
        state = (finishing.constraint.step(state[0], token), state[1])
    walk((), logits_V, memory, sampler.begin(seen), state, potential.begin(seen) if potential else None, 0.0)
    return found


class Count:
    """Welcomes sequences by how often they say 2, and forbids exactly three times."""

    def begin(self, given):
        return 0

    def step(self, state, token):
        return state + (token == 2)

    def log_weight(self, state):
        return -math.inf if state == 3 else 1.5 * state


class Twisting(Count):
    """The same wish with a guess, right in tendency and wrong in detail."""

    def log_twist(self, state, left):
        return 0.7 * state + 0.1 * left


class Guided(Twisting):
    """And with guidance that is wrong in detail too."""

    def guide(self, state, left):
        return 1.5 * state + np.array([0.0, 0.3, 1.0, -0.5])


class NoTwoThrees:
    """A constraint: never 3 3, and the last token is 1 or the stop follows a 1."""

    def begin(self):
        return -1

    def allowed(self, state):
        if state == STOP:
            return np.zeros(V, bool)
        return np.array([state == 1, True, True, state != 3])

    def step(self, state, token):
        assert self.allowed(state)[token]
        return token

    def distance(self, state):
        return 0 if state in (0, 1) else 1


def total_variation(exact, steered):
    """Half the sum of differences between the exact posterior and the shares of a search."""
    whole = sum(exact.values())
    shares = {each.tokens: each.share for each in steered.particles}
    assert shares.keys() <= exact.keys()
    return sum(abs(weight / whole - shares.get(tokens, 0.0)) for tokens, weight in exact.items()) / 2
