from __future__ import annotations

import base64
import warnings
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from tests.domains.tunes import tunes
from toolkit.score import Key, Meter, Note, Score, Tempo, Track, read_midi, write_musicxml
from toolkit.score.notation import notated

CHORAL = Score(
    (
        Track(
            (Note(24, 72, 48), Note(24, 76, 48), Note(72, 74, 48), Note(120, 73, 8), Note(128, 75, 16)), 73, name="High"
        ),
        Track((Note(24, 48, 144), Note(24, 55, 24), Note(48, 53, 24))),
    ),
    (Meter(2, 4), Meter(3, 4, 96)),
    (Key(5, "major"), Key(2, "dorian", 96)),
    (Tempo(500_000), Tempo(400_000, 96)),
    title="Tom & <Jerry>\x01",
)


def sounding(score: Score) -> list[list[tuple[Fraction, int, Fraction]]]:
    """(Onset from what is written first, pitch, duration) in quarter notes, for each track."""
    begin = notated(score).measures[0].begin
    return [
        [(Fraction(note.start - begin, 24), note.pitch, Fraction(note.duration, 24)) for note in track.notes]
        for track in score.tracks
    ]


def by_music21(score: Score) -> list[list[tuple[Fraction, int, Fraction]]]:
    music21 = pytest.importorskip("music21")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = music21.converter.parseData(write_musicxml(score).decode(), format="musicxml", forceSource=True)
    return [
        joined(
            (Fraction(each.getOffsetInHierarchy(part)), note.pitch.midi, Fraction(each.quarterLength), note.tie)
            for each in part.recurse().notes
            for note in (each.notes if each.isChord else [each])
        )
        for part in read.parts
    ]


def joined(notes) -> list[tuple[Fraction, int, Fraction]]:
    """Tied notes as one: music21's own ``stripTies`` takes a note with a natural sign for another than without."""
    whole, pending = [], {}
    for onset, pitch, duration, tie in sorted(notes, key=lambda each: each[:2]):
        kind = tie.type if tie else None
        begin, before = pending.pop((onset, pitch)) if kind in ("stop", "continue") else (onset, Fraction(0))
        if kind in ("start", "continue"):
            pending[onset + duration, pitch] = begin, before + duration
        else:
            whole.append((begin, pitch, before + duration))
    assert not pending
    return sorted(whole)


def by_verovio(score: Score) -> list[list[tuple[Fraction, int, Fraction]]]:
    verovio = pytest.importorskip("verovio")
    verovio.enableLog(verovio.LOG_OFF)
    engraver = verovio.toolkit(False)
    engraver.setResourcePath(str(Path(verovio.__file__).parent / "data"))  # which it knows in its first thread only
    assert engraver.loadData(write_musicxml(score).decode())
    read = read_midi(base64.b64decode(engraver.renderToMIDI()))
    return [
        [
            (
                Fraction(round(24 * note.start / read.resolution), 24),
                note.pitch,
                Fraction(round(24 * note.duration / read.resolution), 24),
            )
            for note in track.notes
        ]
        for track in read.tracks
    ]


@settings(max_examples=40, deadline=None)
@given(tunes())
def test_music21_reads_the_same_melody(tune):
    assert by_music21(tune) == sounding(tune)


@settings(max_examples=60, deadline=None)
@given(tunes())
def test_verovio_reads_the_same_melody(tune):
    assert by_verovio(tune) == sounding(tune)


def test_both_read_chords_layers_tracks_and_a_pickup():
    assert by_music21(CHORAL) == sounding(CHORAL)
    assert by_verovio(CHORAL) == sounding(CHORAL)


def test_music21_reads_what_governs_the_notes():
    music21 = pytest.importorskip("music21")
    read = music21.converter.parseData(write_musicxml(CHORAL).decode(), format="musicxml", forceSource=True)
    flat = read.parts[0].flatten()
    assert read.metadata.bestTitle == "Tom & <Jerry>\ufffd"
    assert [each.ratioString for each in flat.getElementsByClass("TimeSignature")] == ["2/4", "3/4"]
    assert [each.asKey().sharps for each in flat.getElementsByClass("KeySignature")] == [-1, 0]
    assert [each.mode for each in flat.getElementsByClass("Key")] == ["major", "dorian"]
    assert [each.number for each in flat.getElementsByClass("MetronomeMark")] == [120, 150]
    assert [each.measureNumberWithSuffix() for each in read.parts[0].getElementsByClass("Measure")][:2] == ["0", "1"]


def test_what_is_on_the_page():
    score = Score(
        (
            Track(
                (Note(0, 61, 8), Note(8, 60, 8), Note(16, 61, 8), Note(24, 66, 12), Note(36, 67, 6), Note(42, 69, 54))
            ),
        ),
        keys=(Key(7, "major"),),
        tempos=(Tempo(600_000),),
    )
    root = ElementTree.fromstring(write_musicxml(score))
    notes = root.findall("part/measure/note")
    assert [each.findtext("accidental") for each in notes] == ["sharp", "natural", "sharp", None, None, None, None]
    assert [[beam.text for beam in each.findall("beam")] for each in notes] == [
        ["begin"], ["continue"], ["end"], ["begin"], ["continue", "begin"], ["end", "end"], []
    ]  # fmt: skip
    assert [each.findtext("type") for each in notes] == 3 * ["eighth"] + ["eighth", "16th", "16th", "half"]
    assert [each.get("type") for each in root.iter("tuplet")] == ["start", "stop"]
    assert [each.get("type") for each in root.iter("tied")] == ["start", "stop"]
    assert root.findtext("part/measure/direction/direction-type/metronome/per-minute") == "100"


def test_drums_stand_on_their_lines():
    score = Score((Track((Note(0, 36, 24), Note(24, 42, 24)), drums=True),))
    root = ElementTree.fromstring(write_musicxml(score))
    assert [each.text for each in root.iter("display-step")] == ["F", "G"]
    assert [each.text for each in root.iter("midi-unpitched")] == ["37", "43"]
    assert [each.findtext("notehead") for each in root.findall("part/measure/note")][:2] == [None, "x"]


def test_the_same_score_gives_the_same_bytes_and_nothing_is_a_rest():
    assert write_musicxml(CHORAL) == write_musicxml(replace(CHORAL))
    root = ElementTree.fromstring(write_musicxml(Score(())))
    assert [each.get("measure") for each in root.iter("rest")] == ["yes"]
