"""A generated text token by token: what each added and how likely it was, and what could have stood there instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from toolkit.api.request import Request, Way
from toolkit.api.results import Result
from toolkit.api.running import Run
from toolkit.core import UsageError


class TokenTold(NamedTuple):
    """What a token added to the text, and minus its log-probability, in nats."""

    text: str
    nats: float


class Alternative(NamedTuple):
    """A token that could stand in a place, and what it would add.

    ``probability`` is the model's own, ``drawn`` the one by which it is drawn, after the constraint and the stages.
    """

    token: int
    text: str
    probability: float
    drawn: float


def told(run: Run, result: Result) -> list[TokenTold]:
    """The generated tokens in order; none where they were not drawn one by one (a search, a gap).

    Bytes of one character count with the token that completes it.
    """
    if len(result.tokens) != len(result.log_probabilities):
        return []
    texts = _added(run, result.tokens)
    return [TokenTold(text, -log) for text, log in zip(texts, result.log_probabilities, strict=True)]


def alternatives(
    run: Run,
    tokens: Sequence[int],
    place: int,
    *,
    prompt: str | None = None,
    seed: int = 0,
    settings: Mapping[str, Any],
    most: int = 12,
) -> list[Alternative]:
    """The likeliest tokens at ``place`` of the ``tokens`` generated after ``prompt``, and how likely each was.

    ``settings`` are those of the generation. UsageError for a place that is not there, or for a text that was searched
    for, steered or filled in: there no token was drawn by itself.
    """
    if not 0 <= place < len(tokens):
        raise UsageError(f"there is no token {place}: there are {len(tokens)}, counted from 0.")
    chosen = run.check({each.name: each.default for each in run.knobs} | dict(settings))
    request = Request(run, prompt, seed, chosen)
    if request.way is not Way.DRAWN:
        raise UsageError("these tokens were not drawn one by one, so none of them had alternatives of its own.")
    constraint, sampler = request.constraint, request.sampler
    state = constraint.begin()
    for token in request.opened if request.run.domain.constrains_given else ():
        state = constraint.step(state, token)
    states = sampler.begin(request.opening[1])
    logits_V, memory = request.engine.feed(request.opening[1], request.engine.begin())
    for position, token in enumerate(tokens[:place]):
        prospect = sampler.prospect(logits_V, states, constraint.allowed(state), seed=seed, position=position)
        states, state = prospect.after(token), constraint.step(state, token)
        logits_V, memory = request.engine.feed([token], memory)
    drawn_V = sampler.probabilities(logits_V, states, constraint.allowed(state), seed=seed, position=place)
    own_V = np.exp(logits_V.astype(np.float64) - logits_V.max())
    own_V /= own_V.sum()
    likely = np.argsort(-np.maximum(own_V, drawn_V), kind="stable")[:most].tolist()
    shown = list(dict.fromkeys([*likely, tokens[place]]))
    prefix = _added(run, tokens[:place])
    texts = {token: _added(run, [*tokens[:place], token])[len(prefix)] for token in shown}
    found = [Alternative(token, texts[token], float(own_V[token]), float(drawn_V[token])) for token in shown]
    return sorted(found, key=lambda each: -each.probability)


def _added(run: Run, tokens: Sequence[int]) -> list[str]:
    """The text that each token added."""
    decoder = run.codec.decoder()
    return ["".join(map(str, decoder.push(int(token)))) for token in tokens]
