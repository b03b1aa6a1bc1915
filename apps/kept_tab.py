"""The tab of what was made before: found again, seen and heard, put back into the tab it came from, or deleted.

Knows the shelf and the tabs' controls; no model.
"""

from __future__ import annotations

import dataclasses
import html
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from toolkit.api import Recipe, recipe_in
from toolkit.core import Knob, ToolkitError, UsageError

from .controls import shown
from .library import Library
from .links import linked
from .settings import Settings
from .shelf import Entry, Kept, Shelf
from .workbench import explained

_LISTED = 200
"""Results that are offered at once; words find the others."""
_NOTHING = '<div class="silence"><span>What you choose on the left is shown here.</span></div>'
_QUIET: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden", "queue": False}


@dataclass(frozen=True)
class Place:
    """Where a result of a domain came from and can be put back: the tab and its controls."""

    tab: str
    run: Any
    prompt: Any
    seed: Any
    settings: Settings

    @property
    def controls(self) -> list[Any]:
        return [self.run, self.prompt, self.seed, *self.settings.controls]


def kept_tab(page: gr.Blocks, library: Library, shelf: Shelf, tabs: Any, places: Mapping[str, Place]) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    with gr.Row(elem_classes="room"):
        with gr.Column(elem_classes="asking"):
            query = gr.Textbox(label="Find", placeholder="words, a model, a setting", max_lines=1, elem_id="kept-query")
            listed = gr.Radio(_lines(shelf.entries()), label="Kept, the newest first", elem_id="kept-list")
            file = gr.File(
                label="Or a file saved here or by the command",
                file_types=[".json", ".mid"],
                type="filepath",
                height=104,
                elem_id="kept-upload",
            )
        with gr.Column(elem_classes="result"):
            seen = gr.HTML(_NOTHING, label="Result", elem_id="kept-seen", elem_classes="roll")
            heard = gr.Audio(
                label="Listen",
                type="filepath",
                interactive=False,
                visible=False,
                buttons=[],
                waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                elem_classes="heard",
                elem_id="kept-audio",
            )
            with gr.Row(elem_classes="buttons"):
                restore = gr.Button("Put it back", variant="primary", interactive=False, elem_id="kept-restore")
                delete = gr.Button("Delete", variant="stop", interactive=False, elem_id="kept-delete")
            with gr.Accordion("How it was made", open=False):
                details = gr.JSON(label="Details", show_label=False)
    name = gr.State(None)
    controls = [control for place in places.values() for control in place.controls]

    def found(query: str | None) -> Any:
        return gr.update(choices=_lines(shelf.entries(query or "")), value=None)

    def chosen(name: str | None) -> list[Any]:
        with explained():
            kept = shelf.open(name or "")
            return [name, *_shown(kept), gr.update(interactive=True), gr.update(interactive=True), kept.details]

    def put_back(name: str | None) -> list[Any]:
        with explained():
            kept = shelf.open(name or "")
            return restored(library, places, kept.domain, kept.recipe)

    def put_back_file(path: str | None) -> list[Any]:
        if not path:
            return [gr.skip() for _ in range(1 + len(controls))]
        with explained({path: "the file"}):
            recipe = recipe_in(path)
            domain = next((each for each in places if recipe.run in library.names(each)), None)
            if domain is None:
                raise UsageError(f"it was made with a model called {recipe.run}, which is not offered here.")
            return restored(library, places, domain, recipe)

    def deleted(name: str | None, query: str | None) -> list[Any]:
        with explained():
            shelf.delete(name or "")
        off = gr.update(interactive=False)
        return [None, _NOTHING, gr.update(value=None, visible=False), off, off, None, found(query)]

    query.input(found, query, listed, **_QUIET)
    listed.input(chosen, listed, [name, seen, heard, restore, delete, details], **_QUIET)
    restore.click(put_back, name, [tabs, *controls], **_QUIET)
    file.upload(put_back_file, file, [tabs, *controls], **_QUIET)
    delete.click(deleted, [name, query], [name, seen, heard, restore, delete, details, listed], **_QUIET)
    page.load(found, query, listed, **_QUIET)
    tabs.select(found, query, listed, **_QUIET)


def restored(library: Library, places: Mapping[str, Place], domain: str, recipe: Recipe) -> list[Any]:
    """What the tabs, and the controls of all places in their order, hold so that the recipe's result is made again."""
    if domain not in places:
        raise UsageError(f"there is no tab for results of {domain} here.")
    values: list[Any] = [gr.update(selected=places[domain].tab)]
    for each, place in places.items():
        if each != domain:
            values += [gr.skip() for _ in place.controls]
            continue
        known = {knob.name: knob for knob in library.open(domain, recipe.run).knobs}
        values += [recipe.run, recipe.prompt or "", str(recipe.seed)]
        values += [_held(known[knob.name], recipe.settings) for knob in place.settings.knobs]
    return values


def open_links(page: gr.Blocks, tabs: Any, places: Mapping[str, Place], library: Library) -> None:
    """Lets a page that is opened by a link hold what the link says."""
    controls = [control for place in places.values() for control in place.controls]

    def arrived(request: gr.Request) -> list[Any]:
        parameters = {str(name): str(value) for name, value in request.query_params.items()}
        domain = next((each for each, place in places.items() if place.tab == parameters.get("tab")), None)
        nothing = [gr.skip() for _ in range(1 + len(controls))]
        if domain is None or parameters.get("run") not in library.names(domain):
            return nothing
        found = linked(parameters, library.open(domain, parameters["run"]).knobs)
        if found.refused:
            gr.Warning(f"The link asks for what cannot be: {', '.join(found.refused)}.")
        values = restored(library, places, domain, Recipe(found.run, "", 0, found.prompt, settings=found.settings))
        place = 1 + next(at for at, control in enumerate(controls) if control is places[domain].seed)
        values[place] = found.seed
        return values

    arrived.__annotations__["request"] = gr.Request
    page.load(arrived, None, [tabs, *controls], **_QUIET)


def _lines(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [
        (
            f"{each.when}  {each.run}, seed {each.seed}: {textwrap.shorten(each.excerpt, 60, placeholder=' …')}",
            each.name,
        )
        for each in entries[:_LISTED]
    ]


def _held(knob: Knob, settings: Mapping[str, Any]) -> Any:
    """The value of a setting as its control holds it; the knob's default where the result does not say."""
    return shown(dataclasses.replace(knob, default=settings.get(knob.name, knob.default)))


def _shown(kept: Kept) -> list[Any]:
    """A picture or the text, and the sound of music."""
    if kept.domain == "text":
        return [f'<div class="paper written">{html.escape(kept.shown)}</div>', gr.update(value=None, visible=False)]
    picture = f'<div class="paper">{kept.export(".svg").decode()}</div>'
    try:
        sound = save_bytes_to_cache(kept.export(".wav"), "kept.wav", get_upload_folder())
    except ToolkitError:  # the extra that renders sound is not installed
        return [picture, gr.update(value=None, visible=False)]
    return [picture, gr.update(value=str(sound), visible=True)]
