"""The user's own presets on the page: all settings of a tab kept under a name, turned to again, or forgotten.

Only on a studio that nobody but this machine can reach. Where they are kept is `toolkit.api.own_presets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from toolkit.api.own_presets import OwnPresets

from .events import ANSWERED, AT_ONCE
from .library import Library
from .settings import Settings
from .workbench import explained


@dataclass(frozen=True)
class Own:
    """A choice of what is kept, a name to keep by, and two buttons; ``kept`` is where."""

    domain: str
    kept: OwnPresets
    chosen: Any
    name: Any
    keep: Any
    forget: Any

    @classmethod
    def drawn(cls, domain: str, kept: OwnPresets) -> Own:
        with gr.Accordion("Your own presets", open=False):
            chosen = gr.Dropdown(
                kept.names(domain),
                value=None,
                label="Turn everything to",
                interactive=True,
                filterable=False,
                elem_id=f"{domain}-own",
            )
            name = gr.Textbox(
                label="Keep all settings as", placeholder="a name", max_lines=1, elem_id=f"{domain}-own-name"
            )
            with gr.Row(elem_classes="buttons"):
                keep = gr.Button("Keep", size="sm", min_width=64, elem_id=f"{domain}-own-keep")
                forget = gr.Button("Forget", size="sm", min_width=64, elem_id=f"{domain}-own-forget")
        return cls(domain, kept, chosen, name, keep, forget)

    def connect(self, page: gr.Blocks, library: Library, run: Any, settings: Settings) -> None:
        """Lets them turn, and keep, the ``settings`` of the tab; ``run`` is the control of the model."""

        def turned(name: str | None, run: str | None) -> list[Any]:
            if not name:
                return [gr.skip() for _ in settings.following]
            with explained():
                fellows = library.fellows(self.domain, run or "")
                return settings.held(library.open(self.domain, run), fellows, self.kept.settings(self.domain, name))

        def keeping(name: str | None, *values: Any) -> list[Any]:
            called = (name or "").strip()
            with explained():
                self.kept.keep(self.domain, called, settings.meant(values))
            return [self._choices(called), ""]

        def forgetting(name: str | None) -> Any:
            with explained():
                self.kept.delete(self.domain, name or "")
            return self._choices(None)

        self.chosen.input(turned, [self.chosen, run], settings.following, **ANSWERED)
        self.keep.click(keeping, [self.name, *settings.controls], [self.chosen, self.name], **ANSWERED)
        self.forget.click(forgetting, self.chosen, self.chosen, **ANSWERED)
        page.load(lambda: self._choices(None), None, self.chosen, **AT_ONCE)

    def _choices(self, chosen: str | None) -> Any:
        return gr.update(choices=self.kept.names(self.domain), value=chosen)
