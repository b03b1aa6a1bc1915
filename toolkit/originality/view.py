"""What a domain says of its items so that copies can be found in them: how an item becomes symbols, and back.

Knows the promise, no domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from toolkit.core import Document
from toolkit.originality.ngrams import Words

Item = TypeVar("Item")
Places = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """An item as symbols: number i tells of the item's characters or notes from ``starts[i]`` up to ``ends[i]``."""

    symbols: Words
    starts: Places
    ends: Places


class View(Protocol[Item]):
    """How a domain's items are compared.

    Lengths are counted in ``unit`` ("character", "note"). Where a symbol tells of two neighbours, as a step of a melody
    does, a run of s symbols is s + ``overlap`` units long. ``rates`` gives the sizes of run that an index holds, in
    symbols, each with the share of false alarms it may raise; ``lengths``, in units, those that held-out material is
    measured at.
    """

    unit: str
    overlap: int
    rates: Mapping[int, float]
    lengths: tuple[int, ...]

    def look(self, item: Item, given: Item | None = None) -> Seen:
        """What came after ``given`` in ``item``, as symbols. What was given is not looked at."""
        ...

    def excerpt(self, item: Item, start: int, end: int) -> str:
        """The units from ``start`` up to ``end`` as a person reads them."""
        ...

    def label(self, document: Document[Item]) -> str:
        """What a document is called: its title, where it has one, and its name."""
        ...
