"""The tabs in which a model plays: music seen, heard and taken away. What they know of models is `toolkit.api`.

There is one for each domain of music, all of one make; a `Room` says what is particular to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from toolkit.api import Result, Run, Stream
from toolkit.api.apart import read_apart
from toolkit.core import InputError

from .backstage import Backstage
from .copies import report, sentence
from .fellows import placed
from .guard import MOST_SOUND, checked_prompt
from .links import address, anchor
from .pacing import Paced, progress, stopped, summary
from .restoring import Place
from .rooms import Room
from .score_parts import UPLOADS, ScoreParts
from .score_shown import SLOW, SOUNDS, files, picture, sheet, short
from .variations import checked_count, coming
from .workbench import checked_seed, explained, renamed, told, with_parameters


def score_tab(page: gr.Blocks, behind: Backstage, room: Room) -> Place:
    """Draws a tab into the page that is being built, and connects it."""
    parts = ScoreParts.drawn(page, behind, room)
    _Playing(parts, behind, room).connect()
    harmonise = None if parts.reworking is None else parts.reworking.harmonise
    where = (parts.choice, parts.notes, parts.seed.number, parts.settings)
    return Place(room.makes, *where, upload=parts.upload, last=parts.last, harmonise=harmonise)


@dataclass(frozen=True)
class _Asked:
    """A request as the page put it: the run, what to go on from and what that is called, the seed and the settings."""

    run: Run
    prompt: str | None
    given: Any
    seed: int | None
    settings: Mapping[str, Any]
    shown: Mapping[str, Any]
    """Settings as they are to be told."""


@dataclass(frozen=True)
class _Playing:
    """What happens in the tab when a button is pressed."""

    parts: ScoreParts
    behind: Backstage
    room: Room

    def connect(self) -> None:
        parts = self.parts
        names = ["run", "notes", "file", "seed", *(each.name for each in parts.settings.knobs)]
        make = with_parameters(self.generate, *names)
        called = f"generate_{self.room.makes}"
        parts.buttons.connect(parts.buttons.generate, make, parts.asked, parts.outputs, api_name=called)
        if parts.reworking is not None:
            parts.reworking.connect(
                parts.buttons, parts.choice, parts.settings, parts.seed, parts.last, parts.outputs, self.played
            )
        parts.variations.connect(self.varied, parts.asked, parts.buttons, parts.outputs)
        parts.buttons.connect_stop()
        parts.seed.connect(parts.outputs.details)
        parts.choice.connect(parts.settings)

    def generate(self, request: gr.Request, *values: Any) -> Iterator[list[Any]]:
        """Plays on from typed notes or a file, or from nothing, with the run of that name, streaming.

        In a tab whose settings say what is made anew, a file is what that is a part of. Returns a piano roll (SVG), the
        sound (WAV), a line about them, the details (the same seed and settings give the same music again), the files,
        a line on what is copied, and sheet music (SVG). A setting has the meaning and the bounds of the flag of that
        name; a run that one names is one that the studio offers.
        """
        places: dict[str, str] = {}
        paced = self.parts.buttons.paced(request)
        with explained(places):
            asked = self._asked(places, *values)
            (stream,) = self._streams(asked, paced)
            called = None if asked.prompt is None else asked.prompt.strip()
            yield from self.played(paced, stream, called, asked.shown)

    def varied(self, request: gr.Request, count: Any, *values: Any) -> Iterator[str]:
        places: dict[str, str] = {}
        paced = self.parts.buttons.paced(request)
        with explained(places):
            asked = self._asked(places, *values)
            yield from coming(list(self._streams(asked, paced, checked_count(count), together=True)), paced)

    def played(
        self, paced: Paced[Any], stream: Stream, called: str | None, shown: Mapping[str, Any]
    ) -> Iterator[list[Any]]:
        """Plays a stream to its end: the roll as notes come, then staves, then sound, then what is slow to make."""
        downloads = self.parts.outputs.downloads

        def growing(roll: Any, line: str) -> list[Any]:
            # An empty value is all but free, skipping is not; but the details may be asked for the last seed meanwhile.
            return [roll, None, line, gr.skip(), *downloads.of({}), "", "", gr.skip()]

        for _ in paced.looks(stream):
            filling = stream.request.gap is not None  # whose bars are none before the last note
            roll = gr.skip() if filling else paced.seldom(lambda: picture(stream.result()))
            yield growing(roll, progress(stream, paced))
        if paced.ended():
            yield growing(gr.skip(), stopped(stream, paced))
        result = renamed(stream.result(), called, shown)
        if self.behind.shelf is not None:
            self.behind.shelf.keep(result)
        yield from self._whole(stream, result, paced)

    def _whole(self, stream: Stream, result: Result, paced: Paced[Any]) -> Iterator[list[Any]]:
        """What the outputs hold of music that is done: to be seen at once, then to be heard, then to be taken away."""
        downloads, run = self.parts.outputs.downloads, stream.request.asked
        read = stream.request.item is not None  # what was read from elsewhere is in no link
        link = "" if read else anchor(address(self.room.makes, result.details, run.knobs))
        roll, made = picture(result), [summary(result.details, paced, link), told(result)]
        copied = sentence(report(run, result))
        item = result.domain.data(result.item)
        yield [roll, None, *made, *downloads.of({}), copied, "", item]
        rest = [copied, sheet(result), item]
        yield [roll, None, *made, *downloads.of({}), *rest]  # to be seen while the sound is rendered
        sounding = set(downloads.suffixes) - (frozenset() if short(result) else SOUNDS)
        found = files(result, [each for each in downloads.suffixes if each in sounding - SLOW])
        if not short(result):
            gr.Info(f"It is longer than {MOST_SOUND / 60:.0f} minutes: take the MIDI file to hear it.")
        yield [roll, found.get(".wav"), *made, *downloads.of(found), *rest]
        found |= files(result, [each for each in downloads.suffixes if each in sounding & SLOW])
        yield [roll, found.get(".wav"), *made, *downloads.of(found), *rest]

    def _streams(self, asked: _Asked, paced: Paced[Any], count: int = 1, *, together: bool = False) -> Iterator[Stream]:
        how = {"given": asked.given, "count": count, "seed": asked.seed, "watch": paced.watch, "together": together}
        return asked.run.streams(asked.prompt, **how, **asked.settings)

    def _asked(
        self, places: dict[str, str], run: str, notes: str | None, file: str | None, seed: Any, *values: Any
    ) -> _Asked:
        """What the controls ask for; ``places`` is told where an upload and the runs named lie."""
        if file:
            places[file] = Path(file).name
        prompt, given = self._given(notes, file)
        found = placed(self.behind.library, self.room.domain, self.parts.settings.meant(values))
        places.update(found.places)
        settings, shown = dict(found.settings), dict(found.asked)
        if self.room.changed and file and settings[self.room.changed[1]] is not None:
            whole = self.room.changed[0]
            settings[whole], shown[whole], prompt, given = str(file), prompt, None, None
        return _Asked(self.parts.choice.opened(run), prompt, given, checked_seed(seed), settings, shown)

    def _given(self, notes: str | None, file: str | None) -> tuple[str | None, Any]:
        """What to go on from is called, and is where it was read: an uploaded file before typed notes, or nothing.

        Typed notes end in a new line, so that they are never taken for the name of a file on this machine.
        """
        if file:
            if Path(file).suffix.lower() not in UPLOADS:
                raise InputError(f"a {self.room.makes} to go on from is a file of {', '.join(UPLOADS)}.")
            return Path(file).name, read_apart(file, self.room.domain)
        typed = checked_prompt(notes or "").strip()
        return (typed + "\n" if typed else None), None
