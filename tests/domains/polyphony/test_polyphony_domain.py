from __future__ import annotations

from pathlib import Path

import pytest

from tests.domains.tunes import walk
from toolkit.api import guess_domain, open_corpus
from toolkit.core import InputError, UsageError
from toolkit.domains import find
from toolkit.domains.polyphony.controls import PolyphonyControls
from toolkit.domains.polyphony.corpora import read
from toolkit.score import Note, Score, Track, read_midi, write_midi


def piece(*notes: tuple[int, int, int], drums: bool = False, resolution: int = 24) -> Score:
    beats = (Track((Note(0, 36, 12),), drums=True),) if drums else ()
    return Score((Track(tuple(Note(*each) for each in notes)), *beats), resolution=resolution)


TRIAD = ((0, 60, 24), (0, 64, 24), (24, 67, 48))


def test_the_domain_holds_together(tmp_path: Path) -> None:
    domain = find("polyphony")
    codec = domain.codecs[domain.default_codec].build([piece(*TRIAD)])
    path = tmp_path / "given.mid"
    path.write_bytes(write_midi(piece(*TRIAD)))
    given = domain.read_prompt(str(path))
    assert given.notes == piece(*TRIAD).notes
    opened = domain.opening(codec, given)
    controls = domain.controls(low=55, high=70)
    rest = walk(domain.constraint(codec, controls, given), domain.length, 1, prompt=opened)
    whole = domain.finish(codec, given, opened, rest, controls)
    assert all(55 <= note.pitch <= 70 for note in whole.notes)
    assert read_midi(domain.exports[".mid"](whole, {})).notes == whole.notes
    assert domain.of_data(domain.data(whole)) == whole
    for suffix in (".wav", ".json", ".svg", ".txt", ".abc", ".musicxml"):
        assert domain.exports[suffix](whole, {})
    assert domain.show(whole).startswith("4/4")


def test_a_prompt_may_be_typed_notes_and_must_be_something() -> None:
    domain = find("polyphony")
    assert [note.pitch for note in domain.read_prompt("K:C | c2 e2").notes] == [72, 76]
    with pytest.raises(InputError):
        domain.read_prompt("no-such.mid")


def test_what_is_given_must_be_within_what_is_asked() -> None:
    domain = find("polyphony")
    codec = domain.codecs["steps"].build([piece(*TRIAD)])
    with pytest.raises(UsageError, match="pitch 60"):
        domain.constraint(codec, PolyphonyControls(low=62), piece(*TRIAD))


def test_a_piece_is_shown_by_what_begins_together() -> None:
    shown = find("polyphony").show(piece((24, 60, 24), (24, 64, 12), (96, 67, 24)))
    assert shown.splitlines()[1:] == ["   1  z E4:1/2+C4", "   2  G4"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(12):
        tune = piece(*((12 * at, 50 + (7 * at + number * at * at) % 30, 12) for at in range(1, 17)))
        (tmp_path / f"{number:02}.mid").write_bytes(write_midi(tune))
    (tmp_path / "drums.mid").write_bytes(write_midi(piece(*TRIAD, drums=True)))
    (tmp_path / "higher.mid").write_bytes(write_midi(piece(*((s, p + 5, d) for s, p, d in TRIAD))))
    (tmp_path / "loose.mid").write_bytes(write_midi(piece((0, 60, 479), (481, 62, 480), resolution=480)))
    (tmp_path / "only drums.mid").write_bytes(write_midi(Score((Track((Note(0, 36, 12),), drums=True),))))
    (tmp_path / "broken.mid").write_bytes(b"MThd nonsense")
    (tmp_path / "notes.txt").write_text("hello")
    return tmp_path


def test_a_folder_of_midi_says_what_became_of_every_file(folder: Path) -> None:
    corpus = read(str(folder))
    outcomes = {each.name: (each.outcome, each.reason) for each in corpus.findings}
    assert outcomes["03.mid"] == ("kept", "")
    assert outcomes["drums.mid"] == ("kept", "")
    assert outcomes["loose.mid"][0] == "changed"
    assert "3 beginnings and ends" in outcomes["loose.mid"][1]
    assert outcomes["higher.mid"] == ("kept", "")  # it has no drums
    assert outcomes["only drums.mid"][1] == "it has no notes but drums."
    assert outcomes["broken.mid"][0] == outcomes["notes.txt"][0] == "dropped"
    items = {each.name: each.item for split in ("train", "validation", "test") for each in corpus.read(split)}
    assert len(items) == 15
    assert items["loose.mid"].notes == (Note(0, 60, 24), Note(24, 62, 24))
    pitched = [note for track in items["drums.mid"].tracks if not track.drums for note in track.notes]
    assert pitched == sorted(Note(*each) for each in TRIAD)
    assert any(track.drums for track in items["drums.mid"].tracks)  # for codecs that hold them
    assert len(list(corpus.read("validation"))) >= 1


def test_the_codec_names_the_domain_of_midi_files(folder: Path) -> None:
    assert guess_domain(str(folder)) == "music"
    assert open_corpus(str(folder), codec="steps").domain == "polyphony"


def test_a_tunebook_gives_each_tune_with_all_its_voices(tmp_path: Path) -> None:
    voices = "M:4/4\nL:1/4\nK:C\nV:1\n{0}{{g}}def|[{0}g]4|\nV:2\nC4|E4|\n"
    book = "\n".join(f"X:{number}\n{voices.format(letter)}" for number, letter in enumerate("ceagbf", start=1))
    (tmp_path / "book.abc").write_text(book + "\nX:7\nM:4/4\nL:1/4\nK:C\nz4|\n")
    corpus = read(str(tmp_path))
    outcomes = {each.name: (each.outcome, each.reason) for each in corpus.findings}
    assert outcomes["book.abc#1"] == ("changed", "1 grace note is left out.")
    assert outcomes["book.abc#7"] == ("dropped", "the tune has no notes.")
    pieces = [each.item for split in ("train", "validation", "test") for each in corpus.read(split)]
    assert len(pieces) == 6
    assert {tuple(len(track.notes) for track in each.tracks) for each in pieces} == {(6, 2), (5, 2)}


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    (tmp_path / "only drums.mid").write_bytes(write_midi(Score((Track((Note(0, 36, 12),), drums=True),))))
    with pytest.raises(InputError, match="no notes but drums"):
        read(str(tmp_path))
    with pytest.raises(InputError, match="no file"):
        read(str(tmp_path / "none"))
