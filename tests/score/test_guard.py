from __future__ import annotations

import contextlib
import time
from random import Random

import pytest

from tests.score.files import END, file_of, random_file, random_score
from toolkit.core import InputError
from toolkit.score import (
    MidiError,
    Note,
    Score,
    Tempo,
    Track,
    extract_melody,
    piano_roll_svg,
    read_midi,
    write_midi,
)
from toolkit.score.guard import survey
from toolkit.score.smf import chunk, quantity, quantity_bytes

NOTE = b"\0\x90\x3c\x50\x18\x80\x3c\0"
GOOD = file_of(NOTE)


def _with_header(kind=1, tracks=1, division=24, length=6, body=NOTE + END):
    heading = kind.to_bytes(2) + tracks.to_bytes(2) + division.to_bytes(2)
    return b"MThd" + length.to_bytes(4) + heading + chunk(b"MTrk", body)


REFUSED = {
    "nothing": (b"", "not a MIDI file"),
    "a text": (b"X:1\nT:A tune\n" * 3, "not a MIDI file"),
    "a RIFF container": (b"RIFF" + GOOD, "RIFF"),
    "a header cut short": (GOOD[:12], "not a MIDI file"),
    "a header that lies": (_with_header(length=2**31), "header"),
    "a header too small": (_with_header(length=4), "header"),
    "format 2": (_with_header(kind=2), "format 2"),
    "film frames": (_with_header(division=0xE728), "SMPTE"),
    "no ticks": (_with_header(division=0), "no ticks"),
    "no tracks": (_with_header(tracks=0), "0 tracks"),
    "65,535 tracks": (_with_header(tracks=65_535), "65,535 tracks"),
    "a track missing": (_with_header(tracks=2), "ends after 1"),
    "a track of 4 GB": (GOOD[:18] + b"\xff\xff\xff\xff" + GOOD[22:], "more bytes than the file"),
    "a track cut short": (GOOD[:-1], "more bytes than the file"),
    "an event cut short": (_with_header(body=b"\0\x90\x3c"), "inside an event"),
    "a time and no event": (_with_header(body=NOTE + b"\x05"), "no end|inside"),
    "no end of track": (_with_header(body=NOTE), "no end"),
    "data after the end": (_with_header(body=NOTE + END + NOTE), "goes on"),
    "a number without end": (_with_header(body=b"\xff" * 40), "does not end"),
    "sysex without end": (_with_header(body=b"\0\xf0\x7f\x01\x02" + END), "inside an event"),
    "a meta event cut short": (_with_header(body=b"\0\xff\x51\x7f\x01" + END), "inside an event"),
    "data first": (_with_header(body=b"\0\x3c\x50" + END), "where an event should begin"),
    "running status after sysex": (_with_header(body=NOTE + b"\0\xf0\x01\xf7\0\x3c\0" + END), "should begin"),
    "a system message": (_with_header(body=b"\0\xf1\x01" + END), "0xf1"),
    "a velocity of 208": (_with_header(body=b"\0\x90\x3c\xd0" + END), "above 127"),
    "a tempo of zero": (file_of(b"\0\xff\x51\x03\0\0\0" + NOTE), "tempo"),
    "a tempo of two bytes": (file_of(b"\0\xff\x51\x02\1\0" + NOTE), "tempo"),
    "a meter of 0/4": (file_of(b"\0\xff\x58\x04\x00\x02\x18\x08" + NOTE), "time signature"),
    "a meter of 4/2^200": (file_of(b"\0\xff\x58\x04\x04\xc8\x18\x08" + NOTE), "time signature"),
    "ticks beyond 31 bits": (file_of(b"\xff\xff\xff\x7f\x90\x3c\x50" * 12, resolution=32_767), "add up"),
    "a million quarter notes": (file_of(b"\xff\xff\xff\x7f\x90\x3c\x50" + NOTE), "longer than"),
    "three hours": (file_of(b"\0\xff\x51\x03\xff\xff\xff\xd0\x00\x90\x3c\x50" + NOTE, resolution=1), "two hours"),
    "more than 5 MB": (GOOD + bytes(5_000_001), "5,000,000"),
    "too many events": (file_of(b"\0\xb0\7\1" + b"\0\7\1" * 600_001), "events"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_files_that_are_refused(what):
    data, reason = REFUSED[what]
    with pytest.raises(MidiError, match=reason) as caught:
        read_midi(data)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


KEPT = {
    "a longer header": b"MThd\0\0\0\x08" + GOOD[8:14] + b"\0\0" + GOOD[14:],
    "a chunk of another kind": GOOD[:14] + chunk(b"XFIH", b"\1\2\3") + GOOD[14:],
    "bytes after the last track": GOOD + b"junk",
    "a key of 64 sharps": file_of(b"\0\xff\x59\x02\x40\x00" + NOTE),
    "texts in no encoding": file_of(b"\0\xff\x01\x02\xff\xfe" + NOTE),
    "running status across a meta event": file_of(b"\0\x90\x3c\x50\0\xff\x01\x01x\x18\x3c\0"),
    "sysex": file_of(b"\0\xf0\x05\x7e\x7f\x09\x01\xf7" + NOTE),
    "every channel message": file_of(b"\0\xa0\x3c\1\0\xb0\1\1\0\xc0\0\0\xd0\1\0\xe0\0\x40" + NOTE),
}


@pytest.mark.parametrize("reader", ["auto", "pretty_midi"])
@pytest.mark.parametrize("what", KEPT)
def test_oddities_that_are_read(what, reader):
    assert read_midi(KEPT[what], reader=reader).notes == (Note(0, 60, 24),)


def _mutated(data: bytes, rng: Random, other: bytes) -> bytes:
    out = bytearray(data)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(out))
        match rng.randrange(5):
            case 0:
                out[place] ^= 1 << rng.randrange(8)
            case 1:
                out[place] = rng.choice([0, 1, 0x7F, 0x80, 0xF0, 0xFF])
            case 2:
                del out[place : place + rng.randint(1, 9)]
            case 3:
                out[place:place] = other[rng.randrange(len(other)) :][: rng.randint(1, 40)]
            case 4:
                out[place : place + 4] = rng.randbytes(4)
        out = out or bytearray(b"M")
    return bytes(out)


def _fuzz(seed: int, count: int) -> int:
    rng, read = Random(seed), 0
    seeds = [write_midi(random_score(rng), "{}") for _ in range(4)] + [random_file(rng) for _ in range(8)]
    for _ in range(count):
        data = _mutated(rng.choice(seeds), rng, rng.choice(seeds))
        begun = time.process_time()
        try:
            score = read_midi(data, reader=rng.choice(["auto", "pretty_midi"]))
        except MidiError as error:
            assert str(error).endswith("."), error
        else:
            read += 1
            assert all(note.start >= 0 for note in score.notes)
            assert read_midi(write_midi(score)).tracks == score.tracks
            assert piano_roll_svg(score, bars=16)
            with contextlib.suppress(InputError):  # it may well hold no melody
                assert extract_melody(score).score.resolution == 24
        assert time.process_time() - begun < 2
    return read


@pytest.mark.parametrize("seed", range(4))
def test_a_mutated_file_is_read_or_refused_and_nothing_else(seed):
    assert 0 < _fuzz(seed, 100) < 100


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_ten_thousand_mutated_files(seed):
    assert 0 < _fuzz(seed, 500) < 500


def test_the_copy_that_libraries_see_has_no_other_meaning_than_notes():
    data = write_midi(Score((Track((Note(0, 60, 24),), name="n"),), tempos=(Tempo(400_000),), title="t"), "secret")
    facts = survey(data)
    assert facts.tempos == (Tempo(400_000),)
    assert survey(facts.plain).tempos == (Tempo(500_000),)
    assert survey(facts.plain).texts == ()
    assert facts.names == ("n",)


@pytest.mark.parametrize("value", [0, 1, 127, 128, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0x0FFFFFFF])
def test_numbers_of_variable_length(value):
    assert quantity(quantity_bytes(value), 0) == (value, len(quantity_bytes(value)))
