"""A corpus: documents in splits, where they come from, and what happened to each file on the way in.

Knows no format and no codec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Item = TypeVar("Item")
Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class Document(Generic[Item]):
    """One text or one tune. ``name`` is stable: the split may hang on it."""

    name: str
    item: Item


@dataclass(frozen=True)
class Finding:
    """What became of one file or document on its way in, and why."""

    name: str
    outcome: Literal["kept", "changed", "dropped"]
    reason: str = ""


@dataclass(frozen=True)
class Corpus(Generic[Item]):
    """Documents by split. ``read`` may be called many times and may read from disk each time.

    ``sha256`` is of the content that decides the documents and their splits, so that it can key a cache.
    ``whole`` is True when the corpus is one text cut into contiguous splits, where no document ends.
    """

    name: str
    domain: str
    source: str
    licence: str
    sha256: str
    read: Callable[[Split], Iterable[Document[Item]]]
    whole: bool = False
    findings: tuple[Finding, ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BuiltIn(Generic[Item]):
    """A corpus that a name stands for: what `toolkit corpora` lists without opening it.

    ``needs`` names the extra that installs it; ``available`` looks without importing it. Where no extra brings
    the files themselves, ``fetched`` says in one sentence where they come from, and ``open`` what is missing.
    """

    name: str
    domain: str
    about: str
    source: str
    licence: str
    size: str
    open: Callable[[], Corpus[Item]]
    available: Callable[[], bool]
    needs: str = ""
    fetched: str = ""
