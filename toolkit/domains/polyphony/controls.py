"""What a user may ask of a generated piece, as knobs. Ids are the codec's business."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, Constraint, UsageError
from toolkit.domains.music.controls import shared_knob
from toolkit.score.notes import Score

_LOWEST, _HIGHEST = 0, 127


@dataclass(frozen=True)
class PolyphonyControls:
    """None, or False, leaves the choice to the model."""

    low: int | None = shared_knob("low")
    high: int | None = shared_knob("high")
    tempo: int = shared_knob("tempo")
    instrument: int = shared_knob("instrument")
    title: str | None = shared_knob("title")
    swing: float = shared_knob("swing")
    dynamics: bool = shared_knob("dynamics")


@runtime_checkable
class Ranged(Protocol):
    """A codec whose grammar can be narrowed to pieces between two MIDI pitches."""

    def within(self, low: int, high: int) -> Constraint[Any]: ...


def constraint(codec: Codec[Score, Any], controls: PolyphonyControls, given: Score | None = None) -> Constraint[Any]:
    """The codec's grammar narrowed to what is asked for; UsageError when no piece can be that, or ``given`` is not."""
    if controls.low is None and controls.high is None:
        return codec.grammar()
    if not isinstance(codec, Ranged):
        raise UsageError(f"pieces of the codec {codec.name!r} cannot be kept within a range.")
    low = _LOWEST if controls.low is None else controls.low
    high = _HIGHEST if controls.high is None else controls.high
    outside = [] if given is None else [note.pitch for note in given.notes if not low <= note.pitch <= high]
    if outside:
        raise UsageError(f"what is given to go on from has the MIDI pitch {outside[0]}, outside {low} to {high}.")
    return codec.within(low, high)
