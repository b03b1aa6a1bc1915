"""The bytes of a standard MIDI file: header, chunks, events, numbers of variable length.

Checks that every declared length is true and every event whole. Knows no limits and gives events no meaning.
Format: "Standard MIDI Files 1.0" (MIDI Manufacturers Association, 1996).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from toolkit.core import InputError

META, END_OF_TRACK, OPAQUE = 0xFF, 0x2F, 0x7F
_DATA_BYTES = (*(8 * [0]), 2, 2, 2, 2, 1, 1, 2)
"""Data bytes of a channel message, by the upper half of its status."""
_CUT = "a track of the MIDI file ends inside an event."


class MidiError(InputError):
    """A MIDI file that cannot be read, with the reason in one sentence."""


Event = tuple[int, int, int, int, bytes]
"""(tick, status, first, last, content). A channel message has status 0x80–0xEF and its first and last data bytes; a
meta event has status 0xFF, its kind as ``first``, and its bytes as content."""


def header(data: bytes) -> tuple[int, int, int]:
    """(Ticks per quarter note, tracks declared, where the first chunk begins)."""
    if data[:4] == b"RIFF":
        raise MidiError("the file is a RIFF container; save it as a standard MIDI file first.")
    if data[:4] != b"MThd" or len(data) < 14:
        raise MidiError("the file is not a MIDI file: it does not begin with a MIDI header.")
    length = int.from_bytes(data[4:8])
    kind, tracks, division = (int.from_bytes(data[at : at + 2]) for at in (8, 10, 12))
    if length < 6 or 8 + length > len(data):
        raise MidiError("the MIDI file's header does not have the length it declares.")
    if kind > 1:
        raise MidiError(f"the MIDI file is of format {kind}, and only formats 0 and 1 are read.")
    if division & 0x8000:
        raise MidiError("the MIDI file counts in film frames (SMPTE), not in parts of a quarter note.")
    if not division:
        raise MidiError("the MIDI file declares no ticks per quarter note.")
    return division, tracks, 8 + length


def tracks(data: bytes, count: int, at: int) -> Iterator[bytearray]:
    """The bodies of ``count`` track chunks from ``at`` on; chunks of other kinds are passed over."""
    found = 0
    while found < count:
        if at + 8 > len(data):
            raise MidiError(f"the MIDI file declares {count} tracks but ends after {found}.")
        begin = at + 8
        end = begin + int.from_bytes(data[at + 4 : begin])
        if end > len(data):
            raise MidiError("a chunk of the MIDI file declares more bytes than the file has.")
        if data[at : at + 4] == b"MTrk":
            found += 1
            yield bytearray(data[begin:end])
        at = end


def events(body: bytearray) -> Iterator[Event]:
    """The events of a track, timed from its beginning.

    Each meta event but the end, and all system exclusive data, is made opaque in ``body`` once it has been given.
    """
    at, tick, status, end = 0, 0, 0, len(body)
    while at < end:
        delta = body[at]
        if delta < 0x80:
            at += 1
        else:
            delta, at = quantity(body, at)
        tick += delta
        byte = body[at] if at < end else 0
        if byte in (META, 0xF0, 0xF7):
            start = at + 2 if byte == META else at + 1
            length, begin = quantity(body, start)
            at = begin + length
            if at > end:
                raise MidiError(_CUT)
            if byte != META:
                body[begin:at] = bytes(length)
                status = 0
                continue
            kind = body[start - 1]
            yield tick, META, kind, 0, bytes(body[begin:at])
            if kind == END_OF_TRACK:
                if at != end:
                    raise MidiError("a track of the MIDI file goes on after its end.")
                return
            body[start - 1] = OPAQUE
            continue
        if byte & 0x80:
            if byte > 0xEF:
                raise MidiError(f"a track of the MIDI file holds the byte {byte:#x}, which no file may.")
            status, at = byte, at + 1
        elif not status:
            raise MidiError("a track of the MIDI file has data where an event should begin.")
        after = at + _DATA_BYTES[status >> 4]
        if after > end:
            raise MidiError(_CUT)
        first, last = body[at], body[after - 1]
        if first > 127 or last > 127:
            raise MidiError("an event of the MIDI file has a value above 127.")
        at = after
        yield tick, status, first, last, b""
    raise MidiError("a track of the MIDI file has no end.")


def quantity(body: bytes | bytearray, at: int) -> tuple[int, int]:
    """(The variable-length quantity at ``at``, where it ends): at most four bytes, 0 to 0x0FFFFFFF."""
    value = 0
    for place in range(at, min(at + 4, len(body))):
        byte = body[place]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, place + 1
    raise MidiError("a track of the MIDI file holds a number that does not end.")


def quantity_bytes(value: int) -> bytes:
    """``value`` as a variable-length quantity."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(value & 0x7F | 0x80)
    return bytes(reversed(groups))


def chunk(kind: bytes, body: bytes | bytearray) -> bytes:
    return kind + len(body).to_bytes(4) + body


def file(resolution: int, bodies: Iterable[bytes | bytearray]) -> bytes:
    """A whole file of format 1."""
    chunks = [chunk(b"MTrk", body) for body in bodies]
    heading = (1).to_bytes(2) + len(chunks).to_bytes(2) + resolution.to_bytes(2)
    return chunk(b"MThd", heading) + b"".join(chunks)


def text_of(content: bytes) -> str:
    """The text that a meta event's bytes mean: UTF-8, else Latin-1, without zeros at its end."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return text.rstrip("\0")
