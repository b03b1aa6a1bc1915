"""Knobs as controls of a page: which component shows one, and what its value means.

The declaration in the library decides; here are only the narrower ranges that suit a slider. Knows no tab.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import gradio as gr

from toolkit.core import Knob

from .guard import MOST_TOKENS

_MOST_STEPS = 5_000
"""A range with more steps than this cannot be aimed at with a slider."""

_UNDECIDED = ""
"""What a dropdown holds when the choice is left to the model."""

COMFORTABLE: Mapping[str, float] = {
    "length": MOST_TOKENS,
    "temperature": 2.0,
    "beams": 64,
    "groups": 64,
    "particles": 256,
    "adapt_passes": 3,
}
"""The most that the studio offers of a knob that can go further: what two cores do within a minute or so."""

LEAST: Mapping[str, float] = {"adapt_chunk": 16}
"""The least, of knobs that take the longer the lower they are."""

RUNS = ("blend", "sound_like")
"""Knobs that name runs, which are looked up among those that the studio offers."""

_NAMES: Mapping[str, str] = {
    "adapt_strength": "How strongly",
    "adapt_to": "Take after this page",
    "anew": "What is made anew",
    "bass": "A bass to set voices over",
    "after": "What comes after",
    "blend": "Mix in",
    "given_key": "Its key",
    "given_meter": "Its meter",
    "high": "Highest note",
    "last": "Last note at least",
    "leap": "Widest leap",
    "line_rhymes": "A line rhyming with",
    "low": "Lowest note",
    "max_copy": "Longest copy allowed",
    "middle": "Length of the filling",
    "refill": "Bars to make anew",
    "of": "The melody to vary",
    "repeat_bar": "Same bar at most",
    "rewrite": "A chorale to rewrite",
    "scale": "Stay in the scale",
    "soprano": "A melody to harmonise",
    "tones": "Only these notes",
    "unbroken": "No voice falls silent",
    "use": "Only these bars",
    "uncrossed": "No voices cross",
    "vary": "Keep or change",
    "words_from": "Only words of",
}
"""What a knob is called where its own name, made for a flag, would say too little."""

_SHORT = re.compile(r"^(dry|xtc|json)\b", re.IGNORECASE)


def narrowed(knob: Knob) -> Knob:
    """The knob within the studio's range, which always holds its default, but for what is capped."""
    if knob.name in LEAST:
        knob = dataclasses.replace(knob, low=min(LEAST[knob.name], knob.default))
    most = COMFORTABLE.get(knob.name)
    if most is None:
        return knob
    default = min(knob.default, MOST_TOKENS) if knob.name == "length" else knob.default
    return dataclasses.replace(knob, high=max(most, default), default=default)


def component(knob: Knob, names: Sequence[str] = (), elem_id: str | None = None) -> Any:
    """The component for ``knob``: a checkbox, a dropdown, a slider, a number or a line of text.

    ``names`` are words for the whole numbers from the knob's low on, and make a dropdown of them.
    """
    knob = narrowed(knob)
    common: dict[str, Any] = {"label": label(knob), "info": _about(knob), "interactive": True, "elem_id": elem_id}
    if knob.kind is bool:
        return gr.Checkbox(value=knob.default, **common)
    if names:
        values = range(int(knob.low or 0), int(knob.low or 0) + len(names))
        return gr.Dropdown(list(zip(names, values, strict=True)), value=knob.default, **common)
    if knob.choices:
        undecided = [("As it comes", _UNDECIDED)] if knob.optional else []
        return gr.Dropdown([*undecided, *((each, each) for each in knob.choices)], value=shown(knob), **common)
    if knob.name in RUNS:
        return gr.Dropdown(fellows_offered(()), value=shown(knob), allow_custom_value=True, **common)
    if knob.kind is str:
        lines = {"lines": 3, "max_lines": 8} if knob.long else {"max_lines": 1}
        return gr.Textbox(value=shown(knob), placeholder="none", **lines, **common)
    if knob.optional:  # a number that is empty at first would be shown and sent as 0
        return gr.Textbox(value=shown(knob), placeholder="any", max_lines=1, **common)
    step = knob.step or (1 if knob.kind is int else 0.01)
    if knob.low is None or knob.high is None or (knob.high - knob.low) / step > _MOST_STEPS:
        precision = 0 if knob.kind is int else None
        return gr.Number(
            knob.default,
            minimum=knob.low,
            maximum=knob.high,
            step=step,
            precision=precision,
            **common,
        )
    return gr.Slider(knob.low, knob.high, value=knob.default, step=step, **common)


def fellows_offered(names: Sequence[str]) -> list[tuple[str, str]]:
    """The choices of a control that names runs; another weight, or several runs, may be typed."""
    return [("none", _UNDECIDED), *((each, f"{each}:0.5") for each in names)]


def shown(knob: Knob) -> Any:
    """The knob's default as its component holds it."""
    knob = narrowed(knob)
    if knob.default is None:
        return _UNDECIDED
    return f"{knob.default:g}" if knob.optional and knob.kind is not str else knob.default


def meant(knobs: Sequence[Knob], values: Sequence[Any]) -> dict[str, Any]:
    """The settings that the components' values stand for, not yet checked against the run's knobs."""
    return {knob.name: _meant(knob, value) for knob, value in zip(knobs, values, strict=True)}


def _meant(knob: Knob, value: Any) -> Any:
    if not knob.optional or value is None:
        return value
    if value == _UNDECIDED:
        return None
    return knob.parse(value) if isinstance(value, str) and knob.kind is not str else value


def label(knob: Knob) -> str:
    """The knob's name for people."""
    if knob.name in _NAMES:
        return _NAMES[knob.name]
    spelled = re.sub(r"_([kp])$", r"-\1", knob.name).replace("_", " ").capitalize()
    return _SHORT.sub(lambda found: found[0].upper(), spelled)


def _about(knob: Knob) -> str:
    """The knob's help as a sentence, which the page takes for text."""
    about = knob.help[:1].upper() + knob.help[1:].rstrip(".").replace("runs/", "")
    unit = f" ({knob.unit})" if knob.unit and knob.unit.lower() not in about.lower() else ""
    return about + unit + "."
