from __future__ import annotations

import importlib.util
import io
import json
import time
from dataclasses import replace
from random import Random

import pytest

from tests.score.files import file_of, random_file, random_score
from toolkit.core import InputError, MissingExtraError, UsageError
from toolkit.score import Key, Meter, MidiError, Note, Score, Tempo, Track, read_details, read_midi, write_midi
from toolkit.score.guard import untangled

READERS = [
    "pretty_midi",
    pytest.param("symusic", marks=pytest.mark.skipif(not importlib.util.find_spec("symusic"), reason="no symusic")),
]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("seed", range(12))
def test_a_score_comes_back_equal_in_every_tick(seed, reader):
    score = random_score(Random(seed))
    assert read_midi(write_midi(score), reader=reader) == score


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("resolution", [24, 96, 480])
def test_every_duration_of_the_grid_under_changing_tempo_and_meter(resolution, reader):
    step, notes, at = resolution // 24, [], 0
    for ticks in range(1, 97):
        notes.append(Note(at, 30 + ticks % 60, ticks * step, 1 + ticks))
        at += ticks * step
    score = Score(
        (Track(tuple(notes), 73, False, "flute"),),
        (Meter(4, 4), Meter(6, 8, 96 * step), Meter(5, 4, 168 * step)),
        (Key(2, "dorian"), Key(9, "major", 96 * step)),
        tuple(Tempo(333_333 + 7_919 * place, 31 * step * place) for place in range(20)),
        resolution,
        "Durations",
    )
    assert read_midi(write_midi(score), reader=reader) == score


@pytest.mark.parametrize("microseconds", [1, 2, 3, 299_999, 300_000, 428_571, 500_000, 999_999, 2**24 - 1])
def test_tempos_are_kept_to_the_microsecond(microseconds):
    score = Score((Track((Note(0, 60, 24),)),), tempos=(Tempo(microseconds), Tempo(600_000, 12)))
    assert read_midi(write_midi(score)).tempos == score.tempos


def test_every_key_comes_back_and_others_see_its_signature():
    import mido

    from toolkit.score import MODES

    for key in (Key(tonic, mode) for tonic in range(12) for mode in MODES):
        midi = write_midi(Score((Track((Note(0, 60, 24),)),), keys=(key,)))
        assert read_midi(midi).keys == (key,)
        seen = next(each.key for each in mido.MidiFile(file=io.BytesIO(midi)).tracks[0] if each.type == "key_signature")
        assert Key.parse(seen).fifths % 12 == key.fifths % 12
        assert key.mode not in ("major", "minor") or Key.parse(seen) == key


def test_other_programs_read_the_same_notes_title_and_names():
    import mido

    score = Score((Track((Note(12, 64, 24, 70),), 40, False, "fiddle"),), title="Ríl")
    tracks = mido.MidiFile(file=io.BytesIO(write_midi(score)), charset="utf-8").tracks
    assert [track.name for track in tracks] == ["Ríl", "fiddle"]
    at, seen = 0, []
    for message in tracks[1]:
        at += message.time
        if message.type == "note_on":
            seen.append((at, message.note, message.velocity))
    assert seen == [(12, 64, 70), (36, 64, 0)]


@pytest.mark.parametrize("seed", range(6))
def test_random_melodies_are_the_same_to_every_reader(seed):
    import mido

    rng = Random(seed)
    for _ in range(20):
        notes, at = [], rng.randrange(48)
        for _ in range(rng.randint(1, 30)):
            duration = rng.choice([3, 4, 6, 8, 12, 16, 18, 24, 36, 48, 96])
            notes.append(Note(at, rng.randrange(128), duration, rng.randint(1, 127)))
            at += duration + rng.choice([0, 0, 0, 6, 24])
        midi = write_midi(Score((Track(tuple(notes)),)))
        sounding, found, tick = {}, [], 0
        for message in mido.MidiFile(file=io.BytesIO(midi)).tracks[1]:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = (tick, message.velocity)
            elif message.type in ("note_on", "note_off"):
                start, velocity = sounding.pop(message.note)
                found.append(Note(start, message.note, tick - start, velocity))
        assert tuple(sorted(found)) == tuple(notes)
        assert read_midi(midi, reader="pretty_midi").notes == tuple(notes)


def test_details_travel_with_the_file_and_do_not_change_the_music():
    score = Score((Track((Note(0, 60, 24),)),), keys=(Key(4, "phrygian"),))
    details = json.dumps({"seed": 7, "prompt": 'ü\n"<&>" 笛' * 50}, ensure_ascii=False)
    assert read_details(write_midi(score, details)) == details
    assert read_midi(write_midi(score, details)) == score
    assert read_details(write_midi(score)) is None


def test_equal_scores_give_equal_bytes():
    score = random_score(Random(5))
    assert write_midi(replace(score)) == write_midi(score, "")


def test_a_pitch_struck_again_ends_the_note_before_it():
    tangled = Score((Track((Note(0, 60, 20), Note(5, 60, 5), Note(5, 64, 9), Note(8, 60, 30), Note(8, 60, 3))),))
    expected = (Note(0, 60, 5), Note(5, 60, 3), Note(5, 64, 9), Note(8, 60, 30))
    assert untangled(tangled.notes) == expected
    assert read_midi(write_midi(tangled)).notes == expected


