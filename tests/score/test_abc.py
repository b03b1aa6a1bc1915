"""The ABC reader: every notation on a tune small enough to check by eye, and whole collections against abc2midi."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.score import Key, Meter
from toolkit.score.abc import AbcError, Tune, read_key, read_meter, read_tunes


def tune(body: str, *, meter: str = "4/4", unit: str = "1/4", key: str = "C", more: str = "") -> Tune:
    (only,) = read_tunes(f"X:1\nT:Small\n{more}M:{meter}\nL:{unit}\nK:{key}\n{body}\n")
    return only


def pitches(body: str, **header: str) -> list[int]:
    return [pitch for pitch, _, _ in tune(body, **header).played()]


def lengths(body: str, **header: str) -> list[str]:
    """Durations in quarter notes."""
    return [str(4 * duration) for _, _, duration in tune(body, **header).played()]


def written(body: str, **header: str) -> list[tuple[int, int, int]]:
    """(start, pitch, duration) in ticks, repeats written once, in the meter."""
    return [(note.start, note.pitch, note.duration) for note in tune(body, **header).score.notes]


@pytest.mark.parametrize(
    ("text", "key", "raised"),
    [
        ("G", "G major", {"F": 1}),
        ("Gm", "G minor", {"B": -1, "E": -1}),
        ("GM", "G minor", {"B": -1, "E": -1}),
        ("G min", "G minor", {"B": -1, "E": -1}),
        ("E Minor", "E minor", {"F": 1}),
        ("AMin", "A minor", {}),
        ("A Mixolydian", "A mixolydian", {"F": 1, "C": 1}),
        ("Dmixm", "D mixolydian", {"F": 1}),
        ("D dor", "D dorian", {}),
        ("EDorian", "E dorian", {"F": 1, "C": 1}),
        ("Bphr", "B phrygian", {"F": 1}),
        ("Glydian", "G lydian", {"F": 1, "C": 1}),
        ("F#loc", "F# locrian", {"F": 1}),
        ("F#m", "F# minor", {"F": 1, "C": 1, "G": 1}),
        ("Bb", "Bb major", {"B": -1, "E": -1}),
        ("Cion", "C major", {}),
        ("Aaeo", "A minor", {}),
        ("Hp", "A mixolydian", {"F": 1, "C": 1}),
        ("HP", "A mixolydian", {"F": 1, "C": 1}),
        ("none", "C major", {}),
        ("", "C major", {}),
        ("Dmix=c", "D mixolydian", {"F": 1}),
        ("D =c", "D major", {"F": 1}),
        ("D exp _b ^f", "D major", {"B": -1, "F": 1}),
        ("Dphr ^f", "D phrygian", {"B": -1, "E": -1, "F": 1}),
        ("G clef=treble", "G major", {"F": 1}),
        ("Am transpose=-2", "A minor", {}),
        ("D treble-8", "D major", {"F": 1, "C": 1}),
    ],
)
def test_keys_in_all_spellings(text: str, key: str, raised: dict[str, int]) -> None:
    signature = read_key(text)
    assert signature is not None
    assert str(signature.key) == key
    assert dict(signature.altered) == raised


def test_a_key_field_with_a_clef_alone_changes_nothing() -> None:
    assert read_key("clef=bass") is None
    assert pitches("f [K:clef=bass] f", key="G") == [78, 78]


@pytest.mark.parametrize("text", ["Bn", "H", "Es", "G#", "Cbloc"])
def test_keys_that_are_none(text: str) -> None:
    with pytest.raises(AbcError, match=re.escape(text)):
        read_key(text)


@pytest.mark.parametrize(
    ("text", "meter"),
    [("C", Meter(4, 4)), ("C|", Meter(2, 2)), ("6/8", Meter(6, 8)), ("2+3/8", Meter(5, 8)), ("none", None), ("", None)],
)
def test_meters(text: str, meter: Meter | None) -> None:
    assert read_meter(text) == meter


@pytest.mark.parametrize("text", ["4", "3/5", "C/", "0/4", "6:8"])
def test_meters_that_are_none(text: str) -> None:
    with pytest.raises(AbcError):
        read_meter(text)


def test_octaves() -> None:
    assert pitches("C,, C, C c c' c'' c,", meter="7/4") == [36, 48, 60, 72, 84, 96, 60]


def test_lengths() -> None:
    assert lengths("c/ c// c/4 c3/2 c2 c3/ c c0 c1/2") == ["1/2", "1/4", "1/4", "3/2", "2", "3/2", "1", "1/2"]


def test_the_unit_length_follows_from_the_meter() -> None:
    (short,) = read_tunes("X:1\nM:2/4\nK:C\ncccc cccc|\n")
    (long,) = read_tunes("X:1\nM:3/4\nK:C\ncc cc cc|\n")
    assert (short.unit, long.unit) == (Fraction(1, 16), Fraction(1, 8))


def test_the_key_signature_and_accidentals() -> None:
    assert pitches("f c F | ^f _f =f ^^f __f", key="D") == [78, 73, 66, 78, 76, 77, 79, 75]


def test_an_accidental_holds_to_the_bar_line_in_every_octave() -> None:
    assert pitches("^c c C | c") == [73, 73, 61, 72]
    assert pitches("^c c C | c", more="%%propagate-accidentals octave\n") == [73, 73, 60, 72]
    assert pitches("^c c C | c", more="I:propagate-accidentals not\n") == [73, 72, 60, 72]


def test_a_tie_carries_its_accidental_over_the_bar_line() -> None:
    assert written("z2 ^f2-|f4|") == [(48, 78, 144)]
    assert pitches("z2 ^f2-|f2 f2|") == [78, 77]


def test_ties_join_and_slurs_do_not() -> None:
    assert lengths("c-c c2-|c4|(c c) d2") == ["2", "6", "1", "1", "2"]
    assert lengths("c-d e2") == ["1", "1", "2"]


def test_a_tie_to_a_chord_holds_its_top_note() -> None:
    assert lengths("[ce]2-[ce]2") == ["4"]
    assert lengths("[ce-]2 e2") == ["4"]


def test_broken_rhythm() -> None:
    assert lengths("c>d c<d") == ["3/2", "1/2", "1/2", "3/2"]
    assert lengths("c>>d c<<d") == ["7/4", "1/4", "1/4", "7/4"]
    assert lengths("c>>>d c2") == ["15/8", "1/8", "2"]
    assert lengths("c-<d c{g}>d") == ["1/2", "3/2", "3/2", "1/2"]
    assert lengths("c>z d2") == ["3/2", "2"]


def test_tuplets() -> None:
    assert lengths("(3ccc c2") == ["2/3"] * 3 + ["2"]
    assert lengths("(3c2cc/c/ c2") == ["4/3", "2/3", "1/3", "1/2", "2"]
    assert lengths("(2cc c", meter="6/8", unit="1/8") == ["3/4", "3/4", "1/2"]
    assert lengths("(4cccc", meter="6/8", unit="1/8") == ["3/8"] * 4
    assert lengths("(5ccccc") == ["2/5"] * 5
    assert lengths("(5ccccc", meter="6/8", unit="1/8") == ["3/10"] * 5
    assert lengths("(3:2:4cccc c") == ["2/3"] * 4 + ["1"]
    assert lengths("(3::2cc c") == ["2/3", "2/3", "1"]
    assert lengths("(3:4cccc") == ["4/3"] * 3 + ["1"]
    assert lengths("((3cdc) (3(cdc)") == ["2/3"] * 6
    assert lengths("(3c>dc c") == ["1", "1/3", "2/3", "1"]


def test_rests_leave_gaps() -> None:
    assert written("c z d x|Z|z4|e4|") == [(0, 72, 24), (48, 74, 24), (288, 76, 96)]


def test_chords_keep_their_top_note() -> None:
    assert pitches("[ceg] [gec]2 [c2e2g2]") == [79, 79, 79]
    assert lengths("[ceg] [gec]2 [c2e2g2] [c/e/]2") == ["1", "2", "2", "1"]
    assert pitches("+ceg+ c") == [79, 72]


def test_an_accidental_in_a_chord_holds_too() -> None:
    assert pitches("[c^f] f") == [78, 78]


def test_what_is_not_the_melody_is_passed_over() -> None:
    body = '"Am"c {^cd}c !trill!c ~c | Tc .c uvc "^D.C."c | c`c y c2 % a comment: ccc\nw: la la la la\n| c4 |'
    assert written(body) == [*((24 * at, 72, 24) for at in range(10)), (240, 72, 48), (288, 72, 96)]


def test_grace_notes_set_no_accidental() -> None:
    assert pitches("{^f}g f g2") == [79, 77, 79]


def test_text_is_not_music_even_unclosed() -> None:
    assert pitches('"4"c "bad face"d "ee') == [72, 74]


def test_exclamation_marks_may_be_line_breaks() -> None:
    assert pitches("c d !e f|g4!|") == [72, 74, 76, 77, 79]


def test_inline_fields_and_field_lines() -> None:
    assert pitches("f [K:G] f | f\nK:D\nc") == [77, 78, 78, 73]
    assert lengths("c [L:1/8] c\nL:1/2\nc") == ["1", "1/2", "2"]
    score = tune("c4|[M:3/4]c3|c3|[K:G]f3|").score
    assert score.meters == (Meter(4, 4), Meter(3, 4, 96))
    assert score.keys == (Key(0, "major"), Key(7, "major", 240))


def test_a_music_line_may_begin_like_a_field() -> None:
    assert pitches("A4 |\nB:|\nc2:: d2 |") == pitches("A4|B :|\nc2 :: d2 |")


def test_only_the_first_voice_is_kept() -> None:
    assert pitches("V:1\nc d e f|\nV:2\nC D E F|\nV:1\ng4|") == [72, 74, 76, 77, 79]
    assert pitches("[V:1] c4|\n[V:2] C4|\n[V:1] d4|\n[V:2] D4|") == [72, 74]
    assert pitches("c4 & C4 | d4") == [72, 74]


@pytest.mark.parametrize(
    ("body", "played"),
    [
        ("|:c4|d4:|e4|", "cdcde"),
        ("c4|d4:|e4|", "cdcde"),
        ("c4:|d4:|", "ccdd"),
        ("|:c4::d4:|", "ccdd"),
        ("|:c4:||:d4:|", "ccdd"),
        ("c4||d4:|", "cdd"),
        ("|:c4|1 d4:|2 e4|f4|", "cdcef"),
        ("|:c4|[1 d4:|[2 e4:|f4|", "cdcef"),
        ("c4|[1 d4:|[2 e4||f4|g4:|", "cdcefgfg"),
        ("|:c4|[1,3 d4:|[2 e4:|f4|", "cdcecdf"),
        ("|:c4|[1-2 d4:|[3 e4|f4|", "cdcdcef"),
        ("|:c4::|d4|", "cccd"),
        ("c4|d4:|]", "cdcd"),
        ("c4|d4[|]:|", "cdcd"),
        ("c4|d2 [1 e2:|[2 f2|]", "cdecdf"),
        ("|:c4|[1 d4:|e4|", "cdce"),
        ("c4|[2 d4:|e4|", "cdcde"),
    ],
)
def test_repeats_as_played(body: str, played: str) -> None:
    names = {72: "c", 74: "d", 76: "e", 77: "f", 79: "g"}
    assert "".join(names[pitch] for pitch in pitches(body)) == played
    unfolded = tune(body).arrange(unfold=True).score
    assert "".join(names[note.pitch] for note in unfolded.notes) == played


@pytest.mark.parametrize(
    ("body", "once"),
    [
        ("|:c4|d4:|e4|", "cde"),
        ("|:c4|1 d4:|2 e4|f4|", "cef"),
        ("|:c4|[1 d4:|[2 e4|]|:f4|[1 g4:|[2 c4|]", "cefc"),
        ("c4|[1 d4:|[2 e4:|[3 f4|g4|", "cfg"),
        ("[1 c4|d4:|[2 e4|f4|]", "ef"),
    ],
)
def test_repeats_written_once_keep_the_last_ending(body: str, once: str) -> None:
    names = {72: "c", 74: "d", 76: "e", 77: "f", 79: "g"}
    assert "".join(names[note.pitch] for note in tune(body).score.notes) == once


def test_a_pickup_is_silence_at_the_start_of_the_first_bar() -> None:
    assert written("g|c4|d3:|") == [(72, 79, 24), (96, 72, 96), (192, 74, 72)]


def test_a_short_bar_and_the_pickup_after_it_are_one_bar() -> None:
    arrangement = tune("g|c4|d3:|:e|f4|g3:|").arrange()
    assert [note.start for note in arrangement.score.notes] == [72, 96, 192, 264, 288, 384]
    assert arrangement.changes == ()


def test_a_section_without_its_pickup_gets_a_rest_before_it() -> None:
    arrangement = tune("g|c4|d3:|e4|f4|").arrange()
    assert [note.start for note in arrangement.score.notes] == [72, 96, 192, 288, 384]
    assert arrangement.changes == ("bar 3 was short by 1/4: a rest fills it.",)


def test_a_pickup_after_a_full_bar_takes_its_time_from_it() -> None:
    arrangement = tune("c4|d4||e|f4|").arrange()
    assert [(note.start, note.duration) for note in arrangement.score.notes] == [
        (0, 96),
        (96, 72),
        (168, 24),
        (192, 96),
    ]
    assert arrangement.changes == ("the note before bar 3 gives 1/4 to the pickup.",)
    silent = tune("c4|d3z||e|f4|").arrange()
    assert [note.start for note in silent.score.notes] == [0, 96, 168, 192]
    assert silent.changes == ()


def test_a_short_last_ending_meets_the_next_pickup() -> None:
    arrangement = tune("g|c4|[1 d3:|[2 e3||f|g4|").arrange()
    assert [note.start for note in arrangement.score.notes] == [72, 96, 192, 264, 288]
    assert arrangement.changes == ()


def test_a_missing_bar_line_is_mended_and_said() -> None:
    arrangement = tune("c4|d4 e4|f4|").arrange()
    assert [note.start for note in arrangement.score.notes] == [0, 96, 192, 288]
    assert arrangement.changes == ("bar lines were missing in written bar 2.",)


@pytest.mark.parametrize("body", ["c4|d3|e4|f4|", "c4|d5|e4|f4|", "c4|d2 e3 f3|g4|"])
def test_bars_that_do_not_add_up(body: str) -> None:
    with pytest.raises(AbcError, match=r"bar 2 lasts .* where the meter asks for 1"):
        tune(body).arrange()


def test_a_header_that_disagrees_with_all_bars_is_corrected() -> None:
    arrangement = tune("G|ABc def|gfe dcB|ABc def|g3 g2:|", meter="C", unit="1/8", more="R:Double jig\n").arrange()
    assert arrangement.score.meters == (Meter(6, 8),)
    assert arrangement.changes == ("the header says 4/4, the bars are 6/8.",)
    halves = tune("cc|dd|ee|ff|").arrange()
    assert halves.score.meters == (Meter(2, 4),)
    waltz = tune("c2d|e3|d2e|c3|").arrange()
    assert waltz.score.meters == (Meter(3, 4),)


def test_a_header_is_not_corrected_where_only_some_bars_disagree() -> None:
    with pytest.raises(AbcError, match=r"bar \d lasts"):
        tune("c4|d3|e3|f3|g4|").arrange()


def test_rhythm_off_the_grid_is_refused() -> None:
    with pytest.raises(AbcError, match="grid of 32nds and triplet 16ths in quarter 1"):
        tune("c/4(3c/d/c/c/4 c c c|").arrange()
    with pytest.raises(AbcError, match="finer than"):
        tune("(5ccccc c2|").arrange()
    with pytest.raises(AbcError, match="counted exactly"):
        tune("c/11 c|").arrange()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("just words", "no tune"),
        ("", "no tune"),
        ("X:1\nT:No key\nM:4/4\n", "no key"),
        ("X:1\nM:4/4\nK:C\n", "no notes"),
        ("X:1\nM:4/4\nK:C\nz4|z4|\n", "no notes"),
        ("X:1\nM:none\nK:C\ncdef|\n", "no meter"),
        ("X:1\nM:4/4\nL:1/0\nK:C\ncdef|\n", "note length"),
        ("X:1\nM:4/4\nK:C\nc/0|\n", "divides by nothing"),
        ("X:1\nM:4/4\nK:C\nc''''''''8|\n", "MIDI"),
    ],
)
def test_broken_input_gets_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(AbcError, match=sentence) as caught:
        [each.arrange() for each in read_tunes(text)]
    assert "\n" not in str(caught.value)


def test_a_tunebook() -> None:
    book = (
        "% A book\n\nX:1\nT:First % so called\nT:Also\nR:jig\nM:6/8\nL:1/8\nQ:3/8=120\nK:G % one sharp\nG3 B3|\n\n"
        "Some words between tunes.\n\nX: 2\nT: Broken\nM:4/4\nK:Q\ncdef|\n"
        "X:3\nT:100% Third\nM:2/4\nL:1/4\nQ:90\nK:D\n\nf f|\n"
    )
    first, broken, third = read_tunes(book)
    assert (first.number, first.title, first.rhythm, first.key) == ("1", "First", "jig", Key(7, "major"))
    assert first.score.title == "First"
    assert first.tempo is not None
    assert round(first.tempo.bpm) == 180
    assert [note.pitch for note in first.score.notes] == [67, 71]
    with pytest.raises(AbcError):
        _ = broken.score
    assert (third.title, third.line, [note.pitch for note in third.score.notes]) == ("100% Third", 20, [78, 78])
    assert third.tempo is not None
    assert round(third.tempo.bpm) == 90


def test_a_tune_without_a_number_is_read() -> None:
    (only,) = read_tunes("T:Nameless\nM:4/4\nL:1/4\nK:C\r\ncdef|\r\n")
    assert [note.pitch for note in only.score.notes] == [72, 74, 76, 77]


def test_lines_go_on_and_mail_leaves_no_trace() -> None:
    assert written("c2\\\n d2|\\\ne4|") == written("c2 d2|e4|")
    assert written("c2=20\n =3Df2 |=20\ne4 =\n|") == written("c2 =f2|e4|")


@given(st.text(alphabet="ABCDEFGabcdefg^_=,'/0123456789|:[]()<>-{}\"!zxZK&+ \n\\.~%", max_size=80))
def test_no_text_breaks_the_reader(body: str) -> None:
    for only in read_tunes(f"X:1\nM:4/4\nL:1/8\nK:G\n{body}\n"):
        for unfold in (False, True):
            try:
                score = only.arrange(unfold=unfold).score
            except AbcError as error:
                assert "\n" not in str(error)
            else:
                notes = score.notes
                assert all(before.end <= after.start for before, after in pairwise(notes))


@given(st.lists(st.sampled_from(["c", "d2", "e/", "z", "^f", "(3gag", "a>b", "[ce]", "c-"]), min_size=1, max_size=12))
def test_unfolding_a_repeat_plays_it_twice(parts: list[str]) -> None:
    body = " ".join(parts)
    once, twice = tune(f"{body} d4|").played(), tune(f"|:{body} d4:|").played()
    assert [note[0] for note in twice] == [note[0] for note in once] * 2
    assert [note[2] for note in twice] == [note[2] for note in once] * 2


ORACLE = """
import json, os, sys
silent = os.open(os.devnull, os.O_WRONLY)
os.dup2(silent, 1), os.dup2(silent, 2)
from symusic import Score
heard = {}
for name, text in json.load(open(sys.argv[1])).items():
    try:
        score = Score.from_abc(text)
        lines = [[[n.time, n.pitch, n.duration] for n in track.notes] for track in score.tracks]
        notes = max(lines, key=len, default=[])
        heard[name] = [score.ticks_per_quarter, notes]
    except Exception:
        pass
