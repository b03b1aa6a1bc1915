"""The ``char`` codec: one id for each character of the training text, and a policy for characters it never saw.

An unseen character becomes the nearest spelling that the vocabulary has (é as e, “ as ", Q as q), else it is left
out; `CharCodec.warnings_for` says which. It never stops a person from writing a prompt.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError, InputError
from toolkit.domains.text.codec import TextCodec, utf8_bytes, visible
from toolkit.domains.text.storage import CODEC_FILE, digest, read_json, write_json

FORMAT = 1
_CODE_POINTS = 0x110000
_BLOCK = 1 << 20  # characters looked up at once: 4 MB of code points
_NAMED = 8  # how many characters a warning names
_UNSEEN = -1

_SPELLINGS = (
    ("‘’‚‛`´′", "'"),
    ("“”„‟«»″", '"'),
    ('“”„‟«»″"', "'"),
    ("‐‑‒–—―−", "-"),
    ("…", "..."),
    ("•·", "*"),
    ("Æ", "Ae"),
    ("æ", "ae"),
    ("Œ", "Oe"),
    ("œ", "oe"),
    ("ẞß", "ss"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("⁄", "/"),
    ("×", "x"),
    ("\r\u2028\u2029\u0085\v\f", "\n"),
)
"""Spellings that Unicode's own decompositions do not give; the first that fits is taken."""


class CharCodec(TextCodec):
    """Ids 0 … n-1 are the ``characters`` in code-point order; id n is the stop."""

    name = "char"

    def __init__(self, characters: str) -> None:
        self.characters = characters
        super().__init__([*(each.encode("utf-8") for each in characters), b""], stop=len(characters))

    @classmethod
    def build(cls, items: Iterable[str], *, size: int | None = None) -> Self:
        """The characters of ``items``. ``size`` is ignored: the text decides. InputError when there is none."""
        seen: set[str] = set()
        for item in items:
            seen.update(item)
        characters = "".join(sorted(seen))
        if not characters:
            raise InputError("there is no text to take characters from.")
        utf8_bytes(characters)
        return cls(characters)

    @property
    def fingerprint(self) -> str:
        return digest(b"char", FORMAT.to_bytes(1, "little"), self.characters.encode("utf-8"))

    def encode_array(self, item: str) -> npt.NDArray[np.int32]:
        ids = self._look_up(item)
        if (ids == _UNSEEN).any():
            ids = self._look_up(self._readable(item))
        return ids

    def warnings_for(self, text: str) -> str | None:
        composed = _composed(text, self._known) if self._unseen(text) else ""
        nearest = {each: self._nearest(each) for each in self._unseen(composed)}
        if not nearest:
            return None
        read = [f"{visible(each)} as {''.join(map(visible, near))}" for each, near in nearest.items() if near]
        left_out = [visible(each) for each, near in nearest.items() if not near]
        parts = [f"read {_some(read)}"] * bool(read) + [f"left out {_some(left_out)}"] * bool(left_out)
        return f"Characters that the model has never seen were changed: {'; '.join(parts)}."

    def save(self, folder: Path) -> None:
        write_json(folder, {"format": FORMAT, "codec": self.name, "characters": self.characters})

    @classmethod
    def load(cls, folder: Path) -> Self:
        characters = read_json(folder, cls.name, FORMAT).get("characters")
        if not isinstance(characters, str) or not characters:
            raise CheckpointError(f"{folder / CODEC_FILE} lists no characters.")
        if any(first >= second for first, second in itertools.pairwise(characters)):
            raise CheckpointError(f"{folder / CODEC_FILE} lists its characters out of order or twice.")
        if any("\ud800" <= each <= "\udfff" for each in characters):
            raise CheckpointError(f"{folder / CODEC_FILE} lists surrogates, which are no characters.")
        return cls(characters)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.characters)

    @cached_property
    def _ids(self) -> npt.NDArray[np.int32]:
        """The id of every code point there is."""
        table = np.full(_CODE_POINTS, _UNSEEN, dtype=np.int32)
        table[[ord(each) for each in self.characters]] = np.arange(len(self.characters))
        return table

    def _look_up(self, text: str) -> npt.NDArray[np.int32]:
        ids = np.empty(len(text), dtype=np.int32)
        for start in range(0, len(text), _BLOCK):
            block = text[start : start + _BLOCK].encode("utf-32-le", errors="surrogatepass")
            ids[start : start + _BLOCK] = self._ids[np.frombuffer(block, dtype="<u4")]
        return ids

    def _unseen(self, text: str) -> list[str]:
        """The characters of ``text`` that have no id, in order of first appearance."""
        return list(dict.fromkeys(text[place] for place in np.flatnonzero(self._look_up(text) == _UNSEEN).tolist()))

    def _readable(self, text: str) -> str:
        """``text`` in characters that have ids."""
        composed = _composed(text, self._known)
        return composed.translate({ord(each): self._nearest(each) for each in self._unseen(composed)})

    def _nearest(self, character: str) -> str:
        """The first spelling of an unseen ``character`` that has ids throughout; empty when there is none."""
        for spelling in _candidates(character):
            if spelling and self._known.issuperset(spelling):
                return spelling
        return ""


def _composed(text: str, known: frozenset[str]) -> str:
    """``text`` with letters and their separate accents joined, and CR LF as LF, where only that makes them known."""

    def join(match: re.Match[str]) -> str:
        found = match[0]
        joined = unicodedata.normalize("NFC", found)
        return joined if not known.issuperset(found) and known.issuperset(joined) else found

    if "\r" in text and "\r" not in known and "\n" in known:
        text = text.replace("\r\n", "\n")
    return re.sub(r"[^\W\d_][\u0300-\u036f]+", join, text)


def _candidates(character: str) -> Iterator[str]:
    """Spellings of ``character``, nearest first, then the same in the other case."""
    spellings = list(_plain_spellings(character))
    yield from spellings
    for spelling in spellings:
        yield from (spelling.lower(), spelling.upper(), spelling.casefold())


def _plain_spellings(character: str) -> Iterator[str]:
    yield character
    yield unicodedata.normalize("NFC", character)
    apart = unicodedata.normalize("NFKD", character)
    yield apart
    yield "".join(each for each in apart if not unicodedata.combining(each))
    yield from (plain for fancy, plain in _SPELLINGS if character in fancy)
    yield _without_stroke(character)
    if character.isspace():
        yield " "


def _without_stroke(character: str) -> str:
    """The letter that an ø, đ or ł is a variant of by its Unicode name, else nothing."""
    base, mark, _ = unicodedata.name(character, "").partition(" WITH ")
    if not mark:
        return ""
    try:
        return unicodedata.lookup(base)
    except KeyError:
        return ""


def _some(words: list[str]) -> str:
    """``words`` listed, the first few by name."""
    rest = len(words) - _NAMED
    return ", ".join(words[:_NAMED]) + (f" and {rest} more" if rest > 0 else "")
