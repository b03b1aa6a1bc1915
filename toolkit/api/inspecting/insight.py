"""What looking inside a model gave: a paragraph, a table, numbers and a picture, all of one measurement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Insight:
    """``said`` is written from the numbers in ``data``; ``draw`` makes the picture, a PNG, and needs matplotlib.

    ``moving`` makes an animation (GIF), where time is the point.
    """

    title: str
    said: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    data: Mapping[str, Any]
    draw: Callable[[], bytes] | None = None
    moving: Callable[[], bytes] | None = None
    notes: Sequence[str] = field(default=())
