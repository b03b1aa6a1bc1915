"""The tab in which a model plays: a melody seen, heard and taken away. What it knows of models is `toolkit.api`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr

from toolkit.api import Result
from toolkit.core import InputError

from .copies import report, sentence
from .fellows import placed
from .guard import MOST_SOUND, checked_prompt
from .library import Library
from .pacing import Paced, Stops, at_work, progress, summary
from .settings import Settings
from .workbench import (
    Buttons,
    Choice,
    Downloads,
    Outputs,
    Seed,
    checked_seed,
    explained,
    kept,
    nothing_yet,
    renamed,
    told,
    with_parameters,
)

_PLAIN = ("key", "mode", "meter", "bars", "temperature", "tempo", "instrument")
_FORMATS = {".mid": "MIDI", ".wav": "WAV", ".json": "JSON", ".txt": "Notes"}
_UPLOADS = [".mid", ".midi", ".abc"]
_TRAIN = "toolkit train tunes.abc --out runs/tunes --minutes 5"
_EMPTY = '<div class="silence"><span>The melody appears here.</span></div>'


def melody_tab(page: gr.Blocks, library: Library, stops: Stops) -> None:
    """Draws the tab into the page that is being built, and connects it."""
    nothing = gr.HTML(nothing_yet("melody", _TRAIN), visible=not library.names("music"))
    with gr.Row(elem_classes="room", visible=bool(library.names("music"))) as room:
        with gr.Column(elem_classes="asking"):
            choice = Choice.drawn(library, "music", room, nothing)
            notes = gr.Textbox(
                label="Beginning",
                placeholder="Notes in ABC to go on from, such as\nM:6/8 K:D | d2e fga",
                lines=2,
                max_lines=8,
                elem_id="music-prompt",
            )
            upload = gr.File(
                label="Or a file to go on from (MIDI, ABC)",
                file_types=_UPLOADS,
                type="filepath",
                height=104,
                elem_id="music-upload",
            )
            buttons = Buttons.drawn(stops, "music", continuing=False)
        with gr.Column(elem_classes="result"):
            roll = gr.HTML(_EMPTY, label="Piano roll", elem_id="music-roll")
            audio = gr.Audio(
                label="Listen",
                type="filepath",
                interactive=False,
                buttons=[],
                waveform_options=gr.WaveformOptions(show_recording_waveform=False),
                elem_id="music-audio",
            )
            line = gr.HTML(label="Summary", elem_id="music-line")
            copies = gr.HTML(label="Copies", elem_id="music-copies")
            downloads = Downloads.drawn("music", _FORMATS)
            with gr.Accordion("How it was made", open=False):
                details = gr.JSON(label="Details", show_label=False, elem_id="music-details")
        with gr.Column(elem_classes="turning"):
            seed = Seed.drawn("music")
            settings = Settings.drawn("music", choice.knobs, _PLAIN, {"instrument": _instruments()})

    def generate_melody(
        request: gr.Request, run: str, notes: str | None, file: str | None, seed: Any, *values: Any
    ) -> Iterator[list[Any]]:
        """Plays on from typed notes or a file with the run of that name, or from nothing, streaming.

        Returns a piano roll (SVG), the sound (WAV), a line about them, the details (the same seed and settings give
        the same melody again), the files, and a line on what is copied. A setting has the meaning and the bounds of the
        flag of that name; a run that one names is one that the studio offers.
        """

        def growing(picture: Any, line: str) -> list[Any]:
            return [picture, None, line, gr.skip(), *downloads.of({}), ""]

        places = {file: Path(file).name} if file else {}
        with explained(places):
            prompt, called = _prompt(notes, file)
            asked = placed(library, "music", settings.meant(values))
            places.update(asked.places)
            number, opened = checked_seed(seed), choice.opened(run)
            yield growing(gr.skip(), at_work())
            stream = opened.stream(prompt, seed=number, **asked.settings)
            paced = Paced(stream, stops, str(request.session_hash))
            for _ in paced:
                filling = stream.request.gap is not None  # whose bars are none before the last note
                yield growing(gr.skip() if filling else _picture(stream.result()), progress(stream, paced))
            result = renamed(stream.result(), called, asked.asked)
            copied = sentence(report(opened, result))
            made = [_picture(result), summary(result.details, paced), told(result)]
            yield [made[0], None, *made[1:], *downloads.of({}), copied]  # to be seen while the sound is rendered
            files = {each: kept(result, each) for each in downloads.suffixes if each != ".wav" or _short(result)}
            if ".wav" not in files:
                gr.Info(f"It is longer than {MOST_SOUND / 60:.0f} minutes: take the MIDI file to hear it.")
            yield [made[0], files.get(".wav"), *made[1:], *downloads.of(files), copied]

    buttons.connect(
        buttons.generate,
        with_parameters(generate_melody, "run", "notes", "file", "seed", *(each.name for each in settings.knobs)),
        [choice.run, notes, upload, seed.number, *settings.controls],
        Outputs((roll, audio), line, details, downloads, (copies,)),
        api_name="generate_melody",
    )
    buttons.connect_stop()
    seed.connect(details)
    choice.connect(page, settings)


def _prompt(notes: str | None, file: str | None) -> tuple[str | None, str | None]:
    """What to go on from, and what to call it: an uploaded file before typed notes, and nothing when both are empty.

    Typed notes end in a new line, so that they are never taken for the name of a file on this machine.
    """
    if file:
        if Path(file).suffix.lower() not in _UPLOADS:
            raise InputError(f"a melody to go on from is a file of {', '.join(_UPLOADS)}.")
        return file, Path(file).name
    typed = checked_prompt(notes or "").strip()
    return (typed + "\n", typed) if typed else (None, None)


def _picture(result: Result) -> str:
    return f'<div class="paper">{result.export(".svg").decode()}</div>'


def _short(result: Result) -> bool:
    score = result.item
    return bool(60 * score.end / score.resolution / result.settings["tempo"] <= MOST_SOUND)


def _instruments() -> list[str]:
    """The names of the General MIDI programs, in order."""
    import pretty_midi

    return [pretty_midi.program_to_instrument_name(each) for each in range(128)]
