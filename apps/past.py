"""What a tab showed before, so that one can go back to it and forth again. Knows lists of values, no meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MOST = 50
"""Results that one can go back over; older ones are kept where results are kept."""


@dataclass(frozen=True)
class Past:
    """What was shown, the oldest first, and which of it is shown now (-1 before there is anything)."""

    shown: tuple[Sequence[Any], ...] = ()
    at: int = -1

    def with_new(self, values: Sequence[Any]) -> Past:
        """After something new: what one had gone back from is gone."""
        shown = (*self.shown[: self.at + 1], tuple(values))[-MOST:]
        return Past(shown, len(shown) - 1)

    def moved(self, by: int) -> Past:
        """So many results forth, or back where negative, as far as there are any."""
        return Past(self.shown, min(max(self.at + by, 0), len(self.shown) - 1))

    @property
    def now(self) -> Sequence[Any] | None:
        """What is to be shown; None before there is anything."""
        return self.shown[self.at] if self.at >= 0 else None
