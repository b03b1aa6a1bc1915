"""The piano roll: a score drawn as coloured bars over a keyboard, in rows of whole bars.

Knows where everything goes and what it is called; `toolkit.score.picture` paints it. Knows no staff notation.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal

from toolkit.core import unknown
from toolkit.score.keys import detect_key
from toolkit.score.notes import Note, Score, Track
from toolkit.score.picture import Band, Box, Label, Line, Picture, Shape, Sounding, png, svg

Colouring = Literal["auto", "degree", "velocity", "track"]

MOST_BARS = 128
"""How many bars are drawn unless more are asked for."""

_WIDTH, _MARGIN, _KEYBOARD = 960, 16, 44
_HEADING, _RULER, _GAP = 62, 20, 18
_ROW_QUARTERS = 32
_WIDEST_QUARTER = 56.0
_SMALLEST_RANGE = 18
_LONGEST_NAME = 84
_NAMES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "A♭", "A", "B♭", "B")
_BLACK = {1, 3, 6, 8, 10}
_DEGREES = ("#e4572e", "#2a9d8f", "#4a78c9", "#8a5fbf", "#e39a2d", "#36a3d9", "#cc5490")
_OUTSIDE = "#808893"
_LOUDNESS = ((58, 110, 200), (44, 165, 150), (236, 168, 48), (228, 70, 44))


def piano_roll_svg(
    score: Score, *, title: str | None = None, colouring: Colouring = "auto", bars: int = MOST_BARS
) -> str:
    """An SVG picture of ``score``, 960 units wide, for light and dark pages: it takes its ink from the text's colour.

    ``colouring`` is by scale degree, velocity or track; "auto" chooses degree for one track and track for several.
    At most ``bars`` bars are drawn. Every note has its name as a tooltip, its MIDI pitch as ``data-pitch``, and
    ``data-start`` and ``data-end`` in seconds. The same score gives the same text.
    """
    return svg(_picture(score, title, colouring, bars))


def piano_roll_png(
    score: Score,
    *,
    title: str | None = None,
    colouring: Colouring = "auto",
    bars: int = MOST_BARS,
    dark: bool = False,
) -> bytes:
    """The same picture as a PNG, 1,920 pixels wide, on white or dark paper; MissingExtraError without Pillow."""
    return png(_picture(score, title, colouring, bars), dark=dark)


def _picture(score: Score, title: str | None, colouring: str, bars: int) -> Picture:
    if colouring not in ("auto", "degree", "velocity", "track"):
        raise unknown("colouring", colouring, ("auto", "degree", "velocity", "track"))
    lines = score.bar_lines()
    shown = lines[: max(1, bars) + 1] if len(lines) > 1 else (0, score.meters[0].bar(score.resolution))
    rows = _rows(shown, _ROW_QUARTERS * score.resolution)
    tracks = [track for track in score.tracks if not track.drums] or list(score.tracks)
    pitches = [note.pitch for track in tracks for note in track.notes] or [60, 72]
    low, high = _range(min(pitches), max(pitches))
    widest = max(row[-1] - row[0] for row in rows)
    scale = min((_WIDTH - 2 * _MARGIN - _KEYBOARD) / widest, _WIDEST_QUARTER / score.resolution)
    lane = min(12.0, max(4.0, 290 / (high - low + 1)))
    heading = Band(_HEADING, [Label(_MARGIN, 30, _shortened(_name(score, title)), "title")])
    heading.shapes.append(Label(_MARGIN, 50, _facts(score, len(lines) - 1, len(shown) - 1), "facts"))
    first = 1
    bands = [heading]
    colours = _Colours(score, tracks, colouring)
    for row in rows:
        roll = _Row(score, row, low, high, scale, lane)
        bands.append(Band(_RULER + roll.height + _GAP, [*roll.ground(first), *roll.notes(tracks, colours)]))
        first += len(row) - 1
    return Picture(_WIDTH, tuple(bands), _name(score, title), _description(score))


def _rows(lines: Sequence[int], most: int) -> list[Sequence[int]]:
    """The bar lines of each row, which shares its border lines: 1, 2, 4, 8 … bars within ``most`` ticks.

    A few bars that are left over, such as the one more that a pickup makes, stand in the last row beside the others.
    """
    longest = max(after - before for before, after in pairwise(lines))
    bars = 1
    while 2 * bars * longest <= most:
        bars *= 2
    begins = list(range(0, len(lines) - 1, bars))
    if len(begins) > 1 and len(lines) - 1 - begins[-1] <= bars // 4:
        begins.pop()
    return [lines[begin : end + 1] for begin, end in pairwise([*begins, len(lines) - 1])]


def _range(low: int, high: int) -> tuple[int, int]:
    """A range of pitches a little wider than the notes', and not too narrow to look like a keyboard."""
    missing = max(0, _SMALLEST_RANGE - (high - low + 5))
    return max(0, low - 2 - missing // 2), min(127, high + 2 + (missing + 1) // 2)


class _Colours:
    """The colour of a note, and how solid: the louder, the more."""

    def __init__(self, score: Score, tracks: Sequence[Track], colouring: str) -> None:
        self._way = ("track" if len(tracks) > 1 else "degree") if colouring == "auto" else colouring
        self._keys = score.keys or (detect_key(score.notes),)
        self._changes = [key.start for key in self._keys]
        self._scales = [key.pitch_classes for key in self._keys]

    def of(self, note: Note, track: int) -> tuple[str, float]:
        if self._way == "track":
            colour = _DEGREES[(2 * track + 2) % len(_DEGREES)]
        elif self._way == "velocity":
            colour = _loudness(note.velocity)
        else:
            scale = self._scales[max(0, bisect_right(self._changes, note.start) - 1)]
            colour = _DEGREES[scale.index(note.pitch % 12)] if note.pitch % 12 in scale else _OUTSIDE
        return colour, round(0.6 + 0.4 * min(1.0, note.velocity / 100), 2)


def _loudness(velocity: int) -> str:
    """From blue (soft) over green and amber to red (loud)."""
    place = velocity / 128 * (len(_LOUDNESS) - 1)
    softer, louder = _LOUDNESS[int(place)], _LOUDNESS[int(place) + 1]
    return "#" + "".join(f"{round(a + place % 1 * (b - a)):02x}" for a, b in zip(softer, louder, strict=True))


class _Row:
    """One system of the roll: whole bars between the ticks ``lines[0]`` and ``lines[-1]``."""

    def __init__(self, score: Score, lines: Sequence[int], low: int, high: int, scale: float, lane: float) -> None:
        self._score, self._lines = score, lines
        self._low, self._high, self._scale, self._lane = low, high, scale, lane
        self._left = _MARGIN + _KEYBOARD
        self.height = (high - low + 1) * lane

    def ground(self, first: int) -> Iterator[Shape]:
        """Lanes, keyboard, beats, bar lines and their numbers, of which the leftmost is ``first``."""
        right, bottom = self._x(self._lines[-1]), _RULER + self.height
        for pitch in range(self._low, self._high + 1):
            if pitch % 12 in _BLACK:
                yield Box(self._left, self._y(pitch), right - self._left, self._lane, "lane")
        yield from self._keyboard()
        for pitch in range(self._low + 1, self._high + 1):
            if pitch % 12 == 0:
                below = self._y(pitch) + self._lane
                yield Line(self._left, below, right, below, "octave")
        for tick in self._beats():
            yield Line(self._x(tick), _RULER, self._x(tick), bottom, "beat")
        for number, line in enumerate(self._lines, first):
            yield Line(self._x(line), _RULER, self._x(line), bottom, "bar")
            if line != self._lines[-1]:
                yield Label(self._x(line) + 3, _RULER - 6, str(number), "number")
        for edge in (_RULER, bottom):
            yield Line(self._left, edge, right, edge, "frame")

    def notes(self, tracks: Sequence[Track], colours: _Colours) -> Iterator[Shape]:
        begin, end = self._lines[0], self._lines[-1]
        for number, track in enumerate(tracks):
            for note in track.notes:
                if note.start < end and note.end > begin:
                    left, right = self._x(max(note.start, begin)), self._x(min(note.end, end))
                    colour, opacity = colours.of(note, number)
                    yield Box(
                        left + 0.6,
                        self._y(note.pitch) + 0.6,
                        max(1.5, right - left - 1.2),
                        self._lane - 1.2,
                        "note",
                        colour,
                        opacity,
                        f"{_pitch_name(note.pitch)}, velocity {note.velocity}",
                        Sounding(note.pitch, self._score.seconds_at(note.start), self._score.seconds_at(note.end)),
                    )

    def _keyboard(self) -> Iterator[Shape]:
        yield Box(_MARGIN, _RULER, _KEYBOARD, self.height, "white")
        for pitch in range(self._low, self._high + 1):
            middle = self._y(pitch) + self._lane / 2
            if pitch % 12 in _BLACK:
                yield Line(_MARGIN + 0.6 * _KEYBOARD, middle, self._left, middle, "crack")
                yield Box(_MARGIN, self._y(pitch) + 0.4, 0.6 * _KEYBOARD, self._lane - 0.8, "black")
            elif pitch % 12 in (0, 5) and pitch > self._low:
                yield Line(_MARGIN, middle + self._lane / 2, self._left, middle + self._lane / 2, "crack")
            if pitch % 12 == 0:
                yield Label(self._left - 4, middle + 3, _pitch_name(pitch), "key", "end")

    def _beats(self) -> Iterator[int]:
        for line, following in pairwise(self._lines):
            meter = next(meter for meter in reversed(self._score.meters) if meter.start <= line)
            step = meter.beat(self._score.resolution)
            if step * self._scale >= 4:
                yield from range(line + step, following, step)

    def _x(self, tick: int) -> float:
        return self._left + (tick - self._lines[0]) * self._scale

    def _y(self, pitch: int) -> float:
        return _RULER + (self._high - pitch) * self._lane


def _pitch_name(pitch: int) -> str:
    return f"{_NAMES[pitch % 12]}{pitch // 12 - 1}"


def _name(score: Score, title: str | None) -> str:
    return (score.title if title is None else title) or "Piano roll"


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1] + "…"


def _facts(score: Score, bars: int, shown: int) -> str:
    facts = [str(score.keys[0])] if score.keys else []
    facts += [str(score.meters[0]), f"{score.tempos[0].bpm:.0f} quarter notes a minute"]
    facts.append(f"{bars} {'bar' if bars == 1 else 'bars'}" + (f", the first {shown} shown" if shown < bars else ""))
    return "  ·  ".join(facts)


def _description(score: Score) -> str:
    notes = score.notes
    if not notes:
        return "A piano roll without notes."
    low, high = min(note.pitch for note in notes), max(note.pitch for note in notes)
    return (
        f"A piano roll of {len(notes)} {'note' if len(notes) == 1 else 'notes'} from {_pitch_name(low)} to "
        f"{_pitch_name(high)}, {_facts(score, len(score.bar_lines()) - 1, len(score.bar_lines()) - 1)}."
    )
