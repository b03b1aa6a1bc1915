"""Generations under way, from the first token to the result. How tokens come about is `toolkit.api.request`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

from toolkit import generate
from toolkit.api.request import Request
from toolkit.api.results import Result
from toolkit.core import UsageError
from toolkit.search import Found


class Stream:
    """One generation under way. Iterating gives parts; leaving early is fine, and `result` gives what there is."""

    def __init__(self, request: Request, steps: Iterator[generate.Step]) -> None:
        self.request = request
        self._steps: list[generate.Step] = []
        self._over = self._out_of_steps = False
        parts = generate.parts(self._primed_decoder(), self._recorded(steps))
        self._parts = request.run.domain.cut_parts(parts, request.controls)

    @property
    def seed(self) -> int:
        return self.request.seed

    @property
    def prompt(self) -> str | None:
        return self.request.prompt

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        try:
            return next(self._parts)
        except StopIteration:
            self._over = True
            raise

    def _recorded(self, steps: Iterator[generate.Step]) -> Iterator[generate.Step]:
        for step in steps:
            self._steps.append(step)
            yield step
        self._out_of_steps = True

    def _primed_decoder(self) -> Any:
        """A decoder that has seen what was given, so that only what is new comes out of it."""
        decoder = self.request.run.codec.decoder()
        for token in self.request.opened:
            list(decoder.push(token))
        return decoder

    def result(self) -> Result:
        """The whole as it stands: complete after the last part, and good to keep at any time before."""
        request, made = self.request, [step.token for step in self._steps]
        run = request.run
        return Result(
            domain=run.domain,
            item=run.domain.finish(run.codec, request.given, request.opened, made, request.controls),
            tokens=tuple(made),
            log_probabilities=tuple(step.log_probability for step in self._steps),
            seed=request.seed,
            settings=request.settings,
            prompt=request.prompt,
            run=run.name,
            checkpoint=run.checkpoint,
            engine=request.engine.name,
            precision=request.engine.precision,
            ending=self._ending(made),
            given=request.given,
            index=run.index,
        )

    def _ending(self, made: list[int]) -> str:
        if not self._over:
            return "interrupted"
        if not self._out_of_steps:
            return "cut"
        return "stop" if made and made[-1] == self.request.run.codec.stop else "length"


def streams(request: Request, count: int) -> Iterator[Stream]:
    """``count`` generations: drawn with the request's seed and those after it, or the best that one search finds.

    What is drawn is checked at once, before the first token; a search begins when its first stream is asked for.
    """
    if count < 1:
        raise UsageError(f"there is at least 1 result, not {count}.")
    return _ranked(request, count) if request.searches else _drawn(request, count, Stream(request, request.drawn()))


def _drawn(request: Request, count: int, first: Stream) -> Iterator[Stream]:
    yield first
    for number in range(1, count):
        another = dataclasses.replace(request, seed=request.seed + number)
        yield Stream(another, another.drawn())


def _ranked(request: Request, count: int) -> Iterator[Stream]:
    for found in request.found(count):
        yield Stream(request, _steps(found))


def _steps(found: Found) -> Iterator[generate.Step]:
    each = zip(found.tokens, found.log_probabilities, strict=True)
    return (generate.Step(token, likely, position) for position, (token, likely) in enumerate(each))
