from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.tunes import tunes
from toolkit.score import Key, Meter, Note, Score, Tempo, Track
from toolkit.score.abc import read_tunes, write_abc


def read(score: Score) -> Score:
    (tune,) = read_tunes(write_abc(score))
    arrangement = tune.arrange()
    assert arrangement.changes == ()
    return arrangement.score


def body(score: Score) -> str:
    return write_abc(score).split("\nK:")[1].split("\n", 1)[1].strip()


def melody(*notes: tuple[int, int, int], meter: str = "4/4", key: str = "C") -> Score:
    return Score((Track(tuple(Note(*each) for each in notes)),), (Meter.parse(meter),), (Key.parse(key),))


@settings(max_examples=300, deadline=None)
@given(tunes())
def test_a_melody_is_read_back_as_it_was(tune):
    again = read(tune)
    assert again.notes == tune.notes
    assert (again.meters, again.keys) == (tune.meters, tune.keys)


@settings(max_examples=60, deadline=None)
@given(tunes(), st.text("aäb%\\& ;笛\n", max_size=12), st.integers(200_000, 2_000_000))
def test_so_are_its_title_and_tempo(tune, title, microseconds):
    again = read(replace(tune, title=title, tempos=(Tempo(microseconds),)))
    assert again.title == " ".join(title.split())
    assert again.tempos == (Tempo(microseconds),)


def test_the_header_says_what_it_is():
    tune = replace(melody((0, 62, 36), meter="6/8", key="D dorian"), title="The Kettle", tune_type="jig")
    assert write_abc(tune) == "X:1\nT:The Kettle\nR:jig\nM:6/8\nL:1/8\nQ:3/8=80\nK:Ddor\nD3 z3 |]\n"


@pytest.mark.parametrize(
    ("score", "written"),
    [
        (melody((0, 60, 24), (24, 72, 12), (36, 48, 6), (42, 84, 18), (60, 59, 36)), "C2 cC,/c'/- c'B,- B,2 |]"),
        (melody((0, 60, 8), (8, 62, 8), (16, 64, 8), (24, 65, 72)), "(3CDE F6 |]"),
        (melody((0, 60, 16), (16, 62, 16), (32, 64, 16), (48, 65, 48)), "(3C2 D2 E2 F4 |]"),
        (melody((0, 60, 16), (16, 62, 8), (24, 64, 72)), "(3:2:2C2 D E6 |]"),
        (melody((72, 67, 24), (96, 60, 120)), "G2 | C8- | C2 z2 z4 |]"),
        (melody((0, 66, 24), (24, 78, 24), (48, 65, 24), (72, 66, 24), key="G"), "F2 f2 =F2 ^F2 |]"),
        (melody((0, 66, 24), (24, 78, 24), (48, 66, 24), (72, 65, 24)), "^F2 ^f2 F2 =F2 |]"),
        (melody((60, 66, 36), (96, 66, 24), (120, 78, 72)), "^F- F2 | ^F2 ^f6 |]"),
        (melody((0, 68, 36), (36, 70, 36), meter="6/8", key="A minor"), "^G3 _B3 |]"),
        (melody((0, 60, 12), (12, 62, 24), (36, 64, 12), (48, 65, 48)), "C D2 E F4 |]"),
    ],
)
def test_notes_as_a_musician_writes_them(score, written):
    assert body(score) == written
    assert read(score).notes == score.notes


def test_chords_and_tracks():
    high = Track((Note(0, 72, 48), Note(0, 76, 48), Note(48, 74, 48)), 73, name="Flute")
    low = Track((Note(0, 48, 144), Note(0, 55, 24), Note(24, 53, 24)))
    text = write_abc(Score((high, low), (Meter(3, 4),), (Key(0, "major"),)))
    assert text.split("Q:1/4=120\n")[1] == (
        '%%score 1 (2 3)\nV:1 clef=treble name="Flute"\nV:2 clef=bass\nV:3 clef=bass\nK:C\n'
        "V:1\n%%MIDI program 73\n[ce]4 d2- | d2 z2 z2 |]\n"
        "V:2\nG,2 F,2 z2 | z6 |]\n"
        "V:3\nC,6- | C,6 |]\n"
    )


def test_changes_stand_where_they_happen():
    score = replace(
        melody((0, 60, 96), (96, 66, 72), (168, 66, 72)),
        meters=(Meter(4, 4), Meter(3, 4, 96)),
        keys=(Key(0, "major"), Key(7, "major", 96)),
        tempos=(Tempo(500_000), Tempo(400_000, 168)),
    )
    assert body(score) == "C8 | [M:3/4][K:G]F6 | [Q:1/4=150]F6 |]"
    again = read(score)
    assert (again.notes, again.meters, again.keys) == (score.notes, score.meters, score.keys)


def test_nothing_is_a_bar_of_rest():
    assert body(Score((Track(()),))) == "z8 |]"


def test_what_kind_of_tune_it_is_goes_in_and_out():
    (tune,) = read_tunes("X:1\nT:Hardiman\nR:Slip  Jig\nM:9/8\nL:1/8\nK:G\nGAB GAB c2d|edc BAG G3|\n")
    assert tune.score.tune_type == "slip jig"
    assert "R:slip jig\n" in write_abc(tune.score)
