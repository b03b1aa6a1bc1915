"""A motif that must appear somewhere in the melody, at any pitch or at its own, in any rhythm or in its own.

The machine follows every beginning of the motif that the last notes may be, so that no appearance is missed, not even
one that begins inside another.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from toolkit.domains.music.rules.rule import Header, IntArray, Machine, Rule

_Beginnings = frozenset[int]
"""Beginnings of the motif, each by its number of notes."""


@dataclass(frozen=True)
class Motif(Rule):
    """Somewhere in the melody consecutive notes are these ``pitches``, or where ``transposed`` a transposition of them.

    With ``durations`` (ticks, one for each pitch) they also last so long, ties joined, and no silence lies between
    them; without, their rhythm is free and rests between them do not matter. A transposition is chromatic: the
    intervals are kept in semitones.
    """

    pitches: tuple[int, ...]
    transposed: bool = True
    durations: tuple[int, ...] | None = None

    @property
    def phrase(self) -> str:
        return f"in which the motif of {len(self.pitches)} notes appears"

    @property
    def fewest_notes(self) -> int:
        return len(self.pitches)

    def depends(self, header: Header) -> Hashable:
        return header.shape if self.transposed else header.pitches

    def machine(self, header: Header) -> Machine:
        return _Builder(self, header.pitches).machine()


class _State(NamedTuple):
    """The ``beginnings`` that may end with the newest note, which has sounded for ``ticks`` (0: rhythm is free)."""

    beginnings: _Beginnings = frozenset()
    ticks: int = 0
    found: bool = False


class _Builder:
    """Numbers the states that notes can reach, and tabulates the moves between them."""

    def __init__(self, motif: Motif, pitches: Sequence[int]) -> None:
        self._motif, self._whole = motif, len(motif.pitches)
        self._pitches = pitches
        span = pitches[-1] - pitches[0]
        above = np.array(pitches) - pitches[0]
        intervals_PP = above - above[:, None] + span
        none_1P = np.full((1, len(pitches)), 2 * span + 1)
        self._symbols = np.vstack([intervals_PP, none_1P]) if motif.transposed else above[None]
        self._meanings = (
            [*range(-span, span + 1), None] if motif.transposed else list(range(pitches[0], pitches[-1] + 1))
        )
        self._numbers: dict[_State, int] = {}
        self._struck: dict[_State, IntArray] = {}

    def machine(self) -> Machine:
        timed = self._motif.durations is not None
        self._number(_State())
        strike, rest, longer = [], [], []
        for state in _growing(self._numbers):
            strike.append(self._strike(state))
            rest.append(self._number(self._rested(state)))
            longer.append([self._number(self._lengthened(state, ticks)) for ticks in range(4)] if timed else [])
        final = np.array([state.found or self._complete(state) for state in self._numbers])
        if not timed:
            return Machine(np.stack(strike), final)
        return Machine(np.stack(strike), final, np.array(rest), np.array(longer).T)

    def _number(self, state: _State) -> int:
        return self._numbers.setdefault(state, len(self._numbers))

    def _heard(self, state: _State) -> _Beginnings:
        """The beginnings that are over with the newest note, its length counted."""
        durations = self._motif.durations
        if durations is None:
            return state.beginnings
        return frozenset(each for each in state.beginnings if durations[each - 1] == state.ticks)

    def _complete(self, state: _State) -> bool:
        return self._whole in self._heard(state)

    def _strike(self, state: _State) -> IntArray:
        """The states after each (pitch before, pitch), by what the interval or pitch means to the motif."""
        over = _State(self._heard(state), found=state.found or self._complete(state))
        if over not in self._struck:
            after = np.array([self._number(self._begun(over, meaning)) for meaning in self._meanings])
            self._struck[over] = after[self._symbols]
        return self._struck[over]

    def _begun(self, over: _State, meaning: int | None) -> _State:
        if over.found:
            return _State(found=True)
        after = {each + 1 for each in (0, *over.beginnings) if self._follows(each, meaning)}
        if self._motif.durations is None and self._whole in after:
            return _State(found=True)
        return _State(frozenset(after))

    def _follows(self, number: int, meaning: int | None) -> bool:
        """Whether a note can be note ``number`` (from 0) of the motif; its interval or pitch is ``meaning``."""
        pitches = self._motif.pitches
        if not self._motif.transposed:
            return meaning == pitches[number]
        return number == 0 or meaning == pitches[number] - pitches[number - 1]

    def _rested(self, state: _State) -> _State:
        """A silence: it breaks off a motif with a rhythm."""
        if self._motif.durations is None:
            return state
        return _State(found=state.found or self._complete(state))

    def _lengthened(self, state: _State, ticks: int) -> _State:
        if state.found or not state.beginnings:
            return state
        sounded, durations = state.ticks + ticks, self._motif.durations or ()
        possible = frozenset(each for each in state.beginnings if durations[each - 1] >= sounded)
        return _State(possible, sounded if possible else 0)


def _growing(numbers: dict[_State, int]) -> Iterator[_State]:
    """The states in the order of their numbers, those added meanwhile too."""
    number = 0
    while number < len(numbers):
        yield list(numbers)[number]
        number += 1
