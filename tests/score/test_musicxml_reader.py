"""What MusicXML files say, by round trips, by hand-written documents and by an independent reader."""

from __future__ import annotations

import importlib.util
import io
import random
import warnings
import zipfile
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.tunes import tunes
from toolkit.core import InputError
from toolkit.score import Key, Meter, Note, Score, Tempo, Track, read_musicxml, write_musicxml

FOUR = (
    "<part-list><score-part id='P1'><part-name>Horn</part-name><midi-instrument id='I1'><midi-channel>1</midi-channel>"
    "<midi-program>61</midi-program></midi-instrument></score-part></part-list>"
)


def partwise(measures: str, head: str = FOUR) -> bytes:
    return f"<score-partwise version='4.0'>{head}<part id='P1'>{measures}</part></score-partwise>".encode()


def note(step: str, duration: int, more: str = "", octave: int = 4) -> str:
    return (
        f"<note><pitch><step>{step}</step><octave>{octave}</octave></pitch><duration>{duration}</duration>{more}</note>"
    )


def times(score: Score) -> list[list[tuple[Fraction, int, Fraction]]]:
    quarter = score.resolution
    return [
        [(Fraction(each.start, quarter), each.pitch, Fraction(each.duration, quarter)) for each in track.notes]
        for track in score.tracks
    ]


@settings(max_examples=80, deadline=None)
@given(tunes())
def test_a_melody_comes_back_as_it_was(tune: Score) -> None:
    read = read_musicxml(write_musicxml(tune)).score
    assert times(read) == times(tune)
    assert read.meters == tune.meters
    assert [(each.fifths, each.mode) for each in read.keys] == [(each.fifths, each.mode) for each in tune.keys]


@st.composite
def several(draw: st.DrawFn) -> Score:
    """Tracks of notes that may overlap, but no pitch twice at once."""
    tracks = []
    for program in range(draw(st.integers(1, 3))):
        busy: dict[int, int] = {}
        notes = []
        for _ in range(draw(st.integers(1, 12))):
            start, pitch, length = 6 * draw(st.integers(0, 60)), draw(st.integers(40, 90)), 6 * draw(st.integers(1, 20))
            if busy.get(pitch, 0) <= start:
                busy[pitch] = start + length
                notes.append(Note(start, pitch, length))
        tracks.append(Track(tuple(notes), program, name=f"Voice {program}"))
    ends = max(track.end for track in tracks)
    return Score(
        tuple(tracks), (Meter(3, 4),), (Key(7, "minor"),), (Tempo.from_bpm(90),), fermatas=(0,) if ends else ()
    )


@settings(max_examples=60, deadline=None)
@given(several())
def test_tracks_layers_and_chords_come_back(score: Score) -> None:
    read = read_musicxml(write_musicxml(score)).score
    assert times(read) == times(score)
    assert [(track.program, track.name) for track in read.tracks] == [
        (each.program, each.name) for each in score.tracks
    ]
    assert read.tempos == score.tempos


def test_fermatas_come_back() -> None:
    score = Score((Track((Note(0, 60, 24), Note(24, 62, 48), Note(72, 64, 120))),), fermatas=(24, 72))
    assert read_musicxml(write_musicxml(score)).score.fermatas == (24, 72)


def test_drums_come_back() -> None:
    score = Score((Track((Note(0, 36, 24), Note(24, 42, 24), Note(24, 38, 24)), drums=True, name="Kit"),))
    (track,) = read_musicxml(write_musicxml(score)).score.tracks
    assert track.drums
    assert sorted(each.pitch for each in track.notes) == [36, 38, 42]


def test_what_is_written_for_a_horn_sounds_a_fifth_lower() -> None:
    attributes = (
        "<attributes><divisions>2</divisions><key><fifths>1</fifths></key><time><beats>3</beats>"
        "<beat-type>4</beat-type></time><transpose><diatonic>-4</diatonic><chromatic>-7</chromatic></transpose></attributes>"
    )
    score = read_musicxml(partwise(f"<measure number='1'>{attributes}{note('G', 6)}</measure>")).score
    (track,) = score.tracks
    assert [each.pitch for each in track.notes] == [60]
    assert (track.program, track.name, str(score.meters[0]), score.keys[0].fifths) == (60, "Horn", "3/4", 0)


def test_grace_notes_are_left_out_and_said() -> None:
    grace = "<note><grace/><pitch><step>D</step><octave>4</octave></pitch></note>"
    attributes = "<attributes><divisions>1</divisions></attributes>"
    sheet = read_musicxml(partwise(f"<measure number='1'>{attributes}{grace}{note('C', 4)}{grace}</measure>"))
    assert len(sheet.score.notes) == 1
    assert sheet.findings == ("2 grace notes are left out.",)


