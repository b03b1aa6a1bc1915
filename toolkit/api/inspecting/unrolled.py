"""The state through time: the topic `unrolled`."""

from __future__ import annotations

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material, readable, recurrent
from toolkit.api.running import Run
from toolkit.inspect.pictures import states_moving, states_over_time
from toolkit.inspect.tracing import Floats, trace

_LENGTH, _MOVING = 120, 90
_SATURATED = 0.9
_NAMES = {"h": "hidden state", "c": "cell state"}


def unrolled(run: Run, asked: Asked) -> Insight:
    """Every unit's hidden state (and cell state) at every token, the slowest units first."""
    recurrent(run)
    read = material(run, asked, _LENGTH)
    ids = read.ids[:_LENGTH].astype(np.int64)
    labels = readable(run, ids)
    states = {name: each[-1, 0].T for name, each in trace(run.model, ids[None]).states.items()}
    rows, data = [], {}
    for name, values_HT in states.items():
        stays = _stays(values_HT)
        facts = {
            "mean_size": float(np.abs(values_HT).mean()),
            "saturated": float((np.abs(values_HT) > _SATURATED).mean()),
            "slowest_stays": float(np.percentile(stays, 95)),
            "median_stays": float(np.median(stays)),
            "fastest_stays": float(np.percentile(stays, 5)),
        }
        data[name] = facts
        rows.append((_NAMES[name], *(f"{each:.3f}" for each in facts.values())))
    ordered = {name: each[np.argsort(-_stays(each))] for name, each in states.items()}
    panels = [(f"{_NAMES[name]} of the last layer", each) for name, each in ordered.items()]
    h = data["h"]
    said = (
        f"The last layer's {run.model.settings.width} units while the model read {len(ids)} tokens of {read.said}. "
        f"From one "
        f"token to the next a typical unit's value correlates at {h['median_stays']:+.2f} with what it was, one of "
        f"the slowest "
        f"twentieth at {h['slowest_stays']:+.2f} and one of the fastest at {h['fastest_stays']:+.2f}; "
        f"{h['saturated']:.0%} of the "
        f"values lie beyond ±{_SATURATED}."
    )
    if "c" in data:
        c = data["c"]
        said += (
            f" The cell state behind it changes more slowly ({c['median_stays']:+.2f}) and is not bound to ±1: "
            f"its mean size is {c['mean_size']:.2f}. That is the conveyor belt: what lies on it goes on until a gate "
            f"takes it off."
            if c["median_stays"] > h["median_stays"]
            else f" The cell state behind it does not change more slowly here ({c['median_stays']:+.2f}): nothing was "
            f"put on "
            "the conveyor belt to stay."
        )
    return Insight(
        f"The state of {run.name} through time",
        said,
        ("state", "mean size", f"beyond ±{_SATURATED}", "slowest 5 %", "median", "fastest 5 %"),
        rows,
        {"read": read.said, "tokens": len(ids), "states": data},
        lambda: states_over_time(panels, labels),
        lambda: states_moving(panels[-1][0], states["h"][:, :_MOVING], labels[:_MOVING]),
    )


def _stays(values_HT: Floats) -> Floats:
    """Each unit's correlation with itself one token later; 0 for a unit that never changes."""
    centred = values_HT - values_HT.mean(1, keepdims=True)
    size = (centred**2).sum(1)
    stays: Floats = (centred[:, 1:] * centred[:, :-1]).sum(1) / np.where(size > 1e-12, size, np.inf)
    return stays
