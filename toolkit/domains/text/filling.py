"""A gap in a text: what comes before, what comes after, and how long the middle may be."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.core import Codec, Constraint, UsageError, knob
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.typed import span
from toolkit.infill import Fit, Gap
from toolkit.sampling import Without

REACH = 64
"""So many tokens of the right context are weighed; the model forgets sooner what its beginning was."""


@dataclass(frozen=True)
class FillingControls:
    """A gap between the prompt and what comes after it."""

    after: str | None = knob(
        None,
        "what comes after: the gap between the prompt and this is filled, by the likelihood of the whole",
        group="Filling a gap",
        long=True,
    )
    middle: str = knob("1-40", "how many tokens the filling has: 12, or a range as 3-40", group="Filling a gap")


def gap_asked(
    codec: Codec[str, str], controls: FillingControls, opening: Sequence[int], given: str | None
) -> Gap | None:
    """The gap that ``controls`` leave after ``opening``; None when nothing comes after.

    UsageError as `text_gap`, and when anything else is asked for: a filling is drawn freely.
    """
    if controls.after is None:
        if controls.middle != FillingControls.middle:
            raise UsageError("middle says how many tokens fill a gap: say what comes after it, too.")
        return None
    if not isinstance(codec, TextCodec):
        raise TypeError(f"{type(codec).__name__} does not spell text")
    others = dataclasses.replace(controls, after=None, middle=FillingControls.middle)
    if others != type(controls)():
        raise UsageError("a gap is filled freely: nothing else can be asked of what stands in it.")
    if warning := codec.warnings_for(controls.after):
        raise UsageError(f"what comes after must be spelled as it is. {warning}")
    lengths = span("middle", controls.middle)
    return text_gap(codec, opening, controls.after, shortest=lengths.least, longest=lengths.most or lengths.least)


def text_filled(
    codec: Codec[str, str], gap: Gap, given: str | None, middle: Sequence[int], controls: FillingControls
) -> str:
    """The whole text."""
    return (given or "") + codec.decode(middle) + (controls.after or "")


def text_gap(
    codec: TextCodec,
    opening: Sequence[int],
    right: str,
    *,
    shortest: int = 1,
    longest: int,
    reach: int = REACH,
) -> Gap:
    """The gap after the ids ``opening`` (the left context as a model begins it) and before the text ``right``.

    A middle has from ``shortest`` to ``longest`` tokens, ends between two characters and holds no stop. All lengths are
    equally welcome beforehand. UsageError when the lengths or the right context cannot be meant.
    """
    if not 1 <= shortest <= longest:
        raise UsageError(f"the middle has from 1 token up, and {shortest} to {longest} is no range.")
    if not right:
        raise UsageError("nothing follows the gap: go on from the left context instead.")
    grammar: Constraint[int] = Without(codec.grammar(), [codec.stop], codec.size)

    def fit(state: int, length: int) -> Fit:
        whole = length >= shortest and codec.grammar().distance(state) == 0
        return Fit.MAY_END if whole else Fit.NOT_YET

    return Gap(
        left=tuple(opening),
        right=tuple(codec.encode(right)[:reach]),
        fit=fit,
        longest=longest,
        stop=codec.stop,
        constraint=grammar,
        given=(),
    )