json.dump(heard, open(sys.argv[2], "w"))
"""


def _plain(text: str, repeats: bool) -> str:
    """The tune without what abc2midi performs and we pass over: graces, staccato, fermatas, swing, other voices."""
    kept = []
    for line in text.split("\n"):
        if re.match(r"[PQRwWV]:|%|I:", line):
            continue
        line = line.split("%")[0]
        if not re.match(r"[A-Za-z]:(?![|:])", line):
            line = re.sub(
                r'"[^"]*"|\{[^}]*\}|![A-Za-z.:]+!|=20|=$|[~.HLMOPSTuvk](?=[\^_=]?[~.uvkA-Ga-gxzT\[(])', "", line
            )
            line = re.sub(r"=3D", "=", re.sub(r"^\.+|[~.HLMOPSTuvk](?=[\^_=]?[A-Ga-gxz\[(])", "", line))
            if not repeats:
                line = re.sub(r"\[\d[\d,-]*", "|", line)
                line = re.sub(r"(?<!\[[A-Za-z])(?:\[?[|:]+\]?)+\s*(?:\d(?!/))?", "|", line)
        kept.append(line)
    return "\n".join(kept).strip() + "\n"


def _top(notes: list[list[int]], quarter: int) -> list[tuple[int, Fraction, Fraction]]:
    """abc2midi's notes as ours: the highest of a chord, whose notes it starts a few ticks apart."""
    line: list[tuple[int, Fraction, Fraction]] = []
    for time, pitch, duration in sorted(notes):
        at, lasts = Fraction(time, 4 * quarter), Fraction(duration, 4 * quarter)
        if line and at - line[-1][1] <= Fraction(1, 100):
            line[-1] = (max(pitch, line[-1][0]), line[-1][1], lasts)
        else:
            line.append((pitch, at, lasts))
    return line


