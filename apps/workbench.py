"""What the tabs are made of: the choice of a run, the buttons, and the way a result is handed over.

A tab puts these parts in their places and says what is made of the stream; what one may turn is `settings`. Knows
neither text nor music.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import html
import inspect
import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from toolkit.api import Result, Run, generation_knobs
from toolkit.core import Knob, ToolkitError, UsageError

from .events import ANSWERED, AT_ONCE
from .library import Library, card
from .pacing import Stops, at_work
from .settings import Settings

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
        sentence = str(error)
        for place, name in (places or {}).items():
            sentence = sentence.replace(place, name)
        told = html.escape(sentence[:1].upper() + sentence[1:], quote=False)
        raise gr.Error(told, duration=8, print_exception=False) from None


@dataclass(frozen=True)
class Choice:
    """The choice among the runs of a domain: its dropdown, the chosen one's card, and what stands there without any.

    What there is, is looked up when the page is built, for who calls it as an API, and again whenever it is opened.
    """

    library: Library
    domain: str
    room: Any
    nothing: Any
    run: Any
    about: Any

    @classmethod
    def drawn(cls, library: Library, domain: str, room: Any, nothing: Any) -> Choice:
        names = library.names(domain)
        first = names[0] if names else None
        run = gr.Dropdown(
            names, value=first, label="Model", interactive=True, filterable=False, elem_id=f"{domain}-run"
        )
        return cls(library, domain, room, nothing, run, gr.HTML(card(library.open(domain, first)) if first else ""))

    def opened(self, name: str | None) -> Run:
        return self.library.open(self.domain, name)

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """What one may turn, with the defaults of the run that stands first."""
        names = self.library.names(self.domain)
        return self.opened(names[0]).knobs if names else generation_knobs(self.domain)

    def connect(self, settings: Settings) -> None:
        """Lets the card and the settings follow the choice."""
        follows = [self.about, *settings.following]
        self.run.select(lambda name: self._told(name, settings), self.run, follows, **ANSWERED)
        settings.connect(self.run, self.opened, self.library.fellows)

    @property
    def parts(self) -> list[Any]:
        """What `turned_to` fills."""
        return [self.nothing, self.room, self.run, self.about]

    def turned_to(self, name: str | None) -> list[Any]:
        """What `parts` hold when the run of that name is chosen among those there are now; None where there is none."""
        names = self.library.names(self.domain)
        told = "" if name is None else card(self.opened(name))
        chosen = gr.update(choices=names, value=name)
        return [gr.update(visible=not names), gr.update(visible=bool(names)), chosen, told]

    def renew(self, page: gr.Blocks, settings: Settings, tab: str) -> None:
        """Fills the choice whenever the page is opened and there are other runs than when it was built.

        Where a link leads to this ``tab``, that fills it. To be called outside the tabs: a state in one that is not
        open seems changed to the page. And the controls are written to only then: what the page has once written to,
        it goes through again at every step of a generation.
        """
        built = self._found(settings)
        renewed = gr.State(None)

        def arrived(request: gr.Request) -> Any:
            linked = request.query_params.get("tab") == tab and request.query_params.get("run") in self.library.names(
                self.domain
            )
            # What is there already stays, and with it what was typed meanwhile.
            return gr.skip() if linked or self._found(settings) == built else time.monotonic_ns()

        def filled() -> list[Any]:
            names, (_, *following) = self._found(settings)
            return [*self.turned_to(names[0] if names else None), *following]

        arrived.__annotations__["request"] = gr.Request
        page.load(arrived, None, renewed, **ANSWERED)  # only what went through the queue tells of changed states
        renewed.change(filled, None, [*self.parts, *settings.following], **AT_ONCE)

    def _told(self, name: str | None, settings: Settings) -> list[Any]:
        """What follows the run of that name holds."""
        with explained():
            run = self.opened(name)
            return [card(run), *settings.of(run, self.library.fellows(self.domain, name or ""))]

    def _found(self, settings: Settings) -> tuple[list[str], list[Any]]:
        """The runs there are now, and what follows the first."""
        names = self.library.names(self.domain)
        return names, self._told(names[0], settings) if names else ["", *(gr.skip() for _ in settings.following)]


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


@dataclass(frozen=True)
class Buttons:
    """Generate, Stop and, where a result can be gone on with, Continue."""

    stops: Stops
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
        return cls(stops, generate, stop, more)

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

        Meanwhile only Stop can be pressed.
        """
        making = [each for each in (self.generate, self.more) if each is not None]
        switched = [self.stop, *making, *outputs.downloads.buttons]

        def switch(busy: bool, line: str | None) -> dict[str, Any]:
            ready = ["busy"] + ["!busy"] * len(making) + ["!busy && made"] * len(outputs.downloads.buttons)
            states = [f"{{__type__: 'update', interactive: {each}}}" for each in ready]
            told = [] if line is None else [outputs.line]
            states += [json.dumps(line)] * len(told)
            js = f"(details) => {{ const busy = {str(busy).lower()}, made = !!details; return [{', '.join(states)}]; }}"
            return {"fn": None, "inputs": outputs.details, "outputs": [*switched, *told], "js": js, **AT_ONCE}

        # The switches are the browser's: sent to the server, one could overtake the generation it belongs to.
        whole = filled is None
        button.click(**switch(True, at_work() if whole else None))
        made = button.click(
            make,
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
        def stop(request: gr.Request) -> None:
            self.stops.ask(str(request.session_hash))

        stop.__annotations__["request"] = gr.Request
        self.stop.click(stop, None, None, **AT_ONCE)


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
