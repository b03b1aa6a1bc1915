"""What one may ask of a generation: every knob there is, and the settings that its parts make of them. Knows no run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from toolkit import domains
from toolkit.adapt.settings import AdaptSettings
from toolkit.core import Knob, checked, knob, knobs_of
from toolkit.engine.blend_settings import BlendSettings
from toolkit.sampling import sampling_knobs
from toolkit.search.settings import SearchSettings
from toolkit.steer.settings import SteeringSettings

Part = TypeVar("Part")

MOST_TOKENS = 1_000_000


@dataclass(frozen=True)
class PageSettings:
    """What a model takes after before it goes on."""

    adapt_to: str | None = knob(
        None,
        "a page, or typed notes, that the model takes after before it begins",
        long=True,
        file=True,
    )


@dataclass(frozen=True)
class LikenessSettings:
    """Another run that a result should sound like as a whole."""

    sound_like: str | None = knob(
        None, "another run of the same codec that the whole should sound like, with a strength, such as runs/other:0.5"
    )


SHARED: Mapping[type, str] = {
    SearchSettings: "Search",
    LikenessSettings: "Steering",
    SteeringSettings: "Steering",
    BlendSettings: "Blending",
    PageSettings: "Adapting",
    AdaptSettings: "Adapting",
}
"""The settings that text and music share, beside the sampling chain, each with the heading of its knobs."""


def length_knob(default: int) -> Knob:
    return Knob("length", int, default, "tokens to generate at most", low=1, high=MOST_TOKENS, unit="tokens")


def generation_knobs(domain: str, defaults: Mapping[str, Any] | None = None) -> tuple[Knob, ...]:
    """Everything one may turn when generating in a domain: length, the domain's controls, the sampling chain, the rest.

    ``defaults`` (a run's own sampling settings) replace those declared.
    """
    found = domains.find(domain)
    knobs = (
        length_knob(found.length),
        *knobs_of(found.controls),
        *_under("Sampling", sampling_knobs()),
        *_under("Steering", knobs_of(found.wishes)),
        *(each for kind, group in SHARED.items() for each in _under(group, knobs_of(kind))),
    )
    known = {**found.sampling, **(defaults or {})}
    return tuple(dataclasses.replace(each, default=known.get(each.name, each.default)) for each in knobs)


def part(kind: type[Part], settings: Mapping[str, Any]) -> Part:
    """The ``kind`` of settings, a dataclass of knobs, that flat ``settings`` hold."""
    return checked(kind, {each.name: settings[each.name] for each in knobs_of(kind)})


def _under(group: str, knobs: tuple[Knob, ...]) -> tuple[Knob, ...]:
    return tuple(each if each.group else dataclasses.replace(each, group=group) for each in knobs)
