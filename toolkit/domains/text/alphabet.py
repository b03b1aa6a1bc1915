"""Sets of characters, and the alphabet of an automaton: all of Unicode in a few classes that it tells apart.

Knows code points, no bytes and no tokens. A `CharSet` lists the code points at which membership changes:
``(97, 123)`` is a to z, ``()`` nothing. Halves of surrogate pairs are no characters: they belong to no class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray

Ints = npt.NDArray[np.int32]
CharSet = tuple[int, ...]

CODE_POINTS = 0x110000
SURROGATES: CharSet = (0xD800, 0xE000)
EVERYTHING: CharSet = (0, CODE_POINTS)
NO_CLASS = -1


def from_spans(spans: Iterable[tuple[int, int]]) -> CharSet:
    """The set of rising, disjoint spans, each (first, one past the last)."""
    joined: list[int] = []
    for first, past in spans:
        if joined and joined[-1] == first:
            joined[-1] = past
        else:
            joined += (first, past)
    return tuple(joined)


def from_characters(characters: Iterable[str]) -> CharSet:
    return from_spans((point, point + 1) for point in sorted(set(map(ord, characters))))


def complement(chars: CharSet) -> CharSet:
    """Every code point that is not in ``chars``."""
    opened = chars[1:] if chars[:1] == (0,) else (0, *chars)
    return opened[:-1] if opened[-1:] == (CODE_POINTS,) else (*opened, CODE_POINTS)


def holds(chars: CharSet, points: npt.ArrayLike) -> BoolArray:
    """Which code points of an array are in ``chars``, of the same shape."""
    inside: BoolArray = np.searchsorted(np.array(chars, np.int64), points, side="right") % 2 == 1
    return inside


@dataclass(frozen=True, eq=False)
class Alphabet:
    """A partition of the code points: interval i begins at ``starts_I[i]`` and belongs to the class ``class_I[i]``.

    Classes count from 0 in the order of their first characters; `NO_CLASS` is what surrogates have.
    """

    starts_I: Ints
    class_I: Ints
    size: int

    def classes(self, text: str) -> Ints:
        """The class of each character of ``text``, of shape (characters,)."""
        points = np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), dtype="<u4")
        return self.class_I[np.searchsorted(self.starts_I, points, side="right") - 1]

    def sets(self) -> list[CharSet]:
        """The characters of each class."""
        edges = [*self.starts_I.tolist(), CODE_POINTS]
        spans: list[list[tuple[int, int]]] = [[] for _ in range(self.size)]
        for span, each in zip(itertools.pairwise(edges), self.class_I.tolist(), strict=True):
            if each != NO_CLASS:
                spans[each].append(span)
        return [from_spans(each) for each in spans]

    def merged(self, kind_K: npt.NDArray[np.integer]) -> tuple[Alphabet, Ints]:
        """The alphabet in which classes of one kind are one, and for each of its classes an old one of that kind."""
        kind_I = np.where(self.class_I == NO_CLASS, NO_CLASS, kind_K[self.class_I])
        changes = np.append(True, kind_I[1:] != kind_I[:-1])
        starts_I, kind_I, old_I = self.starts_I[changes], kind_I[changes], self.class_I[changes]
        kinds, first, place_I = np.unique(kind_I, return_index=True, return_inverse=True)
        seen = [each for each in first.argsort().tolist() if kinds[each] != NO_CLASS]
        number = np.full(len(kinds), NO_CLASS, np.int32)
        number[seen] = np.arange(len(seen))
        return Alphabet(starts_I, number[place_I], len(seen)), old_I[first[seen]]


def partition(sets: Sequence[CharSet]) -> tuple[Alphabet, list[list[int]]]:
    """The coarsest alphabet that tells the members of each set from the rest, and the classes that each set holds."""
    starts_I = np.unique(np.array([0, *SURROGATES, *itertools.chain.from_iterable(sets)], np.int32))
    starts_I = starts_I[starts_I < CODE_POINTS]
    member_MI = np.array([holds(each, starts_I) for each in sets], np.bool_).reshape(len(sets), len(starts_I))
    _, kind_I = np.unique(np.packbits(member_MI, axis=0), axis=1, return_inverse=True)
    surrogate_I = holds(SURROGATES, starts_I)
    fine = Alphabet(starts_I, np.where(surrogate_I, NO_CLASS, np.arange(len(starts_I))).astype(np.int32), len(starts_I))
    alphabet, old_K = fine.merged(kind_I.reshape(-1))
    return alphabet, [np.flatnonzero(each[old_K]).tolist() for each in member_MI]


def common(one: Alphabet, other: Alphabet) -> tuple[Alphabet, Ints, Ints]:
    """The coarsest alphabet that refines both, and of each of its classes the class in ``one`` and in ``other``."""
    starts_I = np.union1d(one.starts_I, other.starts_I).astype(np.int32)
    class_I, other_I = (
        each.class_I[np.searchsorted(each.starts_I, starts_I, side="right") - 1] for each in (one, other)
    )
    fine_I = np.where(class_I == NO_CLASS, NO_CLASS, np.arange(len(starts_I))).astype(np.int32)
    alphabet, old_K = Alphabet(starts_I, fine_I, len(starts_I)).merged(class_I * (other.size + 1) + other_I)
    return alphabet, class_I[old_K], other_I[old_K]
