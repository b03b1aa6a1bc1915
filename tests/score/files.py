"""Scores and MIDI files made up for the tests: tidy ones, and ones as untidy as programs write them."""

from __future__ import annotations

from collections import Counter
from random import Random

from toolkit.score import MODES, Key, Meter, Note, Score, Tempo, Track, in_order
from toolkit.score.guard import untangled
from toolkit.score.smf import chunk, quantity_bytes

END = b"\x00\xff\x2f\x00"


def random_score(rng: Random) -> Score:
    """Several tracks with changes of meter, key and tempo in ticks of a random size."""
    resolution = rng.choice([24, 96, 120, 220, 480, 960])
    span = 16 * resolution

    def starts(count: int) -> list[int]:
        return [0, *sorted(rng.sample(range(1, span), count))]

    tracks = []
    for _ in range(rng.randint(1, 5)):
        notes = [
            Note(rng.randrange(span), rng.randrange(30, 100), rng.randint(1, 3 * resolution), rng.randint(1, 127))
            for _ in range(rng.randint(1, 40))
        ]
        name = rng.choice(["", "Flöte", "笛", "lead"])
        tracks.append(Track(untangled(notes), rng.randrange(128), rng.random() < 0.2, name))
    return Score(
        tuple(tracks),
        in_order(Meter(rng.randint(1, 15), 2 ** rng.randint(0, 6), start) for start in starts(2)),
        in_order(Key(rng.randrange(12), rng.choice(MODES), start) for start in starts(2)),
        in_order(Tempo(rng.randint(100_000, 1_500_000), start) for start in starts(3)),
        resolution,
        rng.choice(["", "Tünë № 3"]),
    )


def random_file(rng: Random) -> bytes:
    """A MIDI file with running status, notes that overlap, never end or have no length, mixed instruments, repeated
    and senseless meta events on any track, and system exclusive data.
    """
    tracks = rng.choice([1, 1, 2, 3])
    resolution = rng.choice([24, 96, 480])
    kind = rng.choice([0, 1]) if tracks == 1 else 1
    heading = kind.to_bytes(2) + tracks.to_bytes(2) + resolution.to_bytes(2)
    return chunk(b"MThd", heading) + b"".join(chunk(b"MTrk", _track(rng, resolution)) for _ in range(tracks))


def file_of(*bodies: bytes, resolution: int = 24, kind: int = 1) -> bytes:
    """A MIDI file of the given track bodies, their ends added."""
    heading = kind.to_bytes(2) + len(bodies).to_bytes(2) + resolution.to_bytes(2)
    return chunk(b"MThd", heading) + b"".join(chunk(b"MTrk", body + END) for body in bodies)


def _track(rng: Random, resolution: int) -> bytes:
    out = bytearray()
    status = 0
    channels = rng.sample([0, 1, 2, 9], rng.choice([1, 1, 1, 3]))
    if rng.random() < 0.7:
        out += b"\0\xff\x03\x03" + rng.choice([b"abc", b"\xe9ab", b"lea"])
    sounding: Counter[tuple[int, int]] = Counter()
    for _ in range(rng.randint(1, 60)):
        out += quantity_bytes(rng.choice([0, 0, 1, 3, 6, 12, resolution // 2, resolution]))
        draw, channel, pitch = rng.random(), rng.choice(channels), rng.choice([60, 60, 62, 64, 67])
        if draw < 0.16:
            out += _oddity(rng)
            status = 0
            continue
        if draw < 0.2:
            event = bytes((0xC0 | channel, rng.randrange(5)))
        elif draw < 0.25:
            event = bytes((0xB0 | channel, 7, 100))
        elif draw < 0.6:
            event = bytes((0x90 | channel, pitch, rng.randint(1, 127)))
            sounding[channel, pitch] += 1
        else:
            open_notes = [place for place in sounding if sounding[place] > 0]
            if open_notes:
                channel, pitch = rng.choice(open_notes)
                sounding[channel, pitch] -= 1
            event = bytes(rng.choice([(0x90 | channel, pitch, 0), (0x80 | channel, pitch, 64)]))
        out += event[1:] if event[0] == status else event
        status = event[0]
    return bytes(out + END)


def _oddity(rng: Random) -> bytes:
    return rng.choice(
        [
            b"\xff\x51\x03" + rng.randint(100_000, 1_000_000).to_bytes(3),
            b"\xff\x58\x04" + bytes((rng.randint(1, 9), rng.randint(0, 5), 24, 8)),
            b"\xff\x59\x02" + bytes((rng.choice([250, 0, 3, 100]), rng.choice([0, 1]))),
            b"\xff\x01\x02hi",
            b"\xff\x06\x03\xff\xfe\xfd",
            b"\xf0\x03\x7e\x7f\xf7",
        ]
    )
