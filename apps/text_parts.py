"""What is drawn in the tab in which a model writes: the controls and what shows the text. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from .backstage import Backstage
from .branching import Branching
from .choice import Choice
from .copies import COPIED
from .examples import examples
from .own_presets import Own
from .past import Past
from .settings import Settings
from .variations import Variations
from .workbench import Buttons, Downloads, Outputs, Seed, nothing_yet

_PLAIN = ("temperature", "length", "top_p")
_FORMATS = {".txt": "Text", ".json": "JSON"}
_TRAIN = "toolkit train poems.txt --out runs/poems --minutes 5"


@dataclass(frozen=True)
class TextParts:
    """The parts of the tab; ``past`` is the state that holds what was shown before."""

    choice: Choice
    prompt: Any
    buttons: Buttons
    output: Any
    undo: Any
    redo: Any
    past: Any
    branching: Branching
    variations: Variations
    seed: Seed
    settings: Settings
    outputs: Outputs

    @classmethod
    def drawn(cls, page: gr.Blocks, behind: Backstage) -> TextParts:
        library = behind.library
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
                buttons = Buttons.drawn(behind.stops, "text", continuing=True)
                gr.HTML(examples("text", "text", library), label="Examples", elem_id="text-examples")
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
                with gr.Row(elem_classes="past"):
                    undo = gr.Button("↶ Undo", size="sm", min_width=80, scale=0, elem_id="text-undo")
                    redo = gr.Button("↷ Redo", size="sm", min_width=80, scale=0, elem_id="text-redo")
                    line = gr.HTML(label="Summary", elem_id="text-line")
                    past = gr.State(Past())
                copies = gr.HTML(label="Copies", elem_id="text-copies")
                downloads = Downloads.drawn("text", _FORMATS)
                variations = Variations.drawn("text")
                branching = Branching.drawn()
                with gr.Accordion("Copied passages", open=False):
                    passages = gr.HighlightedText(
                        label="The longest copy, and every other long one",
                        color_map={COPIED: "#45a896"},
                        show_inline_category=False,
                        elem_id="text-passages",
                    )
                with gr.Accordion("How it was made", open=False):
                    details = gr.JSON(label="Details", show_label=False, elem_id="text-details")
            with gr.Column(elem_classes="turning"):
                seed = Seed.drawn("text")
                own = None if behind.presets is None else Own.drawn("text", behind.presets)
                settings = Settings.drawn("text", choice.knobs, _PLAIN, {})
                if own is not None:
                    own.connect(page, library, choice.run, settings)
        more = (copies, passages, branching.tokens, branching.made, past)
        outputs = Outputs((output,), line, details, downloads, more)
        return cls(choice, prompt, buttons, output, undo, redo, past, branching, variations, seed, settings, outputs)
