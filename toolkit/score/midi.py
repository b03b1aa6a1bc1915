"""MIDI files: a score written and read back, equal in every tick.

Writing goes through pretty_midi, reading through pretty_midi or, where it is installed, symusic, which is some
hundred times faster. Both give the same score. What pretty_midi would round or lose is kept exact: it is given its
own table of ticks to write with, and files to read come from `toolkit.score.guard`, whose survey holds tempos,
meters, keys and texts in ticks. Knows nothing of melodies or tokens.

A pitch sounds once in a track: struck again while it sounds, it begins anew. That is all a MIDI channel can say.
"""

from __future__ import annotations

import importlib.util
import io
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from toolkit.core import InputError, MissingExtraError, unknown
from toolkit.score.guard import LARGEST_FILE, Survey, survey, untangled
from toolkit.score.notes import Key, Note, Score, Track, in_order
from toolkit.score.smf import MidiError, quantity_bytes

Reader = Literal["auto", "pretty_midi", "symusic"]

_READERS = ("auto", "pretty_midi", "symusic")
_DETAILS = "details: "
_KEY = "key: "
_MOST_TICKS = 10_000_000
"""pretty_midi keeps a float for every tick, and itself reads no longer file."""


def write_midi(score: Score, details: str = "") -> bytes:
    """The bytes of a standard MIDI file (format 1), the same for equal scores.

    ``details`` is a text that travels in the file, found again by `read_details`; use JSON. Tracks without notes
    keep their place in the file, but no reader gives them back. InputError for a score of more than ten million ticks.
    """
    import pretty_midi

    starts = [change.start for changes in (score.meters, score.keys, score.tempos) for change in changes]
    end = max(score.end, *starts)
    if end >= _MOST_TICKS:
        raise InputError(f"a MIDI file holds at most {_MOST_TICKS:,} ticks here, and the score has {end:,}.")
    music = pretty_midi.PrettyMIDI(resolution=score.resolution, charset="utf-8")
    # It stores whole microseconds, cut off, not rounded: half a microsecond more makes them exact.
    music._tick_scales = [
        (tempo.start, (tempo.microseconds + 0.5) / (1e6 * score.resolution)) for tempo in score.tempos
    ]
    music._update_tick_to_time(end)
    music.time_signature_changes = [
        pretty_midi.TimeSignature(meter.numerator, meter.denominator, music.tick_to_time(meter.start))
        for meter in score.meters
    ]
    music.key_signature_changes = [
        pretty_midi.KeySignature(_key_number(key), music.tick_to_time(key.start)) for key in score.keys
    ]
    music.text_events = [
        pretty_midi.Text(_encodable(text), music.tick_to_time(tick)) for tick, text in _texts(score, details)
    ]
    for track in score.tracks:
        instrument = pretty_midi.Instrument(track.program, track.drums, _encodable(track.name))
        instrument.notes = [
            pretty_midi.Note(note.velocity, note.pitch, music.tick_to_time(note.start), music.tick_to_time(note.end))
            for note in untangled(track.notes)
        ]
        music.instruments.append(instrument)
    file = io.BytesIO()
    music.write(file)
    return _titled(file.getvalue(), _encodable(score.title).encode())


def read_midi(source: bytes | Path, *, reader: Reader = "auto") -> Score:
    """The score that a MIDI file holds, in the file's own ticks; MidiError in one sentence when it cannot be read.

    Each instrument that plays in a track of the file becomes a track. Notes that never end last as long as the
    file's track; those of no length are left out, and a pitch struck again while it sounds begins anew.
    """
    if reader not in _READERS:
        raise unknown("MIDI reader", reader, _READERS)
    has_symusic = importlib.util.find_spec("symusic") is not None
    if reader == "symusic" and not has_symusic:
        raise MissingExtraError("reading MIDI with symusic", "audio")
    facts = survey(_bytes(source))
    read = _by_symusic if reader != "pretty_midi" and has_symusic else _by_pretty_midi
    try:
        tracks = read(facts) if facts.names else []
    except MidiError:
        raise
    except Exception as error:  # the libraries raise whatever they stumble over
        raise MidiError(f"the MIDI file cannot be read: {error}.") from error
    return Score(
        tracks=tuple(replace(track, name=name) for track, name in zip(tracks, facts.names, strict=True)),
        meters=facts.meters,
        keys=_keys(facts),
        tempos=facts.tempos,
        resolution=facts.resolution,
        title=facts.title,
    )


