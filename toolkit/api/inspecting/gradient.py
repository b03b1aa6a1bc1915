"""How far back a gradient reaches: the topic `gradient`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, Material, material
from toolkit.api.running import Run, open_run
from toolkit.core import InputError, UsageError
from toolkit.inspect.gradients import Reach, Regime, reach, regimes
from toolkit.inspect.pictures import gradients_through_time
from toolkit.inspect.tracing import Floats, Ids, as_new
from toolkit.models import CELLS

_LAGS, _ROWS = 100, 48


def gradient(run: Run, asked: Asked) -> Insight:
    """The gradient through time of this run, of runs beside it, and of every cell before it has learned anything."""
    ids_BT = _windows(material(run, asked, _ROWS * (_LAGS + 1)))
    reaches = {f"{run.name}, trained": reach(run.model, ids_BT)}
    for name in asked.beside:
        other = open_run(name)
        if other.codec.fingerprint != run.codec.fingerprint:
            raise UsageError(f"{name} cannot be looked at beside {run.name}: its codec is another one.")
        reaches[f"{other.name}, trained ({other.model.settings.cell})"] = reach(other.model, ids_BT)
    for cell in CELLS:
        asked.watch()
        reaches[f"{cell}, untrained"] = reach(as_new(run.model, asked.seed, cell=cell), ids_BT)
    by_radius = regimes(run.model.vocabulary, ids_BT, seed=asked.seed)
    norms = _norms(run)
    clip = float(run.config.training.get("clip", 1.0))
    return Insight(
        f"Gradients of {run.name} through time",
        _said(run, reaches, by_radius, norms, clip),
        ("network", "by", "lag 1", "lag 10", "lag 50", "lag 100", "halves over"),
        [
            *(_row(name, each) for name, each in reaches.items()),
            *(_row(f"rnn of radius {each.radius:g}", each.reach) for each in by_radius),
        ],
        {
            "reaches": {name: _data(each) for name, each in reaches.items()},
            "regimes": [
                {"radius": each.radius, "norm": each.norm, "clipped": each.clipped, **_data(each.reach)}
                for each in by_radius
            ],
            "share_of_steps_clipped": None if norms is None else float((norms[1] > clip).mean()),
        },
        lambda: gradients_through_time(
            {name: _curve(each) for name, each in reaches.items()},
            {f"radius {each.radius:g}": _curve(each.reach) for each in by_radius},
            norms,
            clip,
        ),
        notes=("The transformer's gradient is by its input k tokens before: it has no hidden state.",),
    )


def _windows(read: Material) -> Ids:
    length = min(_LAGS + 2, len(read.ids) // 4)
    if length < 12:
        raise InputError("to follow a gradient back takes 48 tokens at least.")
    starts = np.linspace(0, len(read.ids) - length, _ROWS).astype(int)
    return np.stack([read.ids[start : start + length] for start in starts]).astype(np.int64)


def _norms(run: Run) -> tuple[Floats, Floats] | None:
    logged = [each for each in run.metrics if "gradient_norm" in each]
    if len(logged) < 2:
        return None
    steps, norms = ([float(each[name]) for each in logged] for name in ("step", "gradient_norm"))
    return np.array(steps, np.float32), np.array(norms, np.float32)


def _of(found: Reach) -> Floats:
    return found.of_input if found.of_state is None else found.of_state


def _curve(found: Reach) -> tuple[Any, Any]:
    return np.arange(1, len(_of(found)) + 1), _of(found)


def _row(name: str, found: Reach) -> tuple[str, ...]:
    norms = _of(found)
    at = (f"{norms[lag - 1]:.1e}" if lag <= len(norms) else "" for lag in (1, 10, 50, 100))
    by = "input" if found.of_state is None else "state"
    return (name, by, *at, _lags(found.halving()))


def _lags(halving: float) -> str:
    return "never" if math.isinf(halving) else f"{halving:.1f}"


def _data(found: Reach) -> dict[str, Any]:
    of_state = None if found.of_state is None else found.of_state.tolist()
    return {"of_state": of_state, "of_input": found.of_input.tolist(), "halving": found.halving()}


def _said(
    run: Run, reaches: dict[str, Reach], by_radius: list[Regime], norms: tuple[Floats, Floats] | None, clip: float
) -> str:
    ours = next(iter(reaches.values()))
    lags = len(_of(ours))
    cell = run.model.settings.cell
    before = reaches[f"{cell}, untrained"]
    near, far = float(_of(ours)[0]), float(_of(ours)[-1])
    text = (
        f"The gradient of a loss by what {run.name} held one token before has a norm of {near:.1e}, by what it held "
        f"{lags} "
        f"tokens before {far:.1e}: it halves over {_lags(ours.halving())} tokens, and over {_lags(before.halving())} "
        f"before "
        "the network had learned anything."
    )
    halving = {name.split(",")[0]: each.halving() for name, each in reaches.items() if name.endswith("untrained")}
    recurrent = {name: each for name, each in halving.items() if CELLS[name].step is not None}
    fastest, slowest = min(recurrent, key=recurrent.__getitem__), max(recurrent, key=recurrent.__getitem__)
    text += (
        f" Of untrained cells the {fastest} forgets fastest (half over {_lags(recurrent[fastest])} tokens), the "
        f"{slowest} most "
        f"slowly ({_lags(recurrent[slowest])})."
    )
    least, most = by_radius[0], by_radius[-1]
    grows = float(most.reach.of_input[-1] / max(float(most.reach.of_input[0]), 1e-30))
    text += (
        f" What decides it for a plain RNN is the spectral radius of its recurrent matrix: at {least.radius:g} the "
        f"gradient halves "
        f"over {_lags(least.reach.halving())} tokens, at {most.radius:g} it {'grows' if grows > 1 else 'changes'} "
        f"{grows:.1e}-fold over "
        f"{lags}; the norm of the whole gradient is then {most.norm:.1e}, which clipping brings to {most.clipped:.2g}."
    )
    if norms is not None:
        text += (
            f" While {run.name} learned, {(norms[1] > clip).mean():.0%} of the logged steps were clipped (at {clip:g})."
        )
    return text
