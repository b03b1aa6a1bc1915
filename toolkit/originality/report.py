"""How much of a result is copied: the longest shared run, the share of what is new, and what people's own work scores.

Knows how far copies reach (`NgramIndex.reach` or `Corpus.reach`), not how that is found.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from toolkit.originality.heldout import HeldOut
from toolkit.originality.index import Reach
from toolkit.originality.view import Seen


@dataclass(frozen=True)
class Span:
    """A copied run: from ``start`` up to ``end`` in the item's characters or notes, ``length`` units as compared.

    ``source`` names a document that holds it and where in it the run begins (in units as compared), where that is
    known.
    """

    start: int
    end: int
    length: int
    excerpt: str
    source: str | None = None
    place: int | None = None


@dataclass(frozen=True)
class Nearest:
    """The document that a result shares most with: by its longest run in units, or by the part of its small runs."""

    document: str
    longest: int
    share: float


@dataclass(frozen=True)
class Originality:
    """How much of what was generated stands in the training corpus; what was given to go on from does not count.

    Lengths are in ``unit`` as compared. ``longest`` is None where nothing as long as the smallest size is shared.
    ``novel`` gives for each size the share of runs that are new, of sizes that fit. ``spans`` are the copied runs of
    ``threshold`` and more; they may overlap. ``held_out`` is what held-out material of about this length scores.
    ``exact`` tells a comparison with the corpus itself from one with the index of hashes, whose longest run may be too
    long and whose shares too low by about ``doubt``. The nearest documents are known only in an exact one: by the
    longest shared run, and by the part of the smallest runs that are shared.
    """

    unit: str
    length: int
    longest: Span | None
    novel: Mapping[int, float]
    threshold: int
    spans: tuple[Span, ...]
    held_out: HeldOut | None
    exact: bool
    doubt: Mapping[int, float]
    nearest: Nearest | None = None
    nearest_by_share: Nearest | None = None

    def data(self) -> dict[str, Any]:
        """Everything, for JSON."""
        return {**asdict(self), "spans": [asdict(each) for each in self.spans]}

    def __str__(self) -> str:
        """A few lines for a person."""
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = []
        if self.longest is None:
            lines.append(f"No run of {min(self.doubt)} {self.unit}s is in the training corpus.")
        else:
            exactly = "" if self.exact else "at most "
            source = f", from {self.longest.source}" if self.longest.source else ""
            lines.append(
                f"Longest run shared with the training corpus: {exactly}{self.longest.length} {self.unit}s{source}:\n"
                f"  {self.longest.excerpt}"
            )
        if self.novel:
            told = ", ".join(f"{share:.1%} of runs of {size}" for size, share in self.novel.items())
            lines.append(f"New: {told} {self.unit}s.")
        if self.held_out:
            lines.append(self._beside(self.held_out))
        if self.nearest_by_share:
            near = self.nearest_by_share
            lines.append(f"Nearest: {near.document} ({near.share:.1%} of the small runs, {near.longest} in a row).")
        return lines

    def _beside(self, held_out: HeldOut) -> str:
        told = ", ".join(
            f"{shares[len(shares) // 2]:.1%} of runs of {size} new" for size, shares in held_out.novel.items()
        )
        return (
            f"Held-out work of {held_out.length} {self.unit}s: longest run {held_out.usual:g} "
            f"(95 in 100 at most {held_out.high:g}), {told} (medians)."
        )


Found = Callable[[int, int], tuple[str, int] | None]
"""(First symbol, number of symbols) of a copied run to (document, place in it)."""


def assess(
    seen: Seen,
    reach: Reach,
    *,
    unit: str,
    overlap: int,
    sizes: Sequence[int],
    excerpt: Callable[[int, int], str],
    threshold: int | None = None,
    held_out: Sequence[HeldOut] = (),
    doubt: Mapping[int, float] | None = None,
    found: Found | None = None,
    nearest: Nearest | None = None,
    nearest_by_share: Nearest | None = None,
) -> Originality:
    """The report of an item seen as symbols, from how far a copy reaches from each of them.

    ``sizes`` are in symbols, ``threshold`` (by default the largest size) in units. Without ``doubt``, the rate of false
    alarms for each size, the comparison is exact.
    """
    least = (max(sizes) + overlap) if threshold is None else threshold

    def span(first: int) -> Span:
        count = int(reach[first])
        start, end = int(seen.starts[first]), int(seen.ends[first + count - 1])
        source, place = (found(first, count) if found else None) or (None, None)
        return Span(start, end, count + overlap, excerpt(start, end), source, place)

    top = int(reach.argmax()) if len(reach) else 0
    shared = bool(len(reach)) and reach[top] >= min(sizes)
    begins = [at for at in range(len(reach)) if reach[at] + overlap >= least and not (at and reach[at - 1] > reach[at])]
    length = len(reach) + overlap if len(reach) else 0
    return Originality(
        unit=unit,
        length=length,
        longest=span(top) if shared else None,
        novel={
            size + overlap: float((reach[: len(reach) - size + 1] < size).mean())
            for size in sizes
            if size <= len(reach)
        },
        threshold=least,
        spans=tuple(span(at) for at in begins),
        held_out=_of_about(length, held_out),
        exact=doubt is None,
        doubt={size + overlap: (doubt or {}).get(size, 0.0) for size in sizes},
        nearest=nearest,
        nearest_by_share=nearest_by_share,
    )


def _of_about(length: int, held_out: Sequence[HeldOut]) -> HeldOut | None:
    """The entry of the nearest length, by ratio."""
    if not held_out or length < 1:
        return None
    return min(held_out, key=lambda each: abs(math.log(each.length / length)))