def read_details(source: bytes | Path) -> str | None:
    """The details that `write_midi` put into the file; None when there are none."""
    texts = (text for _, text in survey(_bytes(source)).texts)
    return next((text.removeprefix(_DETAILS) for text in texts if text.startswith(_DETAILS)), None)


def _by_symusic(facts: Survey) -> list[Track]:
    import symusic

    tracks = []
    music: Any = symusic.Score.from_midi(facts.plain)
    for track in music.tracks:
        columns = track.notes.numpy()
        rows = zip(*(columns[name].tolist() for name in ("time", "pitch", "duration", "velocity")), strict=True)
        tracks.append(Track(tuple(Note(*row) for row in rows), track.program, track.is_drum))
    return tracks


def _by_pretty_midi(facts: Survey) -> list[Track]:
    import pretty_midi

    if facts.end >= _MOST_TICKS:
        raise MidiError(f"the MIDI file has more than {_MOST_TICKS:,} ticks; reading it needs symusic.")
    music = pretty_midi.PrettyMIDI(io.BytesIO(facts.plain))
    ticks = 1 / music._tick_scales[0][1]  # a second; the plain copy has no tempo, so it is one number all through
    tracks = []
    for instrument in music.instruments:
        spans = ((note, round(note.start * ticks), round(note.end * ticks)) for note in instrument.notes)
        notes = tuple(Note(start, note.pitch, end - start, note.velocity) for note, start, end in spans)
        tracks.append(Track(notes, int(instrument.program), bool(instrument.is_drum)))
    return tracks


def _keys(facts: Survey) -> tuple[Key, ...]:
    """The file's keys, their modes from our own texts where these agree with the signature beside them."""
    said: dict[int, Key] = {}
    for tick, text in facts.texts:
        if text.startswith(_KEY):
            try:
                said[tick] = Key.parse(text.removeprefix(_KEY), tick)
            except InputError:
                continue
    return in_order(
        said[key.start] if key.start in said and said[key.start].fifths % 12 == key.fifths % 12 else key
        for key in facts.keys
    )


def _texts(score: Score, details: str) -> list[tuple[int, str]]:
    modal = [(key.start, _KEY + key.name) for key in score.keys if key.mode not in ("major", "minor")]
    return ([(0, _DETAILS + details)] if details else []) + modal


def _key_number(key: Key) -> int:
    """pretty_midi's number of the signature: the key itself, or the major key with the same notes as a mode."""
    return key.tonic + 12 if key.mode == "minor" else 7 * key.fifths % 12


def _titled(midi: bytes, title: bytes) -> bytes:
    """The file with its title where other programs look for it: as the first track's name."""
    if not title:
        return midi
    event = b"\x00\xff\x03" + quantity_bytes(len(title)) + title
    length = int.from_bytes(midi[18:22]) + len(event)
    return midi[:18] + length.to_bytes(4) + event + midi[22:]


def _encodable(text: str) -> str:
    return text.encode("utf-8", "replace").decode("utf-8")


def _bytes(source: bytes | Path) -> bytes:
    if isinstance(source, bytes):
        return source
    try:
        if source.stat().st_size > LARGEST_FILE:
            raise MidiError(f"{source.name} is larger than the {LARGEST_FILE:,} bytes that are read of a MIDI file.")
        return source.read_bytes()
    except OSError as error:
        raise MidiError(f"{source} cannot be opened: {error.strerror}.") from error
