"""Chord symbols, and the rule that what sounds on a strong beat is a tone of the chord there.

Strong are the first beat of a bar, the middle of a bar of an even number of beats from four on (4/4, 6/8, 12/8, but not
2/4), and wherever a chord begins. Knows no token.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.core import UsageError
from toolkit.domains.music.rules.rule import Header, Permits, Rule
from toolkit.domains.music.scales import pitch_class
from toolkit.score.notes import TICKS, Meter

_TRIADS = {"": (0, 4, 7), "m": (0, 3, 7), "dim": (0, 3, 6), "aug": (0, 4, 8), "sus2": (0, 2, 7), "sus4": (0, 5, 7)}
_QUALITIES: dict[str, tuple[int, ...]] = {
    **_TRIADS,
    "5": (0, 7),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
    "69": (0, 2, 4, 7, 9),
    "add9": (0, 2, 4, 7),
    "madd9": (0, 2, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "mmaj7": (0, 3, 7, 11),
    "dim7": (0, 3, 6, 9),
    "m7b5": (0, 3, 6, 10),
    "aug7": (0, 4, 8, 10),
    "7b5": (0, 4, 6, 10),
    "7b9": (0, 1, 4, 7, 10),
    "7#9": (0, 3, 4, 7, 10),
    "7sus4": (0, 5, 7, 10),
    "9": (0, 2, 4, 7, 10),
    "maj9": (0, 2, 4, 7, 11),
    "m9": (0, 2, 3, 7, 10),
    "11": (0, 2, 4, 5, 7, 10),
    "m11": (0, 2, 3, 5, 7, 10),
    "13": (0, 2, 4, 7, 9, 10),
}
"""Semitones above the root."""

_SPELLINGS = (
    (r"\(|\)|,", ""),
    (r"^(maj|M|Δ|ma)7$", "maj7"),
    (r"^(Δ)$", "maj7"),
    (r"^(maj|M|ma)9$", "maj9"),
    (r"^(maj|M|ma)$", ""),
    (r"^(ø7?|(m|min|-)7(b5|-5|♭5))$", "m7b5"),
    (r"^(°7|o7|dim7)$", "dim7"),
    (r"^(°|o|dim)$", "dim"),
    (r"^(\+7|aug7|7\+|7#5)$", "aug7"),
    (r"^(\+|aug)$", "aug"),
    (r"^(mM7|mmaj7|minmaj7|m\(maj7\)|-M7|-Δ7?|mΔ7?)$", "mmaj7"),
    (r"^(min|mi|-)(.*)$", r"m\2"),
    (r"^sus$", "sus4"),
    (r"^7sus$", "7sus4"),
    (r"^(2|add2)$", "add9"),
    (r"^6/9$", "69"),
)
_SYMBOL = re.compile(r"([A-G])([#b♯♭]?)([^/]*(?:6/9)?)(?:/([A-G][#b♯♭]?))?")
_NO_CHORD = {"NC", "N.C.", "-", "z"}
_SAME = "%"


@dataclass(frozen=True)
class Chord:
    """A chord symbol and its pitch classes (C is 0), that of a bass after a slash among them; all twelve for none."""

    symbol: str
    classes: frozenset[int]

    @classmethod
    def parse(cls, symbol: str) -> Chord:
        """The chord that a symbol such as ``Am``, ``F#m7b5``, ``Bbmaj7``, ``G7sus4``, ``Bdim`` or ``C/E`` names."""
        if symbol in _NO_CHORD:
            return cls(symbol, frozenset(range(12)))
        found = _SYMBOL.fullmatch(symbol)
        quality = _quality(found[3]) if found else None
        if not found or quality is None:
            raise UsageError(f"{symbol!r} is not a known chord; chords are written like Am, G7, Bbmaj7 or C/E.")
        root = pitch_class(found[1] + found[2]) or 0
        bass = {pitch_class(found[4])} if found[4] else set()
        return cls(
            symbol, frozenset((root + step) % 12 for step in quality) | {each for each in bass if each is not None}
        )


