"""What a user may ask of a generated melody, and how that becomes a constraint.

The knobs speak of music, and so do the `Limits` they become; ids are the codec's business. Tempo and
instrument are knobs of the result's files and limit nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, Constraint, UsageError, knob
from toolkit.domains.music.events import Layout
from toolkit.domains.music.grammar import Limits
from toolkit.score.notes import MODES, Key, Meter, Score

_KEYS = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
_METERS = tuple(f"{beats}/{unit}" for beats, unit in Layout().meters)


@dataclass(frozen=True)
class MelodyControls:
    """None, or False, leaves the choice to the model."""

    meter: str | None = knob(None, "The time signature.", choices=_METERS)
    key: str | None = knob(None, "The tonic.", choices=_KEYS)
    mode: str | None = knob(None, "The mode of the key.", choices=MODES)
    bars: int | None = knob(None, "Exactly this many full bars, a pickup not counted.", low=1, high=256)
    low: int | None = knob(None, "The lowest note allowed (60 is middle C).", low=0, high=127, unit="MIDI pitch")
    high: int | None = knob(None, "The highest note allowed.", low=0, high=127, unit="MIDI pitch")
    scale: bool = knob(False, "Only the seven notes of the key.")
    cadence: bool = knob(False, "The last note is a tonic.")
    max_copy: int | None = knob(
        None,
        "Share no longer run of notes with a training tune, in whatever key.",
        low=5,
        high=256,
        unit="notes",
    )
    tempo: int = knob(120, "How fast the result plays.", low=20, high=400, unit="quarter notes a minute")
    instrument: int = knob(0, "The General MIDI program that plays it.", low=0, high=127)


@runtime_checkable
class Limited(Protocol):
    """A codec whose grammar can be narrowed to the melodies within limits."""

    def within(self, limits: Limits) -> Constraint[Any]: ...


def limits_of(controls: MelodyControls) -> Limits:
    """What ``controls`` ask of the notes; UsageError when the range is upside down."""
    low = 0 if controls.low is None else controls.low
    high = 127 if controls.high is None else controls.high
    if low > high:
        raise UsageError(f"the lowest note allowed ({low}) is above the highest ({high}).")
    meter = None if controls.meter is None else Meter.parse(controls.meter)
    return Limits(
        meter=None if meter is None else (meter.numerator, meter.denominator),
        mode=controls.mode,
        tonic=None if controls.key is None else Key.parse(controls.key).tonic,
        bars=controls.bars,
        low=low,
        high=high,
        scale=controls.scale,
        cadence=controls.cadence,
    )


def constraint(codec: Codec[Score, Any], controls: MelodyControls, given: Score | None = None) -> Constraint[Any]:
    """The codec's grammar narrowed to what is asked for; UsageError when no melody can be that.

    Its ``distance`` is exact, so whoever keeps to tokens that leave enough room never gets stuck.
    """
    if not isinstance(codec, Limited):
        raise UsageError(f"melodies of the codec {codec.name!r} cannot be asked for by meter, key, bars or range.")
    return codec.within(limits_of(controls))
