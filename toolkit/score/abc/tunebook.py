"""Tunebooks: a text into tunes, and each tune's header.

Knows where a tune begins and ends. A broken tune breaks no other: it says so when its score is asked for.
Source: the abc music standard 2.1 (2011), sections 2 and 3.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property

from toolkit.score import Key, Meter, Score, Tempo
from toolkit.score.abc.body import Bar, read_bars, voices_of
from toolkit.score.abc.fields import (
    WHOLE,
    AbcError,
    Signature,
    default_unit,
    read_key,
    read_meter,
    read_tempo,
    read_unit,
)
from toolkit.score.abc.form import Arrangement, arrange, as_played, notes_of, written_once
from toolkit.score.sheet import Sheet, sentences_on

_FIELD = re.compile(r"([A-Za-z]):(?![|:])(.*)", re.DOTALL)
_NAMED = re.compile(r'(\S+).*?\bname\s*=\s*"([^"]*)"')
_MAILED = re.compile(r"=20|=3D|=\s*$")
"""What mail programs left in old collections (quoted-printable); none of it is ABC."""


@dataclass(frozen=True)
class Tune:
    """One tune as written. ``header`` maps a field's letter to its values in order; ``body`` are the lines after K:.

    ``line`` is where it begins in its text, from 1. Everything else is read when it is asked for and raises
    AbcError when it cannot be.
    """

    header: Mapping[str, tuple[str, ...]]
    body: tuple[str, ...]
    line: int = 1

    def first(self, letter: str) -> str:
        """The first value of a header field, empty without one."""
        return self.header.get(letter, ("",))[0]

    @property
    def number(self) -> str:
        return self.first("X")

    @property
    def title(self) -> str:
        return re.sub(r"\\([\\%&])", r"\1", self.first("T"))

    @property
    def rhythm(self) -> str:
        return self.first("R")

    @property
    def signature(self) -> Signature:
        if "K" not in self.header:
            raise AbcError("the tune has no key (K:).")
        return read_key(self.header["K"][-1]) or Signature(Key(0, "major"))

    @property
    def key(self) -> Key:
        return self.signature.key

    @property
    def meter(self) -> Meter | None:
        """The header's meter; None for a tune in free meter."""
        return read_meter(self.header["M"][-1]) if "M" in self.header else None

    @property
    def unit(self) -> Fraction:
        """The unit note length in whole notes."""
        return read_unit(self.header["L"][-1]) if "L" in self.header else default_unit(self.meter)

    @property
    def tempo(self) -> Tempo | None:
        return read_tempo(self.header["Q"][-1], self.unit) if "Q" in self.header else None

    @property
    def bars(self) -> tuple[Bar, ...]:
        """The bars of the first voice."""
        return self._first_voice[0]

    @cached_property
    def _first_voice(self) -> tuple[tuple[Bar, ...], Counter[str]]:
        """The bars of the first voice, and what was passed over while reading them."""
        left_out: Counter[str] = Counter()
        return read_bars(self.body, self.signature, self.meter, self.unit, left_out=left_out), left_out

    @property
    def _left_out(self) -> Counter[str]:
        """What a melody has no room for: grace notes, notes below others, voices beside the first."""
        bars, passed_over = self._first_voice
        below = sum(len(sound.below) for bar in bars for sound in bar.sounds)
        others = len(voices_of(self.body)) - 1
        return passed_over + Counter({"lower note of chords": below, "voice beside the first": others})

    def arrange(self, *, unfold: bool = False) -> Arrangement:
        """The melody in its meter with what was changed or left out: repeats written once, or with ``unfold`` played.

        Of several voices it is the first, of a chord the highest note.
        """
        found = arrange(self.bars, unfold=unfold, tempo=self.tempo, title=self.title, tune_type=self._type)
        return replace(found, changes=(*found.changes, *sentences_on(self._left_out)))

    def sheet(self, *, unfold: bool = False) -> Sheet:
        """The tune in all its voices, a track each, with every note of its chords; AbcError as from `arrange`.

        Meter and key are those of the first voice that has notes.
        """
        left_out: Counter[str] = Counter()
        scores: list[Score] = []
        findings: list[str] = []
        names = voices_of(self.body)
        for voice in names:
            bars = read_bars(self.body, self.signature, self.meter, self.unit, voice=voice, left_out=left_out)
            if not any(sound.pitch is not None for bar in bars for sound in bar.sounds):
                continue
            whole = arrange(bars, unfold=unfold, chords=True, tempo=self.tempo, title=self.title, tune_type=self._type)
            called = self._names.get(voice, voice if len(names) > 1 else "")
            scores.append(replace(whole.score, tracks=(replace(whole.score.tracks[0], name=called),)))
            findings.extend(f"{called}: {each}" if called else each for each in whole.changes)
        if not scores:
            raise AbcError("the tune has no notes.")
        tracks = tuple(score.tracks[0] for score in scores)
        return Sheet(replace(scores[0], tracks=tracks), (*findings, *sentences_on(left_out)))

    @property
    def _type(self) -> str:
        return " ".join(self.rhythm.lower().split())

    @property
    def _names(self) -> dict[str, str]:
        """What V: fields call the voices."""
        fields = [*self.header.get("V", ()), *(line[2:] for line in self.body if line.startswith("V:"))]
        found = [_NAMED.match(each.strip()) for each in fields]
        return {each[1]: each[2][:200] for each in found if each is not None}

    @property
    def score(self) -> Score:
        """The score with repeats written once."""
        return self.arrange().score

    @property
    def pitches(self) -> tuple[int, ...]:
        """The MIDI pitches of its notes, repeats written once, whatever its bars hold."""
        sounds = notes_of(sound for bar in written_once(self.bars) for sound in bar.sounds)
        return tuple(pitch for pitch, _, _ in sounds)

    def played(self) -> tuple[tuple[int, Fraction, Fraction], ...]:
        """(pitch, onset, duration in whole notes) as played, repeats unfolded, bars not made to fit anything."""
        sounds = notes_of(sound for bar in as_played(self.bars) for sound in bar.sounds)
        return tuple((pitch, Fraction(onset, WHOLE), Fraction(duration, WHOLE)) for pitch, onset, duration in sounds)


