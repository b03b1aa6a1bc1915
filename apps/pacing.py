"""A generation paced for a screen: shown ten times a second, ended by the user or by the clock.

Showing costs more than generating, so parts are gathered between two looks. Knows neither text nor music.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, TypeVar

from .guard import MOST_SECONDS

EVERY = 0.08
"""seconds between two looks at a result that grows"""

_SESSIONS = 1_000

Part = TypeVar("Part")


class Stops:
    """Who asked for their generation to stop, by session; the oldest sessions are forgotten."""

    def __init__(self) -> None:
        self._asked: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, session: str) -> None:
        with self._lock:
            self._asked[session] = time.monotonic()
            self._asked.move_to_end(session)
            while len(self._asked) > _SESSIONS:
                self._asked.popitem(last=False)

    def asked_since(self, session: str, moment: float) -> bool:
        return self._asked.get(session, 0.0) > moment


class Paced(Generic[Part]):
    """Iterating gives the parts so far, at once for the first and then every ``EVERY`` seconds.

    Ends with the stream, at the user's wish, or after ``limit`` seconds; ``out_of_time`` tells the last. What one
    look costs is left out of the pace, so that a costly one does not slow the generation by more than half.
    """

    def __init__(self, stream: Iterable[Part], stops: Stops, session: str, limit: float = MOST_SECONDS) -> None:
        self._stream, self._stops, self._session, self._limit = stream, stops, session, limit
        self.parts: list[Part] = []
        self.out_of_time = False
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def __iter__(self) -> Iterator[list[Part]]:
        due = self.began
        for part in self._stream:
            self.parts.append(part)
            now = time.monotonic()
            if self._stops.asked_since(self._session, self.began):
                return
            if now - self.began > self._limit:
                self.out_of_time = True
                return
            if now >= due:
                yield self.parts
                shown = time.monotonic()
                due = shown + max(EVERY, shown - now)


def progress(seed: int, seconds: float) -> str:
    """One line while a result comes about, as HTML."""
    return _line(f"seed {seed}", f"{seconds:.1f} s")


def summary(details: Mapping[str, Any], paced: Paced[Any]) -> str:
    """One line on how a result came about, as HTML."""
    endings = {
        "stop": "ended by itself",
        "complete": "complete: nothing may follow",
        "length": "as long as asked for",
        "cut": "ended where you asked",
        "interrupted": f"ended after {MOST_SECONDS:.0f} seconds" if paced.out_of_time else "stopped",
    }
    tokens, seconds = details["tokens"], paced.seconds
    speed = f"{tokens / seconds:,.0f} tokens a second" if seconds > 0.05 and tokens else ""
    return _line(f"seed {details['seed']}", f"{tokens:,} tokens", speed, endings.get(details["ending"], ""))


def _line(*facts: str) -> str:
    return '<p class="line">' + "".join(f"<span>{each}</span>" for each in facts if each) + "</p>"
