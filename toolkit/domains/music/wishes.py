"""Soft wishes for a melody, as knobs: what particles steer towards (`toolkit.steer`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.core import Codec, Engine, UsageError, knob
from toolkit.domains.music.controls import MelodyControls
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.potentials import Cadence, Contour, Density, Return
from toolkit.score.notes import Score
from toolkit.steer import Potential


@dataclass(frozen=True)
class MelodyWishes:
    """What a melody should do as a whole; particles are kept for it."""

    homecoming: bool = knob(False, "It comes home: a tonic on a beat, held, and led to.")
    returning: bool = knob(False, "Its first five notes come again in one of the last two bars.")
    density: float | None = knob(None, "About so many notes in a bar.", low=0.5, high=32, step=0.5, unit="notes")
    contour: str | None = knob(
        None, "Pitches near this line, in semitones above the tonic from beginning to end: 0 7 12 7 0."
    )


def wished(
    codec: Codec[Score, Any], wishes: MelodyWishes, controls: MelodyControls, engine: Engine, opening: Sequence[int]
) -> tuple[Potential[Any], ...]:
    """The potentials that ``wishes`` mean; UsageError where the number of bars must be known and is not."""
    if not isinstance(codec, MelodyCodec):
        raise UsageError(f"melodies of the codec {codec.name!r} cannot be steered.")
    found: list[Potential[Any]] = []
    if wishes.homecoming:
        found.append(Cadence(codec, _bars(controls, "homecoming")))
    if wishes.returning:
        found.append(Return(codec, _bars(controls, "returning")))
    if wishes.density is not None:
        found.append(Density(codec, wishes.density))
    if wishes.contour is not None:
        found.append(Contour(codec, _heights(wishes.contour), _bars(controls, "contour")))
    return tuple(found)


def _bars(controls: MelodyControls, wish: str) -> int:
    if controls.bars is None:
        raise UsageError(f"{wish} needs to know where the end is: say how many bars there are.")
    return controls.bars


def _heights(text: str) -> list[float]:
    try:
        return [float(each) for each in text.replace(",", " ").split()]
    except ValueError:
        raise UsageError(
            f"a contour is a list of semitones above the tonic, such as 0 7 12 7 0, not {text!r}."
        ) from None