def _agree(ours: list[tuple[int, Fraction, Fraction]], theirs: list[tuple[int, Fraction, Fraction]]) -> bool:
    if len(ours) != len(theirs) or not ours:
        return len(ours) == len(theirs)
    near = Fraction(1, 100)
    return all(
        mine[0] == other[0]
        and abs((mine[1] - ours[0][1]) - (other[1] - theirs[0][1])) <= near
        and abs(mine[2] - other[2]) <= near
        for mine, other in zip(ours, theirs, strict=True)
    )


@pytest.mark.slow
@pytest.mark.parametrize(("repeats", "least"), [(False, 0.985), (True, 0.94)])
@pytest.mark.parametrize("folder", ["ryansMammoth", "oneills1850", "airdsAirs"])
def test_whole_collections_sound_as_abc2midi_plays_them(
    folder: str, repeats: bool, least: float, tmp_path: Path
) -> None:
    """Every third tune. What remains is mostly voices and repeats without a beginning, which it plays from the top."""
    music21 = importlib.util.find_spec("music21")
    if music21 is None or music21.origin is None or importlib.util.find_spec("symusic") is None:
        pytest.skip("needs music21's corpus and symusic")
    texts: dict[str, str] = {}
    for path in sorted((Path(music21.origin).parent / "corpus" / folder).glob("*.abc")):
        text = path.read_text(encoding="latin-1").replace("\r", "")
        for index, part in enumerate(re.split(r"(?m)^(?=X:)", text)[1:]):
            texts[f"{path.name}#{index}"] = part
    chosen = {name: _plain(texts[name], repeats) for name in list(texts)[::3]}
    (tmp_path / "tunes.json").write_text(json.dumps(chosen))
    subprocess.run(
        [sys.executable, "-c", ORACLE, str(tmp_path / "tunes.json"), str(tmp_path / "heard.json")],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
        timeout=600,
    )
    heard = json.loads((tmp_path / "heard.json").read_text())
    agreed, differing = 0, []
    for name, (quarter, notes) in heard.items():
        (ours,) = read_tunes(chosen[name] if not repeats else texts[name])
        try:
            played = list(ours.played())
        except AbcError:
            differing.append(name)
            continue
        if _agree(played, _top(notes, quarter)):
            agreed += 1
        else:
            differing.append(name)
    assert len(heard) > 300
    assert agreed / len(heard) >= least, f"{agreed} of {len(heard)}: {differing}"