@pytest.mark.skipif(not importlib.util.find_spec("symusic"), reason="no symusic")
@pytest.mark.parametrize("seed", range(150))
def test_both_readers_see_one_score_in_untidy_files(seed):
    midi = random_file(Random(seed))
    score = read_midi(midi, reader="pretty_midi")
    assert read_midi(midi, reader="symusic") == score
    assert read_midi(write_midi(score)) == score


ON, OFF, AGAIN = b"\x90\x3c\x50", b"\x80\x3c\x00", b"\x90\x3c\x00"


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize(
    ("body", "notes"),
    [
        (b"\0" + ON + b"\x18" + AGAIN, [Note(0, 60, 24)]),
        (b"\0" + ON + b"\x18\x3c\0", [Note(0, 60, 24)]),  # running status
        (b"\0" + ON + b"\x05" + ON + b"\x05" + OFF + b"\x05" + OFF, [Note(0, 60, 5), Note(5, 60, 10)]),
        (b"\0" + ON + b"\x05" + OFF + b"\x01" + OFF, [Note(0, 60, 5)]),  # an end too many
        (b"\0" + ON + b"\x05\xff\x06\x01x", [Note(0, 60, 5)]),  # no end: it lasts as long as the track
        (b"\0" + ON + b"\0" + OFF + b"\x04" + ON + b"\x04" + OFF, [Note(4, 60, 4)]),  # no length
        (b"\0" + ON + b"\x07" + ON + b"\0" + OFF + b"\x07" + OFF, [Note(0, 60, 7), Note(7, 60, 7)]),
    ],
)
def test_what_untidy_notes_mean(body, notes, reader):
    score = read_midi(file_of(body), reader=reader)
    assert score.notes == tuple(notes)


@pytest.mark.parametrize("reader", READERS)
def test_a_track_with_several_instruments_becomes_several_tracks(reader):
    body = b"\0\xff\x03\x03all\0\xc1\x28\0\xc0\x05" + b"\0\x91\x40\x50\0" + ON + b"\0\x99\x24\x50\x18" + OFF
    body += b"\0\x81\x40\0\0\x89\x24\0\0\xc0\x06\0" + ON + b"\x18" + OFF
    score = read_midi(file_of(body, kind=0), reader=reader)
    assert [(track.program, track.drums, track.name, track.notes[0].start) for track in score.tracks] == [
        (5, False, "all", 0),
        (6, False, "all", 24),
        (40, False, "all", 0),
        (0, True, "all", 0),
    ]


@pytest.mark.parametrize("reader", READERS)
def test_tempo_meter_and_key_count_on_any_track_and_once(reader):
    first = b"\0\xff\x58\x04\x03\x02\x18\x08" * 2 + b"\0" + ON + b"\x60" + OFF
    later = b"\0\xff\x03\x01b\x30\xff\x51\x03\x06\x1a\x80\0\xff\x58\x04\x06\x03\x18\x08\0\xff\x59\x02\xfe\x01\0" + ON
    score = read_midi(file_of(first, later + b"\x60" + OFF), reader=reader)
    assert score.meters == (Meter(3, 4), Meter(6, 8, 48))
    assert score.tempos == (Tempo(500_000), Tempo(400_000, 48))
    assert score.keys == (Key(7, "minor", 48),)


def test_a_key_text_that_contradicts_its_signature_is_not_believed():
    lie = b"\0\xff\x59\x02\x01\x00\0\xff\x01\x0dkey: D dorian\0\xff\x01\x08key: odd\0" + ON + b"\x60" + OFF
    assert read_midi(file_of(lie)).keys == (Key(7, "major"),)


def test_from_a_path(tmp_path):
    path = tmp_path / "tune.mid"
    path.write_bytes(write_midi(Score((Track((Note(0, 60, 24),)),), title="x")))
    assert read_midi(path).title == "x"
    with pytest.raises(MidiError, match="cannot be opened"):
        read_midi(tmp_path / "none.mid")
    (tmp_path / "big.mid").write_bytes(bytes(5_000_001))
    with pytest.raises(MidiError, match="larger"):
        read_midi(tmp_path / "big.mid")


def test_a_score_without_notes_is_a_file_too():
    assert read_midi(write_midi(Score((Track(()),)))).tracks == ()


def test_readers_by_name(monkeypatch):
    midi = write_midi(Score((Track((Note(0, 60, 24),)),)))
    with pytest.raises(UsageError, match="symusic"):
        read_midi(midi, reader="symusik")  # type: ignore[arg-type]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert read_midi(midi).notes == (Note(0, 60, 24),)
    with pytest.raises(MissingExtraError, match="audio"):
        read_midi(midi, reader="symusic")


def test_a_score_too_long_to_write_is_refused():
    with pytest.raises(InputError, match="ticks"):
        write_midi(Score((Track((Note(10_000_000, 60, 24),)),)))


@pytest.mark.skipif(not importlib.util.find_spec("symusic"), reason="no symusic")
def test_a_file_of_199_000_notes_is_read_in_seconds_and_one_of_a_million_refused_at_once():
    def file(count: int) -> bytes:
        return file_of(b"".join(b"\0" + bytes((0x90, 40 + n % 40, 80, 1, 0x80, 40 + n % 40, 0)) for n in range(count)))

    many, far_more = file(199_000), file(300_000)
    begun = time.process_time()
    assert len(read_midi(many).notes) == 199_000
    assert time.process_time() - begun < 6
    begun = time.process_time()
    with pytest.raises(MidiError, match="200,000 notes"):
        read_midi(far_more)
    assert time.process_time() - begun < 4
