"""Music code to bars: what sounds between one bar line and the next, and what each bar line says.

Knows pitches, lengths, tuplets and the scope of accidentals. Does not know in which order bars are played,
nor whether they fill their meter.

Source: the abc music standard 2.1 (2011), sections 4 and 7. An accidental holds for its letter in every octave
until the bar line, the standard's default; ``%%propagate-accidentals octave`` and ``not`` are obeyed. Grace
notes, decorations, chord symbols, annotations and lyrics are passed over. One voice is read at a time.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

from toolkit.score import Key, Meter
from toolkit.score.abc.fields import (
    ACCIDENTALS,
    NATURAL,
    WHOLE,
    AbcError,
    Signature,
    bar_length,
    exactly,
    read_key,
    read_length,
    read_meter,
    read_unit,
)


@dataclass(slots=True)
class Sound:
    """A note or, without a pitch, a rest: ``duration`` in grains; ``tied`` to the next of the same pitch.

    ``below`` are the other pitches of a chord; ``pitch`` is its highest.
    """

    pitch: int | None
    duration: int
    tied: bool = False
    below: tuple[int, ...] = ()


@dataclass(frozen=True)
class Bar:
    """What stands between two bar lines, and what the lines say.

    ``number`` counts written bars from 1. ``opens`` is the bar line before it (several run together),
    ``closes`` the one after; ``ending`` the passes this bar is played in, empty for every one.
    """

    number: int
    sounds: tuple[Sound, ...]
    meter: Meter | None
    key: Key
    opens: str = ""
    closes: str = ""
    ending: frozenset[int] = frozenset()

    @cached_property
    def length(self) -> int:
        """Grains."""
        return sum(sound.duration for sound in self.sounds)

    @property
    def starts_repeat(self) -> bool:
        return self.opens.endswith(":")

    @property
    def plays(self) -> int:
        """How often a repeat that ends here is played; 0 where none ends."""
        line = self.closes.lstrip("[]|")
        colons = len(line) - len(line.lstrip(":"))
        if not colons or (colons == len(line) and not self.closes.startswith(":")):
            return 0
        return 2 if colons == len(line) else 1 + colons

    @property
    def starts_section(self) -> bool:
        """Whether more than an ordinary bar line, or an ending, stands before it."""
        return self.opens not in {"", "|"} or bool(self.ending)


_LENGTH = r"\d*(?:/\d*)*"
_TOKEN = re.compile(
    rf"""(?P<space>[\s`\\]+|[H-Wh-w~.]x(?![\d/]))
    |(?P<note>(?P<sign>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH}))
    |(?P<rest>[zx](?P<pause>{_LENGTH}))
    |(?P<bars_rest>[ZX](?P<bars>\d*))
    |(?P<text>"[^"]*(?:"|$))
    |(?P<field>\[(?P<name>[A-Za-z]):(?P<value>[^\]]*)\])
    |(?P<line>\[?(?:\||:)[|:\]]*)
    |(?P<ending>\[\s*(?P<passes>\d[\d,\-]*))
    |(?P<chord>\[(?P<inside>[^\]|]*)\](?P<stretch>{_LENGTH}))
    |(?P<tuplet>\((?P<p>\d)(?P<more>(?::\d?){{0,2}}))
    |(?P<broken>>+|<+)
    |(?P<tie>-)
    |(?P<grace>\{{[^}}]*(?:\}}|$))
    |(?P<decoration>![^!\s|\[\]]{{1,24}}!|\+[a-z][^+\s|]{{0,24}}\+|y\d*)
    |(?P<number>\d[\d,\-]*)
    |(?P<overlay>&)
    |(?P<other>.)""",
    re.VERBOSE,
)
_GRACE_NOTE = re.compile(r"[A-Ga-g]")
_CHORD_NOTE = re.compile(
    rf"(?P<sign>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)(?P<length>{_LENGTH})(?P<tie>-?)"
)
_OLD_CHORD = re.compile(rf"\+((?:(?:\^\^?|__?|=)?[A-Ga-g][,']*{_LENGTH})+)\+")
"""Chords as ABC wrote them before 2000: ``+ceg+``."""
_FIELD_LINE = re.compile(r"([A-Za-z+]):(?![|:])(.*)", re.DOTALL)
_DIRECTIVE = re.compile(r"(?:%%|I:)\s*propagate-accidentals[\s:=]+(\w+)")
_SILENT = frozenset({"space", "text", "grace", "decoration", "other"})
_IN_TIME_OF = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}


ONLY_VOICE = "1"
"""What music is called that stands before any V: field."""

_VOICE = re.compile(r"^V:[ \t]*(\S+)|\[V:[ \t]*([^\s\]]+)")


def voices_of(lines: Iterable[str]) -> tuple[str, ...]:
    """The names of the voices that the lines of a body write, in order; a tune without V: has `ONLY_VOICE`."""
    names: dict[str, None] = {}
    for line in map(_uncommented, lines):
        first = _VOICE.search(line)
        before = line[: first.start()] if first is not None else line
        if not names and before.strip() and not _FIELD_LINE.match(before):
            names[ONLY_VOICE] = None
        names.update(dict.fromkeys(own or inline for own, inline in _VOICE.findall(line)))
    return tuple(names) or (ONLY_VOICE,)


def read_bars(
    lines: Iterable[str],
    signature: Signature,
    meter: Meter | None,
    unit: Fraction,
    *,
    voice: str | None = None,
    left_out: Counter[str] | None = None,
) -> tuple[Bar, ...]:
    """The bars that the lines of a tune's body write in one voice, the first that sounds unless ``voice`` names it.

    What is passed over is counted in ``left_out``. AbcError for lengths and fields that mean nothing.
    """
    return tuple(_Scribe(signature, meter, unit, voice, Counter() if left_out is None else left_out).write(lines))


class _Scribe:
    """Goes through a body once, holding what a reader of sheet music holds in mind."""

    def __init__(
        self, signature: Signature, meter: Meter | None, unit: Fraction, wanted: str | None, left_out: Counter[str]
    ) -> None:
        self.wanted, self.left_out = wanted, left_out
        self.signature = signature
        self.altered = dict(signature.altered)
        self.meter, self.unit = meter, unit
        self.lengths: dict[str, int] = {}
        self.scope = "pitch"
        self.sounds: list[Sound] = []
        self.number = 0
        self.opens, self.line, self.ending = "", "", frozenset[int]()
        self.accidentals: dict[str, int] = {}
        self.tied: tuple[str, int, int] | None = None
        self.last: tuple[str, int, int] | None = None
        self.previous: Sound | None = None
        self.lean: tuple[int, int] | None = None
        self.tuplet, self.left = (1, 1), 0
        self.voice, self.first_voice = ONLY_VOICE, wanted or ONLY_VOICE
        self.named = False  # what stands before any V: field governs every voice
        self.overlaid = False

    def write(self, lines: Iterable[str]) -> Iterator[Bar]:
        for line in lines:
            directive = _DIRECTIVE.match(line)
            if directive is not None:
                self.scope = directive[1]
            text = _OLD_CHORD.sub(r"[\1]", _uncommented(line))
            field = _FIELD_LINE.match(text)
            if field is not None:
                yield from self.cross_line()
                self.field(field[1], field[2])
            elif self.voice == self.first_voice or "[V:" in text:
                yield from self.music(text)
        if self.sounds:
            yield self.bar(self.line)

    def music(self, text: str) -> Iterator[Bar]:
        for token in _TOKEN.finditer(text):
            kind = str(token.lastgroup)
            if kind in _SILENT:
                if kind == "grace" and self.voice == self.first_voice:
                    self.left_out["grace note"] += len(_GRACE_NOTE.findall(token[0]))
                continue
            if kind == "field":
                yield from self.cross_line()
                self.field(token["name"], token["value"])
            elif self.voice != self.first_voice:
                continue
            elif kind == "line":
                self.line = _run_together(self.line, token[0])
                self.overlaid = False
            elif kind == "overlay" or self.overlaid:
                self.left_out["note of a second voice in a bar (&)"] += kind == "note"
                self.overlaid = True
            elif kind == "number" and self.line in {"", ":"}:
                continue
            else:
                if self.line:
                    yield from self.cross_line()
                if kind == "note":
                    self.note(token)
                elif kind in {"ending", "number"}:
                    yield from self.begin_ending(token["passes"] or token[0])
                else:
                    self.token(kind, token)

    def cross_line(self) -> Iterator[Bar]:
        """Ends the bar if a bar line stands before what comes now. A colon alone is no bar line."""
        line, self.line = self.line, ""
        if line in {"", ":"}:
            return
        if self.sounds:
            yield self.bar(line)
            self.opens = line
        else:
            self.opens = _run_together(self.opens, line)
        self.accidentals = {}

    def begin_ending(self, passes: str) -> Iterator[Bar]:
        """An ending may begin inside a bar, which is then cut in two."""
        if self.sounds:
            yield self.bar("")
            self.opens = ""
        self.ending = _passes(passes)

    def bar(self, closes: str) -> Bar:
        self.number += 1
        done = Bar(self.number, tuple(self.sounds), self.meter, self.signature.key, self.opens, closes, self.ending)
        self.sounds, self.ending = [], frozenset()
        return done

    def token(self, kind: str, token: re.Match[str]) -> None:
        match kind:
            case "rest":
                self.last = None
                self.sound(None, self.length(token["pause"]))
            case "bars_rest":
                self.last = None
                self.rest_bars(int(token["bars"] or 1))
            case "chord":
                self.chord(token["inside"], token["stretch"])
            case "tie":
                self.tie()
            case "broken":
                self.broken(token[0])
            case "tuplet":
                self.begin_tuplet(int(token["p"]), token["more"])

    def note(self, token: re.Match[str]) -> None:
        sign, letter, octave, length = token.group("sign", "letter", "octave", "length")
        self.sound(self.pitch(sign, letter, octave), self.length(length))

    def length(self, text: str) -> int:
        """Grains; a tune has few lengths, and exact fractions are slow to make and to look up."""
        grains = self.lengths.get(text)
        if grains is None:
            grains = self.lengths[text] = read_length(text, self.unit)
        return grains

    def pitch(self, sign: str | None, letter: str, octave: str) -> int:
        name = letter.upper()
        height = 0 if letter == name else 12
        if octave:
            height += 12 * (octave.count("'") - octave.count(","))
        where = name if self.scope == "pitch" else name + str(height)
        if sign is not None:
            by = ACCIDENTALS[sign]
            if self.scope != "not":
                self.accidentals[where] = by
        elif where in self.accidentals:
            by = self.accidentals[where]
        elif self.tied is not None and self.tied[:2] == (name, height):
            by = self.tied[2]
        else:
            by = self.altered.get(name, 0)
        self.last, self.tied = (name, height, by), None
        pitch = 60 + NATURAL[name] + height + by
        if not 0 <= pitch <= 127:
            raise AbcError(f"bar {self.number + 1} has a note beyond what MIDI can number.")
        return pitch

    def sound(self, pitch: int | None, duration: int) -> None:
        if not duration:
            return
        if self.lean is not None:
            duration, self.lean = _scaled(duration, self.lean), None
        if self.left:
            duration = _scaled(duration, self.tuplet)
            self.left -= 1
        self.previous = Sound(pitch, duration)
        self.sounds.append(self.previous)

    def rest_bars(self, count: int) -> None:
        if self.meter is None:
            raise AbcError("a rest of whole bars stands in a tune without a meter.")
        self.sounds.append(Sound(None, count * bar_length(self.meter)))
        self.previous = None

    def chord(self, inside: str, stretch: str) -> None:
        found = list(_CHORD_NOTE.finditer(re.sub(r'"[^"]*"|![^!]*!', "", inside)))
        if not found:
            return
        tied = self.tied
        heard = []
        for each in found:
            self.tied = tied
            heard.append((self.pitch(each["sign"], each["letter"], each["octave"]), self.last, each))
        top, self.last, note = max(heard, key=lambda one: one[0])
        self.sound(top, exactly(self.length(found[0]["length"]) * read_length(stretch, Fraction(1)), WHOLE))
        if self.previous is not None and self.previous.pitch == top:
            self.previous.below = tuple(sorted({pitch for pitch, _, _ in heard} - {top}))
        if note["tie"]:
            self.tie()

    def tie(self) -> None:
        if self.previous is not None and self.previous.pitch is not None:
            self.previous.tied = True
            self.tied = self.last

    def broken(self, signs: str) -> None:
        """``>`` dots the note before and halves the one after; ``>>`` dots twice and quarters; ``<`` the reverse."""
        if self.previous is None:
            return
        parts = 2 ** len(signs)
        long, short = (2 * parts - 1, parts), (1, parts)
        before, self.lean = (long, short) if signs[0] == ">" else (short, long)
        self.previous.duration = _scaled(self.previous.duration, before)

    def begin_tuplet(self, p: int, more: str) -> None:
        """``(p:q:r``: p notes in the time of q, for the next r of them."""
        given = [int(each) if each else 0 for each in more.split(":")[1:]] + [0, 0]
        if p < 2:
            return
        compound = self.meter is not None and self.meter.denominator >= 8 and self.meter.numerator % 3 == 0
        q = given[0] or _IN_TIME_OF.get(p, 3 if compound and self.meter and self.meter.numerator > 3 else 2)
        self.tuplet, self.left = (q, p), given[1] or p

    def field(self, name: str, value: str) -> None:
        if name == "V":
            self.turn_to(value.split()[0] if value.split() else ONLY_VOICE)
        elif self.voice != self.first_voice and self.named:
            return
        elif name == "K":
            self.change_key(value)
        elif name == "M":
            self.meter = read_meter(value)
        elif name == "L":
            self.unit, self.lengths = read_unit(value), {}

    def turn_to(self, voice: str) -> None:
        if self.wanted is None and not self.sounds and not self.number:
            self.first_voice = voice
        self.voice, self.named = voice, True

    def change_key(self, value: str) -> None:
        signature = read_key(value)
        if signature is not None:
            self.signature, self.altered = signature, dict(signature.altered)


def _scaled(duration: int, by: tuple[int, int]) -> int:
    return exactly(duration * by[0], by[1])


def _uncommented(line: str) -> str:
    return re.split(r"(?<!\\)%", line, maxsplit=1)[0]


def _run_together(before: str, line: str) -> str:
    """Bar lines with nothing between them as one; a line at the end of a row and one at the next start are the same."""
    return before + line[1:] if before.endswith("|") and line.startswith("|") else before + line


def _passes(text: str) -> frozenset[int]:
    """``1``, ``1,3`` or ``1-3`` as the passes meant."""
    passes: set[int] = set()
    for each in re.findall(r"\d+(?:-\d+)?", text):
        first, _, last = each.partition("-")
        passes.update(range(int(first), min(int(last or first), int(first) + 15) + 1))
    return frozenset(passes)
