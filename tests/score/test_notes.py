from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import InputError
from toolkit.score import MODES, Key, Meter, Note, Score, Tempo, Track, in_order


@pytest.mark.parametrize(
    "make",
    [
        lambda: Note(-1, 60, 1),
        lambda: Note(0, 128, 1),
        lambda: Note(0, 60, 0),
        lambda: Note(0, 60, 1, 0),
        lambda: Note(0.5, 60, 1),  # type: ignore[arg-type]
        lambda: Track((), 128),
        lambda: Meter(0, 4),
        lambda: Meter(3, 5),
        lambda: Meter.parse("waltz"),
        lambda: Key(12, "major"),
        lambda: Key(0, "blues"),
        lambda: Key.parse("H minor"),
        lambda: Tempo(0),
        lambda: Tempo.from_bpm(0),
        lambda: Score((), meters=()),
        lambda: Score((), tempos=(Tempo(1, 5),)),
        lambda: Score((), keys=(Key(0, "major", 4), Key(1, "major", 4))),
        lambda: Score((), resolution=0),
        lambda: Score((Track((Note(0, 120, 1),)),)).transposed(10),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make):
    with pytest.raises(InputError) as caught:
        make()
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "name", "fifths"),
    [
        ("D dorian", "D dorian", 0),
        ("Gm", "G minor", -2),
        ("F# minor", "F# minor", 3),
        ("A#", "Bb major", -2),
        ("EMix", "E mixolydian", 3),
        ("GM", "G major", 1),
        ("A Minor", "A minor", 0),
        ("eb", "Eb major", -3),
        ("B♭ phrygian", "Bb phrygian", -6),
        ("F lydian", "F lydian", 0),
        ("B locrian", "B locrian", 0),
    ],
)
def test_keys_are_read_and_spelled_by_convention(text, name, fifths):
    key = Key.parse(text)
    assert (str(key), key.fifths) == (name, fifths)


@given(st.integers(0, 11), st.sampled_from(MODES))
def test_a_key_is_found_again_by_its_name_and_by_its_signature(tonic, mode):
    key = Key(tonic, mode)
    assert Key.parse(str(key)) == key
    assert Key.from_fifths(key.fifths, mode) == key
    assert key.pitch_classes[0] == tonic
    assert len(set(key.pitch_classes)) == 7


@pytest.mark.parametrize(("meter", "bar", "beat"), [("4/4", 96, 24), ("6/8", 72, 36), ("3/4", 72, 24), ("C|", 96, 48)])
def test_bars_and_beats(meter, bar, beat):
    assert (Meter.parse(meter).bar(24), Meter.parse(meter).beat(24)) == (bar, beat)


def test_bar_lines_start_anew_at_a_meter_change():
    score = Score((Track((Note(0, 60, 200),)),), meters=(Meter(4, 4), Meter(3, 4, 96)))
    assert score.bar_lines() == (0, 96, 168, 240)


def test_seconds_follow_the_tempo():
    score = Score((), tempos=(Tempo(500_000), Tempo(1_000_000, 48), Tempo(250_000, 72)))
    assert [score.seconds_at(tick) for tick in (0, 24, 48, 72, 96)] == [0, 0.5, 1, 2, 2.25]


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 90)), min_size=1, max_size=20))
def test_finer_ticks_and_back_change_nothing(spans):
    notes = tuple(Note(start, 60, duration) for start, duration in spans)
    score = Score((Track(notes),), (Meter(4, 4), Meter(3, 4, 96)), (Key(2, "dorian"),), (Tempo(400_000), Tempo(3, 7)))
    assert score.rescaled(480).rescaled(24) == score
    assert score.rescaled(480).end == 20 * score.end


def test_transposing_moves_notes_and_keys_but_not_drums():
    score = Score((Track((Note(0, 60, 1),)), Track((Note(0, 36, 1),), drums=True)), keys=(Key(11, "minor"),))
    moved = score.transposed(3)
    assert [track.notes[0].pitch for track in moved.tracks] == [63, 36]
    assert moved.keys == (Key(2, "minor"),)
    assert moved.transposed(-3) == score


def test_changes_are_put_in_order_without_repetitions():
    assert in_order([Meter(3, 4, 9), Meter(4, 4), Meter(4, 4, 5), Meter(2, 4, 9)]) == (Meter(4, 4), Meter(2, 4, 9))


def test_importing_the_room_loads_no_midi_library():
    code = "import sys, toolkit.score; print({'pretty_midi', 'symusic', 'mido', 'PIL', 'torch'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"
