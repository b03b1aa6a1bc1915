"""The words a poem may use, and the cheapest way to complete one from any beginning.

Words stand sorted, so that those with a common beginning are neighbours: the list is its own trie. Costs are bytes.
Knows words and sounds; knows neither lines nor tokens.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER
from toolkit.domains.text.verse.dictionary import NO_RHYME, Word

Ints = Sequence[int] | npt.NDArray[np.int64]
Costs = tuple[int, ...]
"""The fewest bytes by number of syllables, `NEVER` where there is no such word."""

_REMEMBERED = 1 << 15


class Lexicon:
    """Words in order; a word's number is its place."""

    def __init__(self, words: Iterable[Word]) -> None:
        self.words = sorted(words)
        self.spellings = [word.spelling for word in self.words]
        self.span = lru_cache(_REMEMBERED)(self._span)

    def number(self, spelling: str) -> int | None:
        """The number of the word spelled so, None when there is none."""
        start, end = self.span(spelling)
        return start if start < end and self.spellings[start] == spelling else None

    def _span(self, beginning: str) -> tuple[int, int]:
        """The numbers (first, one past the last) of the words that begin so."""
        first = bisect_left(self.spellings, beginning)
        return first, bisect_left(self.spellings, beginning + "\x7f", lo=first)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int64]:
        return np.array([len(each) for each in self.spellings], np.int64)

    @cached_property
    def syllables(self) -> npt.NDArray[np.int64]:
        return np.array([word.syllables for word in self.words], np.int64)

    @cached_property
    def rhymes(self) -> dict[str, tuple[int, ...]]:
        """The words of each rhyme; those without one are left out."""
        found = defaultdict(list)
        for number, word in enumerate(self.words):
            if word.rhyme != NO_RHYME:
                found[word.rhyme].append(number)
        return {rhyme: tuple(numbers) for rhyme, numbers in found.items()}

    @cached_property
    def all(self) -> Choice:
        """Every word, at the cost of its letters."""
        return Choice(self, range(len(self.words)), self.lengths)


class Choice:
    """Some of the lexicon's words, each with a cost: its letters and what choosing it will cost later."""

    def __init__(self, lexicon: Lexicon, numbers: Ints, costs: Ints) -> None:
        self._span = lexicon.span
        self._numbers = np.asarray(numbers, np.int64)
        self._costs = np.asarray(costs, np.int64)
        self._later = self._costs - lexicon.lengths[self._numbers]
        self._syllables = lexicon.syllables[self._numbers]
        self._most = int(self._syllables.max(initial=0))
        self.completing = lru_cache(_REMEMBERED)(self._completing)

    def later(self, number: int) -> int:
        """What choosing this word costs beyond its letters; `NEVER` when it is not among the choices."""
        place = int(np.searchsorted(self._numbers, number))
        found = place < len(self._numbers) and self._numbers[place] == number
        return int(self._later[place]) if found else NEVER

    def _completing(self, beginning: str) -> Costs:
        """The fewest bytes to complete a word that begins so, by its syllables."""
        first, end = np.searchsorted(self._numbers, self._span(beginning))
        best = np.full(self._most + 1, NEVER, np.int64)
        np.minimum.at(best, self._syllables[first:end], self._costs[first:end])
        return tuple(np.where(best < NEVER, best - len(beginning), NEVER).tolist())
