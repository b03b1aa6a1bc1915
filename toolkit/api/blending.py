"""A run with others mixed into what it predicts, or with its prompt made to count for more."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from toolkit.api.running import Run, open_run
from toolkit.core import Engine, UsageError
from toolkit.engine.blend import Blend, BlendedEngine
from toolkit.engine.blend_settings import BlendSettings, blend_of
from toolkit.engine.unprompted import Unprompted


@dataclass(frozen=True)
class BlendedRun(Run):
    """``base`` with its ``fellows``, in the order of their weights, mixed in as ``blending`` says."""

    base: Run = field(kw_only=True)
    fellows: tuple[Run, ...] = field(kw_only=True)
    blending: BlendSettings = field(kw_only=True)

    @property
    def model(self) -> Any:
        raise UsageError("a blend has no weights of its own: measure or adapt its runs before they are blended.")

    @cached_property
    def engine(self) -> Engine:
        return self._blended(1)

    @cached_property
    def checkpoint(self) -> str:
        """Names all the weights, and how they were blended."""
        weights = [each.checkpoint for each in (self.base, *self.fellows)]
        settings = {**dataclasses.asdict(self.blending), "blend": None}  # runs are named by their weights, not by place
        shares = [] if (asked := blend_of(self.blending)) is None else asked[0].weights
        return hashlib.sha256(json.dumps([weights, shares, settings]).encode()).hexdigest()

    def engine_for(self, opening: Sequence[int], given: Any = None, *, made: int = 0) -> Engine:
        """As `Run.engine_for`. Fades go on through what was ``made``, and guidance hears it: it is no prompt."""
        prompted, bare = list(opening[: len(opening) - made]), self._bare(given)
        engine = self._blended(len(prompted))
        if self.blending.guidance == 1 or prompted == bare:
            return engine
        without = Unprompted(self._blended(len(bare)), unheard=len(prompted), instead=bare)
        return BlendedEngine([engine, without], Blend("guidance", (self.blending.guidance,)))

    def _bare(self, given: Any) -> list[int]:
        """The ids that open a sequence without the prompt: its heading alone, where it has one."""
        return self.opening_of(None if given is None else self.domain.heading(given))

    def _blended(self, opening: int) -> Engine:
        asked = blend_of(self.blending)
        if asked is None:
            return self.base.engine
        return BlendedEngine([each.engine for each in (self.base, *self.fellows)], asked[0], opening=opening)


def blended_run(run: Run, settings: BlendSettings) -> Run:
    """``run`` with the runs that ``settings`` name mixed in; ``run`` itself where nothing is asked for.

    It generates, streams and batches as any run does, and the log-probabilities of its results are the blend's. The
    fellows run on the device and by the engine of ``run``. UsageError when a fellow's codec is another one, or its
    name, weight or fade cannot be meant.
    """
    asked = blend_of(settings)
    if asked is None and settings.guidance == 1:
        return run
    fellows = tuple(fellow_of(run, name) for name in ([] if asked is None else asked[1]))
    return run.extended(BlendedRun, base=run, fellows=fellows, blending=settings)


def fellow_of(run: Run, name: str) -> Run:
    """The run called ``name``, opened as ``run`` is; UsageError unless they share their codec."""
    fellow = open_run(name, device=run.device, engine=run.engine_name)
    if fellow.codec.fingerprint != run.codec.fingerprint:
        raise UsageError(
            f"{name} does not go together with {run.name}, whose codec is another one; a run trained by "
            f"toolkit train CORPUS --from {run.name} shares it."
        )
    return fellow
