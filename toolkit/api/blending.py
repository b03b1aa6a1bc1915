"""Blends and guidance, assembled: other runs of the same codec mixed into one run's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from toolkit.api.running import Run, open_run
from toolkit.core import Engine, UsageError
from toolkit.engine.blend import Blend, BlendedEngine
from toolkit.engine.blend_settings import BlendSettings, blend_of
from toolkit.engine.unprompted import Unprompted


@dataclass(frozen=True)
class Blending:
    """A run and what is mixed into it. The fellows are opened once, when first needed, on the run's own device.

    UsageError when a fellow's codec is another one, or its name or weight cannot be meant.
    """

    run: Run
    settings: BlendSettings

    @cached_property
    def fellows(self) -> tuple[Run, ...]:
        asked = blend_of(self.settings)
        return () if asked is None else tuple(self._fellow(name) for name in asked[1])

    def engine(self, opening: Sequence[int], given: Any = None, *, made: int = 0) -> Engine:
        """What generates after ``opening``, the ids of the item ``given`` (`Run.opening` gives both).

        The last ``made`` ids of ``opening`` are an earlier part of the same generation and no prompt: fades go on,
        and guidance hears them. Without a blend and without guidance it is the run's own engine.
        """
        prompted, bare = opening[: len(opening) - made], self._bare(given)
        engine = self._blended(len(prompted))
        if self.settings.guidance == 1 or list(prompted) == bare:
            return engine
        without = Unprompted(self._blended(len(bare)), unheard=len(prompted), instead=bare)
        return BlendedEngine([engine, without], Blend("guidance", (self.settings.guidance,)))

    def _bare(self, given: Any) -> list[int]:
        """The ids that open a sequence without the prompt: its heading alone, where it has one."""
        heading = None if given is None else self.run.domain.heading(given)
        return self.run.opening_of(heading)

    def _blended(self, opening: int) -> Engine:
        asked = blend_of(self.settings)
        if asked is None:
            return self.run.engine
        return BlendedEngine([self.run.engine, *(each.engine for each in self.fellows)], asked[0], opening=opening)

    def _fellow(self, name: str) -> Run:
        fellow = open_run(name, device=self.run.device, engine=self.run.engine_name)
        if fellow.codec.fingerprint != self.run.codec.fingerprint:
            raise UsageError(
                f"{name} cannot be mixed into {self.run.name}: their codecs differ; train one from the other "
                f"(toolkit train CORPUS --from {self.run.name}) and they agree."
            )
        return fellow
