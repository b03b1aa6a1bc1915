"""Non-deterministic automata over characters, and the deterministic automaton of all their runs at once.

What regular expressions, concatenation and repetition are built from. Besides characters an edge may carry an
assertion on what stands before and after its place. Knows no syntax.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from enum import IntFlag
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import BoolArray
from toolkit.domains.text.alphabet import Alphabet, CharSet, Ints, partition
from toolkit.domains.text.graphs import MOST_STATES, NOWHERE, too_many


class Kind(IntFlag):
    """What an assertion can tell apart of the place before or after it."""

    EDGE = 1  # nothing: the beginning or the end of the text
    FINAL_NEWLINE = 2  # a line end that ends the text (only ever looked for ahead)
    NEWLINE = 4
    ASCII_WORD = 8
    OTHER_WORD = 16
    OTHER = 32


ANY = Kind.EDGE | Kind.FINAL_NEWLINE | Kind.NEWLINE | Kind.ASCII_WORD | Kind.OTHER_WORD | Kind.OTHER


class Assertion(NamedTuple):
    """Holds where, after a character of each `Kind`, one of the kinds that ``ahead`` gives for it comes next."""

    ahead: tuple[tuple[Kind, Kind], ...]

    def after(self, behind: Kind) -> Kind:
        """What may come next when ``behind`` came last; no kind at all where the assertion fails."""
        return next((ahead for kinds, ahead in self.ahead if behind in kinds), Kind(0))


class _Run(NamedTuple):
    """One run of the automaton: its state, and what assertions on the way here ask of the next character."""

    state: int
    ahead: Kind


_Subset = tuple[frozenset[_Run], Kind]
"""A state of the deterministic automaton: all the runs, and the kind of the last character where assertions ask."""

_Moves = list[list[tuple[list[int], int]]]
_Closure = Callable[[int, Kind, Kind], frozenset[_Run]]


class Nfa:
    """States are numbered as they are added; `edge` reads a character of a set, `free` reads nothing."""

    def __init__(self) -> None:
        self.edges: list[list[tuple[CharSet, int]]] = []
        self.free_edges: list[list[tuple[Assertion | None, int]]] = []
        self.words: tuple[CharSet, CharSet, CharSet] | None = None
        """Line ends, word characters and those of them that are ASCII, where an assertion has to tell them."""

    def add(self) -> int:
        """A new state; UsageError when there are too many."""
        if len(self.edges) >= MOST_STATES:
            raise too_many()
        self.edges.append([])
        self.free_edges.append([])
        return len(self.edges) - 1

    def edge(self, origin: int, chars: CharSet, target: int) -> None:
        if chars:
            self.edges[origin].append((chars, target))

    def free(self, origin: int, target: int, assertion: Assertion | None = None) -> None:
        self.free_edges[origin].append((assertion, target))


def determinise(nfa: Nfa, start: int, final: int) -> tuple[Alphabet, Ints, BoolArray]:
    """The alphabet, next_SK and accept_S of the automaton that accepts what some run from start to final reads.

    State 0 begins. The subset construction (Rabin and Scott 1959), over the states that characters lead out of.
    UsageError when there are too many states.
    """
    distinct = list(dict.fromkeys(chars for edges in nfa.edges for chars, _ in edges))
    alphabet, members = partition([*distinct, *(nfa.words or ())])
    kinds = _kinds(alphabet.size, members[len(distinct) :])
    classes = dict(zip(distinct, members, strict=False))
    moves = [[(classes[chars], target) for chars, target in edges] for edges in nfa.edges]
    closed = _closure(nfa, final)

    behind = Kind.EDGE if kinds else ANY
    queue = [(closed(start, behind, ANY), behind)]
    number = {queue[0]: 0}
    rows = []
    for runs, _ in queue:  # which grows meanwhile
        row = np.full(alphabet.size, NOWHERE, np.int32)
        for each, key in _after(runs, moves, kinds, closed).items():
            if key not in number:
                if len(number) >= MOST_STATES:
                    raise too_many()
                number[key] = len(number)
                queue.append(key)
            row[each] = number[key]
        rows.append(row)
    accept = [any(run.state == final and Kind.EDGE in run.ahead for run in runs) for runs, _ in queue]
    return alphabet, np.stack(rows), np.array(accept)


def _after(runs: frozenset[_Run], moves: _Moves, kinds: list[Kind], closed: _Closure) -> dict[int, _Subset]:
    """Where all the runs lead at once, for each class that some of them read."""
    reached: dict[int, set[_Run]] = defaultdict(set)
    for run in runs:
        for members, target in moves[run.state]:
            for each in members:
                if not kinds:
                    reached[each] |= closed(target, ANY, ANY)
                elif ahead := _read(run.ahead, kinds[each]):
                    reached[each] |= closed(target, kinds[each], ahead)
    return {each: (frozenset(found), kinds[each] if kinds else ANY) for each, found in reached.items() if found}


def _kinds(size: int, members: list[list[int]]) -> list[Kind]:
    """The kind of each class; an empty list where no assertion asks."""
    if not members:
        return []
    kinds = [Kind.OTHER] * size
    for kind, classes in zip((Kind.NEWLINE, Kind.OTHER_WORD, Kind.ASCII_WORD), members, strict=True):
        for each in classes:
            kinds[each] = kind
    return kinds


def _read(ahead: Kind, kind: Kind) -> Kind:
    """What is asked of the character after one of this ``kind``, of which ``ahead`` was asked; none if that fails."""
    if kind in ahead:
        return ANY
    if kind is Kind.NEWLINE and Kind.FINAL_NEWLINE in ahead:
        return Kind.EDGE
    return Kind(0)


def _closure(nfa: Nfa, final: int) -> _Closure:
    """A function of (state, what came last, what may come next): the runs that lead on from there without reading."""

    @lru_cache(None)
    def closed(state: int, behind: Kind, ahead: Kind) -> frozenset[_Run]:
        found = {_Run(state, ahead)}
        queue = list(found)
        for run in queue:
            for assertion, target in nfa.free_edges[run.state]:
                left = run.ahead if assertion is None else run.ahead & assertion.after(behind)
                after = _Run(target, left)
                if left and after not in found:
                    found.add(after)
                    queue.append(after)
        return frozenset(run for run in found if nfa.edges[run.state] or run.state == final)

    return closed
