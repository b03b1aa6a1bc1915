"""The grammar of the codec `polyphonic`: one spelling for each piece, as an automaton with exact distances.

At one time instruments follow one another upwards, and so do the pitches of each; an instrument or a velocity is told
where it changes and is followed by a note; a shift shorter than the longest is followed by a note too.
"""

from __future__ import annotations

from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import BoolArray

DRUMS = 128
"""What stands for drums among General MIDI programs."""
_NONE = -1


class Kind(IntEnum):
    """What a token says."""

    STOP = 0
    SHIFT = 1
    PROGRAM = 2
    VELOCITY = 3
    PITCH = 4
    LENGTH = 5


class Token(NamedTuple):
    """SHIFT and LENGTH in ticks; PROGRAM: General MIDI's, or `DRUMS`; VELOCITY and PITCH as in MIDI."""

    kind: Kind
    value: int = 0


class State(NamedTuple):
    """What was told last: ``kind`` of token, ``program``, ``velocity``; the ``floor`` that pitches of the program must
    lie above at this time, and whether the time is ``fresh``, nothing having begun then.
    """

    kind: Kind = Kind.STOP
    program: int = _NONE
    velocity: int = _NONE
    floor: int = _NONE
    fresh: bool = True
    long: bool = False
    over: bool = False


class Playing:
    """A `toolkit.core.Constraint[State]` for ``tokens``."""

    growth = 5

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        kinds = np.array([token.kind for token in tokens])
        self._values = np.array([token.value for token in tokens])
        self._of = {kind: kinds == kind for kind in Kind}
        self._longest = int(self._values[self._of[Kind.SHIFT]].max())
        self._masks = lru_cache(4096)(self._mask)

    def begin(self) -> State:
        return State()

    def allowed(self, state: State) -> BoolArray:
        mask_V: BoolArray = self._masks(state)
        return mask_V

    def step(self, state: State, token: int) -> State:
        kind, value = self._tokens[token]
        if kind is Kind.STOP:
            return state._replace(kind=kind, over=True)
        if kind is Kind.SHIFT:
            return state._replace(kind=kind, floor=_NONE, fresh=True, long=value == self._longest)
        if kind is Kind.PROGRAM:
            return state._replace(kind=kind, program=value, floor=_NONE)
        if kind is Kind.VELOCITY:
            return state._replace(kind=kind, velocity=value)
        if kind is Kind.PITCH:
            return state._replace(kind=kind, floor=value)
        return state._replace(kind=kind, fresh=False, long=False)

    def distance(self, state: State) -> int:
        if state.over:
            return 0
        if state.kind is Kind.LENGTH:
            return 1
        if state.kind is Kind.PITCH:
            return 2
        return 3 + (state.program == _NONE) + (state.velocity == _NONE)

    def _mask(self, state: State) -> BoolArray:
        mask_V = np.zeros(len(self._tokens), np.bool_)
        if state.over:
            return mask_V
        if state.kind is Kind.PITCH:
            lengths_V: BoolArray = self._of[Kind.LENGTH]
            return lengths_V
        told = state.kind
        if told is Kind.LENGTH:
            mask_V |= self._of[Kind.STOP] | self._of[Kind.SHIFT]
        if told is Kind.SHIFT and state.long:
            mask_V |= self._of[Kind.SHIFT]
        if told in (Kind.STOP, Kind.SHIFT, Kind.LENGTH):
            # Where something has begun already, the next instrument lies above this one.
            above = self._values != state.program if state.fresh else self._values > state.program
            mask_V |= self._of[Kind.PROGRAM] & above
        if state.program != _NONE and state.floor < 127:
            if told is not Kind.VELOCITY:
                mask_V |= self._of[Kind.VELOCITY] & (self._values != state.velocity)
            if state.velocity != _NONE:
                mask_V |= self._of[Kind.PITCH] & (self._values > state.floor)
        mask_V.setflags(write=False)
        return mask_V


@lru_cache(maxsize=8)
def playing(tokens: tuple[Token, ...]) -> Playing:
    """The grammar, shared so that its masks are made once."""
    return Playing(tokens)
