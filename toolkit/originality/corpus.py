"""A corpus in which every run of symbols can be found: what tells exactly what was copied, and from where.

It lies in a cache folder beside the corpus it was made of, under the corpus's hash, and never in a checkpoint. Written
beside and renamed. Knows symbols and the names of documents, not what they mean.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import InputError
from toolkit.core.once import made_once
from toolkit.originality.index import Reach
from toolkit.originality.ngrams import BREAK, Words, joined
from toolkit.originality.report import Nearest
from toolkit.originality.suffixes import Order, suffix_array

FORMAT = 1
_LONGEST = 1 << 14  # symbols of a run that are compared at most
_ABSENT = "\0"  # stands for `BREAK` and for a symbol that the corpus does not have: no run goes across it


@dataclass(frozen=True)
class IndexedCorpus:
    """Documents by name, their symbols as characters of one long ``text``, and its suffix array ``order``.

    ``starts`` are where documents begin in ``text``; character number k is symbol k of the sorted ``alphabet``, of
    which the first is `BREAK`.
    """

    names: tuple[str, ...]
    starts: npt.NDArray[np.int64]
    alphabet: Words
    text: str
    order: npt.NDArray[np.uint32]

    def matches(self, symbols: Words) -> Reach:
        """The longest run that begins at each symbol and stands in the corpus, in symbols. Shape (T,)."""
        query = self._spelled(symbols)
        return np.array([self._longest(query, at) for at in range(len(query))], np.int64)

    def find(self, symbols: Words) -> tuple[str, int] | None:
        """(The first document that holds the run, where in it); None when none does."""
        low, high = self._range(self._spelled(symbols))
        if low == high:
            return None
        place = int(self.order[low:high].min())
        document = self._document(place)
        return self.names[document], place - int(self.starts[document])

    def contains(self, symbols: Words) -> bool:
        """Whether the run stands in the corpus."""
        low, high = self._range(self._spelled(symbols))
        return low < high

    def nearest(self, symbols: Words, matches: Reach, size: int, overlap: int) -> tuple[Nearest | None, Nearest | None]:
        """The documents with the longest shared run, and with the most of the runs of ``size`` (in symbols).

        ``matches`` are those of ``symbols``. None where no run of ``size`` is shared. Lengths are told in units.
        """
        query = self._spelled(symbols)
        count = len(query) - size + 1
        if count < 1 or matches.max() < size:
            return None, None
        held: Counter[int] = Counter()
        for at in range(count):
            if matches[at] >= size:
                low, high = self._range(query[at : at + size])
                held.update(np.unique(self._documents(self.order[low:high])).tolist())
        first = int(matches.argmax())
        low, high = self._range(query[first : first + int(matches[first])])
        longest = int(self._document(int(self.order[low:high].min())))
        most = min(held, key=lambda each: (-held[each], each))

        def told(document: int) -> Nearest:
            return Nearest(self.names[document], self._shared(query, document) + overlap, held[document] / count)

        return told(longest), told(most)

    def _longest(self, query: str, at: int) -> int:
        wanted = query[at : at + _LONGEST].partition(_ABSENT)[0]
        if not wanted:
            return 0
        place = bisect_left(self.order, wanted, key=lambda start: self.text[start : start + len(wanted)])
        beside = [int(self.order[near]) for near in (place - 1, place) if 0 <= near < len(self.order)]
        return max(_common(wanted, self.text[start : start + len(wanted)]) for start in beside)

    def _range(self, wanted: str) -> tuple[int, int]:
        """The entries of ``order`` where ``wanted`` begins."""
        if not wanted or _ABSENT in wanted:
            return 0, 0

        def begins(start: int) -> str:
            return self.text[start : start + len(wanted)]

        low = bisect_left(self.order, wanted, key=begins)
        return low, bisect_right(self.order, wanted, lo=low, key=begins)

    def _shared(self, query: str, document: int) -> int:
        """The longest run that ``query`` shares with one document."""
        begin, end = [*self.starts.tolist(), len(self.text)][document : document + 2]
        held = self.text[begin : end - 1]
        longest = 0
        for at in range(len(query)):
            while at + longest < len(query) and (wanted := query[at : at + longest + 1]) in held:
                if _ABSENT in wanted:
                    break
                longest += 1
        return longest

    def _spelled(self, symbols: Words) -> str:
        places = np.searchsorted(self.alphabet, symbols).clip(max=len(self.alphabet) - 1)
        return _text(np.where(self.alphabet[places] == symbols, places, 0))

    def _document(self, place: int) -> int:
        return int(np.searchsorted(self.starts, place, side="right")) - 1

    def _documents(self, places: npt.NDArray[np.uint32]) -> Order:
        return np.searchsorted(self.starts, places, side="right") - 1

    @cached_property
    def symbols(self) -> int:
        """How many symbols all documents have."""
        return len(self.text) - len(self.names)


def indexed(documents: Iterable[tuple[str, Words]]) -> IndexedCorpus:
    """The corpus of (name, symbols); seconds for four million symbols."""
    named = list(documents)
    starts = np.cumsum([0, *(len(symbols) + 1 for _, symbols in named)])[:-1]
    symbols = joined(each for _, each in named)
    alphabet, ids = np.unique(np.concatenate([np.array([BREAK], np.uint64), symbols]), return_inverse=True)
    ids = ids[1:].astype(np.uint32)
    order = suffix_array(ids).astype(np.uint32)
    return IndexedCorpus(tuple(name for name, _ in named), starts.astype(np.int64), alphabet, _text(ids), order)


def is_indexed(key: str, root: Path) -> bool:
    """Whether `index_corpus` would find what it makes."""
    return (_folder(key, root) / "corpus.json").is_file()


def index_corpus(documents: Iterable[tuple[str, Words]], key: str, root: Path) -> IndexedCorpus:
    """`indexed`, made once below ``root`` and found again by ``key``, which identifies the documents."""
    folder = _folder(key, root)
    made_once(folder, "corpus.json", lambda making: _write(indexed(documents), making))
    return _read(folder)


def _folder(key: str, root: Path) -> Path:
    return root / f"{key[:16]}-{FORMAT}"


def _write(corpus: IndexedCorpus, folder: Path) -> None:
    arrays: dict[str, npt.NDArray[Any]] = {
        "starts": corpus.starts.astype("<i8"),
        "alphabet": corpus.alphabet.astype("<u8"),
        "order": corpus.order.astype("<u4"),
        "ids": _ids(corpus.text),
    }
    for name, array in arrays.items():
        array.tofile(folder / name)
    facts = {"names": corpus.names, "lengths": {name: len(array) for name, array in arrays.items()}}
    (folder / "corpus.json").write_text(json.dumps(facts))


def _read(folder: Path) -> IndexedCorpus:
    damaged = InputError(f"the cache {folder} is damaged; delete it and it will be made again.")
    try:
        facts = json.loads((folder / "corpus.json").read_text())
        kinds = {"starts": "<i8", "alphabet": "<u8", "order": "<u4", "ids": "<u4"}
        arrays: dict[str, npt.NDArray[Any]] = {name: np.fromfile(folder / name, kind) for name, kind in kinds.items()}
        if {name: len(array) for name, array in arrays.items()} != facts["lengths"]:
            raise damaged
        text = _text(arrays["ids"])
        return IndexedCorpus(tuple(facts["names"]), arrays["starts"], arrays["alphabet"], text, arrays["order"])
    except (OSError, ValueError, KeyError, TypeError):
        raise damaged from None


def _text(ids: npt.NDArray[np.generic]) -> str:
    return ids.astype("<u4").tobytes().decode("utf-32-le", errors="surrogatepass")


def _ids(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", errors="surrogatepass"), "<u4")


def _common(one: str, other: str) -> int:
    """How many characters both begin with."""
    if one == other:
        return len(one)
    low, high = 0, min(len(one), len(other))
    while low < high:  # the first ``low`` agree, and no more than ``high`` do
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