def read_tunes(text: str) -> Iterator[Tune]:
    """The tunes of a tunebook in order. AbcError when the text holds none.

    A tune begins at ``X:`` (or, in a text without any, at the first field) and ends at an empty line after its
    music, or at the next ``X:``.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    starts = [index for index, line in enumerate(lines) if line.startswith("X:")]
    if not starts:
        starts = [index for index, line in enumerate(lines) if _FIELD.match(line)][:1]
    if not starts:
        raise AbcError("there is no tune: ABC has lines such as X:1, T:title and K:G before the music.")
    for start, end in zip(starts, (*starts[1:], len(lines)), strict=True):
        yield _tune(lines[start:end], start + 1)


def _tune(lines: list[str], number: int) -> Tune:
    header: dict[str, list[str]] = {}
    directives: list[str] = []
    music = len(lines)
    for index, line in enumerate(lines):
        found = _FIELD.match(line)
        if found is not None:
            header.setdefault(found[1], []).append(_value(found[1], found[2]))
            if found[1] == "K":
                music = index + 1
                break
        if line.startswith(("%%", "I:")):
            directives.append(line)
    fields = {letter: tuple(values) for letter, values in header.items()}
    return Tune(fields, (*directives, *_music(lines[music:])), number)


def _value(letter: str, text: str) -> str:
    """A field's value without its comment; in a title a percent sign may be meant."""
    comment = r"\s%.*" if letter == "T" else r"(?<!\\)%.*"
    return re.sub(comment, "", text, count=1).strip()


def _music(lines: list[str]) -> Iterator[str]:
    """The lines up to the empty one that ends a tune; empty ones before any music are passed over."""
    begun = False
    for line in lines:
        if not line.strip():
            if begun:
                return
            continue
        begun = begun or not (line.startswith("%") or _FIELD.match(line))
        yield _MAILED.sub(lambda code: "=" if code[0] == "=3D" else " ", line)
