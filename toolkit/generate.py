"""The decode loop: prompt in, tokens out one by one. The reference that every faster way must match.

Knows engines, samplers and constraints by what they promise. Does no input or output and decodes nothing
itself. A token depends on the prompt, the settings, the seed and its position, and on nothing else: not on
whether it is streamed, nor on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from toolkit.core import BoolArray, Constraint, Decoder, Engine, FloatArray, ToolkitError, UsageError
from toolkit.sampling import Anything, Finishing, Sampler, followed, pending, withdraw

Part = TypeVar("Part")
S = TypeVar("S")

ANYTHING = Anything()


MOST_WITHDRAWN = 10_000
"""How many times tokens are withdrawn before a generation gives up: a bound on work, far above any need."""


class Step(NamedTuple):
    """One generated token; ``log_probability`` in nats is the model's own, before constraint and transforms."""

    token: int
    log_probability: float
    position: int


class _Moment(NamedTuple):
    """Everything the next draw depends on. A value: the loop goes back in time by picking up an older one."""

    position: int
    logits_V: FloatArray
    memory: Any
    sampler: tuple[Any, ...]
    constraint: Any
    banned: frozenset[int] = frozenset()


def tokens(
    engine: Engine,
    prompt: Sequence[int],
    *,
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = ANYTHING,
    given: Sequence[int] | None = None,
    seed: int = 0,
    start: int = 0,
) -> Iterator[Step]:
    """Up to ``length`` new tokens after ``prompt``, the stop token counted; the last one is ``stop`` if it came.

    A prompt usually begins with ``stop``, which opens an item; an empty one stands for ``stop`` alone. The
    sampler sees the prompt without it, and the constraint sees ``given``, by default the same. ``start`` is the
    position of the first new token: a generation cut after k tokens goes on as before with those k in the prompt
    (and in ``given``) and ``start=k``, unless it withdrew some.

    Before the first token is made: UsageError when ``given`` breaks the constraint or holds an id that does
    not exist, or when ``length`` cannot hold the shortest ending. Closing the iterator at any point is fine.
    """
    if length < 0:
        raise UsageError(f"the length must be at least 0, not {length}.")
    opening = list(prompt) or [stop]
    seen = opening[1:] if opening[0] == stop else opening
    finishing = Finishing(constraint, length, engine.vocabulary)
    state = finishing.resume(followed(constraint, seen if given is None else given, engine.vocabulary))
    return _decode(engine, opening, sampler, sampler.begin(seen), finishing, state, start, start + length, seed, stop)


def _decode(
    engine: Engine,
    opening: Sequence[int],
    sampler: Sampler,
    states: tuple[Any, ...],
    constraint: Finishing[Any],
    state: Any,
    start: int,
    end: int,
    seed: int,
    stop: int,
) -> Iterator[Step]:
    """Reads, draws, follows. ``trail`` holds the steps that may yet be withdrawn, each with the moment before it."""
    if start == end:
        return
    trail: list[tuple[_Moment, Step]] = []
    withdrawn = 0
    now = _Moment(start, *engine.feed(opening, engine.begin()), states, state)
    while True:
        allowed_V = _allowed(constraint, now)
        if _complete(constraint, now, allowed_V, trail):
            break
        back = 1
        if allowed_V is None or allowed_V.any():
            drawn = sampler.sample(now.logits_V, now.sampler, allowed_V, seed=seed, position=now.position)
            step = Step(*drawn, now.position)
            trail.append((now, step))
            after = constraint.step(now.constraint, step.token)
            back = withdraw(constraint, after)
            if not back:
                free = len(trail) - pending(constraint, after)
                yield from (each for _, each in trail[: max(0, free)])
                del trail[: max(0, free)]
                if step.token == stop or step.position + 1 == end:
                    break
                logits_V, memory = engine.feed([step.token], now.memory)
                now = _Moment(now.position + 1, logits_V, memory, sampler.step(now.sampler, step.token), after)
                continue
        now = _taken_back(trail, back)
        withdrawn += 1
        if withdrawn > MOST_WITHDRAWN:
            raise ToolkitError(
                f"nothing that may stand was found: {MOST_WITHDRAWN:,} times words had to be taken back."
            )
    yield from (step for _, step in trail)


def _allowed(constraint: Finishing[Any], now: _Moment) -> BoolArray | None:
    """What may be drawn now: what the constraint allows, without what was withdrawn here before."""
    allowed_V = constraint.allowed(now.constraint)
    if not now.banned:
        return allowed_V
    left_V = np.ones(len(now.logits_V), np.bool_) if allowed_V is None else allowed_V.copy()
    left_V[list(now.banned)] = False
    return left_V


def _taken_back(trail: list[tuple[_Moment, Step]], count: int) -> _Moment:
    """The moment before the last ``count`` steps, which leave ``trail``; the first of them is banned there."""
    moment, step = trail[-count]
    del trail[-count:]
    return moment._replace(banned=moment.banned | {step.token})


def batch(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    *,
    seeds: Sequence[int],
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = ANYTHING,
) -> Iterator[tuple[int, Step]]:
    """(row, step) for several generations advancing in turn; each row equals `tokens` of its prompt and seed.

    One seed for each prompt. Errors as `tokens`, before the first token of any row.
    """
    rows = [
        tokens(engine, prompt, sampler=sampler, length=length, stop=stop, constraint=constraint, seed=seed)
        for prompt, seed in zip(prompts, seeds, strict=True)
    ]
    return _in_turn(rows)


def parts(decoder: Decoder[Part], steps: Iterable[Step]) -> Iterator[Part]:
    """What the steps mean, as soon as it is known: text fragments or notes."""
    for step in steps:
        yield from decoder.push(step.token)
    yield from decoder.close()


def _complete(
    constraint: Constraint[Any], now: _Moment, allowed_V: BoolArray | None, trail: Sequence[tuple[_Moment, Step]]
) -> bool:
    """True when nothing may follow because everything is said; ToolkitError when something is missing for good."""
    if allowed_V is None or allowed_V.any():
        return False
    if constraint.distance(now.constraint) == 0 and not now.banned:
        return True
    if trail:
        return False
    raise ToolkitError("the settings contradict one another: no token may come next, and the result may not end here.")


def _in_turn(rows: Iterable[Iterator[Step]]) -> Iterator[tuple[int, Step]]:
    running = dict(enumerate(rows))
    while running:
        for row, steps in list(running.items()):
            step = next(steps, None)
            if step is None:
                del running[row]
            else:
                yield row, step
