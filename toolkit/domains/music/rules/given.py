"""Whether a melody that is given to go on from keeps to what is asked, and what it breaks where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Constraint, UsageError
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.rules.rule import Rule
from toolkit.sampling import withdraw
from toolkit.score.notes import Score


@runtime_checkable
class Openable(Protocol):
    """A codec that can leave a melody open where it stops, and narrow its grammar."""

    def within(self, limits: Limits, rules: tuple[Rule, ...] = ()) -> Constraint[Any]: ...
    def opening(self, score: Score) -> list[int]: ...
    def decode(self, tokens: Sequence[int]) -> Score: ...


_LIMITS = {
    "meter": "the meter",
    "mode": "the mode",
    "tonic": "the key",
    "bars": "the number of bars",
    "low": "the lowest note",
    "high": "the highest note",
    "scale": "the notes of the key",
    "tones": "the tones",
    "tune_type": "the type of tune",
}


def check_given(codec: Any, limits: Limits, rules: tuple[Rule, ...], given: Score) -> None:
    """UsageError in one sentence when ``given`` is not the beginning of a melody that is asked for."""
    if not isinstance(codec, Openable):
        return
    tokens = codec.opening(given)
    reached = _reached(codec.within(limits, rules), tokens)
    if reached == len(tokens):
        return
    for name, what in _LIMITS.items():
        alone = replace(Limits(), **{name: getattr(limits, name)})
        if alone != Limits() and (stopped := _reached(codec.within(alone), tokens)) < len(tokens):
            raise UsageError(
                f"the melody to go on from does not keep to {what} asked for{_where(codec, tokens, stopped)}."
            )
    for rule in rules:
        known = replace(limits, cadence=False)
        if (stopped := _reached(codec.within(known, (rule,)), tokens)) < len(tokens):
            raise UsageError(
                f"the melody to go on from is not the beginning of one {rule.phrase}{_where(codec, tokens, stopped)}."
            )
    raise UsageError(
        f"the melody to go on from leaves no way to all that is asked for{_where(codec, tokens, reached)}."
    )


def _reached(constraint: Constraint[Any], tokens: Sequence[int]) -> int:
    """How many of ``tokens`` the constraint allows."""
    state = constraint.begin()
    for number, token in enumerate(tokens):
        allowed_V = constraint.allowed(state)
        if allowed_V is not None and not allowed_V[token]:
            return number
        state = constraint.step(state, token)
        if withdraw(constraint, state):
            return number
    return len(tokens)


def _where(codec: Openable, tokens: Sequence[int], reached: int) -> str:
    """In which bar the melody goes wrong, or nothing where it does so before its first note."""
    heard = codec.decode(tokens[:reached])
    whole = codec.decode(tokens)
    bar = whole.meters[0].bar(whole.resolution)
    if not heard.notes and reached < 3:
        return ""
    pickup = bool(whole.notes and 0 < whole.notes[0].start < bar)
    place = heard.notes[-1].end if heard.notes else 0
    return f" (it stops at note {len(heard.notes) + 1}, in bar {place // bar + (0 if pickup else 1)})"
