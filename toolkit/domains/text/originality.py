"""Text as it is compared with the training text, and the constraint that keeps it from copying too far.

Compared are characters: capitals are not told from small letters, and a run of white space counts as one blank. So a
copy does not hide behind a new line break or a capital, and the tokens that spell it do not matter. Knows spelled
tokens; the comparing itself is `toolkit.originality`.
"""

from __future__ import annotations

import codecs
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, Codec, Document, UsageError
from toolkit.domains.text.codec import TextCodec
from toolkit.originality import Candidates, CopyLimit, NgramIndex, Seen, Trace, Words, mixed_one

_BLANK = ord(" ") + 1
_MIXED_BLANK = mixed_one(_BLANK)
_HELD = 24  # tokens held back at most while a copy grows, so that they can be taken back


class TextView:
    """A `toolkit.originality.View` of texts."""

    unit = "character"
    overlap = 0
    rates: Mapping[int, float] = MappingProxyType({12: 0.015, 24: 0.05})
    lengths: tuple[int, ...] = (125, 250, 500, 1000, 2000)

    def look(self, item: str, given: str | None = None) -> Seen:
        offset = len(given or "")
        points = np.frombuffer(item[offset:].encode("utf-32-le", errors="surrogatepass"), "<u4")
        symbols = _folded(points)
        blank = symbols == _BLANK
        kept = np.flatnonzero(~(blank & np.concatenate([[False], blank[:-1]])))
        return Seen(symbols[kept], kept + offset, kept + offset + 1)

    def excerpt(self, item: str, start: int, end: int) -> str:
        return item[start:end]

    def label(self, document: Document[str]) -> str:
        return document.name


class Reading(NamedTuple):
    """What was generated so far: the newest characters, the bytes of an unfinished one, and the ``held`` tokens that
    may yet be taken back.
    """

    trace: Trace
    unfinished: bytes = b""
    held: int = 0


class TextCopyLimit:
    """A `Constraint[Reading]`: what is generated holds no copy of more than ``most`` characters.

    It sees generated tokens alone. ``distance`` is always 0: to end is never a copy. Where every token would be one,
    those that led there are taken back. UsageError where the index knows no copies so short.
    """

    growth = 0

    def __init__(self, codec: TextCodec, index: NgramIndex, most: int) -> None:
        if most + 1 < index.sizes[0]:
            raise UsageError(f"copies can be limited to {index.sizes[0] - 1} characters at the least, not {most}.")
        self._limit = CopyLimit(index, most)
        self._spelling = codec.spelling
        self._allowed = lru_cache(64)(self._mask)

    def begin(self) -> Reading:
        return Reading(self._limit.begin())

    def allowed(self, state: Reading) -> BoolArray | None:
        if self._limit.room(state.trace) >= self._longest:
            return None
        return self._allowed(state)

    def step(self, state: Reading, token: int) -> Reading:
        symbols, unfinished = _read(state.unfinished, self._spelling[token])
        trace = state.trace
        for symbol in symbols:
            if symbol != _MIXED_BLANK or trace.tail[-1:] != (symbol,):
                trace = self._limit.step(trace, symbol)
        growing = 2 * self._limit.room(trace) < self._limit.most
        return Reading(trace, unfinished, min(state.held + 1, _HELD) if growing else 0)

    def distance(self, state: Reading) -> int:
        return 0

    def pending(self, state: Reading) -> int:
        return state.held

    def withdraw(self, state: Reading) -> int:
        return 0

    def _mask(self, state: Reading) -> BoolArray | None:
        after_blank = state.trace.tail[-1:] == (_MIXED_BLANK,)
        if state.unfinished:
            spelled = [_symbols(_complete(state.unfinished + each)[0]) for each in self._spelling]
            candidates = _candidates(spelled, after_blank)
        else:
            candidates = self._after_blank if after_blank else self._anywhere
        blocked_V = self._limit.blocked(state.trace, candidates)
        return ~blocked_V if blocked_V.any() else None

    @cached_property
    def _spelled(self) -> list[Words]:
        return [_symbols(_complete(each)[0]) for each in self._spelling]

    @cached_property
    def _anywhere(self) -> Candidates:
        return _candidates(self._spelled, False)

    @cached_property
    def _after_blank(self) -> Candidates:
        return _candidates(self._spelled, True)

    @cached_property
    def _longest(self) -> int:
        """The most characters that one token adds."""
        return int(self._anywhere.lengths.max())


def copy_limit(codec: Codec[str, str], index: NgramIndex, most: int, given: str | None = None) -> TextCopyLimit:
    """The constraint on what ``codec`` spells after ``given``, which it is not shown."""
    if not isinstance(codec, TextCodec):
        raise TypeError(f"{type(codec).__name__} does not spell text")
    return TextCopyLimit(codec, index, most)


def _folded(points: npt.NDArray[np.uint32]) -> Words:
    """Code points as symbols: one more than that of the small letter, and the blank's for all white space."""
    distinct, places = np.unique(points, return_inverse=True)
    symbols: Words = np.array([_fold(chr(each)) + 1 for each in distinct.tolist()], np.uint64)[places]
    return symbols


def _fold(character: str) -> int:
    if character.isspace():
        return ord(" ")
    small = character.lower()
    return ord(small) if len(small) == 1 else ord(character)


def _symbols(text: str) -> Words:
    return TextView().look(text).symbols


@lru_cache(1 << 14)
def _read(unfinished: bytes, spelled: bytes) -> tuple[tuple[int, ...], bytes]:
    """(Mixed symbols that ``spelled`` completes, the bytes it leaves unfinished)."""
    text, left = _complete(unfinished + spelled)
    return tuple(mixed_one(each) for each in _symbols(text).tolist()), left


def _complete(spelled: bytes) -> tuple[str, bytes]:
    """The characters that are all there, and the bytes of one that is not."""
    text, used = codecs.utf_8_decode(spelled, "replace", False)
    return text, spelled[used:]


def _candidates(spelled: Sequence[Words], after_blank: bool) -> Candidates:
    """Tokens as candidates; behind a blank their own first blank adds nothing."""
    kept = [each[1:] if after_blank and _BLANK in each[:1] else each for each in spelled]
    lengths = np.array([len(each) for each in kept], np.int64)
    symbols = np.zeros((len(kept), max(1, int(lengths.max()))), np.uint64)
    for row, each in enumerate(kept):
        symbols[row, : len(each)] = each
    return Candidates(symbols, lengths)
