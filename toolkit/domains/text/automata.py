"""Languages of texts as deterministic automata, closed under and, or, not, then and repetition.

An automaton reads characters, so that a line of 40 characters takes 40 states whatever alphabet it is written in; how
tokens spell characters in bytes is `grammar`'s business. Knows no syntax of patterns and no tokens.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, UsageError
from toolkit.domains.text.alphabet import EVERYTHING, NO_CLASS, Alphabet, CharSet, Ints, common, partition
from toolkit.domains.text.graphs import NOWHERE, Codes, distances, explore
from toolkit.domains.text.nfa import Nfa, determinise

Truth = Callable[[BoolArray, BoolArray], BoolArray]


@dataclass(frozen=True, eq=False)
class Dfa:
    """A set of texts. Every state lies on the way to one of them; there are as few states as can be.

    ``next_SK`` of shape (states, classes) holds the state after a character of each class of ``alphabet``, or
    `NOWHERE`; ``accept_S`` tells the states in which a text may end. State 0 begins. The tables are a normal form:
    equal languages have equal tables. The empty set is one state without moves that does not accept.
    """

    alphabet: Alphabet
    next_SK: Ints
    accept_S: BoolArray

    @property
    def states(self) -> int:
        return len(self.accept_S)

    @property
    def is_empty(self) -> bool:
        """Whether it holds no text at all."""
        return not self.accept_S.any()

    def accepts(self, text: str) -> bool:
        state = self.state_after(text)
        return state != NOWHERE and bool(self.accept_S[state])

    def state_after(self, text: str) -> int:
        """The state that ``text`` leads to from the first; `NOWHERE` when no text of the language begins so."""
        state = 0
        for each in self.alphabet.classes(text).tolist():
            if each == NO_CLASS or state == NOWHERE:
                return NOWHERE
            state = int(self.next_SK[state, each])
        return state

    def same_as(self, other: Dfa) -> bool:
        """Whether both are the same set of texts."""
        mine = (self.alphabet.starts_I, self.alphabet.class_I, self.next_SK, self.accept_S)
        theirs = (other.alphabet.starts_I, other.alphabet.class_I, other.next_SK, other.accept_S)
        return all(np.array_equal(one, two) for one, two in zip(mine, theirs, strict=True))

    def both(self, other: Dfa) -> Dfa:
        """The texts in this set and in the other."""
        return _product(self, other, np.logical_and, np.logical_and)

    def either(self, other: Dfa) -> Dfa:
        """The texts in this set, the other, or both."""
        return _product(self, other, np.logical_or, np.logical_or)

    def without(self, other: Dfa) -> Dfa:
        """The texts in this set that are not in the other."""
        return _product(self, other, lambda one, two: one, lambda one, two: one & ~two)

    def negated(self) -> Dfa:
        """All texts that are not in this set."""
        return any_text().without(self)

    def then(self, other: Dfa) -> Dfa:
        """A text of this set directly followed by one of the other."""
        return sequence([self, other])

    def repeated(self, least: int = 0, most: int | None = None) -> Dfa:
        """From ``least`` to ``most`` texts of this set, one after the other; None is as many as one likes."""
        if least < 0 or (most is not None and most < least):
            raise UsageError(f"something is repeated from 0 times up, not from {least} to {most}.")
        nfa = Nfa()
        start = here = nfa.add()
        final = nfa.add()
        for done in range(least if most is None else most):
            if done >= least:
                nfa.free(here, final)
            here = _add(nfa, self, here)
        if most is None:
            loop = nfa.add()
            nfa.free(here, loop)
            nfa.free(_add(nfa, self, loop), loop)
            here = loop
        nfa.free(here, final)
        return normal(*determinise(nfa, start, final))

    def after(self, beginning: str) -> Dfa:
        """What may follow ``beginning`` in a text of this set."""
        state = self.state_after(beginning)
        if state == NOWHERE:
            return nothing()
        codes, next_SK = explore(state, lambda codes: self.next_SK[codes].astype(np.int64))
        return normal(self.alphabet, next_SK, self.accept_S[codes])

    __and__, __or__, __add__, __sub__ = both, either, then, without

    def __invert__(self) -> Dfa:
        return self.negated()


def nothing() -> Dfa:
    """The empty set of texts."""
    return Dfa(partition([])[0], np.full((1, 1), NOWHERE, np.int32), np.zeros(1, np.bool_))


def any_text() -> Dfa:
    """Every text there is, the empty one included."""
    return one_of(EVERYTHING).repeated()


def one_of(chars: CharSet) -> Dfa:
    """The texts of one character of a set."""
    nfa = Nfa()
    start, final = nfa.add(), nfa.add()
    nfa.edge(start, chars, final)
    return normal(*determinise(nfa, start, final))


def sequence(parts: Iterable[Dfa]) -> Dfa:
    """One text of each part, in turn: `Dfa.then` of them all at once."""
    nfa = Nfa()
    start = here = nfa.add()
    for each in parts:
        here = _add(nfa, each, here)
    final = nfa.add()
    nfa.free(here, final)
    return normal(*determinise(nfa, start, final))


def intersection(parts: Iterable[Dfa]) -> Dfa:
    """The texts in every part; all there are when there is none. The smallest automata meet first."""
    return reduce(Dfa.both, sorted(parts, key=lambda each: each.states), any_text())


def normal(alphabet: Alphabet, next_SK: Ints, accept_S: BoolArray) -> Dfa:
    """The smallest automaton of the language that these tables accept, each state of which 0 leads to.

    Moore's refinement (1956), begun from how far each state is from acceptance: states that differ in it differ, and in
    an automaton that counts almost nothing else is left to find.
    """
    origin_E, class_E = np.nonzero(next_SK != NOWHERE)
    distance_S = distances(origin_E.astype(np.int32), next_SK[origin_E, class_E], accept_S)
    if distance_S[0] == NEVER:
        return nothing()
    alive_S = distance_S != NEVER
    next_SK = np.where(np.append(alive_S, False)[next_SK], next_SK, NOWHERE)
    kind_S = _refined(np.unique(np.where(alive_S, distance_S, -1), return_inverse=True)[1], next_SK)
    _, member = np.unique(kind_S, return_index=True)
    merged_SK = np.append(kind_S, NOWHERE)[next_SK[member]]
    alike: dict[bytes, int] = {}
    kind_K = [alike.setdefault(column.tobytes(), len(alike)) for column in merged_SK.T]
    alphabet, old_K = alphabet.merged(np.array(kind_K))
    merged_SK = merged_SK[:, old_K].astype(np.int64)
    codes, next_SK = explore(int(kind_S[0]), lambda codes: merged_SK[codes])
    return Dfa(alphabet, next_SK, accept_S[member[codes]])


def _refined(kind_S: npt.NDArray[np.int64], next_SK: Ints) -> npt.NDArray[np.int64]:
    """The coarsest refinement of ``kind_S`` in which states of one kind have successors of one kind."""
    columns = list(np.unique(next_SK, axis=1).T)
    count, before = int(kind_S.max()) + 1, 0
    while before != count < len(kind_S):
        before = count
        for first, second in itertools.zip_longest(columns[::2], columns[1::2], fillvalue=columns[0]):
            after_S = np.append(kind_S, count)
            code_S = (kind_S * (count + 1) + after_S[first]) * (count + 1) + after_S[second]  # below 2**53
            distinct = np.sort(code_S)  # several times as fast as np.unique
            distinct = distinct[np.append(True, distinct[1:] != distinct[:-1])]
            if len(distinct) > count:
                kind_S, count = np.searchsorted(distinct, code_S), len(distinct)
    return kind_S


def _product(one: Dfa, other: Dfa, alive: Truth, accepts: Truth) -> Dfa:
    """The automaton that runs two at once, as long as ``alive`` of what is alive of them."""
    alphabet, first_K, second_K = common(one.alphabet, other.alphabet)
    width = other.states + 1
    first_SK, second_SK = _completed(one, first_K), _completed(other, second_K)

    def after(codes: Codes) -> Codes:
        first, second = first_SK[codes // width], second_SK[codes % width]
        kept = alive(first != one.states, second != other.states)
        return np.where(kept, first * np.int64(width) + second, NOWHERE)

    codes, next_SK = explore(0, after)
    accept_S = accepts(np.append(one.accept_S, False)[codes // width], np.append(other.accept_S, False)[codes % width])
    return normal(alphabet, next_SK, accept_S)


def _completed(dfa: Dfa, class_K: Ints) -> Ints:
    """Its next_SK over a finer alphabet, with one more state that stands for `NOWHERE`."""
    next_SK = np.append(dfa.next_SK, np.full((1, dfa.alphabet.size), NOWHERE, np.int32), axis=0)[:, class_K]
    return np.where(next_SK == NOWHERE, dfa.states, next_SK)


def _add(nfa: Nfa, dfa: Dfa, start: int) -> int:
    """Adds what ``dfa`` accepts after ``start``; the state where it ends."""
    states = [nfa.add() for _ in range(dfa.states)]
    final = nfa.add()
    nfa.free(start, states[0])
    sets = dfa.alphabet.sets()
    for origin, row, accepts in zip(states, dfa.next_SK.tolist(), dfa.accept_S.tolist(), strict=True):
        for chars, target in zip(sets, row, strict=True):
            if target != NOWHERE:
                nfa.edge(origin, chars, states[target])
        if accepts:
            nfa.free(origin, final)
    return final
