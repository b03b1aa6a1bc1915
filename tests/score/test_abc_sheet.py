"""ABC with all its voices: a track each, every note of its chords, and each thing left out told."""

from __future__ import annotations

import io
from itertools import pairwise

import pretty_midi
from hypothesis import given
from hypothesis import strategies as st

from toolkit.score import Note, Score, write_midi
from toolkit.score.abc import Tune, read_tunes
from toolkit.score.sheet import Sheet

QUARTER = 24
HEAD = "X:1\nT:Small\nM:4/4\nL:1/4\n"


def tune(body: str, *, header: str = "", key: str = "C") -> Tune:
    (only,) = read_tunes(f"{HEAD}{header}K:{key}\n{body}\n")
    return only


def lines(sheet: Sheet) -> list[list[tuple[int, int, int]]]:
    """(Quarter, pitch, quarters) of the notes of each track."""
    return [
        [(note.start // QUARTER, note.pitch, note.duration // QUARTER) for note in track.notes]
        for track in sheet.score.tracks
    ]


def test_each_voice_is_a_track_with_its_name() -> None:
    sheet = tune("V:1\ncdef|g4|\nV:2\nC4|E4|", header='V:1 name="Flute"\nV:2 clef=bass name="Bass"\n').sheet()
    assert [track.name for track in sheet.score.tracks] == ["Flute", "Bass"]
    assert lines(sheet) == [
        [(0, 72, 1), (1, 74, 1), (2, 76, 1), (3, 77, 1), (4, 79, 4)],
        [(0, 60, 4), (4, 64, 4)],
    ]
    assert sheet.findings == ()


def test_voices_may_change_from_line_to_line_and_within_one() -> None:
    sheet = tune("[V:a]cdef|[V:b]C4|\n[V:a]g4|[V:b]E4|").sheet()
    assert [track.name for track in sheet.score.tracks] == ["a", "b"]
    assert lines(sheet)[1] == [(0, 60, 4), (4, 64, 4)]


def test_what_stands_before_any_voice_governs_all_and_what_stands_in_one_governs_it_alone() -> None:
    sheet = tune("M:3/4\nV:1\nK:D\nfff|V:2\nV:2\nFFF|").sheet()
    assert str(sheet.score.meters[0]) == "3/4"
    assert [[pitch for _, pitch, _ in line] for line in lines(sheet)] == [[78, 78, 78], [65, 65, 65]]


def test_all_notes_of_a_chord_sound_and_tied_ones_go_on() -> None:
    sheet = tune("[CEG]2-[CEA]2|[ce]4|").sheet()
    assert lines(sheet) == [[(0, 60, 4), (0, 64, 4), (0, 67, 2), (2, 69, 2), (4, 72, 4), (4, 76, 4)]]


def test_an_old_chord_is_one_too() -> None:
    assert lines(tune("+CEG+4|").sheet()) == [[(0, 60, 4), (0, 64, 4), (0, 67, 4)]]


def test_a_voice_that_is_silent_gives_no_track() -> None:
    assert len(tune("V:1\ncdef|\nV:2\nz4|").sheet().score.tracks) == 1


def test_the_melody_says_what_it_has_no_room_for() -> None:
    changes = tune("V:1\n{ag}c{d}d [eg]f & C4 |\nV:2\n{c}C4|").arrange().changes
    assert changes == (
        "3 grace notes are left out.",
        "1 lower note of chords is left out.",
        "1 note of a second voice in a bar (&) is left out.",
        "1 voice beside the first is left out.",
    )


def test_the_sheet_says_what_is_left_out_of_any_voice_and_no_chord() -> None:
    findings = tune("V:1\n{ag}c{d}d [eg]f & C4 |\nV:2\n{c}C4|").sheet().findings
    assert findings == ("4 grace notes are left out.", "1 note of a second voice in a bar (&) is left out.")


def test_repeats_are_written_once_or_played() -> None:
    body = "V:1\n|:cdef:|\nV:2\n|:C4:|"
    assert [len(line) for line in lines(tune(body).sheet())] == [4, 1]
    assert [len(line) for line in lines(tune(body).sheet(unfold=True))] == [8, 2]


def test_what_is_said_of_a_voice_names_it() -> None:
    (said,) = tune("V:up\nc4|d4 e4|f4|\nV:down\nC4|D4|E4|F4|").sheet().findings
    assert said.startswith("up: bar lines were missing")


@given(
    st.lists(st.lists(st.sampled_from("CDEFGABcdefgab"), min_size=1, max_size=4, unique=True), min_size=1, max_size=8)
)
def test_chords_come_back_from_a_file_as_they_were_written(chords: list[list[str]]) -> None:
    sheet = tune("|".join(f"[{''.join(chord)}]4" for chord in chords) + "|").sheet()
    heard = pretty_midi.PrettyMIDI(io.BytesIO(write_midi(sheet.score)))
    found = sorted((round(note.start * 2), note.pitch) for note in heard.instruments[0].notes)
    names = dict(zip("CDEFGABcdefgab", (60, 62, 64, 65, 67, 69, 71, 72, 74, 76, 77, 79, 81, 83), strict=True))
    assert found == sorted((4 * place, names[letter]) for place, chord in enumerate(chords) for letter in chord)


def test_a_single_voice_gives_the_melody_itself() -> None:
    written = tune("c>d e/f/g|(3efg a2-|a4|")
    assert written.sheet().score.notes == written.arrange().score.notes
    assert all(one.end <= other.start for one, other in pairwise(written.score.notes))
    assert isinstance(written.score, Score) and isinstance(written.score.notes[0], Note)
