"""What a user may ask of a generated piece, as knobs. Ids are the codec's business."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, Constraint, UsageError
from toolkit.domains.music.controls import MelodyControls
from toolkit.score.notes import Score

_OF_MELODIES = {each.name: each for each in dataclasses.fields(MelodyControls)}
_LOWEST, _HIGHEST = 0, 127


def _as_of_melodies(name: str) -> Any:
    """The knob that melodies have by that name."""
    declared = _OF_MELODIES[name]
    return dataclasses.field(default=declared.default, metadata=declared.metadata)


@dataclass(frozen=True)
class PolyphonyControls:
    """None, or False, leaves the choice to the model."""

    low: int | None = _as_of_melodies("low")
    high: int | None = _as_of_melodies("high")
    tempo: int = _as_of_melodies("tempo")
    instrument: int = _as_of_melodies("instrument")
    title: str | None = _as_of_melodies("title")
    swing: float = _as_of_melodies("swing")
    dynamics: bool = _as_of_melodies("dynamics")


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
