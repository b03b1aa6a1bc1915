"""A small engine with rows, and every finished sequence of a small tree by plain recursion."""

from functools import lru_cache

import numpy as np

from toolkit.core import NEVER, uniform
from toolkit.sampling import Anything, Finishing, Sampler

STOP = 0


@lru_cache(100_000)
def logits(model, size, history):
    return np.random.default_rng([model, *history]).normal(0, 1.2, size).astype(np.float32)


class Rows:
    """An engine whose logits are a fixed random function of all tokens fed; its memory is a history for each row."""

    name, precision = "rows", "fp32"

    def __init__(self, size=3, model=0):
        self.vocabulary, self.model = size, model
        self.fed, self.advanced = 0, 0

    def begin(self):
        return ((),)

    def feed(self, tokens, memory):
        self.fed += 1
        (history,) = memory
        return logits(self.model, self.vocabulary, (*history, *tokens)), ((*history, *tokens),)

    def rows(self, memory, rows):
        return tuple(memory[row] for row in rows)

    def advance(self, tokens, memory):
        assert len(tokens) == len(memory) > 0
        self.advanced += 1
        after = tuple((*history, token) for history, token in zip(memory, tokens, strict=True))
        return np.stack([logits(self.model, self.vocabulary, each) for each in after]), after


def after_token(sampler, logits_V, states, allowed_V, token, seed, position):
    """The states after a token, each stage told what it was given."""
    row_V = logits_V.astype(np.float64) if allowed_V is None else np.where(allowed_V, logits_V, -np.inf)
    following = []
    for stage, state in zip(sampler.transforms, states, strict=True):
        following.append(stage.drawn(state, row_V, token))
        row_V = stage.apply(row_V, state, 0.0 if stage.lane is None else uniform(seed, position, stage.lane))
    return tuple(following)


def children(engine, made, *, prompt=(STOP,), sampler=Sampler(), constraint=Anything(), length, seed=0):  # noqa: B008
    """{token: (probability searched, probability of the model)} after ``made``; None when it is finished."""
    if len(made) == length or (made and made[-1] == STOP):
        return None
    finishing = Finishing(constraint, length, engine.vocabulary)
    state, states = finishing.begin(), sampler.begin(prompt[1:])
    for place, token in enumerate(made):
        before_V, _ = engine.feed([*prompt, *made[:place]], engine.begin())
        states = after_token(sampler, before_V, states, finishing.allowed(state), token, seed, place)
        state = finishing.step(state, token)
    allowed_V = finishing.allowed(state)
    if allowed_V is not None and not allowed_V.any():
        return None
    logits_V, _ = engine.feed([*prompt, *made], engine.begin())
    searched_V = sampler.probabilities(logits_V, states, allowed_V, seed=seed, position=len(made))
    own_V = np.exp(logits_V.astype(np.float64))
    own_V /= own_V.sum()
    return {token: (p, own_V[token]) for token, p in enumerate(searched_V.tolist()) if p > 0}


def leaves(engine, **asked):
    """{finished sequence: (probability searched, probability of the model)}."""
    found, begun = {}, [((), 1.0, 1.0)]
    while begun:
        made, searched, own = begun.pop()
        following = children(engine, made, **asked)
        if following is None:
            found[made] = searched, own
            continue
        begun += [((*made, token), searched * p, own * q) for token, (p, q) in following.items()]
    return found


class Line:
    """Any tokens, then the fixed line 2 1, then STOP. The state is how much of the line is said, -1 once stopped."""

    line = (2, 1)

    def __init__(self, size=3):
        self.size = size

    def begin(self):
        return 0

    def allowed(self, said):
        mask_V = np.full(self.size, said >= 0)
        mask_V[STOP] = said == len(self.line)
        return mask_V

    def step(self, said, token):
        assert self.allowed(said)[token]
        if token == STOP:
            return -1
        if said < len(self.line) and token == self.line[said]:
            return said + 1
        return 1 if token == self.line[0] else 0

    def distance(self, said):
        return 0 if said < 0 else len(self.line) - said + 1


class Word(Line):
    """Only the line 2 1, and then nothing: a sequence that ends without a stop token."""

    def allowed(self, said):
        return np.arange(self.size) == (self.line[said] if said < len(self.line) else -1)

    def distance(self, said):
        return len(self.line) - said


class NoRepeat(Anything):
    """Takes back the second of two equal tokens, and the one before it."""

    def begin(self):
        return (None, False)

    def step(self, state, token):
        return token, token == state[0]

    def pending(self, state):
        return 1

    def withdraw(self, state):
        return 2 if state[1] else 0


class Trap(Anything):
    """Token 1 leads where nothing may follow though the distance did not say so."""

    def begin(self):
        return 0

    def allowed(self, state):
        return np.zeros(3, np.bool_) if state == 1 else None

    def step(self, state, token):
        return token

    def distance(self, state):
        return 1 if state == 1 else 0

    def distances(self, state):
        return np.full(3, 0 if state != 1 else NEVER, np.int32)
