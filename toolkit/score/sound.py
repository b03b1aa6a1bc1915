"""A score as sound, offline, without any system package.

Three engines in order of preference: symusic's synthesiser and tinysoundfont, both with the SoundFont that pretty_midi
ships, and a small additive synthesiser of our own (`toolkit.score.synth`) that is always there. Each must prove itself
on one note before it is used. WAV needs nothing else; OGG and MP3 are written by soundfile. Knows no device.
"""

from __future__ import annotations

import functools
import importlib.util
import io
import itertools
import wave
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from toolkit.core import FloatArray, InputError, MissingExtraError, unknown
from toolkit.score.midi import write_midi
from toolkit.score.notes import Note, Score, Track
from toolkit.score.synth import synthesise

Engine = Literal["auto", "symusic", "tinysoundfont", "numpy"]

TAIL = 1.5
"""Seconds after the end of the last note, in which it fades."""
LONGEST = 2 * 60 * 60
PEAK = 0.89
"""The loudest sample: 1 dB under full scale."""

_MP3_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_FADE = 0.02
_QUALITY = 4  # of symusic's levels only 0, 2 and 4 sound for every program
_SILENT = 0  # a drum no SoundFont has: it lengthens the rendering without a sound


def render(score: Score, rate: int = 44_100, *, engine: Engine = "auto") -> FloatArray:
    """The sound of ``score``: samples of shape (N, 2) within ±0.89, ``rate`` a second, ending in a tail of 1.5 s.

    The same score gives the same samples on one engine. A score without notes is the tail alone, silent. InputError
    when it lasts longer than two hours; MissingExtraError when the engine asked for is not installed.
    """
    if not 8_000 <= rate <= 192_000:
        raise InputError(f"a sample rate lies between 8,000 and 192,000, and is not {rate:,}.")
    length = score.seconds_at(score.end)
    if length > LONGEST:
        raise InputError(f"the score lasts {length / 3600:.1f} hours, and two are the most that is rendered.")
    samples = round((length + TAIL) * rate)
    if not score.notes:
        return np.zeros((samples, 2), np.float32)
    return _finished(_engine(engine)(score, rate), samples, rate)


def render_wav(score: Score, rate: int = 44_100, *, engine: Engine = "auto") -> bytes:
    """The sound of ``score`` as a WAV file: stereo, 16 bits, the same bytes for the same score and engine."""
    pcm = np.round(render(score, rate, engine=engine) * 32_767).astype("<i2")
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(pcm.tobytes())
    return file.getvalue()


def render_ogg(score: Score, rate: int = 44_100, *, engine: Engine = "auto") -> bytes:
    """The sound of ``score`` as an OGG file (Vorbis); MissingExtraError without soundfile.

    The serial number in it differs from call to call.
    """
    return _compressed(render(score, rate, engine=engine), rate, "OGG", "VORBIS")


def render_mp3(score: Score, rate: int = 44_100, *, engine: Engine = "auto") -> bytes:
    """The sound of ``score`` as an MP3 file; MissingExtraError without soundfile, InputError at a rate MP3 has not."""
    if rate not in _MP3_RATES:
        raise InputError(f"an MP3 file has one of the sample rates {', '.join(map(str, _MP3_RATES))}, and not {rate}.")
    return _compressed(render(score, rate, engine=engine), rate, "MP3", "MPEG_LAYER_III")


def _compressed(sound: FloatArray, rate: int, container: str, kind: str) -> bytes:
    try:
        import soundfile
    except (ImportError, OSError):  # OSError: it is there, but the library beneath it is not
        raise MissingExtraError(f"writing {container}", "audio") from None
    if kind not in soundfile.available_subtypes(container):
        raise InputError(f"the soundfile installed here cannot write {container}: it needs libsndfile 1.1 or later.")
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", rate, 2, kind, format=container) as out:
        for begin in range(0, len(sound), rate):  # by the second: libsndfile's Vorbis overflows its stack on long ones
            out.write(sound[begin : begin + rate])
    return file.getvalue()


@functools.cache
def sound_engine() -> str:
    """The name of the best engine that works here, each tried on one note."""
    return next(name for name in _ENGINES if _works(name))


def _engine(name: str) -> Callable[[Score, int], FloatArray]:
    if name == "auto":
        return _ENGINES[sound_engine()]
    if name not in _ENGINES:
        raise unknown("sound engine", name, ("auto", *_ENGINES))
    if name != "numpy" and importlib.util.find_spec(name) is None:
        raise MissingExtraError(f"sound by {name}", "audio")
    return _ENGINES[name]


