"""Tokens on the page: coloured by surprise, and a table of what else could stand in a place. Knows no model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

from toolkit.api.tokens import Alternative

BANDS = ((0.1, "sure"), (0.7, "likely"), (2.3, "open"), (4.6, "surprising"), (float("inf"), "astonishing"))
"""Nats up to which a token is called so: chances of nine in ten, one in two, one in ten and one in a hundred."""
COLOURS = {
    "sure": "#fff7bc",
    "likely": "#fee391",
    "open": "#fec44f",
    "surprising": "#ec7014",
    "astonishing": "#993404",
}


_CAME = ' class="came"'


class Made(NamedTuple):
    """What alternatives to a token are found from: the generation it is a part of."""

    run: str
    prompt: str | None
    seed: int
    settings: Mapping[str, Any]
    tokens: Sequence[int]
    places: Mapping[str, str]
    """Paths in the settings that must not be told, with the names that they go by."""


def band(nats: float) -> str:
    """What a token of that surprise is called."""
    return next(name for most, name in BANDS if nats <= most)


def visible(text: str) -> str:
    """A token so that blanks can be seen."""
    return text.replace("\n", "\u23ce").replace(" ", "\u2423").replace("\t", "\u21e5") or "(nothing yet)"


def table_of(found: Sequence[Alternative], chosen: int) -> str:
    """The alternatives as HTML, the one that came marked; nothing in it is taken for markup."""
    rows = "".join(
        f"<tr{_CAME * (each.token == chosen)}><td><code>{escape(visible(each.text))}</code></td>"
        f"<td>{each.probability:.1%}</td><td>{each.drawn:.1%}</td></tr>"
        for each in found
    )
    heads = '<tr><th scope="col">token</th><th scope="col">by the model</th><th scope="col">as drawn</th></tr>'
    return (
        '<div class="numbers" tabindex="0" role="region" aria-label="Alternatives"><table><thead>'
        f"{heads}</thead><tbody>{rows}</tbody></table></div>"
    )
