"""The index that travels with a checkpoint: which runs of a few sizes its training corpus holds, as Bloom filters.

The corpus cannot be read out of it, and a run that the corpus holds is never missed. A run that it does not hold passes
for a copy at a stated rate. Knows symbols, not what they mean, and no file: `NgramIndex.data` is what is stored.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, Self, TypeGuard

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError
from toolkit.originality import heldout
from toolkit.originality.bloom import Bits, Bloom, about_distinct
from toolkit.originality.heldout import HeldOut
from toolkit.originality.ngrams import Words, joined, mixed, unbroken, windows

FORMAT = 1
Reach = npt.NDArray[np.int64]

_MOST_BITS = 1 << 32
_MOST_PROBES = 40
_MOST_LAYERS = 16


@dataclass(frozen=True)
class Learned:
    """A corpus whose runs are in the index."""

    name: str
    sha256: str
    symbols: int


@dataclass(frozen=True)
class Layer:
    """One corpus: a filter for each size of run, in symbols."""

    learned: Learned
    filters: Mapping[int, Bloom]


@dataclass(frozen=True)
class NgramIndex:
    """What was learned from, one layer a corpus, all with filters of the same ``sizes`` (in symbols, rising).

    ``held_out`` is what held-out material of a few lengths scores against it.
    """

    sizes: tuple[int, ...]
    layers: tuple[Layer, ...]
    held_out: tuple[HeldOut, ...] = ()

    @classmethod
    def build(cls, documents: Iterable[Words], rates: Mapping[int, float], name: str, sha256: str) -> Self:
        """The index of documents; ``rates`` gives, for each size of run, the share of strangers that may pass.

        Runs of each size are counted, then set: three passes over the symbols, a few seconds for four million.
        """
        symbols = joined(documents)
        scattered = mixed(symbols)
        filters = {}
        for size in sorted(rates):
            keys = windows(scattered, size)[unbroken(symbols, size)]
            filters[size] = Bloom.of([keys], about_distinct([keys], len(keys)), rates[size])
        learned = Learned(name, sha256, int(np.count_nonzero(symbols)))
        return cls(tuple(filters), (Layer(learned, filters),))

    def with_layers(self, other: NgramIndex) -> NgramIndex:
        """The layers of both, which have the same sizes: of a model that was trained on the other first."""
        if other.sizes != self.sizes:
            raise CheckpointError("an index of runs of other sizes cannot be joined to this one.")
        return replace(self, layers=(*self.layers, *other.layers))

    @cached_property
    def filters(self) -> Mapping[int, tuple[Bloom, ...]]:
        """The filters of each size: a run is known when it passes one of them."""
        return {size: tuple(layer.filters[size] for layer in self.layers) for size in self.sizes}

    def rate(self, size: int) -> float:
        """The share of runs of ``size`` that pass although no corpus holds them, for runs like random numbers."""
        missed = 1.0
        for each in self.filters[size]:
            missed *= 1 - each.rate
        return 1 - missed

    def contains(self, size: int, hashes: Words) -> npt.NDArray[np.bool_]:
        """Which hashes of runs of ``size`` pass."""
        first, *others = self.filters[size]
        passed = first.contains(hashes)
        for each in others:
            passed |= each.contains(hashes)
        return passed

    def has(self, size: int, hashed: int) -> bool:
        """`contains` of one hash."""
        return any(each.has(hashed) for each in self.filters[size])

    def reach(self, symbols: Words) -> Reach:
        """How far a copy that begins at each symbol may reach, in symbols; 0 below the smallest size. Shape (T,).

        Never less than the truth. Runs of the smallest size that follow one another tell how far; what a larger size
        does not confirm cannot be that large.
        """
        scattered = mixed(symbols)
        reach_T = np.zeros(len(symbols), np.int64)
        for rank, size in enumerate(self.sizes):
            found = self.contains(size, windows(scattered, size)) & unbroken(symbols, size)
            if rank:  # a larger run is a copy only if the smaller ones in it are
                found &= reach_T[: len(found)] >= size
            told = np.zeros(len(symbols), np.int64)
            told[: len(found)] = _following(found)
            told[told > 0] += size - 1
            reach_T = np.where(told > 0, told, np.minimum(reach_T, size - 1))
        return reach_T

    def data(self) -> tuple[dict[str, Any], dict[str, Bits]]:
        """(Facts for JSON, the filters' bytes by name)."""
        facts = {
            "format": FORMAT,
            "sizes": list(self.sizes),
            "layers": [
                {
                    "name": layer.learned.name,
                    "sha256": layer.learned.sha256,
                    "symbols": layer.learned.symbols,
                    "filters": [
                        {"bits": layer.filters[size].size, "probes": layer.filters[size].probes} for size in self.sizes
                    ],
                }
                for layer in self.layers
            ],
            "held_out": [each.data() for each in self.held_out],
        }
        arrays = {
            _tensor(number, size): layer.filters[size].bits
            for number, layer in enumerate(self.layers)
            for size in self.sizes
        }
        return facts, arrays


def shapes(facts: Mapping[str, Any]) -> dict[str, tuple[int, ...]]:
    """The arrays that belong to an index's facts, all of unsigned bytes; CheckpointError for facts that are none."""
    return {name: ((size + 7) // 8,) for name, (size, _) in _declared(facts).items()}


def of_data(facts: Mapping[str, Any], arrays: Mapping[str, Bits]) -> NgramIndex:
    """The index that `NgramIndex.data` described; CheckpointError for anything else."""
    declared = _declared(facts)
    for name, (size, _) in declared.items():
        found = arrays.get(name)
        if found is None or found.dtype != np.uint8 or found.shape != ((size + 7) // 8,):
            raise CheckpointError(f"the filter {name} of the index of the training corpus has another size than said.")
    sizes = tuple(facts["sizes"])
    layers = []
    for number, layer in enumerate(facts["layers"]):
        filters = {size: Bloom(arrays[name], *declared[name]) for size in sizes for name in [_tensor(number, size)]}
        layers.append(Layer(Learned(layer["name"], layer["sha256"], layer["symbols"]), filters))
    return NgramIndex(sizes, tuple(layers), heldout.of_data(facts.get("held_out")))


def _declared(facts: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """(Bits, probes) of each filter by name, every number checked."""
    if facts.get("format") != FORMAT:
        raise CheckpointError(f"the index of the training corpus has format {str(facts.get('format'))[:20]}.")
    sizes, layers = facts.get("sizes"), facts.get("layers")
    if not _rising(sizes) or not isinstance(layers, list) or not 1 <= len(layers) <= _MOST_LAYERS:
        raise CheckpointError("the index of the training corpus does not say which runs it holds.")
    declared: dict[str, tuple[int, int]] = {}
    for number, layer in enumerate(layers):
        filters = layer.get("filters") if isinstance(layer, dict) else None
        named = isinstance(layer, dict) and all(isinstance(layer.get(each), str) for each in ("name", "sha256"))
        if not named or not isinstance(filters, list) or len(filters) != len(sizes):
            raise CheckpointError(f"layer {number} of the index of the training corpus is incomplete.")
        if not _within(layer.get("symbols"), 0, _MOST_BITS):
            raise CheckpointError(f"layer {number} of the index of the training corpus counts no symbols.")
        for size, each in zip(sizes, filters, strict=True):
            if not isinstance(each, dict) or not _within(each.get("bits"), 64, _MOST_BITS):
                raise CheckpointError(f"a filter of layer {number} of the index of the training corpus has no size.")
            if not _within(each.get("probes"), 1, _MOST_PROBES):
                raise CheckpointError(f"a filter of layer {number} of the index of the training corpus has no probes.")
            declared[_tensor(number, size)] = (each["bits"], each["probes"])
    return declared


def _tensor(layer: int, size: int) -> str:
    return f"layer{layer}.size{size}"


def _rising(sizes: Any) -> TypeGuard[list[int]]:
    if not isinstance(sizes, list) or not 1 <= len(sizes) <= 8 or not all(_within(each, 1, 1024) for each in sizes):
        return False
    return all(one < other for one, other in pairwise(sizes))


def _within(value: Any, low: int, high: int) -> bool:
    return type(value) is int and low <= value <= high


def _following(found: Sequence[bool] | npt.NDArray[np.bool_]) -> Reach:
    """How many True stand in a row from each place on."""
    found = np.asarray(found, np.bool_)
    places = np.arange(len(found))
    misses = np.where(found, len(found), places)
    ends: Reach = np.minimum.accumulate(misses[::-1])[::-1] - places
    return ends
