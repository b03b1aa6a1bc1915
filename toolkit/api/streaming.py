"""Generations under way, from the first token to the result. How tokens come about is `toolkit.api.request`."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from toolkit import generate
from toolkit.api.request import Request, Way
from toolkit.api.results import Result
from toolkit.core import ToolkitError, UsageError
from toolkit.infill import Infilled
from toolkit.search import Found, Sought
from toolkit.steer import Progress, Steered

Standing = Progress | Sought
"""How a search stands, by particles or by beams."""


class Stream:
    """One generation under way. Iterating gives parts; leaving early is fine, and `result` gives what there is.

    One that is steered, searched for or filled in tells its `Standing` first, again and again, and then all parts at
    once.
    """

    def __init__(self, request: Request, steps: Iterable[generate.Step], told: Iterable[Standing] = ()) -> None:
        self.request = request
        self.progress: Standing | None = None
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

    @property
    def tokens_made(self) -> int:
        """How many tokens there are so far; of a search, how many its beginnings are long."""
        if self._steps or self.progress is None:
            return len(self._steps)
        return self.progress.position

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

        Of a search that was left early it is the best beginning so far, of a gap the best filling. ToolkitError where
        no filling has been found yet.
        """
        request, made = self.request, [step.token for step in self._steps]
        if not made and self.progress is not None:
            made = list(self.progress.best)
        if not made and request.gap is not None:
            raise ToolkitError("nothing that fits between the two has been found yet.")
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
            handed_over=request.item is not None,
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


def streams(request: Request, count: int, *, together: bool = False) -> Iterator[Stream]:
    """``count`` generations, one after another, in the way that the request asks for.

    Drawn and steered ones have the request's seed and those after it. Of a search they are the best it found, the best
    first; of a gap, different fillings: one search for all of them, made as the first stream is read. UsageError at
    once for what cannot be meant, whatever the way. Drawn ``together`` they advance together: reading one of them lets
    the others come as far.
    """
    if count < 1:
        raise UsageError(f"there is at least 1 result, not {count}.")
    if request.way is Way.FOUND:
        return _of_one_search(request, request.found(count), _of_found, count)
    if request.way is Way.FILLED:
        return _of_one_search(request, request.filled(count), _of_middles, count)
    if together and request.way is Way.DRAWN:
        return _in_a_batch(request, count)
    begun = _drawn if request.way is Way.DRAWN else _steered
    return _in_row(begun, request, begun(request), count)


def _in_row(begun: Callable[[Request], Stream], request: Request, first: Stream, count: int) -> Iterator[Stream]:
    yield first
    for number in range(1, count):
        yield begun(request.seeded(request.seed + number))


def _in_a_batch(request: Request, count: int) -> Iterator[Stream]:
    rows = _each_row(request.drawn_together(count), count)
    return (Stream(request.seeded(request.seed + number), row) for number, row in enumerate(rows))


def _each_row(batch: Iterator[tuple[int, generate.Step]], count: int) -> list[Iterator[generate.Step]]:
    """The rows of a batch, each for itself: what comes of the others before they are asked is held for them.

    A row that another one overtakes, twice before it comes itself, is over: so asking it takes the others no further.
    What goes wrong in one row ends them all, and each that is asked tells it.
    """
    held: list[deque[generate.Step]] = [deque() for _ in range(count)]
    wrong: list[ToolkitError] = []

    def row(own: deque[generate.Step]) -> Iterator[generate.Step]:
        while True:
            overtaken: set[int] = set()
            while not own:
                if wrong:
                    raise wrong[0]
                try:
                    number, step = next(batch)
                except StopIteration:
                    return
                except ToolkitError as error:
                    wrong.append(error)
                    raise
                held[number].append(step)
                if number in overtaken:
                    return
                if held[number] is not own:
                    overtaken.add(number)
            yield own.popleft()

    return [row(each) for each in held]


def _drawn(request: Request) -> Stream:
    return Stream(request, request.drawn())


def _steered(request: Request) -> Stream:
    return next(_of_one_search(request, request.steered(), lambda found: [_of_steered(found)], 1))


_Made = tuple[list[generate.Step], Mapping[str, Any]]
"""The steps of a sequence that a search found, and what is told of it."""


def _of_one_search(
    request: Request, searching: Iterator[Any], made_of: Callable[[Any], list[_Made]], count: int
) -> Iterator[Stream]:
    """A stream of how the search stands and then of the first sequence it found; after it one for each other sequence.

    ``made_of`` is given what the search ends with. Of several, each is told which it is: they have one seed.
    """
    chosen: list[generate.Step] = []
    others: list[_Made] = []

    def told() -> Iterator[Standing]:
        for each in searching:
            if isinstance(each, Standing):
                yield each
                continue
            (steps, facts), *rest = made_of(each)
            chosen.extend(steps)
            first.facts = _placed(facts, 1, count)
            others.extend(rest)

    telling = told()
    first = Stream(request, chosen, telling)
    yield first
    for _ in telling:  # where the next is asked for before the first was read
        pass
    for place, (steps, facts) in enumerate(others, start=2):
        stream = Stream(request, steps)
        stream.facts = _placed(facts, place, count)
        yield stream


def _placed(facts: Mapping[str, Any], place: int, count: int) -> Mapping[str, Any]:
    return {**facts, "place": place, "of": count} if count > 1 else facts


def _of_found(found: Sequence[Found]) -> list[_Made]:
    return [
        (
            _steps(each.tokens, each.log_probabilities),
            {
                "log_probability": each.log_probability,
                "searched": each.searched,
                "score": each.score,
                **({} if each.log_weight is None else {"log_weight": each.log_weight}),
            },
        )
        for each in found
    ]


def _of_middles(filled: Infilled) -> list[_Made]:
    return [
        (
            _steps(each.tokens, [math.nan] * len(each.tokens)),
            {
                "log_probability": each.log_probability,
                "right_log_probability": each.right_log_probability,
                "share": each.share,
            },
        )
        for each in filled.alternatives
    ]


def _of_steered(found: Steered) -> _Made:
    return _steps(found.chosen.tokens, found.chosen.log_probabilities), {
        "particles": sum(each.copies for each in found.particles),
        "distinct": len(found.particles),
        "log_evidence": found.log_evidence,
        "least_ess": min(found.ess, default=0.0),
        "resampled": len(found.resampled),
        "computed_tokens": found.computed,
    }


def _steps(tokens: Sequence[int], log_probabilities: Sequence[float]) -> list[generate.Step]:
    each = zip(tokens, log_probabilities, strict=True)
    return [generate.Step(token, likely, position) for position, (token, likely) in enumerate(each)]