def _quality(written: str) -> tuple[int, ...] | None:
    for pattern, plain in _SPELLINGS:
        written = re.sub(pattern, plain, written)
    return _QUALITIES.get(written)


@dataclass(frozen=True)
class Progression:
    """The chords of each bar, repeated from the first when the melody has more bars."""

    bars: tuple[tuple[Chord, ...], ...]

    @classmethod
    def parse(cls, text: str) -> Progression:
        """``C | G7 | Am F | C``: bars apart by bar lines, several chords share a bar equally; ``%`` repeats a bar.

        Without any bar line each chord is a bar.
        """
        written = text.strip().strip("|")
        parts = re.split(r"\|+|\n", written) if re.search(r"\||\n", text.strip()) else written.split()
        bars: list[tuple[Chord, ...]] = []
        for part in parts:
            symbols = part.split()
            if symbols == [_SAME] and bars:
                bars.append(bars[-1])
            elif symbols:
                bars.append(tuple(Chord.parse(symbol) for symbol in symbols))
            else:
                raise UsageError("a bar of the chords is empty; % repeats the bar before, and - stands for no chord.")
        if not bars:
            raise UsageError("no chords are named; they are written like C | G | Am | F.")
        return cls(tuple(bars))

    def __str__(self) -> str:
        return " | ".join(" ".join(chord.symbol for chord in bar) for bar in self.bars)


@dataclass(frozen=True)
class Harmony(Rule):
    """Every note that begins on a strong beat or sounds on through one is a tone of the chord there.

    Bar 1 has the first chords of ``progression``; a pickup has none. Silence on a strong beat is permitted.
    """

    progression: Progression
    remembers_pitch = True

    @property
    def phrase(self) -> str:
        return f"over the chords {self.progression}"

    def depends(self, header: Header) -> Hashable:
        return tuple(pitch % 12 for pitch in header.pitches)

    def permits(self, header: Header, bar: int) -> Permits:
        consonant_TP = np.ones((len(header.ticks), len(header.pitches)), np.bool_)
        for tick, chord in (*self._beats(header.meter, bar), *self._next_beat(header, bar)):
            consonant_TP[header.ticks.index(tick)] = [pitch % 12 in chord.classes for pitch in header.pitches]
        return Permits(strike_TP=consonant_TP, hold_TP=consonant_TP)

    def _next_beat(self, header: Header, bar: int) -> list[tuple[int, Chord]]:
        """The first beat of the next bar, which this one ends at."""
        if header.bars is not None and bar >= header.bars:
            return []
        return [(header.bar, self._beats(header.meter, bar + 1)[0][1])]

    def _beats(self, meter: Meter, bar: int) -> list[tuple[int, Chord]]:
        """(Tick, chord) of each strong beat in a bar."""
        if bar == 0:
            return []
        chords = self.progression.bars[(bar - 1) % len(self.progression.bars)]
        starts = chord_starts(meter, len(chords))
        return [
            (tick, chords[max(index for index, start in enumerate(starts) if start <= tick)])
            for tick in sorted({*starts, *strong_beats(meter)})
        ]


def strong_beats(meter: Meter) -> tuple[int, ...]:
    """The strong beats of a bar in ticks: the first, and the middle where an even number of beats is four or more."""
    even = meter.numerator >= 4 and meter.numerator % 2 == 0
    return (0, meter.bar(TICKS) // 2) if even else (0,)


def chord_starts(meter: Meter, count: int) -> tuple[int, ...]:
    """Where in a bar each of ``count`` chords begins, on beats, as equal as can be; UsageError for too few beats."""
    beats = meter.bar(TICKS) // meter.beat(TICKS)
    if count > beats:
        raise UsageError(f"a bar of {meter} has {beats} beats, too few for {count} chords.")
    return tuple(-(-index * beats // count) * meter.beat(TICKS) for index in range(count))
