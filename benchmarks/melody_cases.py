"""Random things to ask of a melody, each with a check on the notes of the MIDI file that comes out.

The checks are those of `tests.domains.melody_checker`, which knows no rule and no grammar. Every case names key, mode
and meter, so that a check knows against what to hold the notes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from random import Random
from typing import Any

from tests.domains import melody_checker as ear

Check = Callable[[ear.Heard], bool]
Kind = Callable[[Random, "Frame"], tuple[dict[str, Any], Check]]

_TONICS = {"C": 0, "D": 2, "F": 5, "G": 7, "A": 9, "Bb": 10, "E": 4}
_METERS = ("4/4", "3/4", "6/8", "2/4")
_CHORDS = ("C", "G", "Am", "F", "Dm", "Em", "G7", "D", "A7", "Bb", "E7", "Bm")


@dataclass(frozen=True)
class Frame:
    """What every case asks for: key, mode, meter and the number of bars."""

    key: str
    mode: str
    meter: str
    bars: int

    @property
    def tonic(self) -> int:
        return _TONICS[self.key]

    @property
    def bar(self) -> Fraction:
        beats, unit = map(int, self.meter.split("/"))
        return Fraction(4 * beats, unit)


@dataclass(frozen=True)
class Case:
    """``kinds`` names what is asked for beside the frame; every check of what is heard must hold."""

    kinds: tuple[str, ...]
    settings: Mapping[str, Any]
    checks: tuple[Check, ...]

    def holds(self, midi: bytes) -> bool:
        tune = ear.heard(midi)
        return all(check(tune) for check in self.checks)


def tones(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    scale = rng.choice(["major pentatonic", "minor pentatonic", "blues", "harmonic minor", "whole tone"])
    return {"tones": scale}, lambda tune: ear.keeps_to_tones(tune, frame.tonic, scale)


def span(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    low = rng.randint(60, 64)
    high = low + rng.randint(9, 14)
    return {"low": low, "high": high}, lambda tune: all(low <= pitch <= high for pitch in tune.pitches)


def leap(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    most = rng.randint(2, 5)
    return {"leap": most}, lambda tune: ear.leaps_at_most(tune, most)


def close(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    kind = rng.choice(["tonic", "authentic", "plagal", "half"])
    return {"close": kind}, lambda tune: ear.closes(tune, kind, frame.tonic, frame.mode)


def chords(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    bars = [[rng.choice(_CHORDS)] for _ in range(frame.bars)]
    return (
        {"chords": " | ".join(each for (each,) in bars)},
        lambda tune: ear.fits_chords(tune, bars),
    )


def repeat_bar(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    most = rng.randint(1, 2)
    return {"repeat_bar": most}, lambda tune: ear.most_equal_bars(tune) <= most


def rhythm(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    lengths: list[Fraction] = []
    for _ in range(frame.bars):
        left = frame.bar
        while left:
            lengths.append(min(left, rng.choice([Fraction(1, 2), Fraction(1, 2), Fraction(1), Fraction(3, 2)])))
            left -= lengths[-1]
    ends = list(accumulate(lengths))
    spans = list(zip([Fraction(0), *ends], ends, strict=False))
    return {"rhythm": " ".join(map(str, lengths))}, lambda tune: ear.has_rhythm(tune, spans)


def motif(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    steps = [rng.choice([-4, -3, -2, 2, 3, 4]) for _ in range(rng.randint(3, 5))]
    pitches = list(accumulate([60, *steps]))
    return (
        {"motif": " ".join(f"{step:+d}" for step in steps)},
        lambda tune: ear.contains_motif(tune, pitches, at_pitch=False, lengths=None),
    )


def pitches(rng: Random, frame: Frame) -> tuple[dict[str, Any], Check]:
    names = {"C": 60, "D": 62, "E": 64, "F": 65, "G": 67, "A": 69, "B": 71}
    line = [rng.choice(sorted(names)) for _ in range(rng.randint(2 * frame.bars, 4 * frame.bars))]
    return {"pitches": "K:C " + " ".join(line)}, lambda tune: tune.pitches == [names[each] for each in line]


KINDS: Mapping[str, Kind] = {
    each.__name__: each for each in (tones, span, leap, close, chords, repeat_bar, rhythm, motif, pitches)
}

_APART = ({"pitches", "tones"}, {"pitches", "chords"}, {"pitches", "motif"}, {"pitches", "leap"}, {"pitches", "close"},
          {"pitches", "span"})  # fmt: skip
"""Kinds that seldom agree when both are drawn at random."""


def draw(rng: Random, *, composed: bool) -> Case:
    """One thing to ask of a melody in a key, a mode and a meter, or two or three at once where it is ``composed``."""
    frame = Frame(
        rng.choice(sorted(_TONICS)), rng.choice(["major", "minor", "dorian"]), rng.choice(_METERS), rng.randint(2, 6)
    )
    count = rng.choice([2, 2, 3]) if composed else 1
    while True:
        names = sorted(rng.sample(sorted(KINDS), count))
        if not any(pair <= set(names) for pair in _APART):
            break
    drawn = [KINDS[name](rng, frame) for name in names]
    settings: dict[str, Any] = {"key": frame.key, "mode": frame.mode, "meter": frame.meter, "bars": frame.bars}
    for each, _ in drawn:
        settings |= each
    return Case(
        tuple(names),
        settings,
        (lambda tune: tune.bars == frame.bars, *(check for _, check in drawn)),
    )
