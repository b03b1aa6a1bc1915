"""Things to try in the first minute, as links to settings: one needs to press Generate only.

Knows the shipped runs by name; an example whose run is not offered is not shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any
from urllib.parse import urlencode

from .library import Library


@dataclass(frozen=True)
class Example:
    """What it is called, the run it is of, and what is set."""

    title: str
    run: str
    asked: Mapping[str, Any]


EXAMPLES: Mapping[str, Sequence[Example]] = {
    "text": (
        Example("A scene for Romeo", "shakespeare", {"prompt": "ROMEO:\n", "seed": 7}),
        Example("An acrostic", "shakespeare", {"acrostic": "WINTER", "temperature": 0.7, "seed": 3}),
        Example("In the beginning", "kjv", {"prompt": "In the beginning", "length": 200, "seed": 1}),
    ),
    "melody": (
        Example("A jig in D", "folk", {"meter": "6/8", "key": "D", "mode": "major", "bars": 16, "seed": 3}),
        Example("Over four chords", "folk", {"chords": "D | G | A7 | D", "bars": 8, "seed": 7}),
        Example("A reel in four parts", "folk", {"meter": "4/4", "form": "AABB", "part": 4, "key": "G", "seed": 5}),
    ),
    "chorale": (
        Example(
            "Voices under a hymn",
            "bach",
            {"soprano": "M:4/4 L:1/4 K:G | G G D B | A G2 B | d c B A | B4 |", "unbroken": "yes", "seed": 2},
        ),
        Example("A chorale of its own", "bach", {"bars": 8, "seed": 4}),
    ),
}
"""By the tab that they are of."""


def examples(tab: str, domain: str, library: Library) -> str:
    """The links, as HTML; empty where no run of an example is offered."""
    offered = library.names(domain)
    links = [
        f'<a href="{escape("?" + urlencode({"tab": tab, "run": each.run, **each.asked}))}">{escape(each.title)}</a>'
        for each in EXAMPLES.get(tab, ())
        if each.run in offered
    ]
    return f'<p class="examples">Try {" ".join(links)}</p>' if links else ""
