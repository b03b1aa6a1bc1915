"""Where a generation begins: the prompt and what is asked for, checked, as the states before the first draw.

Shared by everything that goes on from a prompt: the decode loop draws one continuation, a search follows several.
Knows no engine and draws nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from toolkit.core import Constraint, UsageError
from toolkit.sampling.constraints import Finishing
from toolkit.sampling.sampler import Sampler, States


class Opening(NamedTuple):
    """What a model is fed first, and the states of sampler and constraint before the first new token."""

    tokens: tuple[int, ...]
    sampler: States
    constraint: Finishing[Any]
    state: Any


def opened(
    prompt: Sequence[int],
    *,
    sampler: Sampler,
    constraint: Constraint[Any],
    given: Sequence[int] | None,
    length: int,
    stop: int,
    vocabulary: int,
) -> Opening:
    """The opening of up to ``length`` tokens after ``prompt``, of which an empty one stands for ``stop`` alone.

    The sampler sees the prompt without a leading ``stop``, and the constraint sees ``given``, by default the same.
    UsageError when ``given`` breaks the constraint or holds an id that does not exist, or when ``length`` cannot
    hold the shortest ending.
    """
    if length < 0:
        raise UsageError(f"the length must be at least 0, not {length}.")
    fed = tuple(prompt) or (stop,)
    seen = fed[1:] if fed[0] == stop else fed
    finishing = Finishing(constraint, length, vocabulary)
    state = finishing.resume(_advanced(constraint, seen if given is None else given, vocabulary))
    return Opening(fed, sampler.begin(seen), finishing, state)


def _advanced(constraint: Constraint[Any], given: Sequence[int], vocabulary: int) -> Any:
    state = constraint.begin()
    for number, token in enumerate(given, start=1):
        if not 0 <= token < vocabulary:
            raise UsageError(f"token {number} of the prompt is {token}, and the model knows 0 to {vocabulary - 1}.")
        allowed_V = constraint.allowed(state)
        if allowed_V is not None and not allowed_V[token]:
            raise UsageError(
                f"the prompt is not the beginning of what is asked for: its token {number} may not stand there."
            )
        state = constraint.step(state, token)
    return state
