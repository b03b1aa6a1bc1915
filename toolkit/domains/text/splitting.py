"""Which documents belong to which split, and what identifies a corpus.

One text alone is cut into its first 90 % for training and its last 10 % for validation, as nanoGPT cuts
tinyshakespeare. Several documents go 90/5/5 by a hash of their content, so that adding or renaming one moves no other.
Knows texts and names, not where they come from.
"""

from __future__ import annotations

import hashlib
import itertools
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from toolkit.core import SPLITS, Corpus, Document, Finding, InputError, Split
from toolkit.domains.text.codec import utf8_bytes

Reader = Callable[[list[Finding]], Iterable[Document[str]]]
"""Reads all documents, in the same order each time, adding what it has to say to the list."""

_RULE = b"text splits 1"
_EDGES = (0.90, 0.95)
_TRAINED_SHARE = 0.9
_DROPPED = len(SPLITS)
_NAMED = 20  # dropped documents that have a finding of their own


def split_corpus(
    name: str,
    source: str,
    licence: str,
    read: Reader,
    *,
    facts: Mapping[str, str] | None = None,
    given: Callable[[Document[str]], Split] | None = None,
) -> Corpus[str]:
    """The corpus of what ``read`` yields: exact duplicates and blank documents dropped, the rest split.

    ``given`` tells the split of each document where that was decided elsewhere. Only hashes are held; the documents are
    read again for each split. InputError when nothing is left to learn from.
    """
    findings: list[Finding] = []
    survey = _Survey(given, findings)
    for document in read(findings):
        survey.add(document)
    survey.close(name)
    if not survey.kept:
        reasons = [
            f": {each.name} was left out, {each.reason.rstrip('.')}" for each in findings if each.outcome == "dropped"
        ]
        raise InputError(f"{source} holds no text{reasons[0] if reasons else ''}.")
    amounts = {"documents": survey.kept, "characters": survey.characters, "bytes": survey.size}
    known = {**{amount: f"{count:,}" for amount, count in amounts.items()}, **(facts or {})}
    if survey.kept == 1:
        edge = int(_TRAINED_SHARE * survey.characters)
        if not edge:
            raise InputError(f"{source} holds a single character: too little to train on and to validate with.")
        known["split"] = f"the first {edge:,} characters train, the last {survey.characters - edge:,} validate"
        read_split = _whole(source, read, survey.codes, edge)
    else:
        codes = survey.codes if given else _without_empty(survey.codes, survey.places)
        counts = Counter(codes)
        known["split"] = ", ".join(f"{counts[code]:,} {split}" for code, split in enumerate(SPLITS))
        read_split = _parted(source, read, codes)
    whole = survey.kept == 1
    return Corpus(name, "text", source, licence, survey.sha256, read_split, whole, tuple(findings), known)


class _Survey:
    """What one reading of all documents shows: the split of each, and the amounts and identity of all."""

    def __init__(self, given: Callable[[Document[str]], Split] | None, findings: list[Finding]) -> None:
        self.codes = array("B")  # the split of each document as an index into SPLITS
        self.places = array("d")  # where in [0, 1) the hash of each document lies
        self.kept = self.characters = self.size = 0
        self._given = given
        self._findings = findings
        self._seen: dict[bytes, str] = {}
        self._unnamed = 0
        self._monotone = ""
        self._content = hashlib.sha256(_RULE)

    @property
    def sha256(self) -> str:
        return self._content.hexdigest()

    def add(self, document: Document[str]) -> None:
        spelled = utf8_bytes(document.item)
        digest = hashlib.sha256(spelled).digest()
        place = int.from_bytes(digest[:6], "big") / 2**48
        code = SPLITS.index(self._given(document)) if self._given else sum(place >= edge for edge in _EDGES)
        if not document.item.strip():
            code = self._drop(document, "nothing but white space")
        elif digest in self._seen:
            code = self._drop(document, f"the same text as {self._seen[digest]}")
        else:
            self._seen[digest] = document.name
            self._content.update(bytes([code if self._given else _DROPPED]) + digest)
            self.kept += 1
            self.characters += len(document.item)
            self.size += len(spelled)
            if len(document.item) > 1 and not document.item.strip(document.item[0]):
                self._monotone = document.item[0]
        self.codes.append(code)
        self.places.append(place)

    def close(self, name: str) -> None:
        if self._unnamed:
            self._findings.append(Finding(name, "dropped", f"{self._unnamed:,} more blank or repeated documents"))
        if self._monotone:
            reason = f"a text is {self._monotone!r} over and over: there is little to learn"
            self._findings.append(Finding(name, "kept", reason))

    def _drop(self, document: Document[str], reason: str) -> int:
        dropped = len(self.codes) - self.kept
        if dropped < _NAMED:
            self._findings.append(Finding(document.name, "dropped", reason))
        self._unnamed += dropped >= _NAMED
        return _DROPPED


def _parted(source: str, read: Reader, codes: array[int]) -> Callable[[Split], Iterator[Document[str]]]:
    """Reads the documents of one split."""

    def read_split(split: Split) -> Iterator[Document[str]]:
        wanted = SPLITS.index(split)
        return (document for code, document in _surveyed(source, read, codes) if code == wanted)

    return read_split


def _whole(source: str, read: Reader, codes: array[int], edge: int) -> Callable[[Split], Iterator[Document[str]]]:
    """Reads the one text there is and cuts it after ``edge`` characters."""
    parts: dict[Split, slice] = {"train": slice(edge), "validation": slice(edge, None), "test": slice(0)}

    def read_split(split: Split) -> Iterator[Document[str]]:
        for code, document in _surveyed(source, read, codes):
            if code != _DROPPED and (text := document.item[parts[split]]):
                yield Document(document.name, text)

    return read_split


def _surveyed(source: str, read: Reader, codes: array[int]) -> Iterator[tuple[int, Document[str]]]:
    """The documents again, each with its code; InputError when they are not those that were surveyed."""
    for code, document in itertools.zip_longest(codes, read([])):
        if code is None or document is None:
            raise InputError(f"{source} has changed since it was opened.")
        yield code, document


def _without_empty(codes: array[int], places: array[float]) -> array[int]:
    """``codes`` with documents moved, the lowest hash first, until each split has one: training, then validation, then
    test, as far as the documents go.
    """
    codes = codes[:]
    counts = Counter(code for code in codes if code != _DROPPED)
    for needy in range(min(len(SPLITS), counts.total())):
        if not counts[needy]:
            rich = max(range(len(SPLITS)), key=lambda code: counts[code])
            moved = min((each for each in range(len(codes)) if codes[each] == rich), key=lambda each: places[each])
            codes[moved] = needy
            counts[rich] -= 1
            counts[needy] += 1
    return codes
