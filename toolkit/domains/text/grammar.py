"""What a well-formed sequence of text tokens is, as two small tables.

A token spells bytes; the grammar lets through exactly the sequences whose bytes are UTF-8, and the stop token only
between characters. Knows spellings, not the codecs they come from.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray
from toolkit.domains.text import utf8
from toolkit.sampling.constraints import Written

FORBIDDEN = -1
"""In a table of next states: this token may not follow."""

_FAR = np.iinfo(np.int32).max // 2


class TokenAutomaton:
    """A `Constraint[int]` that is data: state 0 begins, and ``next_SV`` holds every move.

    ``next_SV`` has shape (states, vocabulary) and holds states or `FORBIDDEN`; ``may_end_S`` tells the states in which
    a sequence may end without another token.
    """

    def __init__(self, next_SV: npt.NDArray[np.int16], may_end_S: BoolArray) -> None:
        self.next_SV = next_SV
        self.may_end_S = may_end_S
        self.allowed_SV: BoolArray = next_SV != FORBIDDEN
        self.allowed_SV.flags.writeable = False  # rows of it are handed out
        self.distance_S = _distances(next_SV, may_end_S)
        self._unbound = self.allowed_SV.all(axis=1)

    def begin(self) -> int:
        return 0

    def allowed(self, state: int) -> BoolArray | None:
        return None if self._unbound[state] else self.allowed_SV[state]

    def step(self, state: int, token: int) -> int:
        following = int(self.next_SV[state, token])
        if following == FORBIDDEN:
            raise ValueError(f"token {token} may not follow in state {state}")
        return following

    def distance(self, state: int) -> int:
        return int(self.distance_S[state])

    def tables(self) -> Written:
        """The automaton as arrays, tokens that move alike in one column."""
        next_QU, column_V = np.unique(self.next_SV, axis=1, return_inverse=True)
        return Written(column_V.reshape(-1).astype(np.int32), next_QU.astype(np.int32), self.distance_S)


def text_grammar(spelling: Sequence[bytes], stop: int) -> TokenAutomaton:
    """The automaton of the tokens spelled ``spelling``, of which ``stop`` ends a text.

    A text may end, stop or no stop, wherever a character does. After the stop only the stop may follow, so that no
    state is without a choice.
    """
    moves = _spelled_moves(spelling)
    moves[:, stop] = FORBIDDEN
    reached = _reachable(moves)
    number = np.full(len(moves) + 1, FORBIDDEN, dtype=np.int16)  # the last entry keeps FORBIDDEN what it is
    number[reached] = np.arange(len(reached))
    stopped = len(reached)
    next_SV = np.full((stopped + 1, len(spelling)), FORBIDDEN, dtype=np.int16)
    next_SV[:stopped] = number[moves[reached]]
    next_SV[[0, stopped], stop] = stopped
    may_end = np.zeros(stopped + 1, dtype=np.bool_)
    may_end[[0, stopped]] = True
    return TokenAutomaton(next_SV, may_end)


def _spelled_moves(spelling: Sequence[bytes]) -> npt.NDArray[np.int16]:
    """The UTF-8 state after each token from each state: shape (live states, V); all tokens at once, byte by byte."""
    lengths = np.array([len(each) for each in spelling])
    padded = np.array(spelling, dtype=bytes)  # numpy fills up with zeros, which ``lengths`` tells from NUL
    bytes_VL = np.frombuffer(padded.tobytes(), dtype=np.uint8).reshape(len(spelling), -1)
    table = utf8.transitions()
    states = np.repeat(np.arange(utf8.DEAD, dtype=np.int16)[:, None], len(spelling), axis=1)
    for position in range(bytes_VL.shape[1]):
        spells = lengths > position
        states[:, spells] = table[states[:, spells], bytes_VL[spells, position]]
    states[states == utf8.DEAD] = FORBIDDEN
    return states


def _reachable(moves: npt.NDArray[np.int16]) -> list[int]:
    """The states that some sequence of tokens leads to from the first, in the order they are met."""
    found = [utf8.BOUNDARY]
    for state in found:
        found.extend(each for each in np.unique(moves[state]).tolist() if each != FORBIDDEN and each not in found)
    return found


def _distances(next_SV: npt.NDArray[np.int16], may_end_S: BoolArray) -> npt.NDArray[np.int32]:
    """The fewest tokens from each state to one that may end, by relaxing until nothing changes."""
    distance = np.where(may_end_S, 0, _FAR).astype(np.int32)
    for _ in range(len(distance)):
        through = np.where(next_SV == FORBIDDEN, _FAR, distance[next_SV] + 1).min(axis=1)
        distance = np.minimum(distance, through).astype(np.int32)
    return distance
