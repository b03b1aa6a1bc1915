"""One request: a run, what to go on from, a seed and settings, and everything that generating needs of them.

Puts together engine, sampler and constraint, and chooses the way in which the tokens come about: drawn one by one, or
searched for. The loops themselves are `toolkit.generate` and `toolkit.search`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from toolkit import generate
from toolkit.adapt.settings import AdaptSettings
from toolkit.api.adapting import adapted_run
from toolkit.api.asking import PageSettings, part
from toolkit.api.blending import blended_run
from toolkit.api.running import Run
from toolkit.core import Constraint, Engine
from toolkit.engine.blend_settings import BlendSettings
from toolkit.sampling import Sampler, sampling_knobs
from toolkit.search import SAMPLE, Found, SearchSettings, search


@dataclass(frozen=True)
class Request:
    """``settings`` are all of the run's knobs, checked. Everything else follows, and is made once, when needed."""

    asked: Run
    prompt: str | None
    seed: int
    settings: Mapping[str, Any]

    @cached_property
    def run(self) -> Run:
        """The run that generates: the one asked, adapted and blended as the settings say."""
        pages = part(PageSettings, self.settings).adapt_to
        adapted = adapted_run(self.asked, () if pages is None else (pages,), part(AdaptSettings, self.settings))
        return blended_run(adapted, part(BlendSettings, self.settings))

    @cached_property
    def controls(self) -> Any:
        """What the domain reads of the settings."""
        kind: type[Any] = self.run.domain.controls
        return part(kind, self.settings)

    @cached_property
    def sampler(self) -> Sampler:
        sampled = {each.name: self.settings[each.name] for each in sampling_knobs()}
        return Sampler.from_settings(sampled, token_named=self.run.token_named, calibration=self.run.calibration)

    @cached_property
    def opening(self) -> tuple[Any, list[int]]:
        """The item to go on from, None without a prompt, and the ids that open the sequence."""
        return self.run.opening(self.prompt)

    @property
    def given(self) -> Any:
        """The item to go on from."""
        return self.opening[0]

    @property
    def opened(self) -> list[int]:
        """The ids of what was given, without a stop."""
        return [] if self.given is None else [each for each in self.opening[1] if each != self.run.codec.stop]

    @cached_property
    def engine(self) -> Engine:
        return self.run.engine_for(self.opening[1], self.given)

    @cached_property
    def constraint(self) -> Constraint[Any]:
        return self.run.constraint(self.controls, self.given)

    @cached_property
    def searching(self) -> SearchSettings:
        return part(SearchSettings, self.settings)

    @property
    def searches(self) -> bool:
        """Whether the tokens are searched for rather than drawn."""
        return self.searching.search != SAMPLE

    def drawn(self) -> Iterator[generate.Step]:
        """The tokens, drawn one by one. Errors in what is asked come before the first."""
        return generate.tokens(self.engine, self.opening[1], **self._common)

    def found(self, count: int) -> list[Found]:
        """The ``count`` best sequences of the search asked for, the best first."""
        return search(self.engine, self.opening[1], settings=self.searching, count=count, **self._common)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "sampler": self.sampler,
            "constraint": self.constraint,
            "given": self.opened if self.run.domain.constrains_given else (),
            "length": self.settings["length"],
            "seed": self.seed,
            "stop": self.run.codec.stop,
        }