def _works(name: str) -> bool:
    """Whether an engine gives one note a sound: symusic 0.6.0, for one, does not."""
    note = Score((Track((Note(0, 69, 24),)),))
    try:
        sound = _ENGINES[name](note, 22_050)
    except Exception:  # absent, broken or incompatible: whatever it raises, the next one is tried
        return False
    return sound.ndim == 2 and sound.shape[1] == 2 and bool(np.isfinite(sound).all()) and float(np.ptp(sound)) > 0


def _finished(sound: FloatArray, samples: int, rate: int) -> FloatArray:
    """``sound`` at the given length, at full level, its end faded so that it does not click."""
    whole = np.zeros((samples, 2), np.float32)
    kept = min(samples, len(sound))
    whole[:kept] = np.nan_to_num(sound[:kept])
    peak = float(np.abs(whole).max())
    if peak > 0:
        whole *= np.float32(PEAK / peak)
    fade = min(samples, round(_FADE * rate))
    whole[samples - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)[:, None]
    return np.clip(whole, -1, 1, out=whole)


def _by_symusic(score: Score, rate: int) -> FloatArray:
    import symusic

    synthesizer = symusic.Synthesizer(sf_path=_soundfont(), sample_rate=rate, quality=_QUALITY)
    after = replace(score.tempos[-1], start=max(score.tempos[-1].start, score.end))
    ticks = round((TAIL + 0.1) * 1e6 * score.resolution / after.microseconds) + 1
    lengthened = replace(score, tracks=(*score.tracks, Track((Note(score.end, _SILENT, ticks, 1),), 0, True)))
    music: Any = symusic.Score.from_midi(write_midi(lengthened))
    return np.ascontiguousarray(np.asarray(synthesizer.render(music, stereo=True), np.float32).T)


def _by_tinysoundfont(score: Score, rate: int) -> FloatArray:
    import tinysoundfont

    synth = tinysoundfont.Synth(samplerate=rate)
    font = synth.sfload(_soundfont())
    events: list[tuple[int, int, int, int, int]] = []
    channels = _channels(score)
    for (program, drums), channel in channels.items():
        synth.program_select(channel, font, 128 if drums else 0, 0 if drums else program, drums)
    for track in score.tracks:
        channel = channels[track.program, track.drums]
        for note in track.notes:
            events.append((note.start, 1, channel, note.pitch, note.velocity))
            events.append((note.end, 0, channel, note.pitch, 0))
    parts, done = [], 0
    for tick, group in itertools.groupby(sorted(events), key=lambda event: event[0]):
        until = round(score.seconds_at(tick) * rate)
        parts.append(_generated(synth, until - done))
        done = until
        for _, begins, channel, pitch, velocity in group:
            if begins:
                synth.noteon(channel, pitch, velocity)
            else:
                synth.noteoff(channel, pitch)
    parts.append(_generated(synth, round(TAIL * rate)))
    return np.concatenate(parts)


def _generated(synth: Any, samples: int) -> FloatArray:
    if samples <= 0:
        return np.zeros((0, 2), np.float32)
    return np.frombuffer(bytes(synth.generate_simple(samples)), np.float32).reshape(-1, 2)


def _channels(score: Score) -> Mapping[tuple[int, bool], int]:
    """A MIDI channel for each instrument: 9 for drums, the others in order of appearance, sharing the last."""
    pitched = dict.fromkeys((track.program, False) for track in score.tracks if not track.drums)
    free = [channel for channel in range(16) if channel != 9]
    channels = {voice: free[min(place, len(free) - 1)] for place, voice in enumerate(pitched)}
    return channels | {(track.program, True): 9 for track in score.tracks if track.drums}


def _soundfont() -> str:
    """Where pretty_midi keeps the SoundFont it ships (TimGM6mb by Tim Brechbill), found without importing it."""
    package = importlib.util.find_spec("pretty_midi")
    assert package is not None and package.origin is not None
    return str(Path(package.origin).parent / "TimGM6mb.sf2")


_ENGINES: Mapping[str, Callable[[Score, int], FloatArray]] = {
    "symusic": _by_symusic,
    "tinysoundfont": _by_tinysoundfont,
    "numpy": synthesise,
}
