"""Texts of a context-free grammar, written as Lark writes them and kept by llguidance's token masks.

What llguidance allows is what it parses: terminals match as far as they can, as in a compiler's lexer. It says which
token may come next, not how far the end is. That is searched for here, so that a text is finished within its length:
see `ContextFree`. Knows spellings, not the codecs they come from.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, MissingExtraError, ToolkitError, UsageError

Tokens = tuple[int, ...]

_MATCHERS = 4096  # how many parsers are kept; another is made again from its tokens
_ENDINGS = 200_000  # how many endings are kept
_AT_FIRST, _LATER = 4_000, 400  # beginnings tried in search of an ending: of the empty text, and of any other
_BREADTH = 300  # tokens tried after one beginning


class ContextFree:
    """A `Constraint[Tokens]`: the state is the tokens so far.

    ``distance`` is the length of an ending that is known to parse. After each token the ending known before it is tried
    again, whole or from any of its tokens on, behind as few tokens as possible, spelled byte by byte; a bounded search
    that finds one for nearly every grammar, and not always the shortest. A token after which none is found, or one
    longer by more than ``growth``, is taken back (`toolkit.core.Withdrawing`). The ending itself always stays open, so
    that a text which fits into its length when it begins is finished within it.
    """

    growth = 16

    def __init__(self, grammar: str, spelling: Sequence[bytes], stop: int) -> None:
        """UsageError for a grammar that is none, or for which no text is found that the tokens can spell."""
        self._stop = stop
        self._vocabulary = len(spelling)
        self._first = _matcher(grammar, spelling, stop)
        self._matchers: OrderedDict[Tokens, Any] = OrderedDict()
        self._endings: dict[Tokens, Tokens | None] = {}
        self._short = _plain_tokens(spelling)
        if self._ending(()) is None:
            raise UsageError(
                "no text of the grammar was found that this model can spell: "
                "its alphabet may lack a letter, or the shortest text is too long to be searched for."
            )

    def begin(self) -> Tokens:
        return ()

    def allowed(self, state: Tokens) -> BoolArray:
        mask_V = np.zeros(self._vocabulary, np.bool_)
        if state[-1:] == (self._stop,):
            mask_V[self._stop] = True
            return mask_V
        matcher = self._matcher(state)
        if not matcher.is_stopped():
            mask_V |= self._mask(matcher)
        mask_V[self._stop] = matcher.is_accepting()
        return mask_V

    def step(self, state: Tokens, token: int) -> Tokens:
        return state if state[-1:] == (self._stop,) else (*state, token)

    def distance(self, state: Tokens) -> int:
        ending = self._ending(state)
        return NEVER if ending is None else len(ending)

    def distances(self, state: Tokens) -> npt.NDArray[np.int32]:
        distance_V = np.full(self._vocabulary, NEVER, np.int32)
        furthest = self.distance(state) + self.growth
        for token in np.flatnonzero(self.allowed(state)).tolist():
            distance = self.distance(self.step(state, token))
            distance_V[token] = distance if distance <= furthest else NEVER
        return distance_V

    def pending(self, state: Tokens) -> int:
        """Nothing is held back: a token is judged as soon as it is drawn."""
        return 0

    def withdraw(self, state: Tokens) -> int:
        return int(bool(state) and self.distance(state) > self.distance(state[:-1]) + self.growth)

    def _matcher(self, state: Tokens) -> Any:
        """The parser that has read ``state``; to be copied before it reads on."""
        found = self._matchers.get(state)
        if found is None:
            known = self._matchers.get(state[:-1]) if state else None
            found = (known or self._first).deep_copy()
            if not found.consume_tokens(list(state[-1:] if known else state)) or found.is_error():
                raise ToolkitError(f"the grammar's parser gave up: {_first_line(found.get_error())}.")
            self._matchers[state] = found
            if len(self._matchers) > _MATCHERS:
                self._matchers.popitem(last=False)
        else:
            self._matchers.move_to_end(state)
        return found

    def _mask(self, matcher: Any) -> BoolArray:
        bits = np.frombuffer(matcher.compute_bitmask(), np.uint8)
        return np.unpackbits(bits, count=self._vocabulary, bitorder="little").astype(np.bool_)

    def _ending(self, state: Tokens) -> Tokens | None:
        """Tokens that finish the text, none when it may end; None when none were found.

        It depends on the tokens alone: what is no longer remembered of earlier states is worked out again.
        """
        if state[-1:] == (self._stop,):
            return ()
        known = len(state)
        while known and state[:known] not in self._endings:
            known -= 1
        if len(self._endings) > _ENDINGS:
            self._endings.clear()
            known = 0
        for length in range(known, len(state) + 1):
            part = state[:length]
            if part not in self._endings:
                self._endings[part] = self._search(part, self._endings[part[:-1]] if part else None)
        return self._endings[state]

    def _search(self, state: Tokens, before: Tokens | None) -> Tokens | None:
        """An ending of ``state``; ``before`` is that of the state one token earlier."""
        if before and before[0] == state[-1]:
            return before[1:]
        tails = [()] if before is None else [before[start:] for start in range(len(before) + 1)]
        level: list[tuple[Tokens, Any]] = [((), self._matcher(state).deep_copy())]
        left = _LATER if state else _AT_FIRST
        while level and left > 0:
            endings = [(*said, *tail) for said, matcher in level for tail in tails if _finishes(matcher, tail)]
            if endings:
                return min(endings, key=len)
            left -= len(level)
            level = [each for said, matcher in level[: max(left, 0)] for each in self._onward(said, matcher)]
        return None

    def _onward(self, said: Tokens, matcher: Any) -> list[tuple[Tokens, Any]]:
        """One more token, one of all those after which the same may follow."""
        found: dict[bytes, tuple[Tokens, Any]] = {}
        if matcher.is_stopped():
            return []
        mask_V = self._mask(matcher)
        for token in self._short[mask_V[self._short]][:_BREADTH].tolist():
            after = matcher.deep_copy()
            if after.consume_token(token):
                found.setdefault(after.compute_bitmask(), ((*said, token), after))
        return list(found.values())


def _finishes(matcher: Any, tail: Tokens) -> bool:
    if not tail:
        return bool(matcher.is_accepting())
    if matcher.validate_tokens(list(tail)) < len(tail):
        return False
    after = matcher.deep_copy()
    return bool(after.consume_tokens(list(tail)) and after.is_accepting())


def _plain_tokens(spelling: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """One token for each spelling of a single character or byte: enough to spell whatever can be spelled."""
    first: dict[bytes, int] = {}
    for token, spelled in enumerate(spelling):
        if len(spelled) == 1 or (spelled and len(spelled.decode("utf-8", errors="replace")) == 1):
            first.setdefault(spelled, token)
    return np.array(sorted(first.values()), np.int64)


def _matcher(grammar: str, spelling: Sequence[bytes], stop: int) -> Any:
    try:
        import llguidance
    except ImportError:
        raise MissingExtraError("generating from a grammar", "grammars") from None
    tokenizer = llguidance.LLTokenizer(llguidance.TokenizerWrapper(_Vocabulary(spelling, stop)), slices=[])
    matcher = llguidance.LLMatcher(tokenizer, llguidance.LLMatcher.grammar_from_lark(grammar), log_level=0)
    if matcher.is_error():
        raise UsageError(f"the grammar cannot be read: {_first_line(matcher.get_error())}.")
    return matcher


class _Vocabulary:
    """The vocabulary as llguidance wants it; the stop token is its end of text."""

    bos_token_id = None

    def __init__(self, spelling: Sequence[bytes], stop: int) -> None:
        self.eos_token_id = stop
        self.special_token_ids = [stop]
        self.tokens = [spelled if token != stop else b"<stop>" for token, spelled in enumerate(spelling)]
        self._encode = _spell_out(spelling)

    def __call__(self, text: bytes | str) -> list[int]:
        return self._encode(text if isinstance(text, bytes) else text.encode("utf-8"))


def _spell_out(spelling: Sequence[bytes]) -> Callable[[bytes], list[int]]:
    """A tokenizer byte by byte, which llguidance asks for and no mask needs; what cannot be spelled is left out."""
    tokens = {spelled: token for token, spelled in reversed(list(enumerate(spelling))) if len(spelled) == 1}
    return lambda text: [tokens[bytes([byte])] for byte in text if bytes([byte]) in tokens]


def _first_line(message: str) -> str:
    return (message.strip().splitlines() or ["no reason given"])[0].rstrip(".")
