"""On a layout so small that every melody can be listed: nothing permitted is lost, nothing forbidden is allowed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from typing import Any

import pytest

from tests.domains import melody_checker as checker
from tests.domains.enumerated import exact, melodies
from tests.domains.melody_checker import Heard
from toolkit.core import UsageError
from toolkit.domains.music.events import Layout
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.rules import Close, Harmony, LastNote, Leap, Line, Motif, Progression, Repeats, Rhythm, Rule
from toolkit.domains.music.views import midi
from toolkit.score.notes import MODES, Meter

CODEC = MelodyCodec(Layout(meters=((1, 8),), phrase=2, lowest=0, highest=4, again=0, types=()))
LENGTH = 11
KEY = Limits(mode="major", tonic=0, scale=True)  # the pitches C, D and E, in bars of an eighth note
C, D, E = 60, 62, 64


@cache
def every(bars: int | None) -> dict[tuple[int, ...], Heard]:
    """Every melody of the plain grammar, as an exported file sounds."""
    found = melodies(CODEC.within(replace(KEY, bars=bars)), LENGTH, CODEC.size)
    return {tokens: checker.heard(midi(CODEC.decode(tokens), {})) for tokens in found}


def leaps(tune: Heard) -> bool:
    return checker.leaps_at_most(tune, 2)


def closes(kind: str) -> Callable[[Heard], bool]:
    return lambda tune: checker.closes(tune, kind, 0, "major")


def fits(*chords: str) -> Callable[[Heard], bool]:
    return lambda tune: checker.fits_chords(tune, [[chord] for chord in chords])


def motif(*pitches: int, at_pitch: bool = False, lengths: Sequence[float] | None = None) -> Callable[[Heard], bool]:
    exactly = None if lengths is None else [Fraction(each) for each in lengths]
    return lambda tune: checker.contains_motif(tune, list(pitches), at_pitch=at_pitch, lengths=exactly)


def rhythm(*eighths: tuple[float, float]) -> Callable[[Heard], bool]:
    spans = [(Fraction(begin), Fraction(end)) for begin, end in eighths]
    return lambda tune: checker.has_rhythm(tune, spans)


def ends_long(ticks: int) -> Callable[[Heard], bool]:
    return lambda tune: tune.notes[-1][1] - tune.notes[-1][0] >= Fraction(ticks, 24)


def once(tune: Heard) -> bool:
    return checker.most_equal_bars(tune) <= 1


CASES: list[tuple[int | None, tuple[Rule, ...], list[Callable[[Heard], bool]]]] = [
    (None, (Leap(2),), [leaps]),
    (None, (Leap(0),), [lambda tune: len(set(tune.pitches)) == 1]),
    (None, (Close("authentic"),), [closes("authentic")]),
    (None, (Close("half"),), [closes("half")]),
    (2, (Close("tonic"), Leap(2)), [closes("tonic"), leaps]),
    (2, (Harmony(Progression.parse("C | Dm")),), [fits("C", "Dm")]),
    (1, (Harmony(Progression.parse("Dm")), Leap(2)), [fits("Dm"), leaps]),
    (
        2,
        (LastNote(15), Close("tonic")),
        [closes("tonic"), ends_long(15)],
    ),
    (None, (LastNote(9),), [ends_long(9)]),
    (None, (Line((C, D, C)),), [lambda tune: tune.pitches == [C, D, C]]),
    (None, (Motif((D, E)),), [motif(D, E)]),
    (None, (Motif((C, C, D), False),), [motif(C, C, D, at_pitch=True)]),
    (None, (Motif((D, E), durations=(6, 3)),), [motif(D, E, lengths=[1 / 4, 1 / 8])]),
    (
        None,
        (Motif((D, D, E), False, (3, 3, 6)), Leap(2)),
        [leaps, motif(D, D, E, at_pitch=True, lengths=[1 / 8, 1 / 8, 1 / 4])],
    ),
    (1, (Rhythm(Meter(1, 8), ((0, 3), (6, 12))),), [rhythm((0, 1 / 8), (1 / 4, 1 / 2)), lambda tune: tune.bars == 1]),
    (1, (Rhythm(Meter(1, 8), ((-3, 12),)), Leap(2)), [leaps, rhythm((-1 / 8, 1 / 2))]),
    (2, (Repeats(1),), [once]),
    (None, (Repeats(1), Leap(0)), [once, lambda tune: len(set(tune.pitches)) == 1]),
    (2, (Repeats(1), Harmony(Progression.parse("C")), Close("tonic")), [once, fits("C"), closes("tonic")]),
]


def asked_for(case: Any) -> str:
    return " and ".join(rule.phrase for rule in case) if isinstance(case, tuple) else ""


@pytest.mark.parametrize(("bars", "rules", "asked"), CASES, ids=asked_for)
def test_the_rules_let_through_exactly_what_was_asked(
    bars: int | None, rules: tuple[Rule, ...], asked: list[Callable[[Heard], bool]]
) -> None:
    expected = {tokens for tokens, tune in every(bars).items() if all(each(tune) for each in asked)}
    assert 0 < len(expected) < len(every(bars))
    constraint = CODEC.within(replace(KEY, bars=bars), rules)
    assert set(melodies(constraint, LENGTH, CODEC.size)) == expected
    exact(constraint, expected)


@pytest.mark.parametrize(
    "rules",
    [
        (Motif((C, D), durations=(6, 9)),),
        (Leap(2), Motif((C, D, C))),
        (Harmony(Progression.parse("Dm | Ebm")), Close("authentic")),
        (Line((C, E, D)),),
    ],
    ids=asked_for,
)
def test_an_open_header_is_as_far_from_the_end_as_the_nearest_of_all(rules: tuple[Rule, ...]) -> None:
    layout = Layout(meters=((1, 8), (2, 8)), phrase=2, lowest=0, highest=4, again=0, types=())
    open_ = MelodyCodec(layout).within(Limits(bars=2, scale=True, high=67), rules)
    nearest = []
    for meter in layout.meters:
        found = []
        for mode in MODES:
            for tonic in range(12):
                try:
                    limits = Limits(meter=meter, mode=mode, tonic=tonic, bars=2, scale=True, high=67)
                    alone = MelodyCodec(layout).within(limits, rules)
                except UsageError:
                    continue
                found.append(alone.distance(alone.begin()))
        both = MelodyCodec(layout).within(Limits(meter=meter, bars=2, scale=True, high=67), rules)
        assert found
        assert both.distance(both.begin()) == min(found)
        nearest.append(min(found))
    assert open_.distance(open_.begin()) == min(nearest)
