"""Which units track what: the topic `units`."""

from __future__ import annotations

from typing import Any

import numpy as np

from toolkit.api.inspecting.insight import Insight
from toolkit.api.inspecting.material import Asked, material, readable, recurrent
from toolkit.api.running import Run
from toolkit.core import InputError, UsageError
from toolkit.inspect.pictures import coloured_tokens
from toolkit.inspect.tracing import as_new, trace
from toolkit.inspect.units import TrackingUnit, tracking_units

_ROWS, _LENGTH = 16, 768
_SHOWN, _DRAWN = 384, 3


def units(run: Run, asked: Asked) -> Insight:
    """The unit that best tracks each thing the domain can name, held to chance and to a random network."""
    recurrent(run)
    read = material(run, asked, _ROWS * _LENGTH)
    ids_BT = read.rows(_ROWS, _LENGTH)
    if len(ids_BT) < 2:
        raise InputError("to find units and to check them takes 128 tokens at least.")
    by_row = [run.domain.features(run.codec, [int(each) for each in row]) for row in ids_BT]
    if not by_row[0]:
        raise UsageError(f"nothing is named that a unit of the codec {run.codec.name!r} could track.")
    features = {name: np.stack([each[name] for each in by_row]) for name in by_row[0]}
    seen = trace(run.model, ids_BT)
    asked.watch()
    fresh = trace(as_new(run.model, asked.seed), ids_BT)
    asked.watch()
    rng = np.random.default_rng(asked.seed)
    found = tracking_units(seen.states["h"], features, rng, untrained_LBTH=fresh.states["h"])
    claimed = [each for each in found if each.claimed]

    def draw() -> bytes:
        labels = readable(run, ids_BT[-1][:_SHOWN])
        shown = (claimed or found)[:_DRAWN]
        panels = [
            (
                f"{each.feature}: layer {each.layer}, unit {each.unit}",
                seen.states["h"][each.layer, -1, :_SHOWN, each.unit],
            )
            for each in shown
        ]
        return coloured_tokens(panels, labels, centred=True, legend="hidden state")

    return Insight(
        f"Units of {run.name}",
        _said(found, claimed, read.said),
        ("feature", "layer", "unit", "correlation", "by chance", "untrained", "stands"),
        [_row(each) for each in found],
        {"read": read.said, "tokens": int(ids_BT.size), "units": [_data(each) for each in found]},
        draw if found else None,
    )


def _row(unit: TrackingUnit) -> tuple[str, ...]:
    numbers = (unit.correlation, unit.by_chance, unit.untrained)
    shown = (f"{each:+.2f}" for each in numbers)
    return (unit.feature, str(unit.layer), str(unit.unit), *shown, "yes" if unit.claimed else "no")


def _data(unit: TrackingUnit) -> dict[str, Any]:
    return {
        "feature": unit.feature,
        "layer": unit.layer,
        "unit": unit.unit,
        "correlation": unit.correlation,
        "by_chance": unit.by_chance,
        "untrained": unit.untrained,
        "claimed": unit.claimed,
    }


def _said(found: list[TrackingUnit], claimed: list[TrackingUnit], read: str) -> str:
    if not claimed:
        return (
            f"While it read {read}, no unit followed any of the {len(found)} features better than chance and than the "
            f"best "
            "unit of a network of the same shape that has learned nothing. There is nothing to be seen in single "
            "units here."
        )
    best = claimed[0]
    way = "rises with it" if best.correlation > 0 else "falls as it rises"
    text = (
        f"While it read {read}, {len(claimed)} of {len(found)} features had a unit of their own. The clearest is unit "
        f"{best.unit} of layer {best.layer}, which follows the {best.feature} and {way}: it correlates at "
        f"{best.correlation:+.2f} on text it was not chosen on, where a feature shifted in time reaches "
        f"{best.by_chance:.2f} with "
        f"the best of all units, and a network that has learned nothing {abs(best.untrained):.2f}."
    )
    others = [each for each in found if not each.claimed]
    if others:
        names = ", ".join(each.feature for each in others)
        text += f" Not claimed, because chance or an untrained network does as well: {names}."
    return text
