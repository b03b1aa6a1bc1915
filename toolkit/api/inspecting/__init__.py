"""Looking inside a trained run, topic by topic: what `toolkit inspect` and the studio show.

    from toolkit.api import open_run
    from toolkit.api.inspecting import inspect

    found = inspect(open_run("shakespeare"), "gates")
    print(found.said)

The measuring is `toolkit.inspect`; here a run and a corpus become what is measured, and numbers become sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from toolkit.api.inspecting.clamp import clamping
from toolkit.api.inspecting.context import context
from toolkit.api.inspecting.forecast import forecast
from toolkit.api.inspecting.gates import gates
from toolkit.api.inspecting.gradient import gradient
from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked
from toolkit.api.inspecting.odd import odd
from toolkit.api.inspecting.probe import probing
from toolkit.api.inspecting.surprise import surprise
from toolkit.api.inspecting.units import units
from toolkit.api.inspecting.unrolled import unrolled
from toolkit.api.running import Run
from toolkit.core import unknown

__all__ = ["TOPICS", "Asked", "Insight", "inspect"]

TOPICS: Mapping[str, Callable[[Run, Asked], Insight]] = {
    "unrolled": unrolled,
    "units": units,
    "clamp": clamping,
    "gates": gates,
    "gradient": gradient,
    "context": context,
    "surprise": surprise,
    "odd": odd,
    "forecast": forecast,
    "probe": probing,
}
"""What can be looked at, by name."""


def inspect(run: Run, topic: str, **asked: Any) -> Insight:
    """What there is to see of ``topic`` in ``run``; ``asked`` are the fields of `Asked`.

    UsageError for a topic that does not exist, or that the run's cell has nothing of.
    """
    if topic not in TOPICS:
        raise unknown("topic", topic, TOPICS)
    what = Asked(**asked)
    what.watch()
    return TOPICS[topic](run, what)
