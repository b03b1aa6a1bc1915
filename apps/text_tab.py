"""The tab in which a model writes. Everything it knows of models comes from `toolkit.api`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gradio as gr

from .guard import checked_prompt
from .library import Library
from .pacing import Paced, Stops, progress, summary
from .workbench import (
    Buttons,
    Choice,
    Downloads,
    Outputs,
    Seed,
    Settings,
    checked_seed,
    explained,
    kept,
    nothing_yet,
    seed_of,
    with_parameters,
)

_PLAIN = ("temperature", "length", "top_p")
_FORMATS = {".txt": "Text", ".json": "JSON"}
_TRAIN = "toolkit train poems.txt --out runs/poems --minutes 5"


def text_tab(page: gr.Blocks, library: Library, stops: Stops) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    nothing = gr.HTML(nothing_yet("text", _TRAIN), visible=not library.names("text"))
    with gr.Row(elem_classes="room", visible=bool(library.names("text"))) as room:
        with gr.Column(elem_classes="asking"):
            choice = Choice.drawn(library, "text", room, nothing)
            prompt = gr.Textbox(
                label="Prompt",
                placeholder="How the text begins. Leave it empty to see what comes.",
                lines=3,
                max_lines=8,
                elem_id="text-prompt",
            )
            buttons = Buttons.drawn(stops, "text", continuing=True)
        with gr.Column(elem_classes="result"):
            output = gr.Textbox(
                label="Text",
                placeholder="The text appears here.",
                lines=22,
                max_lines=22,
                interactive=False,
                buttons=["copy"],
                elem_id="text-output",
            )
            line = gr.HTML(label="Summary", elem_id="text-line")
            downloads = Downloads.drawn("text", _FORMATS)
            with gr.Accordion("How it was made", open=False):
                details = gr.JSON(label="Details", show_label=False, elem_id="text-details")
        with gr.Column(elem_classes="turning"):
            seed = Seed.drawn("text")
            settings = Settings.drawn(choice.knobs, _PLAIN, {})

    def written(session: str, run: str | None, prompt: str, seed: int | None, values: Any) -> Iterator[list[Any]]:
        with explained():
            given = checked_prompt(prompt)
            stream = choice.opened(run).stream(given or None, seed=seed, **settings.meant(values))
            paced = Paced(stream, stops, session)
            for parts in paced:
                text = given + "".join(parts)
                yield [text, progress(stream.seed, paced.seconds), gr.skip(), *downloads.of({})]
            result = stream.result()
            files = {suffix: kept(result, suffix) for suffix in downloads.suffixes}
            yield [result.text, summary(result.details, paced), result.details, *downloads.of(files)]

    def generate_text(request: gr.Request, run: str, prompt: str | None, seed: Any, *values: Any) -> Iterator[Any]:
        """Writes on from a prompt with the run of that name, streaming.

        Returns the whole text, a line about it, its details (the same seed and settings give the same text again),
        and its files. A setting has the meaning and the bounds of the flag of that name.
        """
        with explained():
            chosen = checked_seed(seed)
        yield from written(str(request.session_hash), run, prompt or "", chosen, values)

    def continue_text(request: gr.Request, run: str, text: str | None, details: Any, *values: Any) -> Iterator[Any]:
        """Writes on from the text that is there; its seed follows the last one, so it can be made again."""
        last = seed_of(details)
        yield from written(str(request.session_hash), run, text or "", None if last is None else last + 1, values)

    names = [each.name for each in settings.knobs]
    outputs = Outputs((output,), line, details, downloads)
    buttons.connect(
        buttons.generate,
        with_parameters(generate_text, "run", "prompt", "seed", *names),
        [choice.run, prompt, seed.number, *settings.controls],
        outputs,
        api_name="generate_text",
    )
    buttons.connect(
        buttons.more,
        with_parameters(continue_text, "run", "text", "details", *names),
        [choice.run, output, details, *settings.controls],
        outputs,
        api_visibility="private",
    )
    buttons.connect_stop()
    seed.connect(details)
    choice.connect(page, settings)
