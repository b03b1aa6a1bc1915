"""Every measure by hand on small tunes, and what must not change it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings

from tests.domains.tunes import tunes
from toolkit.core import InputError
from toolkit.musicality import MEASURES, compare, divergence, overlap
from toolkit.musicality.comparison import permutation_p, spread, superiority
from toolkit.musicality.distributions import nearest_shares
from toolkit.score import Key, Meter, Note, Score, Track

OF = {measure.name: measure.of for measure in MEASURES}


def tune(*bars: str, key: Key | None = None, meter: str = "4/4") -> Score:
    """Quarter notes by letter, ``-`` a rest; letters are C to B from middle C, lower case an octave higher."""
    pitches = dict(zip("CDEFGAB", (60, 62, 64, 65, 67, 69, 71), strict=True))
    pitches |= {letter.lower(): pitch + 12 for letter, pitch in pitches.items()}
    notes = []
    for place, letter in enumerate("".join(bars)):
        if letter != "-":
            notes.append(Note(24 * place, pitches[letter], 24))
    return Score((Track(tuple(notes)),), (Meter.parse(meter),), (key or Key(0, "major"),))


def test_pitch_class_entropy_by_hand() -> None:
    one = "pitch-class entropy, 1 bar"
    assert OF[one](tune("CCCC")) == 0
    assert OF[one](tune("CDEF")) == pytest.approx(2)
    assert OF[one](tune("CcCc", "CDCD")) == pytest.approx(0.5)
    assert OF["pitch-class entropy, 4 bars"](tune("CCCC", "DDDD")) == pytest.approx(1)


def test_scale_consistency_by_hand() -> None:
    assert OF["scale consistency"](tune("CDEF", "GABc")) == 1
    sharp = Score((Track((Note(0, 60, 24), Note(24, 61, 24), Note(48, 62, 24), Note(72, 63, 24))),))
    assert OF["scale consistency"](sharp) == 0.75  # Db major has three of them


def test_groove_by_hand() -> None:
    assert OF["groove similarity"](tune("CDEF", "GABc")) == 1
    # Two of sixteen places differ between the bars.
    assert OF["groove of neighbours"](tune("CDEF", "G--c")) == pytest.approx(14 / 16)
    assert OF["groove similarity"](tune("CDEF", "G--c", "CDEF")) == pytest.approx((14 / 16 + 1 + 14 / 16) / 3)
    assert OF["groove of neighbours"](tune("CDE", "C-E", meter="3/4")) == pytest.approx(11 / 12)


def test_groove_is_not_one_at_the_resolution_of_a_file() -> None:
    fine = tune("CDEF", "G--c").rescaled(480)
    assert OF["groove of neighbours"](fine) == pytest.approx(14 / 16)


def test_closes_by_hand() -> None:
    assert OF["last bar complete"](tune("CDEF", "GAB-")) == 0
    assert OF["last bar complete"](tune("CDEF", "GABc")) == 1
    assert OF["last bar complete"](tune("---C", "DEFG", "ABc")) == 1
    assert OF["close on the tonic"](tune("CDEF", "GABc")) == 1
    assert OF["close on the tonic"](tune("CDEF", "GABA")) == 0
    assert OF["close on the tonic"](tune("CDEA", key=Key(9, "minor"))) == 1


def test_returns_by_hand() -> None:
    aaba = tune("CDEF", "CDEF", "GGGG", "CDEF")
    assert OF["bars that return"](aaba) == 0.5
    assert OF["rhythms that return"](aaba) == 0.75
    assert OF["contours that return"](tune("CDEF", "DEFG", "GFED")) == pytest.approx(1 / 3)
    period = ["CDEF", "GABc", "GGGG", "C-C-"]
    assert OF["as four bars before"](tune(*period, *period)) == 1
    assert OF["as four bars before"](tune(*period, *period[:3], "CCCC")) == 0.75
    assert math.isnan(OF["as eight bars before"](tune(*period)))


def test_phrases_a_note_fall_where_much_returns() -> None:
    same, other = tune("CDCDCDCDCDCDCDCD"), tune("CEGABDFcdAFDGEBC")
    assert OF["phrases a note"](same) < OF["phrases a note"](other)
    # Steps +2 -2 +2 -2 …: phrases (+2) (-2) (+2 -2) (+2 -2 +2) (-2 +2) (-2 +2 -2), two steps left.
    assert OF["phrases a note"](same) == pytest.approx(7 / 15)


def test_counts_by_hand() -> None:
    given = tune("CDEF", "G--c")
    assert OF["notes a bar"](given) == 3
    assert OF["range"](given) == 12
    assert OF["mean interval"](given) == pytest.approx((2 + 2 + 1 + 2 + 5) / 5)
    assert OF["leaps"](tune("CcCG")) == pytest.approx(2 / 3)
    assert OF["silence"](given) == pytest.approx(2 / 8)


@settings(max_examples=60, deadline=None)
@given(tunes())
def test_transposition_and_resolution_change_nothing(tune: Score) -> None:
    room = 127 - max(note.pitch for note in tune.notes)
    shifted = tune.transposed(min(5, room))
    for measure in MEASURES:
        value = measure.of(tune)
        for other in (shifted, tune.rescaled(240)):
            assert measure.of(other) == pytest.approx(value, nan_ok=True)


def test_nothing_is_nan_and_no_error() -> None:
    for measure in MEASURES:
        assert math.isnan(measure.of(Score((Track(()),))))


def test_divergence_and_overlap_by_hand() -> None:
    one, other = np.array([1.0, 1.0, 0.0]), np.array([0.0, 1.0, 1.0])
    assert divergence(one, one) == 0
    assert divergence(one, other) == pytest.approx(0.5)
    assert overlap(one, other) == pytest.approx(0.5)
    assert divergence(np.array([1.0, 0.0]), np.array([0.0, 3.0])) == pytest.approx(1)


def test_the_statistics_by_hand() -> None:
    rng = np.random.default_rng(0)
    assert superiority(np.array([1.0, 2.0]), np.array([1.0, 0.0])) == pytest.approx((0.5 + 1 + 1 + 1) / 4)
    assert spread(np.array([3.0, 3.0, np.nan]), rng).mean == 3
    apart = permutation_p(np.arange(30.0), np.arange(30.0) + 40, rng)
    assert apart < 0.01 < permutation_p(np.arange(30.0), np.arange(30.0), rng)


def test_the_nearest_is_found_in_any_key() -> None:
    scale = tune("CDEF", "GABc")
    assert nearest_shares([scale, scale.transposed(3), tune("CECG", "FDBC")]) == [1.0, 1.0, 0.0]


def test_tunes_unlike_a_corpus_are_told_and_like_ones_are_not() -> None:
    rng = np.random.default_rng(1)

    def walk(leap: int) -> Score:
        pitch, notes = 70, []
        for place in range(32):
            pitch = int(np.clip(pitch + rng.integers(-leap, leap + 1), 50, 90))
            notes.append(Note(24 * place, pitch, 24))
        return Score((Track(tuple(notes)),))

    small, alike, wide = ([walk(leap) for _ in range(40)] for leap in (2, 2, 9))
    same = compare(alike, small, rng)
    assert not same.differing()
    assert sum(abs(each.ours.mean - each.corpus.mean) > each.chance for each in same.measures) <= 4
    shuffled = []
    for each in small:
        pitches = rng.permutation([note.pitch for note in each.notes])
        notes = (Note(note.start, int(pitch), 24) for note, pitch in zip(each.notes, pitches, strict=True))
        shuffled.append(Score((Track(tuple(notes)),)))
    assert {"mean interval"} <= set(compare(shuffled, small, rng).differing())
    found = compare(wide, small, rng)
    assert {"mean interval", "range"} <= set(found.differing())
    (interval,) = [each for each in found.distributions if each.name == "interval"]
    assert interval.divergence.low > 5 * interval.divergence_by_chance
    assert found.data()["tunes"] == 40


def test_too_few_are_refused() -> None:
    with pytest.raises(InputError, match="set has 1 tunes"):
        compare([tune("CDEF")], [tune("CDEF")] * 3, np.random.default_rng(0))
