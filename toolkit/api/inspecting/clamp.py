"""A unit held at a value while the model writes: the topic `clamp`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material, recurrent
from toolkit.api.running import Run
from toolkit.core import Engine, FloatArray, UsageError
from toolkit.engine import open_engine
from toolkit.inspect.tracing import trace
from toolkit.models import Clamp, Clamped

_LENGTH, _SEEN = 300, 2000


@dataclasses.dataclass(frozen=True)
class ClampedRun(Run):
    """A run of whose model one unit is held at a value."""

    clamp: Clamp | None = None

    @property
    def engine(self) -> Engine:
        assert self.clamp is not None
        if "clamped" not in self._engines:
            self._engines["clamped"] = open_engine(Clamped(self.model, self.clamp), name="torch")
        return self._engines["clamped"]


def clamping(run: Run, asked: Asked) -> Insight:
    """What the model writes from one seed with a unit held low, left free, and held high (or at one value)."""
    recurrent(run)
    if asked.unit is None:
        raise UsageError("say which unit to hold: --unit N (and --layer L); `inspect RUN units` finds some.")
    layer, unit = asked.layer or 0, asked.unit
    Clamped(run.model, Clamp(layer, unit, 0.0))  # says what is wrong with them, if anything is
    read = material(run, dataclasses.replace(asked, prompt=None), _SEEN)
    values = trace(run.model, read.rows(4, _SEEN // 4)).states["h"][layer, ..., unit]
    low, high = (float(each) for each in np.percentile(values, (1, 99)))
    held = {"low": low, "high": high} if asked.value is None else {"held": asked.value}
    made = {"free": run.generate(asked.prompt, seed=asked.seed, length=_LENGTH)}
    for name, value in held.items():
        clamped = run.extended(ClampedRun, clamp=Clamp(layer, unit, value))
        made[name] = clamped.generate(asked.prompt, seed=asked.seed, length=_LENGTH)
    shown = {name: run.domain.show(each.item) for name, each in made.items()}
    features = {name: run.domain.features(run.codec, run.opening_of(each.item)) for name, each in made.items()}
    names = next(iter(features.values()), {})
    rows = [(feature, *(f"{features[name][feature].mean():.3f}" for name in made)) for feature in names]
    moved = {
        feature: max(abs(np.log(_mean(features[name], feature) / _mean(features["free"], feature))) for name in held)
        for feature in names
    }
    # By a share rather than a difference: features are in units of their own.
    most = max(moved, key=moved.__getitem__, default=None)
    held_at = ", ".join(f"{value:+.2f} ({name})" for name, value in held.items())
    said = (
        f"Unit {unit} of layer {layer} lies between {low:+.2f} and {high:+.2f} (first and last hundredth) when free. "
        f"It was held at {held_at}; all is from seed {asked.seed}."
    )
    if all(text == shown["free"] for text in shown.values()):
        said += " Nothing changes: the model does not listen to this unit here."
    elif most is not None:
        said += f" Of what can be named, the {most} changes most."
    return Insight(
        f"{run.name} with unit {unit} held",
        said,
        ("mean of", *made),
        rows,
        {"layer": layer, "unit": unit, "held": held, "made": shown},
        notes=[f"--- {name} ---\n{text}" for name, text in shown.items()],
    )


def _mean(features: Mapping[str, FloatArray], name: str) -> float:
    """Kept away from 0, so that a feature that hardly occurs does not seem to change without bounds."""
    return abs(float(features[name].mean())) + 0.05
