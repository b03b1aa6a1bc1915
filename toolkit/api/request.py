"""One request: a run, what to go on from, a seed and settings, and everything that generating needs of them.

Puts together engine, sampler, constraint and wishes, and knows in which way the tokens come about: drawn one by one,
searched for, steered, or filled into a gap. The loops themselves are `toolkit.generate`, `toolkit.search`,
`toolkit.steer` and `toolkit.infill`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from toolkit import generate
from toolkit.adapt.settings import AdaptSettings
from toolkit.api.adapting import adapted_run
from toolkit.api.asking import LikenessSettings, PageSettings, part
from toolkit.api.blending import blended_run, fellow_of
from toolkit.api.running import Run
from toolkit.core import Constraint, Engine, UsageError, Watch, unwatched
from toolkit.engine.blend_settings import BlendSettings, fellows
from toolkit.infill import Gap, Infilled, infilling
from toolkit.sampling import Sampler, sampling_knobs
from toolkit.search import SAMPLE, Found, SearchSettings, Sought, searching
from toolkit.steer import Likeness, Potential, Progress, Steered, SteeringSettings, Together, steering

WIDE = 64
"""Particles where something is wished, or a gap is filled, and nobody said how many."""


class Way(Enum):
    """How tokens come about."""

    DRAWN = "drawn"
    FOUND = "found"
    STEERED = "steered"
    FILLED = "filled"


@dataclass(frozen=True)
class Request:
    """``settings`` are all of the run's knobs, checked; ``item`` is what the prompt names, where it need not be read.

    ``watch`` may end, by what it raises, the reading of a page to take after. Everything else follows, and is made
    once, when needed.
    """

    asked: Run
    prompt: str | None
    seed: int
    settings: Mapping[str, Any]
    item: Any = None
    watch: Watch = unwatched

    def seeded(self, seed: int) -> Request:
        """The same request with another seed. What was made for this one serves it too: nothing there has a seed."""
        other = dataclasses.replace(self, seed=seed)
        vars(other).update({name: made for name, made in vars(self).items() if name != "seed"})
        return other

    @cached_property
    def run(self) -> Run:
        """The run that generates: the one asked, adapted and blended as the settings say."""
        page = part(PageSettings, self.settings).adapt_to
        pages = () if page is None else (page,)
        adapted = adapted_run(self.asked, pages, part(AdaptSettings, self.settings), watch=self.watch)
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
        given, ids = self.run.opening(self.prompt) if self.item is None else (self.item, None)
        used = None if given is None else self.run.domain.used(given, self.controls)
        return used, ids if ids is not None and used is given else self.run.opening_of(used)

    @property
    def given(self) -> Any:
        """The item to go on from."""
        return self.opening[0]

    @property
    def opened(self) -> list[int]:
        """The ids of what was given, without a stop."""
        return [] if self.given is None else self._unstopped(self.opening[1])

    @property
    def before(self) -> list[int]:
        """The ids that what is generated comes right after, without a stop: what was given, or what precedes a gap."""
        return self.opened if self.gap is None else self._unstopped(self.gap.left)

    def _unstopped(self, ids: Iterable[int]) -> list[int]:
        return [each for each in ids if each != self.run.codec.stop]

    @cached_property
    def engine(self) -> Engine:
        return self.run.engine_for(self.opening[1], self.given)

    @cached_property
    def constraint(self) -> Constraint[Any]:
        return self.run.constraint(self.controls, self.given)

    @cached_property
    def searching(self) -> SearchSettings:
        return part(SearchSettings, self.settings)

    @cached_property
    def wishes(self) -> tuple[Potential[Any], ...]:
        """What the whole should be like, beyond what is a constraint."""
        run, (_, opening) = self.run, self.opening
        wishes: Any = part(run.domain.wishes, self.settings)
        found = run.domain.wished(run.codec, wishes, self.controls, self.engine, opening)
        like = part(LikenessSettings, self.settings).sound_like
        return found if like is None else (*found, self._likeness(like))

    def _likeness(self, like: str) -> Potential[Any]:
        others = fellows(like)
        if len(others) != 1:
            raise UsageError(f"sound_like names one run and a strength, such as runs/other:0.5, not {like!r}.")
        (asked,) = others
        other = fellow_of(self.run, asked.run)
        return Likeness(other.engine, self.opening[1], asked.weight, vocabulary=self.engine.vocabulary)

    @cached_property
    def gap(self) -> Gap | None:
        """The gap to fill, where the settings ask for one."""
        return self.run.domain.gap_asked(self.run.codec, self.controls, self.opening[1], self.given)

    @cached_property
    def steering(self) -> SteeringSettings:
        asked = part(SteeringSettings, self.settings)
        wide = asked.particles == 1 and bool(self.wishes or self.gap)
        return dataclasses.replace(asked, particles=WIDE) if wide else asked

    @cached_property
    def way(self) -> Way:
        """UsageError when the settings ask for two ways at once."""
        ways = [Way.FILLED] * (self.gap is not None)
        ways += [Way.FOUND] * (self.searching.search != SAMPLE)
        ways += [Way.STEERED] * (self.gap is None and self.steering.particles > 1)
        if self.gap is not None and self.wishes:
            raise UsageError("a gap is filled freely: no wish can be steered towards in it.")
        if len(ways) > 1:
            raise UsageError("a search for what is likely is not steered and fills no gap: ask for one of them.")
        return ways[0] if ways else Way.DRAWN

    def drawn(self) -> Iterator[generate.Step]:
        """The tokens, drawn one by one. Errors in what is asked come before the first."""
        return generate.tokens(self.engine, self.opening[1], seed=self.seed, **self._common)

    def drawn_together(self, count: int) -> Iterator[tuple[int, generate.Step]]:
        """(number, token) of ``count`` sequences as they advance; number i is what this seed + i draws alone."""
        seeds = range(self.seed, self.seed + count)
        return generate.batch(self.engine, [self.opening[1]] * count, seeds=seeds, **self._common)

    def found(self, count: int) -> Iterator[Sought | list[Found]]:
        """How the search asked for stands, again and again, and last its ``count`` best sequences, the best first."""
        how: dict[str, Any] = {"settings": self.searching, "seed": self.seed, **self._common}
        return searching(self.engine, self.opening[1], count=count, **how)

    def steered(self) -> Iterator[Progress | Steered]:
        """How the search by particles stands, again and again, and last what it found."""
        how: dict[str, Any] = {"settings": self.steering, "seed": self.seed, **self._common}
        return steering(self.engine, self.opening[1], potential=Together(*self.wishes), **how)

    def filled(self, count: int) -> Iterator[Progress | Infilled]:
        """How the filling of the gap stands, again and again, and last ``count`` ways to fill it, or all found."""
        assert self.gap is not None
        wide = self.steering
        return infilling(self.engine, self.gap, sampler=self.sampler, settings=wide, count=count, seed=self.seed)

    @property
    def _common(self) -> dict[str, Any]:
        return {
            "sampler": self.sampler,
            "constraint": self.constraint,
            "given": self.opened if self.run.domain.constrains_given else (),
            "length": self.settings["length"],
            "stop": self.run.codec.stop,
        }
