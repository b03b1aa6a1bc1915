"""Music as a page shows it: a picture, staves, and the files it can be taken away in. Knows results; no tab."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable

from toolkit.api import Result
from toolkit.core import MissingExtraError, ToolkitError

from .guard import MOST_SOUND
from .workbench import kept

FORMATS = {".mid": "MIDI", ".wav": "WAV", ".musicxml": "MusicXML", ".json": "JSON", ".txt": "Notes"}
ABC = {".abc": "ABC"}
MORE_FORMATS = {".sheet.svg": "Sheet", ".ogg": "OGG", ".mp3": "MP3"}
SOUNDS = frozenset({".wav", ".ogg", ".mp3"})
SLOW = frozenset({".ogg", ".mp3"})
"""Made last: by then one has begun to listen."""


def picture(result: Result) -> str:
    """The piano roll, as HTML."""
    return f'<div class="paper">{result.export(".svg").decode()}</div>'


def distinct(svg: str, place: str) -> str:
    """A picture whose ids are of its ``place`` alone: the same one may stand elsewhere on the page."""
    return re.sub("roll-(?=[0-9a-f]{8}-)", f"{place}-roll-", svg)


def sheet(result: Result) -> str:
    """The result as notes on staves; nothing where they cannot be engraved, or the extra for it is not installed."""
    try:
        return f'<div class="paper sheet">{result.export(".sheet.svg").decode()}</div>'
    except ToolkitError:
        return ""


def files(result: Result, suffixes: Iterable[str]) -> dict[str, str]:
    """The result in those formats, but for what an extra that is not installed would make."""
    made = {}
    for suffix in suffixes:
        with contextlib.suppress(MissingExtraError):
            made[suffix] = kept(result, suffix)
    return made


def short(result: Result) -> bool:
    """Whether it is short enough to be rendered as sound."""
    score = result.item
    return bool(60 * score.end / score.resolution / result.settings["tempo"] <= MOST_SOUND)
