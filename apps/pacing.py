"""A generation paced for a screen: shown ten times a second, ended by the user or by the clock.

Showing costs more than generating, so parts are gathered between two looks, and here is the line that is shown
meanwhile. Knows neither text nor music.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from toolkit.steer import Progress

from .guard import MOST_SECONDS

if TYPE_CHECKING:
    from toolkit.api.streaming import Stream

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

    How a search by particles stands is no part; it is looked at like one, and ``progress`` holds the last of it.

    Ends with the stream, at the user's wish, or after ``limit`` seconds; ``out_of_time`` tells the last. What one
    look costs is left out of the pace, so that a costly one does not slow the generation by more than half.
    """

    def __init__(
        self, stream: Iterable[Part | Progress], stops: Stops, session: str, limit: float = MOST_SECONDS
    ) -> None:
        self._stream, self._stops, self._session, self._limit = stream, stops, session, limit
        self.parts: list[Part] = []
        self.progress: Progress | None = None
        self.out_of_time = False
        self.began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def __iter__(self) -> Iterator[list[Part]]:
        due = self.began
        for part in self._stream:
            if isinstance(part, Progress):
                self.progress = part
            else:
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


def at_work() -> str:
    """One line while nothing is there yet: a page is read, a search or a filling is under way."""
    return _line("at work …")


def progress(stream: Stream, paced: Paced[Any]) -> str:
    """One line while a result comes about, as HTML; of one that is steered, how its particles stand."""
    facts = [f"seed {stream.seed}", f"{paced.seconds:.1f} s"]
    if paced.progress is not None and not paced.parts:
        now, particles = paced.progress, stream.request.steering.particles
        facts += [f"steering, {now.position:,} tokens in", f"{now.ess:.0f} of {particles} beginnings count"]
        facts += [
            f"{now.rows} different ones",
            f"{now.finished} ended" if now.finished else "",
            "the best so far above",
        ]
    return _line(*facts)


def summary(details: Mapping[str, Any], paced: Paced[Any], link: str = "") -> str:
    """One line on how a result came about, as HTML, and the ``link`` to it, which is HTML already."""
    endings = {
        "stop": "ended by itself",
        "complete": "complete: nothing may follow",
        "length": "as long as asked for",
        "cut": "ended where you asked",
        "filled": "the gap is filled",
        "interrupted": f"ended after {MOST_SECONDS:.0f} seconds" if paced.out_of_time else "stopped",
    }
    tokens, seconds = details["tokens"], paced.seconds
    speed = f"{tokens / seconds:,.0f} tokens a second" if seconds > 0.05 and tokens else ""
    ending = endings.get(details["ending"], "")
    return _line(
        f"seed {details['seed']}", f"{tokens:,} tokens", speed, ending, *_found(details.get("found", {})), link
    )


def _found(facts: Mapping[str, Any]) -> list[str]:
    """What a search, a steering or a filling says of the one result that is shown."""
    if "searched" in facts:
        return ["the best of a search", f"log-probability {facts['log_probability']:.1f} nats"]
    if "particles" in facts:
        kept = f"chosen from {facts['distinct']} different ones"
        return [kept, f"never fewer than {facts['least_ess']:.0f} of {facts['particles']} beginnings counted"]
    if "share" in facts:
        return [f"log-probability {facts['log_probability']:.1f} nats"]
    return []


def _line(*facts: str) -> str:
    return '<p class="line">' + "".join(f"<span>{each}</span>" for each in facts if each) + "</p>"
