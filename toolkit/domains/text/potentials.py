"""Wishes for a whole text: that it says a phrase, that it ends with one, that its line rhymes.

Each reads the bytes that tokens spell, so a changed codec changes none of them. Guesses of what is still to come are
rough and need not be right: they decide how many particles a wish takes, not what comes out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Hashable, Sequence
from functools import lru_cache
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from toolkit.core import Engine, UsageError
from toolkit.domains.text.codec import TextCodec
from toolkit.sampling.logits import log_softmax
from toolkit.steer import Potential
from toolkit.steer.potentials import Factors

R = TypeVar("R", bound=Hashable)

_REMEMBERED = 1 << 14

_LARGEST_GUIDED = 1024
"""Beyond so many tokens, looking at all of them in each new state would cost more than it saves."""

_USUAL = 0.2
"""How likely a letter is to be the one that a phrase needs next, where no model was asked."""

_FLOOR = 1e-4
"""No letter counts as less likely than this: a guess that is too sure leaves few particles to be right."""

_BETWEEN_WORDS = 0.2
"""About how many bytes of text begin a word."""


class Reading(ABC, Generic[R]):
    """A potential over the bytes of a text, with a guess that guides.

    ``read`` is the state after one more byte, ``log_weight`` and ``log_twist`` are of states.
    """

    def __init__(self, codec: TextCodec) -> None:
        self.codec = codec
        self.step: Callable[[R, int], R] = lru_cache(_REMEMBERED)(self._step)
        self._ahead = lru_cache(_REMEMBERED)(self._look_ahead)
        self._guides = True

    @abstractmethod
    def begin(self, prompt: Sequence[int]) -> R: ...

    @abstractmethod
    def read(self, state: R, byte: int) -> R: ...

    @abstractmethod
    def log_weight(self, state: R) -> float: ...

    @abstractmethod
    def log_twist(self, state: R, left: int) -> float: ...

    @abstractmethod
    def over(self, state: R) -> bool: ...

    def guide(self, state: R, left: int) -> Factors | None:
        if not self._guides:
            return None
        states, number_V = self._ahead(state)
        factors = [
            self.log_twist(each, left) if left and not self.over(each) else self.log_weight(each) for each in states
        ]
        return np.array(factors)[number_V]

    def _step(self, state: R, token: int) -> R:
        for byte in self.codec.spelling[token]:
            state = self.read(state, byte)
        return state

    def _look_ahead(self, state: R) -> tuple[list[R], np.ndarray[tuple[int], np.dtype[np.intp]]]:
        """The distinct states that one token leads to, and the number of the state after each token."""
        numbers: dict[R, int] = {}
        number_V = np.array([numbers.setdefault(self._step(state, v), len(numbers)) for v in range(self.codec.size)])
        return list(numbers), number_V

    def _last_byte(self, prompt: Sequence[int]) -> int | None:
        spelled = b"".join(self.codec.spelling[token] for token in prompt[-8:])
        return spelled[-1] if spelled else None


class Said(NamedTuple):
    """How far a phrase has been said: every number of its bytes that the text just ended with, and whether it is."""

    begun: tuple[int, ...] = ()
    within: bool = False
    done: bool = False


class Mention(Reading[Said]):
    """The text says ``phrase``, small and capital letters alike; else its weight is 0.

    ``whole`` wants whole words: no letter before it or after it. With ``last`` the text ends as soon as it has been
    said. ``chances`` are guesses, one for each byte of the phrase, of how likely it comes where it is needed
    (`chances_of` asks a model). UsageError for an empty phrase, or one with a character the codec cannot spell.
    """

    def __init__(
        self,
        codec: TextCodec,
        phrase: str,
        *,
        whole: bool = True,
        last: bool = False,
        chances: Sequence[float] | None = None,
    ) -> None:
        super().__init__(codec)
        if not phrase.strip():
            raise UsageError("what a text is to say must not be empty.")
        warning = codec.warnings_for(phrase)
        if warning:
            raise UsageError(f"the model cannot spell {phrase!r}. {warning}")
        self._phrase = _lower(phrase.encode())
        self._whole, self._last = whole, last
        told = [max(_FLOOR, each) for each in chances or [_USUAL] * len(self._phrase)]
        self._to_go = np.append(np.cumsum(np.log(told)[::-1])[::-1], 0.0)
        self._widest = max(map(len, codec.spelling))

    def begin(self, prompt: Sequence[int]) -> Said:
        return Said(within=_letter(self._last_byte(prompt)))

    def read(self, state: Said, byte: int) -> Said:
        if state.done:
            return state
        if self._whole and not self._last and len(self._phrase) in state.begun and not _letter(byte):
            return Said(done=True)
        low = byte + 32 if 65 <= byte <= 90 else byte
        starts = (*state.begun, 0) if not (self._whole and state.within) else state.begun
        begun = tuple(k + 1 for k in starts if k < len(self._phrase) and self._phrase[k] == low)
        if begun and max(begun) == len(self._phrase) and (self._last or not self._whole):
            return Said(done=True)
        return Said(begun, _letter(byte))

    def log_weight(self, state: Said) -> float:
        return 0.0 if state.done or len(self._phrase) in state.begun else -math.inf

    def log_twist(self, state: Said, left: int) -> float:
        """The chance that what is begun is finished, or that the phrase comes later."""
        if state.done:
            return 0.0
        begun = [self._to_go[k] for k in state.begun if len(self._phrase) - k <= left * self._widest]
        now = math.exp(max(begun)) if begun else 0.0
        places = left * self._widest - len(self._phrase) + 1
        rate = math.exp(self._to_go[0]) * (_BETWEEN_WORDS if self._whole else 1.0)
        later = -math.expm1(places * math.log1p(-rate)) if places > 0 else 0.0
        chance = now + (1 - now) * later
        return math.log(chance) if chance > 0 else -math.inf

    def over(self, state: Said) -> bool:
        return self._last and state.done


def chances_of(engine: Engine, opening: Sequence[int], codec: TextCodec, phrase: str) -> tuple[float, ...]:
    """How likely the model finds each byte of ``phrase`` after those before it, said as a word after ``opening``.

    The guess for `Mention`: a token's chance is given to its first byte, the others of it are certain.
    """
    lead = codec.encode(" ")
    tokens = codec.encode(phrase)
    memory = engine.begin()
    logits_V, memory = engine.feed([*opening, *lead] or [codec.stop], memory)
    chances: list[float] = []
    for token in tokens:
        chance = math.exp(log_softmax(logits_V.astype(np.float64))[token])
        chances += [chance, *[1.0] * (len(codec.spelling[token]) - 1)]
        logits_V, memory = engine.feed([token], memory)
    return tuple(chances[-len(phrase.encode()) :])


class Line(NamedTuple):
    """A line of verse under way: its last word so far, whether that word rhymes, and whether the line is over."""

    word: bytes = b""
    landed: bool = False
    over: bool = False


class Rhyme(Reading[Line]):
    """The line that is made ends in one of ``words``, whatever marks follow it; it is over with its line break.

    UsageError when there is no word. The guess: what completes a word of the list is welcome, the more the nearer it
    is to complete.
    """

    _ENDS, _LATER, _LETTER = math.log(0.5), math.log(0.02), 0.5

    def __init__(self, codec: TextCodec, words: Collection[str]) -> None:
        super().__init__(codec)
        if not words:
            raise UsageError("no word is known that rhymes.")
        self._words = frozenset(_lower(word.encode()) for word in words)
        self._hope: dict[bytes, float] = {}
        for word in self._words:
            for cut in range(1, len(word) + 1):
                near = self._LETTER ** (len(word) - cut)
                self._hope[word[:cut]] = max(self._hope.get(word[:cut], 0.0), near)
        self._guides = codec.size <= _LARGEST_GUIDED

    def begin(self, prompt: Sequence[int]) -> Line:
        return Line()

    def read(self, state: Line, byte: int) -> Line:
        if state.over:
            return state
        if _letter(byte) or (byte == ord("'") and state.word):
            low = byte + 32 if 65 <= byte <= 90 else byte
            return Line(state.word + bytes([low]))
        landed = state.word.rstrip(b"'") in self._words if state.word else state.landed
        return Line(landed=landed, over=byte == ord("\n"))

    def log_weight(self, state: Line) -> float:
        return 0.0 if state.over and state.landed else -math.inf

    def log_twist(self, state: Line, left: int) -> float:
        if state.over:
            return self.log_weight(state)
        hope = 1.0 if state.landed else self._hope.get(state.word, 0.0) / 2
        return float(np.logaddexp(self._LATER + math.log(left / (left + 10)), _log(hope) + self._ENDS))

    def over(self, state: Line) -> bool:
        return state.over


def _letter(byte: int | None) -> bool:
    """Whether a byte is part of a word: an ASCII letter, or any part of a character beyond ASCII."""
    return byte is not None and (65 <= byte <= 90 or 97 <= byte <= 122 or byte >= 128)


def _lower(text: bytes) -> bytes:
    return text.lower()  # of bytes: ASCII letters alone


def _log(number: float) -> float:
    return math.log(number) if number > 0 else -math.inf


_KINDS: tuple[type[Potential[Said]], type[Potential[Line]]] = (Mention, Rhyme)
