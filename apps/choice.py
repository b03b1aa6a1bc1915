"""The choice among the runs of a domain, and what follows it: the chosen one's card, and what its settings hold.

What a run is, is the library's business; what one may turn, is `settings`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api import Run, generation_knobs
from toolkit.core import Knob

from .events import ANSWERED, AT_ONCE
from .library import Library, card
from .settings import Settings
from .workbench import explained


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
            asked = request.query_params
            linked = asked.get("tab") == tab and asked.get("run") in self.library.names(self.domain)
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
