"""What a MIDI file must prove before any library is let near it, and the facts that libraries lose.

Walks the file once, refusing what is damaged, enormous or not the format, each with one sentence. On the way it
keeps, exact in ticks, what readers built on seconds round or ignore: tempos, meters, keys and texts on any track.
What readers of MIDI disagree about it decides: in the copy it hands on, each track has one instrument, every note an
end, no pitch sounds twice, and nothing but notes and control has a meaning.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise

from toolkit.score import smf
from toolkit.score.notes import Key, Meter, Note, Tempo, in_order
from toolkit.score.smf import MidiError

LARGEST_FILE = 5_000_000
MOST_TRACKS = 256
MOST_NOTES = 200_000
MOST_EVENTS = 600_000
LONGEST_SECONDS = 2 * 60 * 60
LONGEST_QUARTERS = 60_000
LAST_TICK = 2**31 - 1

_END = b"\x00\xff\x2f\x00"


@dataclass(frozen=True)
class Survey:
    """A file that may be read: ``resolution`` in ticks per quarter, what governs its notes, and a plain copy to parse.

    ``names`` are those of the copy's tracks, which all have notes.
    """

    resolution: int
    names: tuple[str, ...]
    meters: tuple[Meter, ...]
    keys: tuple[Key, ...]
    tempos: tuple[Tempo, ...]
    texts: tuple[tuple[int, str], ...]
    end: int
    title: str
    plain: bytes


def survey(data: bytes) -> Survey:
    """The facts of the MIDI file ``data``; MidiError when it is not one that may be read."""
    if len(data) > LARGEST_FILE:
        raise MidiError(f"the MIDI file has {len(data):,} bytes, more than the {LARGEST_FILE:,} that are read.")
    resolution, declared, at = smf.header(data)
    if not 1 <= declared <= MOST_TRACKS:
        raise MidiError(f"the MIDI file declares {declared:,} tracks, and from 1 to {MOST_TRACKS} are read.")
    walk = _Walk()
    for number, body in enumerate(smf.tracks(data, declared, at)):
        walk.track(body, opens=number == 0, alone=declared == 1)
    if walk.end > LONGEST_QUARTERS * resolution:
        raise MidiError(f"the MIDI file is longer than the {LONGEST_QUARTERS:,} quarter notes that are read.")
    tempos = in_order([Tempo(500_000), *walk.tempos])
    if _seconds(tempos, walk.end, resolution) > LONGEST_SECONDS:
        raise MidiError("the MIDI file lasts more than the two hours that are read.")
    return Survey(
        resolution=resolution,
        names=tuple(walk.names),
        meters=in_order([Meter(4, 4), *walk.meters]),
        keys=tuple(walk.keys),
        tempos=tempos,
        texts=tuple(sorted(walk.texts)),
        end=walk.end,
        title=walk.title,
        plain=smf.file(resolution, walk.bodies),
    )


class _Walk:
    """What has been met so far, over all tracks."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.bodies: list[bytes | bytearray] = []
        self.meters: list[Meter] = []
        self.keys: list[Key] = []
        self.tempos: list[Tempo] = []
        self.texts: list[tuple[int, str]] = []
        self.title = ""
        self.end = 0
        self.notes = 0
        self.events = 0

    def track(self, body: bytearray, *, opens: bool, alone: bool) -> None:
        """Walks one track. ``opens``: it is the file's first; ``alone``: it is the only one."""
        name, tick, regular, voices, programs = "", 0, True, set(), [0] * 16
        sounding: dict[int, int] = {}
        for tick, status, first, last, content in smf.events(body):
            self.events += 1
            kind = status & 0xF0
            if kind == 0x90 and last:
                self.notes += 1
                if self.notes > MOST_NOTES:
                    raise MidiError(f"the MIDI file has more than the {MOST_NOTES:,} notes that are read.")
                place = (status & 0x0F) << 7 | first
                regular = regular and place not in sounding
                sounding[place] = tick
                voices.add((status & 0x0F, programs[status & 0x0F]))
            elif kind <= 0x90:
                regular = sounding.pop((status & 0x0F) << 7 | first, -1) != tick and regular
            elif kind == 0xC0:
                programs[status & 0x0F] = first
                regular = regular and not sounding
            elif status == smf.META:
                if first == 0x03:
                    name = name or smf.text_of(content)
                else:
                    self._meta(first, content, tick)
            if self.events > MOST_EVENTS:
                raise MidiError(f"the MIDI file has more than the {MOST_EVENTS:,} events that are read.")
        if tick >= LAST_TICK:
            raise MidiError("the MIDI file's ticks add up to more than a reader can count.")
        self.end = max(self.end, tick)
        if opens and (alone or not voices):
            self.title = name
        if voices:
            plain = [body] if regular and not sounding and len(voices) == 1 else list(_plain(body))
            self.bodies.extend(plain)
            self.names.extend(name for _ in plain)

    def _meta(self, kind: int, content: bytes, tick: int) -> None:
        if kind == 0x01:
            self.texts.append((tick, smf.text_of(content)))
        elif kind == 0x51:
            tempo = int.from_bytes(content)
            if len(content) != 3 or not tempo:
                raise MidiError("a tempo of the MIDI file has no meaning.")
            self.tempos.append(Tempo(tempo, tick))
        elif kind == 0x58:
            if len(content) < 2 or not content[0] or content[1] > 6:
                raise MidiError("a time signature of the MIDI file has no meaning.")
            self.meters.append(Meter(content[0], 2 ** content[1], tick))
        elif kind == 0x59 and len(content) == 2:
            fifths = content[0] - 256 if content[0] > 127 else content[0]
            if -7 <= fifths <= 7 and content[1] <= 1:  # no note depends on a key, so a senseless one is passed over
                self.keys.append(Key.from_fifths(fifths, ("major", "minor")[content[1]], tick))


