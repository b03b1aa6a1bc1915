from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domains.tunes import tunes
from toolkit.core import UsageError
from toolkit.score import Meter, Note, Score, Track, shaped, swung


def line(*lengths: int, meter: str = "4/4") -> Score:
    notes, at = [], 0
    for length in lengths:
        notes.append(Note(at, 60, length))
        at += length
    return Score((Track(tuple(notes)),), (Meter.parse(meter),))


def onsets(score: Score) -> list[Fraction]:
    return [Fraction(note.start, score.resolution) for note in score.notes]


def test_full_swing_is_two_to_one():
    assert onsets(swung(line(12, 12, 12, 12), 1)) == [0, Fraction(2, 3), 1, Fraction(5, 3)]
    assert onsets(swung(line(12, 12), 0.5)) == [0, Fraction(7, 12)]
    assert onsets(swung(line(6, 6, 6, 6), 1)) == [0, Fraction(1, 3), Fraction(2, 3), Fraction(5, 6)]


def test_triplets_and_compound_meters_are_played_as_written():
    triplet = line(8, 8, 8, 12, 12)
    assert onsets(swung(triplet, 1)) == [0, Fraction(1, 3), Fraction(2, 3), 1, Fraction(5, 3)]
    jig = line(12, 12, 12, 12, 12, 12, meter="6/8")
    assert onsets(swung(jig, 1)) == onsets(jig)


def test_no_swing_changes_nothing_and_too_much_is_refused():
    assert swung(line(12, 12), 0) == line(12, 12)
    with pytest.raises(UsageError, match="between 0 and 1"):
        swung(line(12, 12), 1.5)


@given(tunes(), st.floats(0.01, 1))
def test_swing_keeps_pitches_order_and_beats(tune, amount):
    played = swung(tune, amount)
    assert [note.pitch for note in played.notes] == [note.pitch for note in tune.notes]
    assert all(before.end <= after.start for before, after in pairwise(played.notes))
    for note, late in zip(tune.notes, played.notes, strict=True):
        delay = Fraction(late.start, played.resolution) - Fraction(note.start, 24)
        assert 0 <= delay <= Fraction(1, 6)
        if note.start % 24 == 0:
            assert delay == 0
    assert (played.meters, played.keys) == (tune.meters, tune.keys)


def test_strong_beats_are_louder():
    score = line(*[12] * 16)
    unphrased = replace(score, tracks=(replace(score.tracks[0], drums=True),))
    downbeat, off, beat, _, strong = [note.velocity for note in shaped(unphrased).notes][8:13]
    assert off < beat < strong < downbeat


def test_phrases_rise_and_fall_and_begin_anew_after_a_rest():
    notes = [Note(96 * bar, 60, 96) for bar in range(4)] + [Note(480 + 96 * bar, 60, 96) for bar in range(4)]
    velocities = [note.velocity for note in shaped(Score((Track(tuple(notes)),))).notes]
    assert velocities[:4] == velocities[4:]
    assert velocities[0] == velocities[3] < velocities[1] == velocities[2]


@given(tunes())
def test_dynamics_change_velocities_alone(tune):
    louder = shaped(tune)
    assert [(n.start, n.pitch, n.duration) for n in louder.notes] == [
        (n.start, n.pitch, n.duration) for n in tune.notes
    ]
    assert shaped(tune) == louder
