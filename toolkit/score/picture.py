"""A picture made of bands of boxes, lines and labels, and its two painters: SVG for pages, PNG for everything else.

SVG takes its ink from the colour of the text around it, so that it suits light and dark pages. Knows no music.
"""

from __future__ import annotations

import hashlib
import html
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from toolkit.core import MissingExtraError

_ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_DETAIL = 4
"""Pixels per unit while painting; the picture keeps half of them, so that edges are smooth."""

Colour = tuple[int, int, int]
_LIGHT: tuple[Colour, Colour] = (255, 255, 255), (28, 28, 34)  # paper and ink
_DARK: tuple[Colour, Colour] = (24, 25, 30), (232, 232, 236)


class Sounding(NamedTuple):
    """What a box stands for in sound: a MIDI pitch, and the seconds in which it is heard."""

    pitch: int
    start: float
    end: float


@dataclass(frozen=True)
class Box:
    """A rectangle of one of the kinds that `_STYLES` knows; ``fill`` overrides the kind's colour."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    fill: str = ""
    opacity: float = 1.0
    tip: str = ""
    sounding: Sounding | None = None


@dataclass(frozen=True)
class Line:
    x: float
    y: float
    x2: float
    y2: float
    kind: str


@dataclass(frozen=True)
class Label:
    x: float
    y: float
    text: str
    kind: str
    anchor: Literal["start", "middle", "end"] = "start"


Shape = Box | Line | Label


@dataclass(frozen=True)
class Band:
    """A strip of the picture, ``height`` high; its shapes count y from its own top."""

    height: float
    shapes: list[Shape] = field(default_factory=list)


_STYLES: dict[str, tuple[str, float]] = {
    # kind: colour ("ink" is the text's own), opacity
    "lane": ("ink", 0.045),
    "octave": ("ink", 0.22),
    "beat": ("ink", 0.09),
    "bar": ("ink", 0.34),
    "frame": ("ink", 0.34),
    "white": ("#f7f6f2", 1.0),
    "black": ("#34343c", 1.0),
    "crack": ("#b9b7b0", 1.0),
    "title": ("ink", 1.0),
    "facts": ("ink", 0.66),
    "number": ("ink", 0.6),
    "key": ("#55555e", 1.0),
    "note": ("#4a78c9", 1.0),
}
_SIZES = {"title": 19.0, "facts": 12.5, "number": 10.5, "key": 8.5}


@dataclass(frozen=True)
class Picture:
    """Bands from top to bottom, all of one ``width``; ``name`` and ``description`` are for who cannot see it."""

    width: float
    bands: tuple[Band, ...]
    name: str
    description: str

    @property
    def height(self) -> float:
        return sum(band.height for band in self.bands)


def svg(picture: Picture) -> str:
    """The picture as an SVG element of class ``piano-roll``; the same text for equal pictures."""
    bands, top = [], 0.0
    for band in picture.bands:
        bands.append(f'<g transform="translate(0 {top:g})">{"".join(_svg(band.shapes))}</g>')
        top += band.height
    drawn = "\n".join(bands)
    told = f"{picture.name}\n{picture.description}\n{drawn}"
    # Of different pictures on one page none has the ids of another.
    mark = hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()[:8]
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" class="piano-roll" viewBox="0 0 {picture.width:g} '
        f'{picture.height:g}" width="100%" style="max-width:{picture.width:g}px" role="img" '
        f'aria-labelledby="roll-{mark}-name roll-{mark}-text">',
        f'<title id="roll-{mark}-name">{_xml(picture.name)}</title>',
        f'<desc id="roll-{mark}-text">{_xml(picture.description)}</desc>',
        f"<style>{_css()}</style>",
        drawn,
        "</svg>",
    ]
    return "\n".join(parts)


def png(picture: Picture, *, dark: bool = False) -> bytes:
    """The picture as a PNG of two pixels per unit, on white or dark paper; MissingExtraError without Pillow."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("drawing a PNG", "score") from None
    paper, ink = _DARK if dark else _LIGHT
    image = Image.new("RGB", (round(2 * picture.width), round(2 * picture.height)), paper)
    top = 0.0
    for band in picture.bands:
        image.paste(_painted(band, picture.width, paper, ink), (0, round(2 * top)))
        top += band.height
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def _css() -> str:
    rules = [
        ".piano-roll{font-family:system-ui,-apple-system,'Segoe UI',sans-serif;color:var(--roll-ink,currentColor)}"
    ]
    for kind, (colour, opacity) in _STYLES.items():
        paint = "currentColor" if colour == "ink" else colour
        if kind in ("octave", "beat", "bar", "frame", "crack"):
            width = 1.3 if kind == "bar" else 1 if kind == "frame" else 0.8
            rules.append(f".piano-roll .{kind}{{stroke:{paint};stroke-opacity:{opacity};stroke-width:{width}}}")
        elif kind in _SIZES:
            weight = ";font-weight:650" if kind == "title" else ""
            rules.append(
                f".piano-roll .{kind}{{fill:{paint};fill-opacity:{opacity};font-size:{_SIZES[kind]}px{weight}}}"
            )
        elif kind != "note":
            rules.append(f".piano-roll .{kind}{{fill:{paint};fill-opacity:{opacity}}}")
    return "".join(rules)


