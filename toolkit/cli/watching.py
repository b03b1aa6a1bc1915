"""What a person sees of a training run: a live bar on a terminal, plain lines everywhere else. All on stderr."""

from __future__ import annotations

import sys
import textwrap
import time
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Protocol, Self

from toolkit.api import Event, Finished, Noted, Previewed, Started, Stepped, Validated
from toolkit.cli.terminal import colourful, harmless, say

_PLAIN_EVERY = 5.0  # seconds between two plain lines about steps


class Watch(Protocol):
    """Shows one event after another."""

    def show(self, event: Event) -> None: ...


def watching() -> AbstractContextManager[Watch]:
    """The way of showing events that suits stderr."""
    return LiveWatch() if colourful(sys.stderr) else PlainWatch()


def told(event: Event) -> str:
    """An event in words; nothing for a step, of which there are too many."""
    match event:
        case Noted(text):
            return harmless(text)
        case Started(run, parameters, tokens, step, precision):
            begun = f"going on at step {step:,}" if step else "training begins"
            return f"{run}: {begun}, {parameters:,} parameters, {tokens:,} tokens, {precision}"
        case Validated(step, loss, per_unit, unit, best):
            mark = "  best so far" if best else ""
            return f"step {step:,}  validation {loss:.4f} nats/token  {per_unit:.4f} nats/{unit}{mark}"
        case Previewed(_, text):
            return textwrap.indent(harmless(text).strip("\n"), "  | ", lambda line: True)
        case Finished(run, result):
            return f"{run}: finished after {result['steps']:,} steps and {result['seconds']:,} seconds"
        case _:
            return ""


class _Speed:
    """Tokens a second, over what came since it was last asked."""

    def __init__(self) -> None:
        self._last: tuple[float, int] | None = None

    def at(self, tokens: int) -> float:
        now = time.monotonic()
        before, self._last = self._last, (now, tokens)
        return 0.0 if before is None or now <= before[0] else (tokens - before[1]) / (now - before[0])


def _left(seconds: float) -> str:
    minutes, seconds = divmod(round(max(0.0, seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


class PlainWatch:
    """A line for whatever happens, and one about the steps every few seconds."""

    def __init__(self, every: float = _PLAIN_EVERY) -> None:
        self._every, self._said = every, time.monotonic()
        self._speed = _Speed()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return

    def show(self, event: Event) -> None:
        if not isinstance(event, Stepped):
            say(told(event))
        elif time.monotonic() - self._said >= self._every:
            self._said = time.monotonic()
            progress, speed = event.progress, self._speed.at(event.progress.tokens)
            pace = f"  {speed:,.0f} tokens/s" if speed else ""
            say(
                f"step {progress.step:,}  {event.fraction:.0%}  loss {progress.loss:.4f}{pace}"
                f"  {_left(event.remaining)} left"
            )


class LiveWatch:
    """A bar that moves, with what happens printed above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

        self._bar: Any = Progress(
            TextColumn("step {task.fields[step]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("loss {task.fields[loss]}  {task.fields[pace]}  {task.fields[left]} left"),
            console=Console(stderr=True),
            transient=True,
        )
        self._task: Any = None
        self._speed, self._asked, self._pace = _Speed(), 0.0, ""

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def show(self, event: Event) -> None:
        if not isinstance(event, Stepped):
            self._bar.console.print(told(event), markup=False, highlight=False)
            return
        if self._task is None:
            self._task = self._bar.add_task("", total=1.0, step="", loss="", pace="", left="")
        progress, now = event.progress, time.monotonic()
        if now - self._asked > 1.0:
            self._asked, self._pace = now, f"{self._speed.at(progress.tokens):,.0f} tokens/s"
        self._bar.update(
            self._task,
            completed=event.fraction,
            step=f"{progress.step:,}",
            loss=f"{progress.loss:.4f}",
            pace=self._pace,
            left=_left(event.remaining),
        )
