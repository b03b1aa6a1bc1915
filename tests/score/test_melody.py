from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.core import InputError, UsageError
from toolkit.score import Extraction, Key, Meter, Note, Score, Tempo, Track, extract_melody
from toolkit.score.melody import likeliest_track, quantised, skyline

TUNE = (72, 74, 76, 77, 79, 77, 76, 74) * 4


def _line(pitches, step=240, at=0, velocity=90, jitter=lambda: 0):
    return tuple(
        Note(max(0, at + place * step + jitter()), pitch, step - 10, velocity) for place, pitch in enumerate(pitches)
    )


def _band(jitter=lambda: 0, name="", at=1920):
    """Drums, a bass, a pad of chords and a tune, at 480 ticks per quarter note, after a silent bar."""
    return Score(
        (
            Track(_line([42] * 64, 240), 0, True),
            Track(_line([40, 43] * 16, 480), 33),
            Track(tuple(Note(960 * chord, pitch, 950) for chord in range(12) for pitch in (60, 64, 67))),
            Track(_line(TUNE, 240, at, jitter=jitter), 73, name=name),
        ),
        tempos=(Tempo(400_000),),
        resolution=480,
        title="Band",
    )


def test_the_tune_of_a_band_is_found_and_put_on_the_grid():
    found = extract_melody(_band())
    assert isinstance(found, Extraction)
    assert found.track_index == 3
    assert [(note.start, note.pitch) for note in found.score.notes] == [(12 * n, p) for n, p in enumerate(TUNE)]
    assert (found.score.resolution, found.score.title, found.score.tempos) == (24, "Band", (Tempo(400_000),))
    assert (found.error, found.dropped, found.score.tracks[0].program) == (0, 0, 73)
    assert any("Track 4 of 4" in said for said in found.notes)
    assert any("1 silent bar before the first note was cut" in said for said in found.notes)
    assert any("suggest" in said for said in found.notes)


def test_a_name_decides_against_pitch():
    score = Score((Track(_line([84] * 20), name="strings"), Track(_line([60] * 20), name="Lead Vocal")), resolution=480)
    assert likeliest_track(score) == 1
    assert extract_melody(score, track=0).score.notes[0].pitch == 84


def test_a_pickup_stays_where_it_is():
    score = Score((Track((Note(96 + 72, 67, 24), Note(192, 72, 96))),), (Meter(4, 4),), (Key(0, "major"),))
    found = extract_melody(score)
    assert [note.start for note in found.score.notes] == [72, 96]
    assert found.notes == ("1 silent bar before the first note was cut.",)


def test_what_governs_the_music_moves_with_the_silence_that_is_cut():
    score = Score(
        (
            Track(
                _line(TUNE, 24, 96 + 2 * 72),
            ),
        ),
        (Meter(4, 4), Meter(3, 4, 96)),
        (Key(0, "major"), Key(2, "dorian", 96), Key(7, "major", 96 + 3 * 72)),
        (Tempo(500_000), Tempo(300_000, 96)),
    )
    found = extract_melody(score).score
    assert found.meters == (Meter(3, 4),)
    assert found.keys == (Key(2, "dorian"), Key(7, "major", 72))
    assert found.tempos == (Tempo(300_000),)
    assert found.notes[0].start == 0


def test_chords_give_their_top_line():
    chords = tuple(Note(48 * chord, pitch, 46) for chord in range(8) for pitch in (48, 55, 76 + chord % 3))
    inner = tuple(Note(48 * chord + 24, 52, 12) for chord in range(8))
    found = extract_melody(Score((Track(chords + inner),)))
    assert [note.pitch for note in found.score.notes] == [76 + chord % 3 for chord in range(8)]
    assert found.dropped == 24
    assert any("24 of 32 notes were left out" in said for said in found.notes)


def test_a_legato_overlap_is_trimmed_and_not_taken_for_accompaniment():
    assert skyline([Note(0, 72, 30), Note(24, 67, 24)]) == (Note(0, 72, 24), Note(24, 67, 24))


@given(
    st.lists(
        st.builds(Note, st.integers(0, 300), st.integers(40, 90), st.integers(1, 100), st.integers(1, 127)), min_size=1
    )
)
def test_a_skyline_is_one_voice_made_of_given_notes(notes):
    line = skyline(notes)
    assert line
    assert all(before.end <= after.start for before, after in pairwise(line))
    assert {(note.start, note.pitch) for note in line} <= {(note.start, note.pitch) for note in notes}
    assert skyline(line) == line


@given(
    st.lists(st.sampled_from([3, 4, 6, 8, 9, 12, 16, 18, 20, 21, 24, 36, 48]), min_size=1), st.sampled_from([1, 5, 20])
)
@settings(max_examples=60)
def test_what_lies_on_the_grid_does_not_move(durations, finer):
    notes, at = [], 0
    for duration in durations:
        grid = 3 if duration % 3 == 0 else 4
        at += -at % 24  # a beat has one grid
        notes.append(Note(at * finer, 60, duration * finer))
        at += duration + -duration % grid
    placed, error = quantised(notes, 24 * finer)
    assert error == 0
    assert [note.start * finer for note in placed] == [note.start for note in notes]
    assert all(
        abs(note.duration * finer - given.duration) <= 2 * finer for note, given in zip(placed, notes, strict=True)
    )


def test_triplets_and_straight_beats_each_keep_their_grid():
    score = Score((Track(_line([60, 62, 64] * 8, 160) + _line([60, 62, 64, 65] * 4, 120, 8 * 480)),), resolution=480)
    starts = [note.start for note in extract_melody(score).score.notes]
    assert starts == [8 * n for n in range(24)] + [192 + 6 * n for n in range(16)]


@pytest.mark.parametrize(("deviation", "grid"), [(5, "32nd"), (20, "16th")])
def test_what_is_played_a_little_freely_is_put_on_the_grid_and_says_so(deviation, grid):
    rng = Random(2)
    found = extract_melody(_band(lambda: round(rng.gauss(0, deviation))))
    # the tune's own grid comes back: with small deviations exactly, with larger ones mostly
    right = sum(note.start % 12 == 0 for note in found.score.notes)
    assert right >= (32 if deviation == 5 else 26)
    assert 0.1 < found.error < 1
    assert any(grid in said for said in found.notes)


def test_what_is_played_without_a_metronome_is_refused():
    rng = Random(1)
    with pytest.raises(InputError, match="without a metronome"):
        extract_melody(_band(lambda: rng.randrange(-200, 200)))


def test_the_error_is_the_mean_distance_in_grid_ticks():
    _, error = quantised([Note(0, 60, 480), Note(480 + 10, 60, 480)], 480)
    assert error == pytest.approx(0.25)


@pytest.mark.parametrize("tracks", [(), (Track(_line(TUNE), 0, True),), (Track(()),)])
def test_without_pitched_notes_there_is_no_melody(tracks):
    with pytest.raises(InputError, match="no melody"):
        extract_melody(Score(tracks))


def test_a_track_that_is_not_there():
    with pytest.raises(UsageError, match="4 tracks"):
        extract_melody(_band(), track=4)