def _svg(shapes: Sequence[Shape]) -> Iterator[str]:
    for shape in shapes:
        at = f'class="{shape.kind}" '
        if isinstance(shape, Line):
            yield f'<line {at}x1="{shape.x:.2f}" y1="{shape.y:.2f}" x2="{shape.x2:.2f}" y2="{shape.y2:.2f}"/>'
        elif isinstance(shape, Label):
            at += f'x="{shape.x:.2f}" y="{shape.y:.2f}" text-anchor="{shape.anchor}"'
            yield f"<text {at}>{_xml(shape.text)}</text>"
        else:
            at += f'x="{shape.x:.2f}" y="{shape.y:.2f}" width="{shape.width:.2f}" height="{shape.height:.2f}"'
            if shape.kind == "note":
                at += f' rx="{_radius(shape):.1f}" fill="{shape.fill}" fill-opacity="{shape.opacity:g}"'
            if shape.sounding:
                pitch, start, end = shape.sounding
                at += f' data-pitch="{pitch}" data-start="{start:.3f}" data-end="{end:.3f}"'
            yield f"<rect {at}><title>{_xml(shape.tip)}</title></rect>" if shape.tip else f"<rect {at}/>"


def _radius(box: Box) -> float:
    return min(2.6, box.height / 2, box.width / 2)


def legal(text: str) -> str:
    """``text`` with a mark in place of every character that XML may not hold."""
    return _ILLEGAL.sub("\ufffd", text)


def _xml(text: str) -> str:
    return html.escape(legal(text))


def _painted(band: Band, width: float, paper: Colour, ink: Colour) -> Any:
    """The band as a Pillow image of two pixels per unit."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("RGB", (round(_DETAIL * width), round(_DETAIL * band.height)), paper)
    draw = ImageDraw.Draw(image, "RGBA")  # which blends
    for shape in band.shapes:
        colour, opacity = _STYLES[shape.kind]
        if isinstance(shape, Box) and shape.fill:
            colour, opacity = shape.fill, shape.opacity
        solid = ink if colour == "ink" else (int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16))
        paint = (*solid, round(255 * opacity))
        x, y = shape.x * _DETAIL, shape.y * _DETAIL
        if isinstance(shape, Line):
            stroke = 5 if shape.kind == "bar" else 4 if shape.kind == "frame" else 3
            draw.line((x, y, shape.x2 * _DETAIL, shape.y2 * _DETAIL), paint, stroke)
        elif isinstance(shape, Label):
            faded = tuple(round(p + opacity * (c - p)) for p, c in zip(paper, solid, strict=True))
            font = ImageFont.load_default(_SIZES[shape.kind] * _DETAIL)
            anchor = {"start": "ls", "middle": "ms", "end": "rs"}[shape.anchor]
            weight = 1 if shape.kind == "title" else 0
            draw.text((x, y), legal(shape.text), faded, font, anchor, stroke_width=weight)
        else:
            corner = (x, y, x + shape.width * _DETAIL, y + shape.height * _DETAIL)
            radius = _radius(shape) * _DETAIL if shape.kind == "note" else 0
            draw.rounded_rectangle(corner, radius, paint)
    return image.resize((round(2 * width), round(2 * band.height)), Image.Resampling.BOX)
