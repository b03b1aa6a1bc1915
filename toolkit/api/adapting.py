"""A run that has taken after pages or tunes of the user's own, beside the run as it was."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from toolkit.api.running import Run
from toolkit.batches import settled_by, targets
from toolkit.core import Watch, unwatched

if TYPE_CHECKING:
    from toolkit.adapt import AdaptSettings


@dataclass(frozen=True)
class AdaptedRun(Run):
    """A run whose model has read ``pages``, oldest first. ``base`` is the run as it was: keep it, and that is undo."""

    base: Run = field(kw_only=True)
    pages: tuple[str, ...] = field(kw_only=True)
    adapting: AdaptSettings = field(kw_only=True)
    watch: Watch = field(kw_only=True, default=unwatched, compare=False)

    @cached_property
    def model(self) -> Any:
        """A copy of the base's network, adapted; made when first asked for, the same one every time."""
        from toolkit.adapt import adapted

        tokens = [token for page in self.pages for token in self.base.opening(page)[1]]
        scored = targets(np.array(tokens), settled_by(self.codec)).tolist()
        how = {"targets": scored, "sensitivity": self.base.sensitivity, "watch": self.watch}
        return adapted(self.base.model, tokens, self.adapting, **how)

    @cached_property
    def checkpoint(self) -> str:
        """Names the weights by all that they follow from: the base's, the pages and how they were read."""
        facts = [self.base.checkpoint, self.pages, dataclasses.asdict(self.adapting)]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def adapted_run(run: Run, pages: Sequence[str], settings: AdaptSettings, *, watch: Watch = unwatched) -> Run:
    """``run`` with a model that has taken after ``pages``: texts, or melodies as prompts are given.

    A co-writing user's text adapts it as it grows by asking again with all that was kept: the result depends on the
    run, the pages and the settings alone. Without a page, or at strength 0, it is ``run`` itself. ``watch`` may end the
    reading by what it raises.
    """
    if not pages or not settings.adapt_strength:
        return run
    return run.extended(AdaptedRun, base=run, pages=tuple(pages), adapting=settings, watch=watch)
