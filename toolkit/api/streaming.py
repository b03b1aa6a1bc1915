"""One generation under way, from its first token to its result. The loop itself is `toolkit.generate`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from toolkit import generate
from toolkit.api.results import Result
from toolkit.sampling import Sampler

if TYPE_CHECKING:
    from toolkit.api.running import Run


class Stream:
    """One generation under way. Iterating gives parts; leaving early is fine, and `result` gives what there is."""

    def __init__(
        self, run: Run, prompt: str | None, seed: int, settings: dict[str, Any], controls: Any, sampler: Sampler
    ) -> None:
        self.run, self.prompt, self.seed, self.settings, self.sampler = run, prompt, seed, settings, sampler
        self._given, opening = run.opening(prompt)
        self._opened = [] if self._given is None else [each for each in opening if each != run.codec.stop]
        self._controls = controls
        self._steps: list[generate.Step] = []
        self._over = self._out_of_steps = False
        self._engine = run.engine_for(opening, self._given)
        decoding = generate.tokens(
            self._engine,
            opening,
            sampler=sampler,
            constraint=run.constraint(controls, self._given),
            given=self._opened if run.domain.constrains_given else (),
            length=settings["length"],
            seed=seed,
            stop=run.codec.stop,
        )
        self._parts = run.domain.cut_parts(generate.parts(self._primed_decoder(), self._recorded(decoding)), controls)

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
        decoder = self.run.codec.decoder()
        for token in self._opened:
            list(decoder.push(token))
        return decoder

    def result(self) -> Result:
        """The whole as it stands: complete after the last part, and good to keep at any time before."""
        run, made = self.run, [step.token for step in self._steps]
        return Result(
            domain=run.domain,
            item=run.domain.finish(run.codec, self._given, self._opened, made, self._controls),
            tokens=tuple(made),
            log_probabilities=tuple(step.log_probability for step in self._steps),
            seed=self.seed,
            settings=self.settings,
            prompt=self.prompt,
            run=run.name,
            checkpoint=run.checkpoint,
            engine=self._engine.name,
            precision=self._engine.precision,
            ending=self._ending(made),
            given=self._given,
            index=run.index,
        )

    def _ending(self, made: list[int]) -> str:
        if not self._over:
            return "interrupted"
        if not self._out_of_steps:
            return "cut"
        return "stop" if made and made[-1] == self.run.codec.stop else "length"
