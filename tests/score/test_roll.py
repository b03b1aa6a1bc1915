from __future__ import annotations

import io
import sys
import xml.etree.ElementTree as ET

import pytest

from toolkit.core import MissingExtraError, UsageError
from toolkit.score import Key, Meter, Note, Score, Tempo, Track, piano_roll_png, piano_roll_svg

SVG = "{http://www.w3.org/2000/svg}"
TUNE = Score(
    (Track(tuple(Note(12 * place, 62 + step, 12, 40 + place) for place, step in enumerate((0, 2, 3, 5, 7, 4) * 10))),),
    (Meter(6, 8),),
    (Key(2, "dorian"),),
    (Tempo(600_000),),
    title='<script>alert("1")</script> & \x00 Ríl',
)


def _parsed(svg):
    return ET.fromstring(svg)


def _notes(svg):
    return [each for each in _parsed(svg).iter(f"{SVG}rect") if each.get("class") == "note"]


def test_it_is_well_formed_named_and_described_whatever_the_title():
    svg = piano_roll_svg(TUNE)
    root = _parsed(svg)
    name, text = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert name is not None and text is not None
    assert root.get("role") == "img"
    assert root.get("aria-labelledby") == f"{name.get('id')} {text.get('id')}"
    assert name.text == '<script>alert("1")</script> & \ufffd Ríl'
    assert text.text is not None and "60 notes from D4 to A4" in text.text
    assert not list(root.iter(f"{SVG}script"))
    assert svg == piano_roll_svg(TUNE)


def test_every_note_is_drawn_where_and_when_it_sounds():
    notes = _notes(piano_roll_svg(TUNE))
    whole = [note for note in notes if note.get("x") != "60.60" or float(note.get("width", 0)) > 10]
    assert len(whole) == 60
    first, second = notes[:2]
    assert (first.get("data-start"), first.get("data-end")) == ("0.000", "0.300")
    assert second.get("data-start") == "0.300"
    assert [each.get("data-pitch") for each in (first, second)] == [str(note.pitch) for note in TUNE.notes[:2]]
    assert float(second.get("x", 0)) > float(first.get("x", 0))
    assert float(second.get("y", 0)) < float(first.get("y", 0))
    assert [each.text for each in first] == ["D4, velocity 40"]


def test_bars_are_numbered_and_beats_drawn():
    root = _parsed(piano_roll_svg(TUNE))
    numbers = [each.text for each in root.iter(f"{SVG}text") if each.get("class") == "number"]
    assert numbers == [str(number) for number in range(1, 11)]
    classes = [each.get("class") for each in root.iter(f"{SVG}line")]
    assert classes.count("bar") == 10 + 1  # one row and its last line
    assert classes.count("beat") == 10  # 6/8 has one beat inside a bar


def test_a_note_over_the_end_of_a_row_goes_on_in_the_next():
    score = Score((Track((Note(0, 60, 96 * 12),)),), (Meter(4, 4),))
    assert len(_notes(piano_roll_svg(score))) == 2


@pytest.mark.parametrize(("bars", "rows"), [(1, [1]), (8, [8]), (9, [9]), (10, [10]), (11, [8, 3]), (33, [8, 8, 8, 9])])
def test_a_few_bars_more_stand_in_the_last_row(bars, rows):
    score = Score((Track((Note(0, 60, 96 * bars),)),), (Meter(4, 4),))
    drawn = _parsed(piano_roll_svg(score)).iter(f"{SVG}g")
    lines = [sum(each.get("class") == "bar" for each in row) for row in drawn]
    assert [each - 1 for each in lines if each] == rows


def test_colours_follow_degree_velocity_or_track():
    def fills(score, colouring):
        return [note.get("fill") for note in _notes(piano_roll_svg(score, colouring=colouring))]

    degrees = fills(TUNE, "degree")
    assert degrees[0] == degrees[6] != degrees[1]
    assert degrees[5] == "#808893"  # F sharp does not belong to D dorian
    assert degrees == fills(TUNE, "auto")
    assert len(set(fills(TUNE, "velocity"))) > 20
    two = Score((Track((Note(0, 60, 9), Note(9, 62, 9))), Track((Note(0, 48, 9),))))
    assert len(set(fills(two, "auto"))) == 2
    with pytest.raises(UsageError, match="velocity"):
        piano_roll_svg(TUNE, colouring="velocty")  # type: ignore[arg-type]


def test_long_scores_are_cut_and_say_so():
    score = Score((Track((Note(0, 60, 24), Note(96 * 999, 62, 24))),))
    svg = piano_roll_svg(score, bars=12)
    assert len(_notes(svg)) == 1
    assert "1000 bars, the first 12 shown" in svg


def test_a_score_without_notes_is_an_empty_roll():
    assert _notes(piano_roll_svg(Score((Track(()),)))) == []


def test_the_png_shows_paper_ink_and_notes():
    image_module = pytest.importorskip("PIL.Image")
    for dark, paper in ((False, (255, 255, 255)), (True, (24, 25, 30))):
        data = piano_roll_png(TUNE, dark=dark)
        assert data == piano_roll_png(TUNE, dark=dark)
        image = image_module.open(io.BytesIO(data))
        root = _parsed(piano_roll_svg(TUNE))
        height = float(root.get("viewBox", "").split()[3])
        assert image.size == (1920, round(2 * height))
        assert image.getpixel((2, 2)) == paper
        first = _notes(piano_roll_svg(TUNE, title=""))[0]
        x = float(first.get("x", 0)) + float(first.get("width", 0)) / 2
        y = 62 + float(first.get("y", 0)) + float(first.get("height", 0)) / 2
        assert image.getpixel((round(2 * x), round(2 * y))) != paper
        red, _, blue = image.getpixel((round(2 * x), round(2 * y)))
        assert red > blue + 40  # the tonic's vermilion


def test_without_pillow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingExtraError, match="score"):
        piano_roll_png(TUNE)
