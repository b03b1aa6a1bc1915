"""A small additive synthesiser in numpy: one recipe for each General MIDI family, so that sound needs nothing else.

A note is a sum of partials, each fading at its own rate, under an envelope; a drum is noise and a falling tone. Knows
nothing of files or of other engines.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.core import FloatArray
from toolkit.score.notes import Score

Sound = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Recipe:
    """Partials as (multiple of the pitch, strength); times in seconds.

    ``half_life`` is that of the lowest partial while held, higher ones fading faster; None sustains.
    """

    partials: tuple[tuple[float, float], ...]
    attack: float = 0.008
    half_life: float | None = None
    release: float = 0.12
    vibrato: float = 0.0


def _series(count: int, fall: float, step: int = 1) -> tuple[tuple[float, float], ...]:
    return tuple((float(number), number**-fall) for number in range(1, count * step + 1, step))


_FAMILIES = (
    Recipe(_series(8, 1.6), 0.004, 0.55, 0.15),  # piano
    Recipe(((1, 1), (3.01, 0.35), (6.2, 0.12), (10.1, 0.05)), 0.002, 0.4, 0.4),  # tuned percussion
    Recipe(((0.5, 0.3), (1, 1), (2, 0.7), (3, 0.25), (4, 0.45), (8, 0.2)), 0.015, None, 0.08),  # organ
    Recipe(_series(9, 1.2), 0.003, 0.4, 0.15),  # guitar
    Recipe(_series(6, 1.5), 0.005, 0.5, 0.12),  # bass
    Recipe(_series(12, 1.1), 0.06, None, 0.18, 0.004),  # strings
    Recipe(_series(8, 1.4), 0.12, None, 0.3, 0.003),  # ensemble
    Recipe(_series(10, 0.9), 0.035, None, 0.1, 0.002),  # brass
    Recipe(_series(7, 1.0, 2), 0.03, None, 0.1, 0.003),  # reed
    Recipe(((1, 1), (2, 0.25), (3, 0.08), (4, 0.03)), 0.045, None, 0.12, 0.005),  # pipe
    Recipe(_series(10, 1.0), 0.01, None, 0.1),  # synth lead
    Recipe(_series(6, 1.5), 0.25, None, 0.5, 0.002),  # synth pad
    Recipe(((1, 1), (2.02, 0.5), (3.5, 0.2)), 0.15, None, 0.5),  # synth effects
    Recipe(_series(9, 1.1), 0.003, 0.35, 0.15),  # plucked, of many peoples
    Recipe(((1, 1), (2.76, 0.5), (5.4, 0.25)), 0.002, 0.2, 0.2),  # percussive
    Recipe(((1, 1), (1.5, 0.4), (2.7, 0.3)), 0.05, 0.8, 0.3),  # sound effects
)
_NYQUIST_SHARE = 0.45


def synthesise(score: Score, rate: int) -> FloatArray:
    """The sound of ``score``, shape (N, 2), at whatever level its notes add up to; tracks stand side by side."""
    sound = np.zeros((round((score.seconds_at(score.end) + 1) * rate) + 1, 2), np.float32)
    for number, track in enumerate(score.tracks):
        angle = np.pi / 2 * (0.35 + 0.3 * (number + 0.5) / len(score.tracks))
        sides = np.array([np.cos(angle), np.sin(angle)])
        made: dict[tuple[int, int], Sound] = {}
        for note in track.notes:
            begin = round(score.seconds_at(note.start) * rate)
            length = max(1, round(score.seconds_at(note.end) * rate) - begin)
            if (note.pitch, length) not in made:
                recipe = _FAMILIES[track.program // 8]
                made[note.pitch, length] = (
                    _drum(note.pitch, rate) if track.drums else _tone(note.pitch, recipe, length, rate)
                )
            wave = made[note.pitch, length][: len(sound) - begin]
            sound[begin : begin + len(wave)] += wave[:, None] * sides * (note.velocity / 127) ** 1.5
    return sound


def _tone(key: int, recipe: Recipe, length: int, rate: int) -> Sound:
    release = round(recipe.release * rate)
    time = np.arange(length + release) / rate
    pitch = 440 * 2 ** ((key - 69) / 12)
    phase = 2 * np.pi * pitch * time
    if recipe.vibrato:
        phase += recipe.vibrato * pitch / 5.5 * (1 - np.cos(2 * np.pi * 5.5 * time)) * np.minimum(1, 3 * time)
    tone = np.zeros(len(time))
    for multiple, strength in recipe.partials:
        if pitch * multiple < _NYQUIST_SHARE * rate:
            fading = 1.0 if recipe.half_life is None else 0.5 ** (time * multiple**0.7 / recipe.half_life)
            tone += strength * np.sin(multiple * phase) * fading
    tone /= sum(strength for _, strength in recipe.partials)
    attack = max(1, min(round(recipe.attack * rate), length))
    tone[:attack] *= np.linspace(0, 1, attack, endpoint=False)
    tone[length:] *= np.linspace(1, 0, release) ** 2
    return tone


def _drum(pitch: int, rate: int) -> Sound:
    """Low drums are mostly a falling tone, high ones (cymbals) mostly noise that lasts; the same for every call."""
    brightness = np.clip((pitch - 35) / 25, 0, 1)
    time = np.arange(round((0.12 + 0.4 * brightness) * rate)) / rate
    noise = np.random.default_rng(zlib.crc32(bytes((pitch,)))).uniform(-1, 1, len(time))
    noise = np.diff(noise, prepend=0.0) if brightness > 0.2 else noise
    body = np.sin(2 * np.pi * (50 + 90 * brightness) * time + 6 * (1 - np.exp(-time * 40)))
    struck: Sound = np.exp(-time / (0.05 + 0.08 * brightness)) * (
        (1 - brightness) * body + (0.2 + brightness) * noise / 2
    )
    return struck
