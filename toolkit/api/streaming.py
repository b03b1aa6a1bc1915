"""Generations under way, from the first token to the result. How tokens come about is `toolkit.api.request`."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from toolkit import generate
from toolkit.api.request import Request, Way
from toolkit.api.results import Result
from toolkit.core import UsageError
from toolkit.infill import Middle
from toolkit.search import Found
from toolkit.steer import Progress, Steered


class Stream:
    """One generation under way. Iterating gives parts; leaving early is fine, and `result` gives what there is.

    One that is steered tells its `toolkit.steer.Progress` first, again and again, and then all parts at once.
    """

    def __init__(self, request: Request, steps: Iterable[generate.Step], told: Iterable[Progress] = ()) -> None:
        self.request = request
        self.progress: Progress | None = None
        self.facts: Mapping[str, Any] = {}
        self._told = iter(told)
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
        progress = next(self._told, None)
        if progress is not None:
            self.progress = progress
            return progress
        try:
            return next(self._parts)
        except StopIteration:
            self._over = True
            raise

    def _recorded(self, steps: Iterable[generate.Step]) -> Iterator[generate.Step]:
        for step in steps:
            self._steps.append(step)
            yield step
        self._out_of_steps = True

    def _primed_decoder(self) -> Any:
        """A decoder that has seen what comes before, so that only what is new comes out of it."""
        decoder = self.request.run.codec.decoder()
        for token in self.request.before:
            list(decoder.push(token))
        return decoder

    def result(self) -> Result:
        """The whole as it stands: complete after the last part, and good to keep at any time before.

        Of a search that is steered and was left early it is the best beginning so far.
        """
        request, made = self.request, [step.token for step in self._steps]
        if not made and self.progress is not None:
            made = list(self.progress.best)
        run = request.run
        log_probabilities = (step.log_probability for step in self._steps)  # of a filling only the whole has one
        return Result(
            domain=run.domain,
            item=self._item(made),
            tokens=tuple(made),
            log_probabilities=tuple(each for each in log_probabilities if not math.isnan(each)),
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
            facts=self.facts,
        )

    def _item(self, made: Sequence[int]) -> Any:
        request = self.request
        domain, codec = request.run.domain, request.run.codec
        if request.gap is not None:
            return domain.filled(codec, request.gap, request.given, made, request.controls)
        return domain.finish(codec, request.given, request.opened, made, request.controls)

    def _ending(self, made: Sequence[int]) -> str:
        if not self._over:
            return "interrupted"
        if self.request.gap is not None:
            return "filled"
        if not self._out_of_steps:
            return "cut"
        if made and made[-1] == self.request.run.codec.stop:
            return "stop"
        return "length" if len(made) >= self.request.settings["length"] else "complete"


def streams(request: Request, count: int) -> Iterator[Stream]:
    """``count`` generations, one after another, in the way that the request asks for.

    Drawn and steered ones have the request's seed and those after it. Of a search they are the best it found, the best
    first; of a gap, different fillings. Searches and fillings are made at once; what is drawn or steered is checked at
    once, and made as its stream is read. UsageError for what cannot be meant, whatever the way.
    """
    if count < 1:
        raise UsageError(f"there is at least 1 result, not {count}.")
    if request.way is Way.FOUND:
        return (_placed(_of_found(request, found), place, count) for place, found in enumerate(request.found(count), 1))
    if request.way is Way.FILLED:
        middles = request.filled(count).alternatives
        return (_placed(_of_middle(request, middle), place, count) for place, middle in enumerate(middles, 1))
    begun = _drawn if request.way is Way.DRAWN else _steered
    return _in_row(begun, request, begun(request), count)


def _in_row(begun: Callable[[Request], Stream], request: Request, first: Stream, count: int) -> Iterator[Stream]:
    yield first
    for number in range(1, count):
        yield begun(request.seeded(request.seed + number))


def _drawn(request: Request) -> Stream:
    return Stream(request, request.drawn())


def _steered(request: Request) -> Stream:
    """A stream of the progress of a search by particles, and then of the sequence that it chose."""
    searching = request.steered()
    chosen: list[generate.Step] = []

    def told() -> Iterator[Progress]:
        for each in searching:
            if isinstance(each, Steered):
                stream.facts = _facts_of(each)
                chosen.extend(_steps(each.chosen.tokens, each.chosen.log_probabilities))
            else:
                yield each

    stream = Stream(request, chosen, told())
    return stream


def _placed(stream: Stream, place: int, count: int) -> Stream:
    """The stream, told among its facts which of several it is: those found together have one seed."""
    if count > 1:
        stream.facts = {**stream.facts, "place": place, "of": count}
    return stream


def _of_found(request: Request, found: Found) -> Stream:
    stream = Stream(request, _steps(found.tokens, found.log_probabilities))
    weighed = {} if found.log_weight is None else {"log_weight": found.log_weight}
    stream.facts = {
        "log_probability": found.log_probability,
        "searched": found.searched,
        "score": found.score,
        **weighed,
    }
    return stream


def _of_middle(request: Request, middle: Middle) -> Stream:
    stream = Stream(request, _steps(middle.tokens, [math.nan] * len(middle.tokens)))
    stream.facts = {
        "log_probability": middle.log_probability,
        "right_log_probability": middle.right_log_probability,
        "share": middle.share,
    }
    return stream


def _facts_of(found: Steered) -> Mapping[str, Any]:
    return {
        "particles": sum(each.copies for each in found.particles),
        "distinct": len(found.particles),
        "log_evidence": found.log_evidence,
        "least_ess": min(found.ess, default=0.0),
        "resampled": len(found.resampled),
        "computed_tokens": found.computed,
    }


def _steps(tokens: Sequence[int], log_probabilities: Sequence[float]) -> Iterator[generate.Step]:
    each = zip(tokens, log_probabilities, strict=True)
    return (generate.Step(token, likely, position) for position, (token, likely) in enumerate(each))
