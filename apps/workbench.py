"""What the tabs are made of: the seed, the buttons, the files, and the way a result is handed over.

A tab puts these parts in their places and says what is made of the stream; what one may turn is `settings`, and among
which runs one chooses `choice`. Knows neither text nor music.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import inspect
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from toolkit.api import Result
from toolkit.core import ToolkitError, UsageError

from .events import AT_ONCE
from .pacing import Paced, Stops, at_work

HIGHEST_SEED = 2**53 - 1
"""The largest whole number that survives a browser."""


@contextlib.contextmanager
def explained(places: Mapping[str, str] | None = None) -> Iterator[None]:
    """Turns a failure that the user can understand into a toast of one sentence; others stay unexplained.

    ``places`` are paths of this machine that must not be told, with the names that they go by.
    """
    try:
        yield
    except ToolkitError as error:
        sentence = unplaced(str(error), places or {})
        told = html.escape(sentence[:1].upper() + sentence[1:], quote=False)
        raise gr.Error(told, duration=8, print_exception=False) from None


def unplaced(sentence: str, places: Mapping[str, str]) -> str:
    """The sentence with the names of ``places`` instead of their paths."""
    for place, name in places.items():
        sentence = sentence.replace(place, name)
    return sentence


@dataclass(frozen=True)
class Seed:
    """The seed: empty for a new one each time, or a number for the same result again."""

    number: Any
    new: Any
    again: Any

    @classmethod
    def drawn(cls, domain: str) -> Seed:
        with gr.Row(elem_classes="seed"):
            number = gr.Textbox(  # a number that is empty at first would be shown and sent as 0
                label="Seed",
                placeholder="a new one each time",
                max_lines=1,
                min_width=120,
                scale=4,
                elem_id=f"{domain}-seed",
            )
            new = gr.Button("⚄ New", size="sm", min_width=64, scale=1, elem_id=f"{domain}-seed-new")
            again = gr.Button("↺ Last", size="sm", min_width=64, scale=1, elem_id=f"{domain}-seed-again")
        return cls(number, new, again)

    def connect(self, details: Any) -> None:
        self.new.click(lambda: None, None, self.number, **AT_ONCE)
        self.again.click(seed_of, details, self.number, **AT_ONCE)


def seed_of(details: Any) -> int | None:
    """The seed that a result's details name, if they come from a result."""
    seed = details.get("seed") if isinstance(details, dict) else None
    return seed if type(seed) is int and 0 <= seed <= HIGHEST_SEED else None


@dataclass(frozen=True)
class Downloads:
    """A button for each format that a result can be taken away in."""

    suffixes: tuple[str, ...]
    buttons: tuple[Any, ...]

    @classmethod
    def drawn(cls, domain: str, formats: Mapping[str, str]) -> Downloads:
        with gr.Row(elem_classes="downloads"):
            buttons = tuple(
                gr.DownloadButton(
                    f"↓ {name}", size="sm", min_width=84, interactive=False, elem_id=_download_id(domain, suffix)
                )
                for suffix, name in formats.items()
            )
        return cls(tuple(formats), buttons)

    def of(self, files: Mapping[str, str]) -> list[str | None]:
        """What the buttons hold, given the path of each file there is."""
        return [files.get(each) for each in self.suffixes]


def _download_id(domain: str, suffix: str) -> str:
    return f"{domain}-download-{suffix[1:].replace('.', '-')}"


@dataclass(frozen=True)
class Outputs:
    """What a generation fills: what the tab shows of it, then the line, the details and the files of every result.

    What is said of its ``copies`` comes last.
    """

    shown: tuple[Any, ...]
    line: Any
    details: Any
    downloads: Downloads
    copies: tuple[Any, ...]

    @property
    def all(self) -> list[Any]:
        return [*self.shown, self.line, self.details, *self.downloads.buttons, *self.copies]


_SWITCH = """(details) => {
    const under = (window.underWay ??= {}), tab = "%s";
    under[tab] = Math.max(0, (under[tab] ?? 0) + %d);
    const busy = under[tab] > 0, made = !!details;
    return [%s];
}"""


