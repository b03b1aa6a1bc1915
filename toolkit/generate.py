"""The decode loop: prompt in, tokens out one by one. The reference that every faster way must match.

Knows engines, samplers and constraints by what they promise. Does no input or output and decodes nothing
itself. A token depends on the prompt, the settings, the seed and its position, and on nothing else: not on
whether it is streamed, nor on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from toolkit.core import BoolArray, Constraint, Decoder, Engine, ToolkitError, UsageError
from toolkit.sampling import Anything, Finishing, Sampler

Part = TypeVar("Part")
S = TypeVar("S")

ANYTHING = Anything()


class Step(NamedTuple):
    """One generated token; ``log_probability`` in nats is the model's own, before constraint and transforms."""

    token: int
    log_probability: float
    position: int


def tokens(
    engine: Engine,
    prompt: Sequence[int],
    *,
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = ANYTHING,
    seed: int = 0,
    start: int = 0,
) -> Iterator[Step]:
    """Up to ``length`` new tokens after ``prompt``, the stop token counted; the last one is ``stop`` if it came.

    A prompt usually begins with ``stop``, which opens an item; an empty one stands for ``stop`` alone. The
    constraint and the sampler see the prompt without it. ``start`` is the position of the first new token:
    a generation cut after k tokens goes on as before with those k in the prompt and ``start=k``.

    Before the first token is made: UsageError when the prompt breaks the constraint or holds an id that does
    not exist, or when ``length`` cannot hold the shortest ending. Closing the iterator at any point is fine.
    """
    if length < 0:
        raise UsageError(f"the length must be at least 0, not {length}.")
    opening = list(prompt) or [stop]
    given = opening[1:] if opening[0] == stop else opening
    finishing = Finishing(constraint, length, engine.vocabulary)
    state = finishing.resume(_advanced(constraint, given, engine.vocabulary))
    positions = range(start, start + length)
    return _decode(engine, opening, sampler, sampler.begin(given), finishing, state, positions, seed, stop)


def _decode(
    engine: Engine,
    opening: Sequence[int],
    sampler: Sampler,
    states: tuple[Any, ...],
    constraint: Constraint[Any],
    state: Any,
    positions: Iterable[int],
    seed: int,
    stop: int,
) -> Iterator[Step]:
    unread, memory = opening, engine.begin()
    for position in positions:
        logits_V, memory = engine.feed(unread, memory)
        allowed_V = constraint.allowed(state)
        if _complete(constraint, state, allowed_V):
            return
        token, log_probability = sampler.sample(logits_V, states, allowed_V, seed=seed, position=position)
        yield Step(token, log_probability, position)
        if token == stop:
            return
        unread, state, states = [token], constraint.step(state, token), sampler.step(states, token)


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


def _advanced(constraint: Constraint[Any], given: Sequence[int], vocabulary: int) -> Any:
    state = constraint.begin()
    for number, token in enumerate(given, start=1):
        if not 0 <= token < vocabulary:
            raise UsageError(f"token {number} of the prompt is {token}, and the model knows 0 to {vocabulary - 1}.")
        allowed_V = constraint.allowed(state)
        if allowed_V is not None and not allowed_V[token]:
            raise UsageError(
                f"the prompt is not the beginning of what is asked for: its token {number} may not stand there."
            )
        state = constraint.step(state, token)
    return state


def _complete(constraint: Constraint[Any], state: Any, allowed_V: BoolArray | None) -> bool:
    """True when nothing may follow because everything is said; ToolkitError when something is missing."""
    if allowed_V is None or allowed_V.any():
        return False
    if constraint.distance(state) == 0:
        return True
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
