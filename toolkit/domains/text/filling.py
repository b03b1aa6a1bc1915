"""A gap in a text: what comes before, what comes after, and how long the middle may be."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.core import Constraint, UsageError
from toolkit.domains.text.codec import TextCodec
from toolkit.infill import Fit, Gap
from toolkit.sampling import Without

REACH = 64
"""So many tokens of the right context are weighed; the model forgets sooner what its beginning was."""


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
