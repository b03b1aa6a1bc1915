"""What is drawn in a tab in which a model plays: the controls, and what shows and sounds the music. Knows no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from .backstage import Backstage
from .choice import Choice
from .examples import examples
from .own_presets import Own
from .piano import piano
from .reworking import Reworking
from .rooms import Room
from .score_shown import ABC, FORMATS, MORE_FORMATS
from .settings import Settings
from .variations import Variations
from .workbench import Buttons, Downloads, Outputs, Seed, nothing_yet

UPLOADS = (".mid", ".midi", ".musicxml", ".mxl", ".xml", ".abc")


@dataclass(frozen=True)
class ScoreParts:
    """The parts of the tab; ``last`` is the state that holds the music that is there."""

    choice: Choice
    notes: Any
    upload: Any
    buttons: Buttons
    reworking: Reworking | None
    last: Any
    variations: Variations
    seed: Seed
    settings: Settings
    outputs: Outputs

    @classmethod
    def drawn(cls, page: gr.Blocks, behind: Backstage, room: Room) -> ScoreParts:
        domain, library = room.domain, behind.library
        known = bool(library.names(domain))
        nothing = gr.HTML(nothing_yet(room.makes, room.train), visible=not known)
        with gr.Row(elem_classes="room", visible=known) as row:
            with gr.Column(elem_classes="asking"):
                choice = Choice.drawn(library, domain, row, nothing)
                notes = gr.Textbox(
                    label="Beginning",
                    placeholder=room.typed or "",
                    lines=2,
                    max_lines=8,
                    visible=room.typed is not None,
                    elem_id=f"{domain}-prompt",
                )
                if room.typed is not None:
                    with gr.Accordion("Play a phrase", open=False, elem_id=f"{domain}-piano"):
                        gr.HTML(piano(f"{domain}-prompt"), label="Piano")
                upload = gr.File(
                    label=("Or a" if room.typed else "A") + " file to go on from (MIDI, MusicXML, ABC)",
                    file_types=list(UPLOADS),
                    type="filepath",
                    height=104,
                    elem_id=f"{domain}-upload",
                )
                buttons = Buttons.drawn(behind.stops, domain, continuing=False)
                gr.HTML(examples(room.makes, domain, library), label="Examples", elem_id=f"{domain}-examples")
            with gr.Column(elem_classes="result"):
                empty = f'<div class="silence"><span>The {room.makes} appears here.</span></div>'
                roll = gr.HTML(empty, label="Piano roll", elem_id=f"{domain}-roll", elem_classes="roll")
                audio = gr.Audio(
                    label="Listen",
                    type="filepath",
                    interactive=False,
                    buttons=[],
                    waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                    elem_id=f"{domain}-audio",
                    elem_classes="heard",
                )
                line = gr.HTML(label="Summary", elem_id=f"{domain}-line")
                last = gr.State(None)
                reworking = Reworking.drawn(domain) if room.reworked else None
                copies = gr.HTML(label="Copies", elem_id=f"{domain}-copies")
                downloads = Downloads.drawn(domain, FORMATS | (ABC if room.reworked else {}) | MORE_FORMATS)
                with gr.Accordion("Sheet music", open=False):
                    sheet_music = gr.HTML(label="Sheet music", elem_id=f"{domain}-sheet")
                variations = Variations.drawn(domain)
                with gr.Accordion("How it was made", open=False):
                    details = gr.JSON(label="Details", show_label=False, elem_id=f"{domain}-details")
            with gr.Column(elem_classes="turning"):
                seed = Seed.drawn(domain)
                own = None if behind.presets is None else Own.drawn(domain, behind.presets)
                uploaded = room.changed[:1] if room.changed else ()  # an upload stands for it
                knobs = tuple(each for each in choice.knobs if each.name not in uploaded)
                settings = Settings.drawn(domain, knobs, room.plain, {"instrument": _instruments()})
                if own is not None:
                    own.connect(page, library, choice.run, settings)
        outputs = Outputs((roll, audio), line, details, downloads, (copies, sheet_music, last))
        return cls(choice, notes, upload, buttons, reworking, last, variations, seed, settings, outputs)

    @property
    def asked(self) -> list[Any]:
        """The controls that say what is asked for."""
        return [self.choice.run, self.notes, self.upload, self.seed.number, *self.settings.controls]


def _instruments() -> list[str]:
    """The names of the General MIDI programs, in order."""
    import pretty_midi

    return [pretty_midi.program_to_instrument_name(each) for each in range(128)]
