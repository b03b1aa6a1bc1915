"""From flat settings to a chain of stages: which there are, in which order, with what left to the calibration.

Knows the stages by their declarations only.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from toolkit.core import Knob, checked, knobs_of, unknown
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.order import Order, stages_in
from toolkit.sampling.stages import TRANSFORMS, Stage, TokenNamed


def sampling_knobs() -> tuple[Knob, ...]:
    """Every setting of every stage under its heading, in the order of `TRANSFORMS`, and the order itself.

    Names are unique.
    """
    headed: list[tuple[type, str]] = [*((stage, stage.heading) for stage in TRANSFORMS), (Order, "Sampling")]
    return tuple(
        dataclasses.replace(each, group=heading) for declared, heading in headed for each in knobs_of(declared)
    )


def chain(
    settings: Mapping[str, Any], *, token_named: TokenNamed | None = None, calibration: Calibration | None = None
) -> tuple[Stage[Any], ...]:
    """The stages that flat ``settings`` ask for, in the order they ask for, neutral ones left out.

    What is not mentioned is neutral; a None that means "as calibrated" is taken from ``calibration``, or without one
    from the literature. UsageError for an unknown name, a value out of its range, or an order that cannot be.
    """
    known = {each.name for each in sampling_knobs()}
    for name in settings:
        if name not in known:
            raise unknown("sampling setting", name, known)
    order = checked(Order, _mine(Order, settings)).order
    stages = (
        checked(stage, _mine(stage, settings)).resolved(token_named, calibration)
        for stage in stages_in(order)
    )  # fmt: skip
    return tuple(stage for stage in stages if not stage.neutral)


def _mine(declared: type, settings: Mapping[str, Any]) -> dict[str, Any]:
    names = {each.name for each in dataclasses.fields(declared)} & settings.keys()
    return {name: settings[name] for name in names}
