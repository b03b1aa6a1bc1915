"""SIGINT and SIGTERM as a wish: the first one asks a training run to save and end, the second ends at once.

Before training has begun there is nothing to save, and the first one ends at once too.
"""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Any, Self

from toolkit.cli.failures import Interrupted
from toolkit.cli.terminal import say

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Called, it says whether to stop. While entered, it holds the signals' handlers."""

    def __init__(self) -> None:
        self.asked: int | None = None
        self.worth_saving = False
        self._before: dict[int, Any] = {}

    def __call__(self) -> bool:
        return self.asked is not None

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._hear) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if not self.worth_saving or self.asked is not None:
            raise Interrupted(number)
        self.asked = number
        say("Stopping after this step and saving; once more stops at once.")
