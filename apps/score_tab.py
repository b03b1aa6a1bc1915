"""The tabs in which a model plays: music seen, heard and taken away. What they know of models is `toolkit.api`.

There is one for each domain of music, all of one make; a `Room` says what is particular to it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from toolkit.api import Result, Stream
from toolkit.core import InputError, MissingExtraError, ToolkitError

from .copies import report, sentence
from .examples import examples
from .fellows import placed
from .guard import MOST_SOUND, checked_prompt
from .kept_tab import Place
from .library import Library
from .links import address, anchor
from .pacing import Paced, Stops, at_work, progress, summary
from .piano import piano
from .reworking import Reworking
from .settings import Settings
from .shelf import Shelf
from .variations import COUNT, Variations
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

_FORMATS = {".mid": "MIDI", ".wav": "WAV", ".musicxml": "MusicXML", ".json": "JSON", ".txt": "Notes"}
_MORE = {".sheet.svg": "Sheet", ".ogg": "OGG", ".mp3": "MP3"}
_SOUNDS = frozenset({".wav", ".ogg", ".mp3"})
_SLOW = frozenset({".ogg", ".mp3"})
"""Made last: by then one has begun to listen."""
_UPLOADS = (".mid", ".midi", ".musicxml", ".mxl", ".xml", ".abc")


@dataclass(frozen=True)
class Room:
    """A tab: the ``domain`` it plays, what it ``makes``, and the ``title`` it goes by.

    ``plain`` names the knobs that are always in view; ``typed`` is what stands where notes to go on from may be typed,
    None where they may not; ``train`` makes a first run. Where the second knob of ``changed`` is set, an upload is no
    beginning but what the first one names.
    """

    domain: str
    title: str
    makes: str
    plain: tuple[str, ...]
    typed: str | None
    train: str
    changed: tuple[str, str] | None = None


MELODY = Room(
    "music",
    "Melody",
    "melody",
    ("tune_type", "meter", "key", "mode", "bars", "form", "temperature", "tempo", "instrument"),
    "Notes in ABC to go on from, such as\nM:6/8 K:D | d2e fga",
    "toolkit train tunes.abc --out runs/tunes --minutes 5",
)
CHORALE = Room(
    "chorales",
    "Harmony",
    "chorale",
    ("soprano", "key", "mode", "bars", "temperature", "tempo", "instrument"),
    None,
    "toolkit train bach --out runs/chorales --minutes 10",
    ("rewrite", "anew"),
)
POLYPHONY = Room(
    "polyphony",
    "Many voices",
    "piece",
    ("low", "high", "temperature", "tempo", "instrument"),
    None,
    "toolkit train folder-of-midi-files --codec steps --out runs/pieces --minutes 10",
)
ROOMS = (MELODY, CHORALE, POLYPHONY)


def score_tab(page: gr.Blocks, library: Library, stops: Stops, of: Room, shelf: Shelf | None) -> Place:
    """Draws a tab into the page that is being built, and connects it; results are kept where there is a shelf."""
    domain = of.domain
    nothing = gr.HTML(nothing_yet(of.makes, of.train), visible=not library.names(domain))
    with gr.Row(elem_classes="room", visible=bool(library.names(domain))) as room:
        with gr.Column(elem_classes="asking"):
            choice = Choice.drawn(library, domain, room, nothing)
            notes = gr.Textbox(
                label="Beginning",
                placeholder=of.typed or "",
                lines=2,
                max_lines=8,
                visible=of.typed is not None,
                elem_id=f"{domain}-prompt",
            )
            if of.typed is not None:
                with gr.Accordion("Play a phrase", open=False, elem_id=f"{domain}-piano"):
                    gr.HTML(piano(f"{domain}-prompt"), label="Piano")
            upload = gr.File(
                label=("Or a" if of.typed else "A") + " file to go on from (MIDI, MusicXML, ABC)",
                file_types=list(_UPLOADS),
                type="filepath",
                height=104,
                elem_id=f"{domain}-upload",
            )
            buttons = Buttons.drawn(stops, domain, continuing=False)
            gr.HTML(examples(of.makes, domain, library), label="Examples", elem_id=f"{domain}-examples")
        with gr.Column(elem_classes="result"):
            empty = f'<div class="silence"><span>The {of.makes} appears here.</span></div>'
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
            reworking = Reworking.drawn(domain) if of is MELODY else None
            copies = gr.HTML(label="Copies", elem_id=f"{domain}-copies")
            formats = _FORMATS | ({".abc": "ABC"} if of is MELODY else {}) | _MORE
            downloads = Downloads.drawn(domain, formats)
            with gr.Accordion("Sheet music", open=False):
                sheet_music = gr.HTML(label="Sheet music", elem_id=f"{domain}-sheet")
            variations = Variations.drawn(domain)
            with gr.Accordion("How it was made", open=False):
                details = gr.JSON(label="Details", show_label=False, elem_id=f"{domain}-details")
        with gr.Column(elem_classes="turning"):
            seed = Seed.drawn(domain)
            uploaded = of.changed[:1] if of.changed else ()  # an upload stands for it
            knobs = tuple(each for each in choice.knobs if each.name not in uploaded)
            settings = Settings.drawn(domain, knobs, of.plain, {"instrument": _instruments()})

    def played(session: str, stream: Stream, called: str | None, shown: Mapping[str, Any]) -> Iterator[list[Any]]:
        """Plays a stream to its end: the roll as notes come, then staves, then sound, then what is slow to make."""

        def growing(picture: Any, line: str) -> list[Any]:
            return [picture, None, line, gr.skip(), *downloads.of({}), "", gr.skip(), gr.skip()]

        yield growing(gr.skip(), at_work())
        paced = Paced(stream, stops, session)
        for _ in paced:
            filling = stream.request.gap is not None  # whose bars are none before the last note
            yield growing(gr.skip() if filling else _picture(stream.result()), progress(stream, paced))
        result = renamed(stream.result(), called, shown)
        if shelf is not None:
            shelf.keep(result)
        opened = stream.request.asked
        copied = sentence(report(opened, result))
        link = "" if stream.request.item is not None else anchor(address(of.makes, result.details, opened.knobs))
        made = [summary(result.details, paced, link), told(result)]
        picture, rest = _picture(result), [copied, _sheet(result), result.domain.data(result.item)]
        yield [picture, None, *made, *downloads.of({}), *rest]  # to be seen while the sound is rendered
        sounding = downloads.suffixes if _short(result) else set(downloads.suffixes) - _SOUNDS
        files = _files(result, [each for each in sounding if each not in _SLOW])
        if not _short(result):
            gr.Info(f"It is longer than {MOST_SOUND / 60:.0f} minutes: take the MIDI file to hear it.")
        yield [picture, files.get(".wav"), *made, *downloads.of(files), *rest]
        files |= _files(result, [each for each in sounding if each in _SLOW])
        yield [picture, files.get(".wav"), *made, *downloads.of(files), *rest]

    def generate(
        request: gr.Request, run: str, notes: str | None, file: str | None, seed: Any, *values: Any
    ) -> Iterator[list[Any]]:
        """Plays on from typed notes or a file, or from nothing, with the run of that name, streaming.

        In a tab whose settings say what is made anew, a file is what that is a part of. Returns a piano roll (SVG), the
        sound (WAV), a line about them, the details (the same seed and settings give the same music again), the files,
        a line on what is copied, and sheet music (SVG). A setting has the meaning and the bounds of the flag of that
        name; a run that one names is one that the studio offers.
        """
        places = {file: Path(file).name} if file else {}
        with explained(places):
            prompt, called = _prompt(notes, file, of)
            asked = placed(library, domain, settings.meant(values))
            places.update(asked.places)
            number, opened = checked_seed(seed), choice.opened(run)
            chosen, shown = dict(asked.settings), dict(asked.asked)
            if of.changed and file and chosen[of.changed[1]] is not None:
                chosen[of.changed[0]], shown[of.changed[0]], prompt, called = str(file), called, None, None
            stream = opened.stream(prompt, seed=number, **chosen)
            yield from played(str(request.session_hash), stream, called, shown)

    outputs = Outputs((roll, audio), line, details, downloads, (copies, sheet_music, last))
    buttons.connect(
        buttons.generate,
        with_parameters(generate, "run", "notes", "file", "seed", *(each.name for each in settings.knobs)),
        [choice.run, notes, upload, seed.number, *settings.controls],
        outputs,
        api_name=f"generate_{of.makes}",
    )
    if reworking is not None:
        reworking.connect(buttons, choice, settings, seed, last, outputs, played)

    def varied(run: str, notes: str | None, file: str | None, seed: Any, *values: Any) -> Iterator[list[Any]]:
        places = {file: Path(file).name} if file else {}
        with explained(places):
            prompt, _ = _prompt(notes, file, of)
            asked = placed(library, domain, settings.meant(values))
            places.update(asked.places)
            chosen = dict(asked.settings)
            if of.changed and file and chosen[of.changed[1]] is not None:
                chosen[of.changed[0]], prompt = str(file), None
            opened = choice.opened(run)
            yield from variations.coming(opened.streams(prompt, count=COUNT, seed=checked_seed(seed), **chosen))

    variations.connect(
        varied, [choice.run, notes, upload, seed.number, *settings.controls], seed.number, f"{domain}-generate"
    )
    buttons.connect_stop()
    seed.connect(details)
    choice.connect(page, settings)
    return Place(of.makes, choice.run, notes, seed.number, settings)


def _prompt(notes: str | None, file: str | None, of: Room) -> tuple[str | None, str | None]:
    """What to go on from, and what to call it: an uploaded file before typed notes, and nothing when both are empty.

    Typed notes end in a new line, so that they are never taken for the name of a file on this machine.
    """
    if file:
        if Path(file).suffix.lower() not in _UPLOADS:
            raise InputError(f"a {of.makes} to go on from is a file of {', '.join(_UPLOADS)}.")
        return file, Path(file).name
    typed = checked_prompt(notes or "").strip()
    return (typed + "\n", typed) if typed else (None, None)


def _picture(result: Result) -> str:
    return f'<div class="paper">{result.export(".svg").decode()}</div>'


def _files(result: Result, suffixes: Iterable[str]) -> dict[str, str]:
    """The result in those formats, but for what an extra that is not installed would make."""
    files = {}
    for suffix in suffixes:
        with contextlib.suppress(MissingExtraError):
            files[suffix] = kept(result, suffix)
    return files


def _sheet(result: Result) -> str:
    """The result as notes on staves; nothing where they cannot be engraved, or the extra for it is not installed."""
    try:
        return f'<div class="paper sheet">{result.export(".sheet.svg").decode()}</div>'
    except ToolkitError:
        return ""


def _short(result: Result) -> bool:
    score = result.item
    return bool(60 * score.end / score.resolution / result.settings["tempo"] <= MOST_SOUND)


def _instruments() -> list[str]:
    """The names of the General MIDI programs, in order."""
    import pretty_midi

    return [pretty_midi.program_to_instrument_name(each) for each in range(128)]