def test_repeats_and_endings_are_played_when_asked() -> None:
    def measure(number: int, step: str, more: str = "") -> str:
        head = "<attributes><divisions>1</divisions></attributes>" if number == 1 else ""
        return f"<measure number='{number}'>{head}{more}{note(step, 4)}"

    ending = "<barline location='left'><ending number='{}' type='start'/></barline>"
    stop = "<barline location='right'><ending number='{}' type='stop'/>{}</barline>"
    back = "<repeat direction='backward'/>"
    document = partwise(
        measure(1, "C")
        + "</measure>"
        + measure(2, "D", "<barline location='left'><repeat direction='forward'/></barline>")
        + "</measure>"
        + measure(3, "E", ending.format(1))
        + stop.format(1, back)
        + "</measure>"
        + measure(4, "F", ending.format(2))
        + stop.format(2, "")
        + "</measure>"
        + measure(5, "G")
        + f"<barline location='right'>{back}</barline></measure>"
    )
    names = {60: "C", 62: "D", 64: "E", 65: "F", 67: "G"}
    folded = read_musicxml(document)
    assert "".join(names[each.pitch] for each in folded.score.notes) == "CDEFG"
    assert any("repeats" in each for each in folded.findings)
    unfolded = read_musicxml(document, unfold=True).score
    assert "".join(names[each.pitch] for each in unfolded.notes).startswith("CDEDFG")
    assert [each.start for each in unfolded.notes] == list(range(0, 96 * len(unfolded.notes), 96))


def test_measures_by_time_are_read_like_parts() -> None:
    measure = f"<attributes><divisions>1</divisions></attributes>{note('C', 4)}"
    timewise = f"<score-timewise>{FOUR}<measure number='1'><part id='P1'>{measure}</part></measure></score-timewise>"
    assert read_musicxml(timewise.encode()).score == read_musicxml(partwise(f"<measure>{measure}</measure>")).score


def test_a_compressed_file_is_unpacked() -> None:
    score = Score((Track((Note(0, 60, 96),)),))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "META-INF/container.xml", '<container><rootfiles><rootfile full-path="a.xml"/></rootfiles></container>'
        )
        archive.writestr("first.xml", "<nothing/>")
        archive.writestr("a.xml", write_musicxml(score))
    assert times(read_musicxml(packed.getvalue()).score) == times(score)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "well-formed"),
        (b"<html/>", "not MusicXML"),
        (b"PK\x03\x04 and no more", "unpacked"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><score-partwise/>", "entities"),
        (b"<score-partwise/>", "no parts"),
        (partwise(""), "no measures"),
        (partwise(f"<measure>{note('H', 4)}</measure>"), "step"),
        (partwise(f"<measure>{note('C', 4, octave=40)}</measure>"), "pitch"),
        (partwise("<measure><attributes><divisions>0</divisions></attributes></measure>"), "divisions"),
        (partwise("<measure><attributes><divisions>nan</divisions></attributes></measure>"), "number"),
        (partwise("<measure><forward><duration>9999999</duration></forward></measure>"), "duration"),
        (
            partwise(
                "<measure><attributes><time><beats>4</beats><beat-type>5</beat-type></time></attributes></measure>"
            ),
            "time",
        ),
    ],
)
def test_what_cannot_be_read_is_one_sentence(data: bytes, said: str) -> None:
    with pytest.raises(InputError) as refused:
        read_musicxml(data)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_damaged_files_are_refused_or_read() -> None:
    rng = random.Random(5)
    whole = write_musicxml(Score((Track(tuple(Note(24 * each, 60 + each, 30) for each in range(12))),)))
    for _ in range(400):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 6)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            read_musicxml(bytes(damaged))
        except InputError as error:
            assert "\n" not in str(error)


def chorales() -> list[Path]:
    found = importlib.util.find_spec("music21")
    if found is None or found.origin is None:
        pytest.skip("music21 is not installed")
    return sorted((Path(found.origin).parent / "corpus" / "bach").glob("*.mxl"))


def compared(path: Path) -> None:
    """Every note of every part as music21 reads it, with the notes it ties joined here."""
    music21 = pytest.importorskip("music21")
    from tests.score.test_musicxml import joined

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = music21.converter.parse(path, forceSource=True)
    score = read_musicxml(path.read_bytes()).score
    begin = Fraction(min(each.start for each in score.notes), score.resolution)
    ours = [[(at - begin, pitch, length) for at, pitch, length in track] for track in times(score)]
    silence = min(Fraction(each.getOffsetInHierarchy(part)) for part in read.parts for each in part.recurse().notes)
    theirs = [
        joined(
            (Fraction(each.getOffsetInHierarchy(part)) - silence, one.pitch.midi, Fraction(each.quarterLength), one.tie)
            for each in part.recurse().notes
            if each.quarterLength
            for one in (each.notes if each.isChord else [each])
        )
        for part in read.parts
    ]
    assert ours == theirs


@pytest.mark.parametrize("place", range(0, 400, 57))
def test_music21_reads_the_same_chorale(place: int) -> None:
    compared(chorales()[place])


@pytest.mark.slow
@pytest.mark.parametrize("place", range(0, 408, 5))
def test_music21_reads_the_same_chorales(place: int) -> None:
    compared(chorales()[place])
