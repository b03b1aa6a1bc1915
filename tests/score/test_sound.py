from __future__ import annotations

import importlib.util
import io
import sys
import wave

import numpy as np
import pytest

from toolkit.core import InputError, MissingExtraError, UsageError
from toolkit.score import Note, Score, Tempo, Track, render, render_wav, sound, sound_engine
from toolkit.score.sound import TAIL

RATE = 22_050
TUNE = Score(
    (
        Track(tuple(Note(12 * place, pitch, 12, 60 + 8 * place) for place, pitch in enumerate((69, 71, 73, 76))), 73),
        Track((Note(0, 36, 4, 127), Note(24, 42, 4)), drums=True),
    ),
    tempos=(Tempo(500_000), Tempo(250_000, 24)),
)
ENGINES = [
    pytest.param(name, marks=pytest.mark.skipif(not importlib.util.find_spec(name), reason=f"no {name}"))
    for name in ("symusic", "tinysoundfont", "numpy")
]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_tune_sounds_loud_unclipped_and_the_same_each_time(engine):
    samples = render(TUNE, RATE, engine=engine)
    assert samples.shape == (round((0.75 + TAIL) * RATE), 2)
    assert samples.dtype == np.float32
    assert np.abs(samples).max() == pytest.approx(0.89, abs=1e-6)
    assert np.isfinite(samples).all()
    assert np.array_equal(samples, render(TUNE, RATE, engine=engine))
    assert np.abs(samples[-1]).max() < 1e-3


@pytest.mark.parametrize("engine", ENGINES)
def test_notes_sound_when_the_tempo_says_and_at_their_pitch(engine):
    score = Score((Track((Note(0, 69, 24), Note(48, 81, 24)), 73),), tempos=(Tempo(500_000), Tempo(250_000, 24)))
    samples = render(score, RATE, engine=engine).sum(axis=1)
    for begin, pitch in ((0, 440), (0.75, 880)):
        part = samples[round((begin + 0.05) * RATE) :][: RATE // 5]
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part)), 8 * RATE))
        strongest = np.argmax(spectrum[: 8 * 2000]) / 8
        assert min(abs(12 * np.log2(strongest / pitch) - octave) for octave in (0, 12)) < 0.5
    silence = samples[round(0.72 * RATE) : round(0.74 * RATE)]
    assert np.abs(silence).max() < 0.25 * np.abs(samples).max()


@pytest.mark.parametrize("program", range(0, 128, 3))
def test_our_own_synthesiser_gives_every_family_a_sound(program):
    samples = render(Score((Track((Note(0, 57, 24),), program),)), 8_000, engine="numpy")
    assert np.isfinite(samples).all()
    assert np.sqrt(np.mean(samples[:4_000] ** 2)) > 0.02


@pytest.mark.parametrize("pitch", [0, 35, 42, 49, 81, 127])
def test_our_own_drums_and_highest_notes_sound_too(pitch):
    score = Score((Track((Note(0, pitch, 24),), drums=True), Track((Note(0, 60, 24, 1),))))
    assert np.isfinite(render(score, 44_100, engine="numpy")).all()


def test_a_wav_file_holds_the_samples():
    data = render_wav(TUNE, RATE)
    assert data == render_wav(TUNE, RATE)
    with wave.open(io.BytesIO(data)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (2, 2, RATE)
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, 2)
    assert np.array_equal(pcm, np.round(render(TUNE, RATE) * 32_767))


def test_no_notes_are_silence():
    samples = render(Score((Track(()),)), RATE)
    assert samples.shape == (round(TAIL * RATE), 2)
    assert not samples.any()


def test_engines_are_tried_and_the_first_that_sounds_is_used(monkeypatch):
    def broken(score, rate):
        raise TypeError("Unable to convert function return value to a Python type")

    def silent(score, rate):
        return np.zeros((rate, 2), np.float32)

    def not_finite(score, rate):
        return np.full((rate, 2), np.nan, np.float32)

    own = sound._ENGINES["numpy"]
    monkeypatch.setattr(
        sound, "_ENGINES", {"symusic": broken, "silent": silent, "tinysoundfont": not_finite, "numpy": own}
    )
    sound_engine.cache_clear()
    try:
        assert sound_engine() == "numpy"
        assert np.array_equal(render(TUNE, RATE), render(TUNE, RATE, engine="numpy"))
    finally:
        sound_engine.cache_clear()


def test_what_cannot_be_rendered_is_refused(monkeypatch):
    with pytest.raises(InputError, match="hours"):
        render(Score((Track((Note(0, 60, 24 * 20_000),)),)))
    with pytest.raises(InputError, match="sample rate"):
        render(TUNE, 100)
    with pytest.raises(UsageError, match="symusic"):
        render(TUNE, RATE, engine="symusik")  # type: ignore[arg-type]
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match="audio"):
        render(TUNE, RATE, engine="tinysoundfont")


@pytest.mark.parametrize(("write", "container"), [(sound.render_ogg, "OGG"), (sound.render_mp3, "MP3")])
def test_compressed_sound_is_the_same_sound(write, container):
    soundfile = pytest.importorskip("soundfile")
    data = write(TUNE, RATE, engine="numpy")
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        assert (file.format, file.samplerate, file.channels) == (container, RATE, 2)
        heard = file.read(dtype="float32")
    meant = render(TUNE, RATE, engine="numpy")
    assert abs(len(heard) - len(meant)) < RATE / 10
    length = min(len(heard), len(meant))
    loud = [
        np.abs(each[:length]).reshape(-1)[: length // 1000 * 1000].reshape(-1, 1000).mean(1) for each in (heard, meant)
    ]
    assert np.corrcoef(*loud)[0, 1] > 0.95
    assert len(data) < len(render_wav(TUNE, RATE, engine="numpy")) / 3


def test_a_rate_that_mp3_has_not_is_refused():
    with pytest.raises(InputError, match="sample rates"):
        sound.render_mp3(TUNE, 96_000)


def test_without_soundfile_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "soundfile", None)
    with pytest.raises(MissingExtraError, match=r"\[audio\]"):
        sound.render_ogg(TUNE, RATE, engine="numpy")
