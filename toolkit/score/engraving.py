"""Sheet music: a score engraved by verovio from our MusicXML, and painted by resvg.

Knows options and fonts; what is written where comes from `toolkit.score.musicxml`.
"""

from __future__ import annotations

import functools
import io
import re
import tempfile
from pathlib import Path
from typing import Any

from toolkit.core import InputError, MissingExtraError
from toolkit.score.musicxml import write_musicxml
from toolkit.score.notes import Score

_OPTIONS = {
    "adjustPageHeight": True,
    "breaks": "auto",
    "footer": "none",
    "header": "auto",
    "justificationSystem": 0.0,
    "mnumInterval": 0,
    "pageHeight": 60_000,  # verovio's longest
    "pageMarginBottom": 80,
    "pageMarginLeft": 100,
    "pageMarginRight": 100,
    "pageMarginTop": 80,
    "pageWidth": 2_100,
    "scale": 50,
    "spacingSystem": 8,
    "svgViewBox": True,
    "xmlIdSeed": 1,  # so that the same score gives the same text
}
_WIDTH = 1_600
_PILLOWS = "Aileron"
"""The family of the font that Pillow carries with it."""


def sheet_svg(score: Score) -> str:
    """``score`` as sheet music on one tall white page, an SVG; the same text for equal scores.

    MissingExtraError without verovio; InputError when it is longer than a page can be, some three hundred bars.
    """
    try:
        import verovio
    except ImportError:
        raise MissingExtraError("engraving sheet music", "score") from None
    verovio.enableLog(verovio.LOG_OFF)
    engraver: Any = verovio.toolkit(False)
    engraver.setResourcePath(str(Path(verovio.__file__).parent / "data"))  # which it knows in its first thread only
    engraver.setOptions(_OPTIONS)
    if not engraver.loadData(_worded(write_musicxml(score).decode())):
        raise InputError("the score cannot be engraved.")
    if engraver.getPageCount() > 1:
        raise InputError("the score is too long for one page of sheet music.")
    return str(engraver.renderToSVG(1)).replace("<svg ", '<svg style="background:#fff" ', 1)


def _worded(musicxml: str) -> str:
    """The document with its tempo in words: as a note it is set in a font that few programs read from an SVG."""

    def words(mark: re.Match[str]) -> str:
        dot = "dotted " if "<beat-unit-dot" in mark[0] else ""
        unit, count = (re.search(f"<{each}>(.*?)</{each}>", mark[0]) for each in ("beat-unit", "per-minute"))
        return f"<words>{count[1]} {dot}{unit[1]} notes a minute</words>" if unit and count else ""

    return re.sub(r"<metronome>.*?</metronome>", words, musicxml, flags=re.DOTALL)


def sheet_png(score: Score) -> bytes:
    """The same page as a PNG, 1,600 pixels wide; MissingExtraError without verovio, resvg_py or Pillow (its font)."""
    svg = sheet_svg(score)
    try:
        import resvg_py

        font = _font()
    except ImportError:
        raise MissingExtraError("painting sheet music", "score") from None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "text.ttf")
        file.write_bytes(font)
        painted = resvg_py.svg_to_bytes(
            svg_string=_painted(svg), background="#ffffff", width=_WIDTH, font_files=[str(file)], serif_family=_PILLOWS
        )
    return bytes(painted)


def _painted(svg: str) -> str:
    """The SVG without its embedded fonts, which resvg does not read."""
    return re.sub(r"@font-face\s*\{[^}]*\}", "", svg)


@functools.cache
def _font() -> bytes:
    """The font that Pillow ships, for machines that have no fonts at all."""
    from PIL import ImageFont

    font: Any = ImageFont.load_default(12)  # with FreeType, a TrueType font that tells where it was read from
    path = font.path
    return path.getvalue() if isinstance(path, io.BytesIO) else Path(path).read_bytes()