@dataclass(frozen=True)
class Buttons:
    """Generate, Stop and, where a result can be gone on with, Continue."""

    stops: Stops
    domain: str
    generate: Any
    stop: Any
    more: Any | None

    @classmethod
    def drawn(cls, stops: Stops, domain: str, *, continuing: bool) -> Buttons:
        with gr.Row(elem_classes="buttons"):
            generate = gr.Button("Generate", variant="primary", size="md", min_width=110, elem_id=f"{domain}-generate")
            more = gr.Button("Continue", size="md", min_width=90, elem_id=f"{domain}-continue") if continuing else None
            stop = gr.Button(
                "Stop", variant="stop", size="md", interactive=False, min_width=80, elem_id=f"{domain}-stop"
            )
        return cls(stops, domain, generate, stop, more)

    def paced(self, request: gr.Request) -> Paced[Any]:
        """The time that a generation of this tab has, for who sent the request."""
        return Paced(self.stops, who_asks(request, self.domain))

    def connect(
        self,
        button: Any,
        make: Callable[..., Any],
        inputs: list[Any],
        outputs: Outputs,
        *,
        filled: Sequence[Any] | None = None,
        **how: Any,
    ) -> None:
        """Lets ``button`` run ``make``, a generator function that fills ``outputs``, or only what is ``filled``.

        Stop can be pressed for as long as anything of this tab is under way, Generate once nothing is any more.
        """

        @functools.wraps(make)
        def whole_of(request: gr.Request, *values: Any) -> Iterator[Any]:
            try:
                yield from make(request, *values)
            finally:
                self.stops.over(who_asks(request, self.domain))

        making = [each for each in (self.generate, self.more) if each is not None]
        switched = [self.stop, *making, *outputs.downloads.buttons]

        def switch(busy: bool, line: str | None) -> dict[str, Any]:
            ready = ["busy"] + ["!busy"] * len(making) + ["!busy && made"] * len(outputs.downloads.buttons)
            states = [f"{{__type__: 'update', interactive: {each}}}" for each in ready]
            told = [] if line is None else [outputs.line]
            states += [json.dumps(line)] * len(told)
            js = _SWITCH % (self.domain, 1 if busy else -1, ", ".join(states))
            return {"fn": None, "inputs": outputs.details, "outputs": [*switched, *told], "js": js, **AT_ONCE}

        # The switches are the browser's: sent to the server, one could overtake the generation it belongs to.
        whole = filled is None
        button.click(**switch(True, at_work() if whole else None))
        made = button.click(
            whole_of,
            inputs,
            outputs.all if whole else list(filled or ()),
            concurrency_id="model",
            concurrency_limit=1,
            show_progress="hidden",
            **how,
        )
        made.success(**switch(False, None))
        made.failure(**switch(False, "" if whole else None))

    def connect_stop(self) -> None:
        connect_stop(self.stop, self.stops, self.domain)


def who_asks(request: gr.Request, domain: str) -> str:
    """Who waits for what a tab makes: one page's tab of that ``domain``."""
    return f"{request.session_hash} {domain}"


def connect_stop(button: Any, stops: Stops, domain: str) -> None:
    """Lets ``button`` stop what the tab of a ``domain`` makes."""

    def stop(request: gr.Request) -> None:
        stops.ask(who_asks(request, domain))

    stop.__annotations__["request"] = gr.Request
    button.click(stop, None, None, **AT_ONCE)


def told(result: Result) -> Any:
    """The result's details as JSON has them, whose names are strings."""
    return json.loads(json.dumps(result.details))


def kept(result: Result, suffix: str) -> str:
    """The result written where the page may fetch it from; it is deleted when it has become old."""
    name = re.sub(r"[^\w-]+", "-", result.run).strip("-") or "result"
    return str(save_bytes_to_cache(result.export(suffix), f"{name}-{result.seed}{suffix}", get_upload_folder()))


def renamed(result: Result, prompt: str | None, settings: Mapping[str, Any]) -> Result:
    """The result with its prompt called ``prompt`` and ``settings`` as they were asked for.

    Where an upload lay for a while, or a run lies, is nobody's business.
    """
    return dataclasses.replace(result, prompt=prompt, settings={**result.settings, **settings})


def checked_seed(seed: Any) -> int | None:
    """The seed, when it is a whole number that one may ask for."""
    asked = "" if seed is None else str(seed).strip()
    if not asked:
        return None
    if not re.fullmatch("[0-9]{1,16}", asked) or int(asked) > HIGHEST_SEED:
        raise UsageError(f"a seed is a whole number from 0 to {HIGHEST_SEED:,}.")
    return int(asked)


def with_parameters(make: Callable[..., Any], *names: str) -> Callable[..., Any]:
    """``make`` (request, then values) seen as a function of parameters with these names, as the API shows them."""

    @functools.wraps(make)
    def streaming(*values: Any) -> Iterator[Any]:
        yield from make(*values)

    @functools.wraps(make)
    def giving(*values: Any) -> Any:
        return make(*values)

    named: Any = streaming if inspect.isgeneratorfunction(make) else giving  # a method takes no signature itself
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    named.__signature__ = inspect.Signature(
        [inspect.Parameter(name, kind, default=None) for name in ("request", *names)]
    )
    named.__annotations__ = {"request": gr.Request}
    return cast(Callable[..., Any], named)


def nothing_yet(kind: str, command: str) -> str:
    """What stands in a tab for which there is no run, as HTML."""
    return (
        f'<div class="nothing"><h2>No {kind} model yet</h2><p>Train one in a few minutes, then reload this page:</p>'
        f"<pre>{html.escape(command)}</pre></div>"
    )
