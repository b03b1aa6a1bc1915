"""The decode loop: prompt in, tokens out one by one. The reference that every faster way must match.

Knows engines, samplers and constraints by what they promise. Does no input or output and decodes nothing
itself. A token depends on the prompt, the settings, the seed and its position, and on nothing else: not on
whether it is streamed, nor on the rows beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np

from toolkit.core import (
    BoolArray,
    Constraint,
    Decoder,
    Decoding,
    DecodingTogether,
    Drawing,
    Engine,
    FloatArray,
    ToolkitError,
    UsageError,
)
from toolkit.core.program import Program
from toolkit.sampling import Anything, Finishing, Opening, Sampler, decided, lower, opened, pending, withdraw

Part = TypeVar("Part")
S = TypeVar("S")
Made = TypeVar("Made")

ANYTHING = Anything()

MOST_WITHDRAWN = 10_000
"""How many times tokens are withdrawn without a single one getting settled before a generation gives up."""


class Step(NamedTuple):
    """One generated token; ``log_probability`` in nats is the model's own, before constraint and transforms.

    It is 0 where the token was settled before (`toolkit.core.Deciding`).
    """

    token: int
    log_probability: float
    position: int


class _Moment(NamedTuple):
    """Everything the next draw depends on. A value: the loop goes back in time by picking up an older one.

    ``careful`` says that taking back as many tokens as the constraint says has once ruled out everything here: from now
    on they go back one at a time, which rules out nothing but what was tried.
    """

    position: int
    logits_V: FloatArray
    memory: Any
    sampler: Any
    constraint: Any
    banned: frozenset[int] = frozenset()
    careful: bool = False


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
    more: dict[str, Any] = {"sampler": sampler, "length": length, "stop": stop, "constraint": constraint}
    opening = _opening(engine, prompt, given, **more)
    if length and isinstance(engine, Decoding):
        program = _program(engine, opening.seen, given, **more)
        if not program.untabled:
            return _decoded(engine, opening.tokens, program, start, length, seed, stop)
        drawing = engine.drawing(program)
        opening = opening._replace(sampler=drawing.begin())
        return _decode(engine, opening, drawing, start, start + length, seed, stop)
    return _decode(engine, opening, sampler, start, start + length, seed, stop)


def _opening(engine: Engine, prompt: Sequence[int], given: Sequence[int] | None, **more: Any) -> Opening:
    return opened(prompt, given=given, vocabulary=engine.vocabulary, **more)


def _program(
    engine: Engine,
    seen: Sequence[int],
    given: Sequence[int] | None,
    *,
    sampler: Sampler,
    constraint: Constraint[Any],
    length: int,
    stop: int,
) -> Program:
    given = seen if given is None else given
    return lower(sampler, constraint, vocabulary=engine.vocabulary, prompt=seen, given=given, length=length)


def _decoded(
    engine: Decoding, prompt: Sequence[int], program: Program, start: int, length: int, seed: int, stop: int
) -> Iterator[Step]:
    """What `_decode` yields, by an engine that draws for itself."""
    logits_V, memory = engine.feed(prompt, engine.begin())
    drawn = engine.decode(program, logits_V, memory, seed=seed, position=start, length=length, stop=stop)
    for position, (token, log_probability) in enumerate(drawn, start):
        yield Step(token, log_probability, position)


def _decode(
    engine: Engine, opening: Opening, sampler: Sampler | Drawing, start: int, end: int, seed: int, stop: int
) -> Iterator[Step]:
    if start == end:
        return
    constraint = opening.constraint
    trail = _Trail(constraint)
    now = _Moment(start, *engine.feed(opening.tokens, engine.begin()), opening.sampler, opening.state)
    while True:
        allowed_V = _allowed(constraint, now)
        if allowed_V is not None and not allowed_V.any():
            if _complete(constraint, now):
                break
            now = trail.back(1) if trail.held or now.careful else _careful(now)
            continue
        logits_V = decided(constraint, now.constraint, now.logits_V, allowed_V)
        drawn, states = sampler.take(logits_V, now.sampler, allowed_V, seed=seed, position=now.position)
        step = Step(*drawn, now.position)
        trail.add(now, step)
        after = constraint.step(now.constraint, step.token)
        if wrong := withdraw(constraint, after):
            now = trail.back(1 if now.careful else wrong)
            continue
        yield from trail.settled(after)
        if step.token == stop or step.position + 1 == end:
            break
        logits_V, memory = engine.feed([step.token], now.memory)
        careful = now.careful and trail.held > 0
        now = _Moment(now.position + 1, logits_V, memory, states, after, careful=careful)
    yield from trail.rest()


class _Trail:
    """The steps that may yet be withdrawn, each with the moment before it."""

    def __init__(self, constraint: Constraint[Any]) -> None:
        self._constraint = constraint
        self._steps: list[tuple[_Moment, Step]] = []
        self._withdrawn = 0

    @property
    def held(self) -> int:
        """How many steps there are."""
        return len(self._steps)

    def add(self, moment: _Moment, step: Step) -> None:
        self._steps.append((moment, step))

    def settled(self, state: Any) -> list[Step]:
        """The steps that are sure once the constraint has come to ``state``. They leave the trail.

        A step is sure when neither ``state`` nor a moment that may be gone back to can withdraw it.
        """
        first = len(self._steps)
        held = pending(self._constraint, state)
        while held and first > 0:
            first = max(0, first - held)
            held = pending(self._constraint, self._steps[first][0].constraint)
        return self._taken(first)

    def rest(self) -> list[Step]:
        """All that is left."""
        return self._taken(len(self._steps))

    def _taken(self, count: int) -> list[Step]:
        taken = [step for _, step in self._steps[:count]]
        del self._steps[:count]
        self._withdrawn = 0 if taken else self._withdrawn
        return taken

    def back(self, count: int) -> _Moment:
        """The moment before the last ``count`` steps, the first of which is banned there from now on.

        UsageError when there are not so many, ToolkitError when too much was withdrawn already.
        """
        if count > len(self._steps):
            raise UsageError(
                "the settings contradict one another: no token may come next, and the result may not end here."
            )
        self._withdrawn += 1
        if self._withdrawn > MOST_WITHDRAWN:
            raise ToolkitError(f"what is asked for was not found in {MOST_WITHDRAWN:,} attempts.")
        moment, step = self._steps[-count]
        del self._steps[-count:]
        return moment._replace(banned=moment.banned | {step.token})


def _allowed(constraint: Finishing[Any], now: _Moment) -> BoolArray | None:
    """What may be drawn now: what the constraint allows, without what was withdrawn here before."""
    allowed_V = constraint.allowed(now.constraint)
    if not now.banned:
        return allowed_V
    left_V = np.ones(len(now.logits_V), np.bool_) if allowed_V is None else allowed_V.copy()
    left_V[list(now.banned)] = False
    return left_V


def _complete(constraint: Finishing[Any], now: _Moment) -> bool:
    """True when nothing may follow because everything is said, and not because it was withdrawn."""
    return constraint.distance(now.constraint) == 0 and (now.careful or not now.banned)


def _careful(now: _Moment) -> _Moment:
    """The moment once more, as if nothing had been tried there."""
    return now._replace(banned=frozenset(), careful=True)


def batch(
    engine: Engine,
    prompts: Sequence[Sequence[int]],
    *,
    seeds: Sequence[int],
    sampler: Sampler,
    length: int,
    stop: int,
    constraint: Constraint[Any] = ANYTHING,
    given: Sequence[int] | None = None,
) -> Iterator[tuple[int, Step]]:
    """(row, step) for several generations advancing in turn; each row equals `tokens` of its prompt and seed.

    One seed for each prompt; ``given`` is the same for all. Errors as `tokens`, before the first token of any row.
    """
    more: dict[str, Any] = {"sampler": sampler, "length": length, "stop": stop, "constraint": constraint}
    together = list(zip(map(tuple, prompts), seeds, strict=True))
    if length and len(together) > 1 and isinstance(engine, DecodingTogether) and engine.together:
        openings = _each_once(lambda prompt: _opening(engine, prompt, given, **more), [each for each, _ in together])
        programs = _each_once(lambda seen: _program(engine, seen, given, **more), [each.seen for each in openings])
        if not any(each.untabled for each in programs):
            return _decoded_together(engine, [each.tokens for each in openings], programs, seeds, length, stop)
    return in_turn([tokens(engine, prompt, seed=seed, given=given, **more) for prompt, seed in together])


def _decoded_together(
    engine: DecodingTogether,
    prompts: Sequence[Sequence[int]],
    programs: Sequence[Program],
    seeds: Sequence[int],
    length: int,
    stop: int,
) -> Iterator[tuple[int, Step]]:
    """What `in_turn` yields, by an engine that takes rows through the network side by side."""
    fed = _each_once(lambda prompt: engine.feed(prompt, engine.begin()), prompts)
    logits_NV = np.stack([logits_V for logits_V, _ in fed])
    memory = engine.beside([memory for _, memory in fed])
    turns = engine.decode_together(programs, logits_NV, memory, seeds=seeds, position=0, length=length, stop=stop)
    for position, turn in enumerate(turns):
        for each in turn:
            yield each.row, Step(each.token, each.log_probability, position)


def _each_once(made: Callable[[Any], Made], given: Iterable[Any]) -> list[Made]:
    """``made(each)`` of every one given, worked out once for those that are equal."""
    known: dict[Any, Made] = {}
    return [known[each] if each in known else known.setdefault(each, made(each)) for each in given]


def parts(decoder: Decoder[Part], steps: Iterable[Step]) -> Iterator[Part]:
    """What the steps mean, as soon as it is known: text fragments or notes."""
    for step in steps:
        yield from decoder.push(step.token)
    yield from decoder.close()


def in_turn(rows: Iterable[Iterator[Made]]) -> Iterator[tuple[int, Made]]:
    """(row, what it yields) for several iterators, one of each in turn for as long as it goes on."""
    running = dict(enumerate(rows))
    while running:
        for row, making in list(running.items()):
            try:
                made = next(making)
            except StopIteration:
                del running[row]
            else:
                yield row, made
