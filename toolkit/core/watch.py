"""How long work that has nothing to show yet can be ended by whoever waits for it. Knows no work."""

from __future__ import annotations

from collections.abc import Callable

Watch = Callable[[], None]
"""Called again and again while something is made; what it raises ends the work, and nothing of it is kept."""


def unwatched() -> None:
    """The `Watch` of those who wait for the end."""
