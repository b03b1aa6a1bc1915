"""A set of texts as a constraint on tokens: which tokens may follow, and how many the shortest ending takes.

A token is the bytes it spells, wherever characters begin and end in them. The grammar of a codec is the smallest case,
the set of all texts. Knows automata and spellings, not the codecs they come from.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray
from toolkit.domains.text.alphabet import Ints
from toolkit.domains.text.automata import Dfa, any_text
from toolkit.domains.text.graphs import NOWHERE, distances, explore
from toolkit.domains.text.utf8 import BOUNDARY, DEAD, Reader, continues, reader
from toolkit.sampling.constraints import Written

Array = TypeVar("Array", bound=npt.NDArray[Any])

_REMEMBERED = 1024  # states whose row of moves is kept
_BLOCK = 1 << 22  # moves worked out at once


class Columns(NamedTuple):
    """What tokens read from one place within a character, those that read alike as one column.

    ``column_V`` is each token's column, `NOWHERE` when it cannot follow. A column completes characters of the classes
    ``class_UL``, padded with a class that changes nothing, and ends at the place ``place_U`` within a character.
    Columns are in the order of their classes.
    """

    column_V: Ints
    class_UL: Ints
    place_U: Ints


class TokenAutomaton:
    """A `Constraint[int]` and `Lookahead`: the tokens spelled ``spelling`` that make up the texts of ``language``.

    The token ``stop`` ends a text of the language, and only the stop follows it. A text may also end without it there.
    State s·P + p is state s of the language at place p within a character; the last of all is behind the stop.
    Rows are worked out when first asked for, all distances when the first is.
    """

    def __init__(self, language: Dfa, spelling: Sequence[bytes], stop: int) -> None:
        self.language = language
        self._stop = stop
        self._columns = _columns(reader(language.alphabet), spelling, stop, nothing=language.alphabet.size)
        self._places = len(self._columns)
        self._stopped = language.states * self._places
        self._next_KS = _completed(language)
        self.moves = lru_cache(_REMEMBERED)(self._moves)
        self._look = lru_cache(_REMEMBERED)(self._look_ahead)

    def begin(self) -> int:
        return 0

    def allowed(self, state: int) -> BoolArray | None:
        return self._look(state)[1]

    def step(self, state: int, token: int) -> int:
        following = int(self.moves(state)[token])
        if following == NOWHERE:
            raise ValueError(f"token {token} may not follow in state {state}")
        return following

    def distance(self, state: int) -> int:
        return int(self.every_distance[state])

    def distances(self, state: int) -> Ints:
        return self._look(state)[0]

    @cached_property
    def growth(self) -> int:
        """The most that one token adds to the distance."""
        origin_E, target_E = self._edges
        before_E, after_E = self.every_distance[origin_E], self.every_distance[target_E]
        ends_E = after_E != NEVER
        return int((after_E[ends_E] - before_E[ends_E]).max(initial=0))

    @cached_property
    def every_distance(self) -> Ints:
        """The distance of every state, of shape (Q,)."""
        goal_Q = np.zeros(self._stopped + 1, np.bool_)
        goal_Q[: self._stopped : self._places] = self.language.accept_S
        goal_Q[self._stopped] = True
        return distances(*self._edges, goal_Q)

    def tables(self) -> Written:
        """Every state that tokens lead to and from which a text can end; UsageError where there are too many.

        Tokens that move alike from every place within a character share a column.
        """
        return self._tables

    @cached_property
    def _tables(self) -> Written:
        columns_PV = np.stack([each.column_V for each in self._columns])
        columns_PV[:, self._stop] = -2
        _, example, column_V = np.unique(columns_PV, axis=1, return_index=True, return_inverse=True)
        codes, next_QU = explore(0, lambda codes: np.stack([self._leading(code)[example] for code in codes.tolist()]))
        return Written(column_V.reshape(-1).astype(np.int32), next_QU, self.every_distance[codes])

    def _leading(self, state: int) -> npt.NDArray[np.int64]:
        """The moves that lead to an end."""
        return np.where(self.distances(state) == NEVER, NOWHERE, self.moves(state).astype(np.int64))

    def _moves(self, state: int) -> Ints:
        """The state after each token, of shape (V,); `NOWHERE` where it spells what no text of the language holds."""
        if state == self._stopped:
            next_V = np.full(len(self._columns[BOUNDARY].column_V), NOWHERE, np.int32)
            next_V[self._stop] = self._stopped
            return next_V
        at, place = divmod(state, self._places)
        columns = self._columns[place]
        next_U = self._walk(at, columns)
        next_V = np.append(next_U, np.int32(NOWHERE))[columns.column_V]
        if place == BOUNDARY and self.language.accept_S[at]:
            next_V[self._stop] = self._stopped
        return _frozen(next_V)

    def _look_ahead(self, state: int) -> tuple[Ints, BoolArray | None]:
        """The distance after each token, and the mask of those that lead to an end; None where all do."""
        next_V = self.moves(state)
        distance_V = _frozen(np.where(next_V == NOWHERE, NEVER, self.every_distance[next_V]))
        allowed_V = _frozen(distance_V != NEVER)
        return distance_V, None if allowed_V.all() else allowed_V

    def _walk(self, at: int, columns: Columns) -> Ints:
        """The state after each column from one of the language's states, of shape (U,), or `NOWHERE`."""
        width = self._next_KS.shape[1]
        next_KS = self._next_KS.reshape(-1)
        at_U = np.full(len(columns.place_U), at, np.int32)
        for class_U in columns.class_UL.T:
            at_U = next_KS.take(class_U * width + at_U)
        return self._states(at_U, columns.place_U)

    def _walk_all(self, at_B: Ints, columns: Columns) -> Ints:
        """The same from many states at once, of shape (U, B): what columns begin with in common is read once."""
        at_UB = np.empty((len(columns.place_U), len(at_B)), np.int32)
        path, before = [at_B], np.full(columns.class_UL.shape[1], NOWHERE)
        for number, classes in enumerate(columns.class_UL):
            shared = int(np.append(classes != before, True).argmax())
            before = classes
            del path[shared + 1 :]
            for each in classes[shared:].tolist():
                path.append(self._next_KS[each].take(path[-1]))
            at_UB[number] = path[-1]
        return self._states(at_UB, columns.place_U[:, None])

    def _states(self, at: Ints, place: Ints) -> Ints:
        states: Ints = np.where(at == self.language.states, NOWHERE, at * self._places + place)
        return states

    @cached_property
    def _edges(self) -> tuple[Ints, Ints]:
        """The states before and after every move but those to the stop, each pair once."""
        origins: list[Ints] = []
        targets: list[Ints] = []
        for place, columns in enumerate(self._columns):
            height = max(1, _BLOCK // max(1, len(columns.place_U)))
            for first in range(0, self.language.states, height):
                at_B = np.arange(first, min(first + height, self.language.states), dtype=np.int32)
                next_BU = np.ascontiguousarray(self._walk_all(at_B, columns).T)
                next_BU.sort(axis=1)
                new_BU = next_BU != NOWHERE
                new_BU[:, 1:] &= next_BU[:, 1:] != next_BU[:, :-1]
                origins.append(np.repeat(at_B * self._places + place, new_BU.sum(axis=1)))
                targets.append(next_BU[new_BU])
        return np.concatenate(origins).astype(np.int32), np.concatenate(targets).astype(np.int32)


def _completed(language: Dfa) -> Ints:
    """Its moves as next_KS, with one more state that stands for `NOWHERE` and one more class that changes nothing."""
    states = language.states
    next_KS = np.full((language.alphabet.size + 1, states + 1), states, np.int32)
    next_KS[:-1, :-1] = np.where(language.next_SK == NOWHERE, states, language.next_SK).T
    next_KS[-1] = np.arange(states + 1)
    return next_KS


def text_grammar(spelling: Sequence[bytes], stop: int) -> TokenAutomaton:
    """The automaton of all texts in tokens spelled ``spelling``, of which ``stop`` ends one."""
    return TokenAutomaton(any_text(), spelling, stop)


def _columns(read: Reader, spelling: Sequence[bytes], stop: int, nothing: int) -> list[Columns]:
    """The columns at each place within a character that tokens lead to, places numbered as they are met."""
    tokens = [(token, spelled) for token, spelled in enumerate(spelling) if token != stop]
    inner = [(token, spelled) for token, spelled in tokens if not spelled or continues(spelled[0])]
    met = {BOUNDARY: 0}
    places = [BOUNDARY]
    found = []
    for place in places:  # which grows meanwhile
        readings: dict[_Reading, list[int]] = {}
        for token, spelled in tokens if place == BOUNDARY else inner:
            reading = _read(read, place, spelled)
            if reading is not None:
                readings.setdefault(reading, []).append(token)
        for each in readings:
            if each.place not in met:
                met[each.place] = len(places)
                places.append(each.place)
        found.append(_packed(readings, met, len(spelling), nothing))
    return found


class _Reading(NamedTuple):
    """The classes of the characters that bytes complete, and the place where they end."""

    classes: tuple[int, ...]
    place: int


def _read(read: Reader, place: int, spelled: bytes) -> _Reading | None:
    """What bytes read from a place on; None when no character goes on so."""
    classes = []
    for byte in spelled:
        place = int(read.after_PB[place, byte])
        if place == DEAD:
            return None
        if place >= read.places:
            classes.append(place - read.places)
            place = BOUNDARY
    return _Reading(tuple(classes), place)


def _packed(readings: dict[_Reading, list[int]], met: dict[int, int], vocabulary: int, nothing: int) -> Columns:
    ordered = sorted(readings)
    column_V = np.full(vocabulary, NOWHERE, np.int32)
    class_UL = np.full((len(ordered), max((len(each.classes) for each in ordered), default=0)), nothing, np.int32)
    for number, reading in enumerate(ordered):
        class_UL[number, : len(reading.classes)] = reading.classes
        column_V[readings[reading]] = number
    return Columns(column_V, class_UL, np.array([met[each.place] for each in ordered], np.int32))


def _frozen(array: Array) -> Array:
    array.flags.writeable = False  # it is handed out and kept
    return array
