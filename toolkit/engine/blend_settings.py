"""What a user may ask of a blend, and the small notation it is asked in. Knows no engine and opens nothing."""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.core import UsageError, knob
from toolkit.engine.blend import HOWS, PLAUSIBLE, Blend
from toolkit.engine.fade import STEADY, Fade

_EQUALLY = 0.5


@dataclass(frozen=True)
class BlendSettings:
    """Neutral as they stand: nothing is mixed in, and the prompt counts for what the model makes of it."""

    blend: str | None = knob(None, "other runs of the same codec to mix in, with weights, such as runs/other:0.5")
    blend_how: str = knob(
        "product",
        "what all of them can live with, what any would say, the run against amateurs, or away from another run",
        choices=HOWS,
    )
    blend_fade: str | None = knob(
        None, "factors on the weights along the piece, such as 0:1,200:0 (from the first new token on)"
    )
    blend_floor: float = knob(
        PLAUSIBLE, "of a contrast: what to keep, as a share of the likeliest token", low=0, high=1, advanced=True
    )
    guidance: float = knob(1.0, "how strongly the prompt is followed; 1 is the model's own way", low=0, high=10)


@dataclass(frozen=True)
class Fellow:
    """A run to be mixed in, by folder or name, and its weight."""

    run: str
    weight: float


def fellows(text: str) -> tuple[Fellow, ...]:
    """The runs and weights that "runs/a:0.3,runs/b:0.2" spells; a run without a weight gets 0.5.

    UsageError in one sentence when it spells none.
    """
    return tuple(_fellow(each.strip()) for each in text.split(","))


def blend_of(settings: BlendSettings) -> tuple[Blend, tuple[str, ...]] | None:
    """The blend asked for and the runs to mix in, in order; None when nothing is. Errors as `Blend` and `fellows`."""
    fade = STEADY if settings.blend_fade is None else Fade.parse(settings.blend_fade)
    if settings.blend is None:
        return None
    found = fellows(settings.blend)
    blend = Blend(settings.blend_how, tuple(each.weight for each in found), fade, settings.blend_floor)
    return blend, tuple(each.run for each in found)


def _fellow(text: str) -> Fellow:
    run, colon, number = text.rpartition(":")
    if not colon:
        run, number = text, str(_EQUALLY)
    try:
        weight = float(number)
    except ValueError:
        weight = math.nan
    if not run or not weight >= 0:
        raise UsageError(f"a run to mix in is written RUN:WEIGHT, such as runs/other:0.5, not {text!r}.")
    return Fellow(run, weight)