def _plain(body: bytearray) -> Iterable[bytes]:
    """The notes of a track as tracks of one instrument each, in order of channel and program.

    The end of a note belongs to the oldest one of its pitch; what never ends lasts as long as the track; what has no
    length is left out.
    """
    programs = [0] * 16
    waiting: dict[tuple[int, int], deque[tuple[int, int, int]]] = defaultdict(deque)
    voices: dict[tuple[int, int], list[Note]] = defaultdict(list)
    tick = 0

    def end(channel: int, pitch: int) -> None:
        start, velocity, program = waiting[channel, pitch].popleft()
        if tick > start:
            voices[channel, program].append(Note(start, pitch, tick - start, velocity))

    for tick, status, first, last, _ in smf.events(body):
        kind, channel = status & 0xF0, status & 0x0F
        if kind == 0x90 and last:
            waiting[channel, first].append((tick, last, programs[channel]))
        elif kind <= 0x90 and waiting[channel, first]:
            end(channel, first)
        elif kind == 0xC0:
            programs[channel] = first
    for channel, pitch in list(waiting):
        while waiting[channel, pitch]:
            end(channel, pitch)
    for (channel, program), notes in sorted(voices.items()):
        yield _body(untangled(notes), channel, program)


def _body(notes: Iterable[Note], channel: int, program: int) -> bytes:
    strikes = [(note.start, 1, note.pitch, note.velocity) for note in notes]
    ends = [(note.end, 0, note.pitch, 0) for note in notes]
    body = bytearray((0, 0xC0 | channel, program))
    before = 0
    for tick, _, pitch, velocity in sorted(strikes + ends):
        body += smf.quantity_bytes(tick - before) + bytes((0x90 | channel, pitch, velocity))
        before = tick
    return bytes(body + _END)


def untangled(notes: Iterable[Note]) -> tuple[Note, ...]:
    """The notes in order, no pitch sounding twice: a pitch struck again ends the note before it.

    Of notes of one pitch that begin together the longest is kept.
    """
    by_pitch: dict[int, dict[int, Note]] = defaultdict(dict)
    for note in sorted(notes):
        by_pitch[note.pitch][note.start] = note
    kept = []
    for strikes in by_pitch.values():
        line = list(strikes.values())
        for note, following in pairwise(line):
            late = note.end > following.start
            kept.append(replace(note, duration=following.start - note.start) if late else note)
        kept.append(line[-1])
    return tuple(sorted(kept))


def _seconds(tempos: tuple[Tempo, ...], end: int, resolution: int) -> float:
    starts = [min(tempo.start, end) for tempo in tempos] + [end]
    spans = zip(tempos, starts, starts[1:], strict=False)
    return sum(tempo.microseconds * (after - before) for tempo, before, after in spans) / (1e6 * resolution)
