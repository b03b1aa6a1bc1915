"""Settings in an address: what a link to a result says, and what a page opened by one holds.

Knows tabs, knobs and query strings; no model. What a link says and cannot be is left out, and told.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from toolkit.core import Knob, ToolkitError

_LONGEST = 1500
"""Characters of an address; what is longer is left to files."""


@dataclass(frozen=True)
class Linked:
    """What a link asks for: a tab, a run, a seed, a prompt and settings, and what of it cannot be."""

    tab: str
    run: str
    seed: str
    prompt: str
    settings: Mapping[str, Any]
    refused: Sequence[str]


def address(tab: str, details: Mapping[str, Any], knobs: Sequence[Knob]) -> str:
    """The query of a link to a result: only settings that are not the run's own; empty where it would be too long."""
    asked = {"tab": tab, "run": details["run"], "seed": details["seed"]}
    if details.get("prompt"):
        asked["prompt"] = details["prompt"]
    for knob in knobs:
        value = details["settings"].get(knob.name, knob.default)
        if value != knob.default and value is not None:
            asked[knob.name] = value
    query = "?" + urlencode(asked)
    return query if len(query) <= _LONGEST else ""


def anchor(query: str) -> str:
    """The link as HTML."""
    return f'<a class="link" href="{escape(query)}">Link to these settings</a>' if query else ""


def linked(parameters: Mapping[str, str], knobs: Sequence[Knob]) -> Linked:
    """What an address asks for; a name that no knob has is passed over, a value that cannot be is refused by name."""
    settings: dict[str, Any] = {}
    refused = []
    for knob in knobs:
        if knob.name in parameters:
            try:
                settings[knob.name] = knob.check(knob.parse(parameters[knob.name]))
            except (ToolkitError, ValueError):
                refused.append(knob.name)
    seed = parameters.get("seed", "")
    return Linked(
        parameters.get("tab", ""),
        parameters.get("run", ""),
        seed if seed.isdecimal() and len(seed) <= 16 else "",
        parameters.get("prompt", ""),
        settings,
        refused,
    )
