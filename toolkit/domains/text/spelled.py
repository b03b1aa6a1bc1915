"""Automata over bytes that are stepped as they are needed, and how each becomes a constraint of tokens.

A `ByteAutomaton` may have far more states than anyone would list. Whatever the codec, a token is the bytes it
spells: the constraint walks the vocabulary as a trie, so a beginning that is not allowed is tried once for all tokens
that share it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from functools import lru_cache
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray

P = TypeVar("P", bound=Hashable)


class ByteAutomaton(Protocol[P]):
    """Which byte may come next. States are values."""

    def begin(self) -> P: ...

    def step(self, state: P, byte: int) -> P | None:
        """The state after ``byte``; None where it may not follow."""
        ...

    def distance(self, state: P) -> int:
        """The length in bytes of some way to an end: 0 exactly where the text may end, `NEVER` where there is none.

        Whoever says more than the shortest way takes must promise that a byte leads at least one nearer.
        """
        ...


class Reached(NamedTuple, Generic[P]):
    """Where a text stands: the automaton's state, or behind the stop token."""

    state: P
    stopped: bool = False


class _Follows(NamedTuple):
    """The tokens that may follow, with the states and distances after them."""

    places: dict[int, Any]
    distance_V: npt.NDArray[np.int32]
    mask_V: BoolArray


class Spelled(Generic[P]):
    """A `Constraint[Reached]` with `Lookahead`: the tokens whose bytes an automaton lets through.

    ``distance`` counts bytes. A token spells at least one, so it is never less than the tokens that are needed; where a
    single token would spell a long ending it is more, and near the length limit a shorter way is taken than need be.
    The stop token, where it may be drawn at all, may follow wherever the text may end, and after itself.
    """

    def __init__(
        self, automaton: ByteAutomaton[P], spelling: tuple[bytes, ...], stop: int, start: P | None = None
    ) -> None:
        """``start`` is where the text before has led the automaton, by default where it begins."""
        self.automaton = automaton
        self._start = automaton.begin() if start is None else start
        self._vocabulary = len(spelling)
        self._stop = stop
        self._trie = _trie(spelling)
        self._follows = lru_cache(1024)(self._followed)

    def begin(self) -> Reached[P]:
        return Reached(self._start)

    def allowed(self, state: Reached[P]) -> BoolArray:
        return self._follows(state).mask_V

    def step(self, state: Reached[P], token: int) -> Reached[P]:
        following = self._follows(state).places.get(token)
        if following is None:
            raise ValueError(f"token {token} may not follow here")
        return Reached(*following)

    def distance(self, state: Reached[P]) -> int:
        return 0 if state.stopped else self.automaton.distance(state.state)

    def distances(self, state: Reached[P]) -> npt.NDArray[np.int32]:
        return self._follows(state).distance_V

    def _followed(self, state: Reached[P]) -> _Follows:
        distance_V = np.full(self._vocabulary, NEVER, np.int32)
        places: dict[int, Any] = {}
        if self.distance(state) == 0:
            places[self._stop] = state.state, True
            distance_V[self._stop] = 0
        for tokens, place in () if state.stopped else self._walk(state.state):
            distance = self.automaton.distance(place)
            if distance < NEVER:
                distance_V[tokens] = distance
                places.update(dict.fromkeys(tokens, (place, False)))
        mask_V = distance_V < NEVER
        for each in (distance_V, mask_V):
            each.flags.writeable = False
        return _Follows(places, distance_V, mask_V)

    def _walk(self, state: P) -> Iterator[tuple[list[int], P]]:
        """(tokens spelled the same, the state after them) for all whose bytes may follow."""
        waiting = [(self._trie, state)]
        while waiting:
            node, place = waiting.pop()
            for byte, following in node.children.items():
                reached = self.automaton.step(place, byte)
                if reached is not None:
                    if following.tokens:
                        yield following.tokens, reached
                    waiting.append((following, reached))


class _Node:
    """A beginning that tokens share: those that end here, and the bytes that lead on."""

    __slots__ = ("children", "tokens")

    def __init__(self) -> None:
        self.tokens: list[int] = []
        self.children: dict[int, _Node] = {}


def _trie(spelling: tuple[bytes, ...]) -> _Node:
    root = _Node()
    for token, spelled in enumerate(spelling):
        if spelled:
            node = root
            for byte in spelled:
                node = node.children.setdefault(byte, _Node())
            node.tokens.append(token)
    return root
