"""A generation paced for a screen: shown ten times a second, ended by the user or by the clock.

Showing costs more than generating, so parts are gathered between two looks, and here is the line that is shown
meanwhile. Knows neither text nor music.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from toolkit.api.streaming import Standing
from toolkit.core import ToolkitError
from toolkit.steer import Progress

from .guard import MOST_SECONDS

if TYPE_CHECKING:
    from toolkit.api import Stream

EVERY = 0.08
"""seconds between two looks at a result that grows"""

_FREE, _SHARE = 0.03, 0.01
"""Seconds that making what is looked at may take, and then what share of the time."""
_SESSIONS = 1_000
_SHORT = 1.0
"""seconds in which nobody asks how long it will still take"""

Part = TypeVar("Part")
T = TypeVar("T")


class Stops:
    """Which generations are to stop, by who waits for them, from then until it has; the oldest are forgotten.

    So it stops as well if it still waited for its turn. Who asks within ``grace`` seconds of its end meant that one: a
    press on the button is a while under way.
    """

    def __init__(self, grace: float = 0.2) -> None:
        self._grace = grace
        self._asked: OrderedDict[str, None] = OrderedDict()
        self._over: OrderedDict[str, float] = OrderedDict()
        self._lock = threading.Lock()

    def ask(self, who: str) -> None:
        """Their generation is to stop."""
        with self._lock:
            if time.monotonic() - self._over.get(who, -math.inf) >= self._grace:
                _remember(self._asked, who, None)

    def asked(self, who: str) -> bool:
        """Whether their generation is to stop."""
        return who in self._asked

    def over(self, who: str) -> None:
        """The generation is over, and all that follows it, however it ended: what was asked is done."""
        with self._lock:
            self._asked.pop(who, None)
            _remember(self._over, who, time.monotonic())


def _remember(what: OrderedDict[str, Any], who: str, value: Any) -> None:
    what[who] = value
    what.move_to_end(who)
    while len(what) > _SESSIONS:
        what.popitem(last=False)


class StoppedError(ToolkitError):
    """A generation was ended before there was anything of it."""


class Paced(Generic[Part]):
    """The time that a generation has: from now on, until ``who`` waits for it stops it or ``limit`` seconds are over.

    ``parts`` is what came so far and ``progress`` how a search stands; ``out_of_time`` tells that the clock ended it.
    """

    def __init__(self, stops: Stops, who: str, limit: float = MOST_SECONDS) -> None:
        self._stops, self._who, self._limit = stops, who, limit
        self.parts: list[Part] = []
        self.progress: Standing | None = None
        self.out_of_time = self._stopped = False
        self.began = time.monotonic()
        self._spent = 0.0
        self._picture: Any = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def ended(self) -> bool:
        """Whether the user or the clock ended it; once ended, it stays so."""
        if not (self._stopped or self.out_of_time):
            self._stopped = self._stops.asked(self._who)
            self.out_of_time = not self._stopped and self.seconds > self._limit
        return self._stopped or self.out_of_time

    def watch(self) -> None:
        """Ends, by a StoppedError, what has nothing to show yet."""
        if self.ended():
            why = f"ended after {self._limit:.0f} seconds" if self.out_of_time else "stopped"
            raise StoppedError(f"{why}, before anything was there to keep.")

    def seldom(self, make: Callable[[], T]) -> T:
        """What ``make`` gives of what grows; what it gave before, while making it has taken too much of the time.

        A long piece of music takes longer to draw than it may hold up the search for it, ten times a second.
        """
        if self._picture is None or self._spent <= _FREE + _SHARE * self.seconds:
            began = time.thread_time()
            self._picture = make()
            self._spent += time.thread_time() - began
        picture: T = self._picture
        return picture

    def looks(self, stream: Iterable[Part | Standing]) -> Iterator[list[Part]]:
        """The parts so far, at once for the first and then every ``EVERY`` seconds, until it has ended.

        How a search stands is no part; it is looked at like one. What it found comes all at once, and is not ended in
        the middle. What one look costs is left out of the pace, so that a costly one does not slow the generation by
        more than half.
        """
        due = self.began
        for part in stream:
            if isinstance(part, Standing):
                self.progress = part
            else:
                self.parts.append(part)
            found = self.progress is not None and bool(self.parts)
            if not found and self.ended():
                return
            if time.monotonic() >= due:
                began = time.monotonic()
                yield self.parts
                shown = time.monotonic()
                due = shown + max(EVERY, shown - began)


def at_work() -> str:
    """One line while nothing is there yet: a page is read, a search or a filling is under way."""
    return _line("at work …")


def progress(stream: Stream, paced: Paced[Any]) -> str:
    """One line while a result comes about, as HTML; of a search, how it stands; of a long one, what it may still take.

    A result may end before it is as long as it may become, so what is said of the time left is the most.
    """
    facts = [f"seed {stream.seed}", f"{paced.seconds:.1f} s"]
    now, made, most = paced.progress, stream.tokens_made, stream.request.settings["length"]
    if now is not None and not paced.parts:
        facts += [f"searching, {now.position:,} tokens in", f"{now.rows} different ones"]
        if isinstance(now, Progress):
            facts.append(f"{now.ess:.0f} of {stream.request.steering.particles} beginnings count")
        facts += [f"{now.finished} ended" if now.finished else "", "the best so far above" if now.best else ""]
    if paced.seconds < _SHORT or not made or stream.request.gap is not None:  # a filling has a length of its own
        return _line(*facts)
    speed = made / paced.seconds
    facts += [f"{made:,} of at most {most:,} tokens", f"{(most - made) / speed:.0f} s more at most"]
    bar = f'<progress max="{most}" value="{made}" aria-label="How much of the greatest length is made"></progress>'
    return _line(*facts) + bar


def stopped(stream: Stream, paced: Paced[Any]) -> str:
    """One line for as long as what there is of a generation that was ended is made ready."""
    why = f"ended after {paced.seconds:.0f} seconds" if paced.out_of_time else "stopped"
    return _line(f"seed {stream.seed}", f"{stream.tokens_made:,} tokens", why)


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
