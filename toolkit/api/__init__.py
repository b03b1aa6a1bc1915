"""The toolkit from Python: open a corpus, fit a model to it, open the run, generate.

    from toolkit.api import Plan, fit, open_run

    for event in fit(Plan(corpus="poems.txt", out="runs/poems", minutes=5)):
        print(event)
    print(open_run("runs/poems").generate("Once", seed=7).text)

The only place where domains, models, sampling and run folders meet; the command line and the app stand on it.
Importing it loads neither torch nor an optional package: what trains is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.api.adapting import adapted_run
from toolkit.api.again import Recipe, recipe_in
from toolkit.api.asking import generation_knobs
from toolkit.api.blending import blended_run
from toolkit.api.events import Event, Finished, Noted, Previewed, Started, Stepped, Validated
from toolkit.api.materials import built_in, guess_domain, open_corpus, prepare
from toolkit.api.results import Result
from toolkit.api.running import Run, list_runs, open_run, runs_in
from toolkit.api.shipping import ship
from toolkit.api.streaming import Stream
from toolkit.generate import in_turn

if TYPE_CHECKING:
    from toolkit.api.fitting import Stopped, dry_run, fit, resume

_TRAINING = frozenset({"Plan", "Stopped", "dry_run", "fit", "resume"})

__all__ = [
    "Event",
    "Finished",
    "Noted",
    "Plan",
    "Previewed",
    "Recipe",
    "Result",
    "Run",
    "Started",
    "Stepped",
    "Stopped",
    "Stream",
    "Validated",
    "adapted_run",
    "blended_run",
    "built_in",
    "dry_run",
    "fit",
    "generation_knobs",
    "guess_domain",
    "in_turn",
    "list_runs",
    "open_corpus",
    "open_run",
    "prepare",
    "recipe_in",
    "resume",
    "runs_in",
    "ship",
]


def __getattr__(name: str) -> Any:
    if name not in _TRAINING:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from toolkit.api import fitting

    return getattr(fitting, name)
