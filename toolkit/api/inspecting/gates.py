"""What the gates do: the topic `gates`."""

from __future__ import annotations

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material, recurrent
from toolkit.api.running import Run
from toolkit.core import UsageError
from toolkit.inspect.gates import Gates, gates_of
from toolkit.inspect.pictures import gates_in_use
from toolkit.inspect.tracing import as_new, trace

_ROWS, _LENGTH = 8, 384


def gates(run: Run, asked: Asked) -> Insight:
    """How often each gate is open and closed, and each unit's half-life, beside a network that has learned nothing."""
    recurrent(run)
    read = material(run, asked, _ROWS * _LENGTH)
    ids_BT = read.rows(_ROWS, _LENGTH)
    seen = trace(run.model, ids_BT)
    if not seen.gates:
        raise UsageError(
            f"{run.name} is a {run.model.settings.cell}, which has no gates: that is the point of an LSTM."
        )
    found, fresh = gates_of(seen), gates_of(trace(as_new(run.model, asked.seed), ids_BT))
    rows = []
    for layer in range(run.model.settings.layers):
        for name, gate in found.saturation.items():
            rows.append(
                (
                    str(layer),
                    name,
                    f"{seen.gates[name][layer].mean():.2f}",
                    f"{gate.left_LH[layer].mean():.1%}",
                    f"{gate.right_LH[layer].mean():.1%}",
                    f"{fresh.saturation[name].right_LH[layer].mean():.1%}",
                    *_times(found, layer, name == next(iter(found.saturation))),
                )
            )
    return Insight(
        f"The gates of {run.name}",
        _said(found, fresh, read.said),
        ("layer", "gate", "mean", "closed", "open", "open, untrained", "median half-life", "longest tenth", "longest"),
        rows,
        {"read": read.said, "tokens": int(ids_BT.size), "trained": _data(found), "untrained": _data(fresh)},
        lambda: gates_in_use(found, fresh),
    )


def _times(found: Gates, layer: int, first: bool) -> tuple[str, ...]:
    if found.half_life_LH is None or not first:
        return ("", "", "")
    lives = found.half_life_LH[layer]
    return tuple(f"{each:,.1f}" for each in (np.median(lives), np.percentile(lives, 90), lives.max()))


def _data(found: Gates) -> dict[str, object]:
    return {
        "closed": {name: each.left_LH.mean(1).tolist() for name, each in found.saturation.items()},
        "open": {name: each.right_LH.mean(1).tolist() for name, each in found.saturation.items()},
        "half_life": None if found.half_life_LH is None else found.half_life_LH.tolist(),
    }


def _said(found: Gates, fresh: Gates, read: str) -> str:
    most, use = max(found.saturation.items(), key=lambda item: float(item[1].right_LH.mean()))
    text = (
        f"Over {read}, the {most} gate is the one most often open ({use.right_LH.mean():.0%} of the time above 0.9, "
        f"{use.left_LH.mean():.0%} below 0.1)."
    )
    if found.half_life_LH is None or fresh.half_life_LH is None:
        return text
    lives, before = found.half_life_LH, fresh.half_life_LH
    longest = np.unravel_index(lives.argmax(), lives.shape)
    ten = float((lives > 10).mean())
    text += (
        f" Half of what a typical unit holds is gone after {np.median(lives):.1f} tokens ({np.median(before):.1f} "
        f"before it "
        f"learned anything); {ten:.0%} of the units keep it for more than 10 (before: {(before > 10).mean():.0%}), "
        f"and unit "
        f"{longest[1]} of layer {longest[0]} for {lives.max():,.0f} (before, the longest: {before.max():,.1f})."
    )
    spread = float(np.log(lives).std() / max(np.log(before).std(), 1e-9))
    return text + (
        " Training has made some units fast and others slow: they share the work of remembering."
        if spread > 1.5
        else " The units hardly differ in that: nothing has taught them to keep different things for different times."
    )
