"""Banned strings that a model may begin, and even complete: then the tokens go back to where the string began.

A mask decides letter by letter and so leaves a model in the middle of a word that it may not end; going back lets it
say something else altogether. What is finally said is the same set of texts. Knows tokens by what they spell.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import BoolArray
from toolkit.domains.text.alphabet import Ints
from toolkit.domains.text.grammar import TokenAutomaton
from toolkit.domains.text.graphs import NOWHERE


class Progress(NamedTuple):
    """The states of the three automata; ``begun``, the bytes at the end that may become a banned string, a character
    that is not all there included; the bytes of each of the newest tokens that hold them; and how many tokens must go
    back because a banned string is complete.
    """

    kept: int
    free: int
    clear: int
    begun: bytes
    lengths: tuple[int, ...] = ()
    back: int = 0


class Rewinding:
    """A `Constraint[Progress]`, `Lookahead` and `Withdrawing`.

    ``kept`` is the automaton of what is finally said. ``free`` is the same without the ban and ``clear`` the ban alone:
    a token that only the ban forbids may be drawn, and takes what it completes back with it. So distances are those of
    ``kept``, and a sequence that can be finished never gets stuck. ``given`` is the text before: a string may have
    begun there.
    """

    def __init__(
        self,
        kept: TokenAutomaton,
        free: TokenAutomaton,
        clear: TokenAutomaton,
        banned: Sequence[str],
        spelling: Sequence[bytes],
        given: str = "",
    ) -> None:
        self._kept, self._free, self._clear = kept, free, clear
        self._spelling = spelling
        self._banned = [re.compile(re.escape(each), re.IGNORECASE) for each in banned]
        beginnings = {each[:length] for each in banned for length in range(1, len(each))}
        longest_first = sorted(beginnings, key=lambda each: (-len(each), each))
        self._beginning = re.compile(rf"(?:{'|'.join(map(re.escape, longest_first))})\Z", re.IGNORECASE)
        self._longest = max(map(len, beginnings), default=0)
        self._given = given
        self._tempting = lru_cache(1024)(self._only_banned)

    @property
    def growth(self) -> int:
        return self._kept.growth

    def begin(self) -> Progress:
        begun = self._begun(self._given[-self._longest :].encode("utf-8", errors="replace") if self._longest else b"")
        return Progress(self._kept.begin(), self._free.begin(), self._clear.begin(), begun)

    def allowed(self, state: Progress) -> BoolArray | None:
        allowed_V = self._kept.allowed(state.kept)
        return None if allowed_V is None else allowed_V | self._tempting(state.free, state.clear)

    def step(self, state: Progress, token: int) -> Progress:
        spelled = self._spelling[token]
        data, lengths = state.begun + spelled, (*state.lengths, len(spelled))
        if self._tempting(state.free, state.clear)[token]:
            return state._replace(lengths=lengths, back=_covering(lengths, len(data) - self._found(data)))
        begun = self._begun(data) if spelled else b""
        return Progress(
            self._kept.step(state.kept, token),
            self._free.step(state.free, token),
            self._clear.step(state.clear, token),
            begun,
            lengths[len(lengths) - _covering(lengths, len(begun)) :],
        )

    def distance(self, state: Progress) -> int:
        return self._kept.distance(state.kept)

    def distances(self, state: Progress) -> Ints:
        return np.where(self._tempting(state.free, state.clear), 0, self._kept.distances(state.kept)).astype(np.int32)

    def pending(self, state: Progress) -> int:
        return len(state.lengths)

    def withdraw(self, state: Progress) -> int:
        return state.back

    def _only_banned(self, free: int, clear: int) -> BoolArray:
        """The tokens that nothing but the ban forbids: those that complete a banned string."""
        tempting_V: BoolArray = (self._free.moves(free) != NOWHERE) & (self._clear.moves(clear) == NOWHERE)
        return tempting_V

    def _found(self, data: bytes) -> int:
        """Where the banned string begins in ``data`` that is complete first; of two, the longer."""
        text = data.decode("utf-8", errors="ignore")
        found = [match.span() for match in (each.search(text) for each in self._banned) if match]
        start, _ = min(found, key=lambda each: (each[1], each[0]))
        return len(text[:start].encode())

    def _begun(self, data: bytes) -> bytes:
        """The end of ``data`` that may become a banned string."""
        text = data.decode("utf-8", errors="ignore")
        whole = text.encode()
        begun = self._beginning.search(text) if self._longest else None
        return data[len(text[: begun.start()].encode()) :] if begun else data[len(whole) :]


def _covering(lengths: tuple[int, ...], size: int) -> int:
    """How many of the newest tokens hold the last ``size`` bytes; all of them when they hold fewer."""
    covered = count = 0
    while covered < size and count < len(lengths):
        count += 1
        covered += lengths[-count]
    return count
