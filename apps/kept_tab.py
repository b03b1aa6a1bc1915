"""The tab of what was made before: found again, seen and heard, put back into the tab it came from, or deleted.

Knows the shelf and the tabs' controls; no model.
"""

from __future__ import annotations

import html
import textwrap
from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.processing_utils import save_bytes_to_cache
from gradio.utils import get_upload_folder

from toolkit.core import ToolkitError

from .events import ANSWERED, AT_ONCE
from .restoring import Restoring
from .score_shown import distinct
from .shelf import Entry, Kept, Shelf
from .workbench import explained

_LISTED = 200
"""Results that are offered at once; words find the others."""
_NOTHING = '<div class="silence"><span>What you choose on the left is shown here.</span></div>'


def kept_tab(page: gr.Blocks, shelf: Shelf, tabs: Any, restoring: Restoring) -> None:
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

    def found(query: str | None) -> Any:
        return gr.update(choices=_lines(shelf.entries(query or "")), value=None)

    def chosen(name: str | None) -> list[Any]:
        with explained():
            kept = shelf.open(name or "")
            return [name, *_shown(kept), gr.update(interactive=True), gr.update(interactive=True), kept.details]

    def put_back(name: str | None) -> list[Any]:
        with explained():
            kept = shelf.open(name or "")
            return restoring.of(kept.domain, kept.recipe)

    def deleted(name: str | None, query: str | None) -> list[Any]:
        with explained():
            shelf.delete(name or "")
        off = gr.update(interactive=False)
        return [None, _NOTHING, gr.update(value=None, visible=False), off, off, None, found(query)]

    query.input(found, query, listed, **AT_ONCE)
    listed.input(chosen, listed, [name, seen, heard, restore, delete, details], **ANSWERED)
    restore.click(put_back, name, list(restoring.wanted), **ANSWERED)
    file.upload(restoring.of_upload, file, list(restoring.wanted), **ANSWERED)
    delete.click(deleted, [name, query], [name, seen, heard, restore, delete, details, listed], **ANSWERED)
    page.load(found, query, listed, **AT_ONCE)
    tabs.select(found, query, listed, **AT_ONCE)


def _lines(entries: Sequence[Entry]) -> list[tuple[str, str]]:
    return [
        (
            f"{each.when}  {each.run}, seed {each.seed}: {textwrap.shorten(each.excerpt, 60, placeholder=' …')}",
            each.name,
        )
        for each in entries[:_LISTED]
    ]


def _shown(kept: Kept) -> list[Any]:
    """A picture or the text, and the sound of music."""
    if kept.domain == "text":
        return [f'<div class="paper written">{html.escape(kept.shown)}</div>', gr.update(value=None, visible=False)]
    picture = f'<div class="paper">{distinct(kept.export(".svg").decode(), "kept")}</div>'
    try:
        sound = save_bytes_to_cache(kept.export(".wav"), "kept.wav", get_upload_folder())
    except ToolkitError:  # the extra that renders sound is not installed
        return [picture, gr.update(value=None, visible=False)]
    return [picture, gr.update(value=str(sound), visible=True)]
