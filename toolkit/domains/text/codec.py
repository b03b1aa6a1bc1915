"""What every codec of text shares: a token is the bytes it spells.

From the table of spellings follow decoding, streaming, the grammar, the measures and the labels. Does not know how a
text is cut into tokens, nor how a table comes to be: that is what the codecs add.
"""

from __future__ import annotations

import codecs
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import InputError, Measure
from toolkit.domains.text import utf8
from toolkit.domains.text.grammar import TokenAutomaton, text_grammar

Tokens = Sequence[int] | npt.NDArray[Any]

_VISIBLE = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}


class TextCodec(ABC):
    """A `Codec[str, str]` over ``spelling``: the bytes of ids 0 … V-1, of which ``stop`` spells nothing.

    ``remarks`` says in sentences what a person should know of how the codec was built; it decides nothing.
    """

    name: ClassVar[str]

    def __init__(self, spelling: Sequence[bytes], stop: int, remarks: Sequence[str] = ()) -> None:
        self.spelling = tuple(spelling)
        self.stop = stop
        self.remarks = tuple(remarks)

    @property
    def size(self) -> int:
        return len(self.spelling)

    @property
    @abstractmethod
    def fingerprint(self) -> str: ...

    @classmethod
    @abstractmethod
    def build(cls, items: Iterable[str], *, size: int | None = None) -> Self: ...

    @abstractmethod
    def encode_array(self, item: str) -> npt.NDArray[np.int32]:
        """The ids of ``item`` as an array: what `encode` lists, at an eighth of the memory."""

    @abstractmethod
    def save(self, folder: Path) -> None: ...

    @classmethod
    @abstractmethod
    def load(cls, folder: Path) -> Self: ...

    def encode(self, item: str) -> list[int]:
        ids: list[int] = self.encode_array(item).tolist()
        return ids

    def decode(self, tokens: Tokens) -> str:
        """The text that ids mean. Bytes that are no UTF-8 (the grammar lets none through) read as U+FFFD."""
        ids = tokens.tolist() if isinstance(tokens, np.ndarray) else list(tokens)
        if self.stop in ids:
            ids = ids[: ids.index(self.stop)]
        spelling = self.spelling
        return b"".join([spelling[each] for each in ids]).decode("utf-8", errors="replace")

    def decoder(self) -> TextDecoder:
        return TextDecoder(self.spelling, self.stop)

    def grammar(self) -> TokenAutomaton:
        return self._grammar

    def measure(self, tokens: Tokens) -> Measure:
        """Bytes of UTF-8 and characters (code points); the stop token counts for neither."""
        ids = np.asarray(tokens).astype(np.int64, copy=False).ravel()
        counts = np.bincount(ids, minlength=self.size)
        byte, character = counts @ self._amounts
        return {"byte": float(byte), "character": float(character)}

    def units(self, tokens: Tokens) -> Measure:
        """Words (runs without a blank) and lines, counted across tokens; a stop ends both."""
        spelling = [*self.spelling]
        spelling[self.stop] = b"\n"
        spelled = b"".join([spelling[each] for each in np.asarray(tokens).tolist()])
        return {"word": float(len(spelled.split())), "line": float(spelled.count(b"\n"))}

    def variants(self, item: str, rng: Random) -> str:
        return item

    def label(self, token: int) -> str:
        """The text of one id with its blanks made visible; bytes inside a character as 0xE2."""
        spelled = self.spelling[token]
        if token == self.stop:
            return "⟨stop⟩"
        try:
            return "".join(visible(each) for each in spelled.decode("utf-8"))
        except UnicodeDecodeError:
            return " ".join(f"0x{each:02X}" for each in spelled)

    def warnings_for(self, text: str) -> str | None:
        """One sentence on what of ``text`` the codec cannot keep as it is; None when it keeps everything."""
        return None

    @cached_property
    def _grammar(self) -> TokenAutomaton:
        return text_grammar(self.spelling, self.stop)

    @cached_property
    def _amounts(self) -> npt.NDArray[np.int64]:
        """Bytes and characters of each token, of shape (V, 2). A character counts where its first byte stands."""
        return np.array([(len(each), sum(not utf8.continues(byte) for byte in each)) for each in self.spelling])


class TextDecoder:
    """Spells tokens out as they come; a character whose bytes are not all there is held back."""

    def __init__(self, spelling: Sequence[bytes], stop: int) -> None:
        self._spelling = spelling
        self._stop = stop
        self._stopped = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, token: int) -> tuple[str, ...]:
        if self._stopped:
            return ()
        if token == self._stop:
            return self.close()
        return _unless_empty(self._utf8.decode(self._spelling[token]))

    def close(self) -> tuple[str, ...]:
        if self._stopped:
            return ()
        self._stopped = True
        return _unless_empty(self._utf8.decode(b"", final=True))


def utf8_bytes(text: str) -> bytes:
    """``text`` in UTF-8; InputError for a lone surrogate, which UTF-8 cannot write."""
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        point = ord(text[error.start])
        raise InputError(
            f"character {error.start} is U+{point:04X}, half of a surrogate pair, which is no text on its own."
        ) from None


def _unless_empty(text: str) -> tuple[str, ...]:
    return (text,) if text else ()


def visible(character: str) -> str:
    """``character`` for people: blanks as pictures, what has no shape by its number."""
    if character in _VISIBLE:
        return _VISIBLE[character]
    category = unicodedata.category(character)
    if category in {"Mn", "Me"}:
        return "◌" + character
    return f"U+{ord(character):04X}" if category[0] in "CZ" else character
