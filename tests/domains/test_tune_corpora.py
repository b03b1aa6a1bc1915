"""Corpora of tunes: a user's own files with a finding each, and the collections of the music21 wheel."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from toolkit.core import SPLITS, Corpus, Document, InputError, MissingExtraError, UsageError
from toolkit.domains.chorales import corpora as chorales
from toolkit.domains.music import folk
from toolkit.domains.music.corpora import built_in, read
from toolkit.domains.music.families import find_families
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.polyphony import corpora as polyphony
from toolkit.score import Key, Meter, Note, Score, Tempo, Track, write_midi, write_musicxml

needs_music21 = pytest.mark.skipif(not built_in["folk"].available(), reason="needs music21's corpus")

REEL = (
    "X:1\nT:Own Reel\nR:reel\nM:C|\nL:1/8\nK:D\nA2|d2fd Adfd|edef gfed|c2ec Aece|d2f2 e2:|\n"
    "|:a2|f2af dfaf|g2bg egbg|agfe dcBA|d2f2 d2:|\n"
)
JIG = "X:2\nT:Own Jig\nM:6/8\nL:1/8\nK:G\nD|GAB c2A|BGG G2B|cde d2c|BAG A2D|GAB c2A|BGG G2B|cde dcB|AGF G2:|\n"
_FIFTH_UP = dict(zip("CDEFGAB", ("G", "A", "B", "c", "d", "e", "f"), strict=True))
"""Letters read in K:C, and in K:G a fifth higher."""
BAD = "X:3\nT:Bad Bar\nM:4/4\nL:1/4\nK:C\ncdef|cde|cdef|cdef|cdef|\n"


def documents(corpus: Corpus[Score]) -> list[Document[Score]]:
    return [document for split in SPLITS for document in corpus.read(split)]


def outcomes(corpus: Corpus[Score]) -> dict[str, str]:
    return {finding.name: finding.outcome for finding in corpus.findings}


def line(*pitches: int, at: int = 0, length: int = 24) -> tuple[Note, ...]:
    return tuple(Note(at + length * index, pitch, length) for index, pitch in enumerate(pitches))


def test_repeats_are_read_once_or_played(tmp_path: Path) -> None:
    (tmp_path / "reel.abc").write_text(REEL)
    (tmp_path / "jig.musicxml").write_bytes(
        write_musicxml(Score((Track(line(*[60, 62, 64, 65] * 4)),), (Meter(4, 4),), (Key(0, "major"),)))
    )
    once, played = (
        {each.name: each.item for each in documents(read(str(tmp_path), repeats=how))} for how in ("once", "played")
    )
    assert len(played["reel.abc"].notes) == 2 * len(once["reel.abc"].notes)
    assert played["jig.musicxml"] == once["jig.musicxml"]
    for elsewhere in (polyphony, chorales):
        with pytest.raises(UsageError, match="once or played"):
            elsewhere.read(str(tmp_path), repeats="twice")
    assert len(documents(polyphony.read(str(tmp_path), repeats="played"))) == 2


def test_a_folder_of_everything(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "book.abc").write_text(REEL + "\n" + JIG + "\n" + BAD, encoding="utf-8")
    (tmp_path / "deep" / "again.abc").write_text(REEL.replace("K:D", "K:C").replace("Own", "Stolen"), encoding="utf-8")
    song = Score((Track(line(*[60, 62, 64, 65, 67, 69, 71, 72] * 3)),), (Meter(3, 4),), (Key(0, "major"),))
    (tmp_path / "song.mid").write_bytes(write_midi(song))
    (tmp_path / "broken.mid").write_bytes(b"MThd, but not really")
    (tmp_path / "notes.txt").write_text("no music")
    (tmp_path / ".hidden.abc").write_text(JIG)
    corpus = read(str(tmp_path))
    assert outcomes(corpus) == {
        "book.abc#1": "kept",
        "book.abc#2": "kept",
        "book.abc#3": "dropped",
        "broken.mid": "dropped",
        "deep/again.abc": "kept",
        "notes.txt": "dropped",
        "song.mid": "kept",
    }
    reasons = {finding.name: finding.reason for finding in corpus.findings}
    assert reasons["book.abc#3"] == "bar 2 lasts 3/4 where the meter asks for 1."
    assert "neither MIDI" in reasons["notes.txt"]
    assert reasons["broken.mid"]
    found = {document.name: document.item for document in documents(corpus)}
    assert found["book.abc#1"].title == "Own Reel"
    assert found["song.mid"].title == "song"
    assert [note.pitch for note in found["song.mid"].notes] == [60, 62, 64, 65, 67, 69, 71, 72] * 3
    codec = MelodyCodec()
    for score in found.values():
        assert len(score.tracks) == len(score.meters) == len(score.keys) == 1
        assert codec.decode(codec.encode(score)).notes == score.notes
    assert corpus.domain == "music"
    assert corpus.licence == "not stated"


def test_exact_copies_are_left_out_even_transposed(tmp_path: Path) -> None:
    small = "X:1\nM:4/4\nL:1/4\nK:C\nCDEF|GABA|GFED|C4|\n"
    (tmp_path / "a.abc").write_text(small)
    (tmp_path / "b.abc").write_text("X:1\nT:In another key\nM:4/4\nL:1/8\nK:D\nD2E2F2G2|A2B2c2B2|A2G2F2E2|D8|\n")
    (tmp_path / "c.abc").write_text(small.replace("C4|", "C2C2|"))
    corpus = read(str(tmp_path))
    assert outcomes(corpus) == {"a.abc": "kept", "b.abc": "dropped", "c.abc": "kept"}
    assert "its notes are those of a.abc." in [finding.reason for finding in corpus.findings]


def test_collections_in_subfolders_share_no_tune_and_no_split(tmp_path: Path) -> None:
    """A transposed copy is told with its twin's name, and an ornamented version falls into the split of its original.

    The many others make all three splits non-empty, so that a version placed by its own name would be seen.
    """
    for folder in ("boston", "chicago", "glasgow"):
        (tmp_path / folder).mkdir()
    draw = random.Random(5)
    versions = 12
    for each in range(versions):
        bars = [[draw.choice("CDEFGAB") for _ in range(8)] for _ in range(8)]
        plain = "|".join("".join(bar) for bar in bars)
        ornamented = plain[:-1] + plain[-1] + "/" + plain[-1] + "/"
        for folder, key, music in (
            ("boston", "C", plain),
            ("chicago", "G", "|".join("".join(_FIFTH_UP[letter] for letter in bar) for bar in bars)),
            ("glasgow", "C", ornamented),
        ):
            text = f"X:1\nT:{folder} {each}\nM:4/4\nL:1/8\nK:{key}\n{music}|\n"
            (tmp_path / folder / f"{each:02}.abc").write_text(text)
    corpus = read(str(tmp_path))
    reasons = {finding.name: finding.reason for finding in corpus.findings if finding.outcome == "dropped"}
    assert reasons == {
        f"chicago/{each:02}.abc": f"its notes are those of boston/{each:02}.abc." for each in range(versions)
    }
    placed = {document.name: split for split in SPLITS for document in corpus.read(split)}
    assert set(placed.values()) == set(SPLITS)
    for each in range(versions):
        assert placed[f"boston/{each:02}.abc"] == placed[f"glasgow/{each:02}.abc"]


def test_a_glob_and_a_single_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in (("one.abc", REEL), ("two.abc", JIG), ("three.txt", JIG)):
        (tmp_path / name).write_text(text)
    assert sorted(outcomes(read(str(tmp_path / "*.abc"))).values()) == ["kept", "kept"]
    monkeypatch.chdir(tmp_path)
    assert sorted(outcomes(read("*.abc"))) == ["one.abc", "two.abc"]
    assert [document.item.title for document in documents(read("two.abc"))] == ["Own Jig"]


def test_the_longest_stretch_of_one_meter_and_key_is_kept(tmp_path: Path) -> None:
    notes = (*line(*[60, 62, 64, 65] * 2), *line(*[67, 69, 71] * 8, at=192), *line(*[60, 64] * 4, at=192 + 24 * 24))
    score = Score(
        (Track(notes),),
        (Meter(4, 4), Meter(3, 4, 192), Meter(4, 4, 192 + 24 * 24)),
        (Key(0, "major"),),
        (Tempo(500_000), Tempo(400_000, 96)),
    )
    (tmp_path / "changing.mid").write_bytes(write_midi(score))
    corpus = read(str(tmp_path / "changing.mid"))
    (document,) = documents(corpus)
    assert document.item.meters == (Meter(3, 4),)
    assert [note.pitch for note in document.item.notes] == [67, 69, 71] * 8
    assert document.item.notes[0].start == 0
    assert [round(tempo.microseconds / 1000) for tempo in document.item.tempos] == [400]
    (finding,) = corpus.findings
    assert finding.outcome == "changed"
    assert "its meter changes; the longest stretch, 24 quarters in 3/4" in finding.reason


def test_a_tune_with_two_keys_keeps_the_longer_part(tmp_path: Path) -> None:
    tune = "X:1\nT:Two keys\nM:2/4\nL:1/8\nK:G\nGABc|dcBA|\nK:D\ndefg|agfe|defg|agfe|d2d2|d4|\n"
    (tmp_path / "two.abc").write_text(tune)
    (document,) = documents(read(str(tmp_path / "two.abc")))
    assert document.item.keys == (Key(2, "major"),)
    assert [note.pitch for note in document.item.notes][:4] == [74, 76, 78, 79]
    assert document.item.notes[0].start == 0


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("X:1\nM:4/4\nL:1/4\nK:C\ncdef|cdef|\n", "it has 2 bars, and 4 are the fewest"),
        ("X:1\nM:2/4\nL:1/4\nK:C\n" + "cd|ef|" * 130, "it has 260 bars, and 256 are the most"),
        ("X:1\nM:4/4\nL:1/4\nK:C\n" + "c''''def|" * 8, "out of reach"),
        ("X:1\nM:13/8\nL:1/8\nK:C\n" + "cdefgabcdefga|" * 8, "its meter is 13/8"),
        ("", "there is no tune"),
    ],
)
def test_tunes_that_cannot_be_learnt_from(tmp_path: Path, content: str, sentence: str) -> None:
    path = tmp_path / "odd.abc"
    path.write_text(content)
    with pytest.raises(InputError, match=sentence) as caught:
        read(str(path))
    assert "\n" not in str(caught.value)


def test_nothing_to_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file, no folder"):
        read(str(tmp_path / "absent.mid"))
    with pytest.raises(InputError, match="no file, no folder"):
        read(str(tmp_path))
    (tmp_path / "a.abc").write_text(BAD)
    (tmp_path / "b.abc").write_text(BAD.replace("cdef|cde|", "cdef|cd|"))
    (tmp_path / "c.abc").write_text(BAD)
    with pytest.raises(InputError, match=r"none of the 3 files and tunes .* 2 of them because: bar 2 lasts 3/4"):
        read(str(tmp_path))


def test_latin_1_titles(tmp_path: Path) -> None:
    path = tmp_path / "old.abc"
    path.write_bytes(JIG.replace("Own Jig", "Fête").encode("latin-1"))
    assert [document.item.title for document in documents(read(str(path)))] == ["Fête"]


def test_the_checksum_hangs_on_content_alone(tmp_path: Path) -> None:
    first, second, third = tmp_path / "1", tmp_path / "2", tmp_path / "3"
    for folder, text in ((first, REEL), (second, REEL), (third, REEL.replace("d2f2 d2:|", "d2f2 e2:|"))):
        folder.mkdir()
        (folder / "a.abc").write_text(text)
    assert read(str(first)).sha256 == read(str(second)).sha256 != read(str(third)).sha256


def test_without_music21_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folk.importlib.util, "find_spec", lambda name: None)
    assert not built_in["folk"].available()
    with pytest.raises(MissingExtraError, match="corpora"):
        built_in["essen"].open()


def test_every_built_in_says_what_it_is() -> None:
    assert set(built_in) == {"folk", "ryans", "oneills", "airds", "essen"}
    for name, entry in built_in.items():
        assert entry.name == name
        assert entry.domain == "music"
        assert entry.needs == "corpora"
        assert entry.about and entry.source and entry.licence and entry.size
    assert built_in["essen"].licence.startswith("NON-COMMERCIAL")


@needs_music21
@pytest.mark.slow
def test_folk() -> None:
    folk._gathered.cache_clear()
    folk._families.cache_clear()
    begun = time.process_time()
    corpus = built_in["folk"].open()
    assert time.process_time() - begun < 30  # half of it on an idle core
    counts = Counter(finding.outcome for finding in corpus.findings)
    assert sum(counts.values()) == 4_248 == len({finding.name for finding in corpus.findings})
    copies = sum("its notes are those" in f.reason or "transcribes the same" in f.reason for f in corpus.findings)
    assert (counts["kept"] + counts["changed"]) / (4_248 - copies) > 0.93
    assert all(finding.reason for finding in corpus.findings if finding.outcome != "kept")
    everything = documents(corpus)
    names = [document.name for document in everything]
    assert len(names) == len(set(names)) == counts["kept"] + counts["changed"]
    codec = MelodyCodec()
    for document in everything[::10]:
        assert codec.decode(codec.encode(document.item)).notes == document.item.notes
    sizes = {split: len(list(corpus.read(split))) for split in SPLITS}
    assert 0.85 < sizes["train"] / len(everything) < 0.93
    assert min(sizes["validation"], sizes["test"]) > 150
    assert len(next(iter(find_families(everything).members.values()))) < 40


@needs_music21
@pytest.mark.slow
def test_no_version_of_a_tune_crosses_a_split_between_collections() -> None:
    places = {document.name: split for split in SPLITS for document in built_in["folk"].open().read(split)}
    for name in folk.POOLED:
        for split in SPLITS:
            for document in built_in[name].open().read(split):
                assert places.get(document.name, split) == split
    families = find_families(document for name in folk.POOLED for document in folk._gathered(name).documents)
    for members in families.members.values():
        assert len({places[member] for member in members if member in places}) <= 1


@needs_music21
@pytest.mark.slow
def test_opening_again_gives_the_same_corpus() -> None:
    first = built_in["airds"].open()
    folk._gathered.cache_clear()
    folk._families.cache_clear()
    assert built_in["airds"].open().sha256 == first.sha256


@needs_music21
@pytest.mark.slow
def test_the_modes_of_essen_are_found() -> None:
    corpus = built_in["essen"].open()
    modes = Counter(document.item.keys[0].mode for document in documents(corpus))
    assert modes["minor"] > 500
    assert modes["major"] > 3 * modes["minor"]
