"""From a corpus to training batches: tokens encoded once into memory-mapped files, then read as long rows.

Rows are contiguous, so that a model's state can be carried from one chunk to the next. The batch of a step
is a function of (seed, step) alone: a resumed run needs no data position beyond its step number.
Knows ids and files; nothing of models, letters or notes.
"""

from __future__ import annotations

import itertools
import json
from array import array
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import (
    SPLITS,
    UNSCORED,
    BoolArray,
    Codec,
    Corpus,
    InputError,
    Measure,
    Settling,
    Split,
    branch,
    promises,
    uniform,
)
from toolkit.core.once import made_once

FORMAT = 1
Tokens = npt.NDArray[Any]
Vary = Callable[[Tokens, Random], Tokens]
"""(The ids of a document, randomness) -> those of a variant, as many (`toolkit.core.Varying`)."""
Settled = Callable[[Tokens], BoolArray]
"""Ids -> which of them those before settle (`toolkit.core.Settling`)."""


@dataclass(frozen=True)
class Encoded:
    """One split as ids: ``stop document stop document … stop``; ``starts`` are where documents begin.

    A whole text has no stop at all: nothing begins or ends where a split was cut, and ``starts`` is [0].
    ``measure`` is of the documents, so that losses can be given per byte or per note. ``settled`` tells which ids
    follow from those before them; None where each is a choice.
    """

    tokens: Tokens
    starts: npt.NDArray[np.int64]
    measure: Measure
    settled: Settled | None = None

    @property
    def predictions(self) -> int:
        """How many tokens are predicted: all but the first. Those that are settled count, and are certain."""
        return max(0, len(self.tokens) - 1)

    @property
    def targets(self) -> Tokens:
        """The ids, with `UNSCORED` where they are settled."""
        return targets(self.tokens, self.settled)


class TokenStore:
    """The encoded splits of one corpus under one codec, on disk and mapped when read."""

    def __init__(self, folder: Path, settled: Settled | None = None) -> None:
        self.folder, self._settled = folder, settled
        self.facts: dict[str, Any] = json.loads((folder / "store.json").read_text())

    def split(self, name: Split) -> Encoded:
        """The ids of one split; empty when the corpus has none of it."""
        facts = self.facts["splits"][name]
        dtype, count = np.dtype(self.facts["dtype"]), facts["tokens"]
        path = self.folder / f"{name}.tokens"
        if path.stat().st_size != count * dtype.itemsize:
            raise InputError(f"the cache {self.folder} is damaged; delete it and it will be made again.")
        tokens: Tokens = np.memmap(path, dtype, "r", shape=(count,)) if count else np.empty(0, dtype)
        starts = np.fromfile(self.folder / f"{name}.starts", np.int64)
        return Encoded(tokens, starts, facts["measure"], self._settled)


def encode(corpus: Corpus[Any], codec: Codec[Any, Any], root: Path) -> TokenStore:
    """The corpus as ids, made once below ``root`` and found again by the fingerprints of corpus and codec."""
    folder = root / f"{corpus.sha256[:16]}-{codec.fingerprint[:16]}-{FORMAT}"
    made_once(folder, "store.json", lambda making: _write(corpus, codec, making))
    return TokenStore(folder, settled_by(codec))


def _write(corpus: Corpus[Any], codec: Codec[Any, Any], folder: Path) -> None:
    dtype = np.dtype("<u2" if codec.size <= 1 << 16 else "<u4")
    splits = {}
    for name in SPLITS:
        starts, count = array("q"), 0
        totals: Counter[str] = Counter()
        with (folder / f"{name}.tokens").open("wb") as file:
            for document in corpus.read(name):
                ids = np.asarray(codec.encode(document.item), dtype)
                starts.append(count)
                sequence = ids if corpus.whole else np.concatenate([np.asarray([codec.stop], dtype), ids])
                file.write(sequence.tobytes())
                count += len(sequence)
                totals.update(codec.measure(ids))
            if starts and not corpus.whole:
                file.write(np.asarray([codec.stop], dtype).tobytes())
                count += 1
        (folder / f"{name}.starts").write_bytes(starts.tobytes())
        splits[name] = {"tokens": count, "documents": len(starts), "measure": dict(totals)}
    facts = {
        "corpus": corpus.name,
        "sha256": corpus.sha256,
        "codec": codec.fingerprint,
        "dtype": dtype.str,
        "splits": splits,
    }
    (folder / "store.json").write_text(json.dumps(facts, indent=1))


@dataclass(frozen=True)
class Batch:
    """``x_BT`` ids, ``y_BT`` the targets that follow them, and ``fresh_B``: which rows begin without a memory."""

    x_BT: npt.NDArray[np.int64]
    y_BT: npt.NDArray[np.int64]
    fresh_B: npt.NDArray[np.bool_]


class Rows:
    """Endless batches of ``rows`` contiguous rows, ``chunk`` tokens at a time; epoch after epoch, each its own.

    Every epoch shuffles the documents and starts at another token, both decided by (seed, epoch). A corpus
    too small for the rows asked for gets fewer. All rows are fresh when an epoch begins, and each is with
    probability ``fresh_start`` at any later step.

    With ``vary`` every epoch reads another variant of each document, decided by (seed, epoch, document). A variant is
    as long as its document, so which stretch of which document a step reads does not depend on it. A whole text has
    none.
    """

    def __init__(
        self,
        encoded: Encoded,
        *,
        rows: int,
        chunk: int,
        seed: int,
        fresh_start: float = 0.0,
        vary: Vary | None = None,
    ) -> None:
        if encoded.predictions < 2:
            raise InputError("the corpus is too small to train on: its training split has fewer than three tokens.")
        self.encoded, self.seed, self.fresh_start, self.vary = encoded, seed, fresh_start, vary
        self.chunk = min(chunk, encoded.predictions)
        self.rows = max(1, min(rows, encoded.predictions // self.chunk))
        self.steps_per_epoch = encoded.predictions // (self.rows * self.chunk)
        self._epoch, self._read = 0, self._ring(0)

    def batch(self, step: int) -> Batch:
        """The batch of one step, counted from 0; the same whenever it is asked for."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._read = epoch, self._ring(epoch)
        stride = self.steps_per_epoch * self.chunk
        rows = [self._read(row * stride + within * self.chunk, self.chunk + 1) for row in range(self.rows)]
        x_BT, y_BT = (np.stack(each).astype(np.int64) for each in zip(*rows, strict=True))
        fresh = [within == 0 or uniform(self.seed, step, row) < self.fresh_start for row in range(self.rows)]
        return Batch(x_BT[:, :-1], y_BT[:, 1:], np.asarray(fresh))

    def _ring(self, epoch: int) -> _Ring:
        rng = np.random.default_rng([self.seed, epoch])
        kept = 4 * self.rows
        if self.vary is None:
            return _ring(self.encoded, rng, lambda document, ids: ids, kept)
        vary, seed = self.vary, branch(self.seed, epoch)

        def varied(document: int, ids: Tokens) -> Tokens:
            """The stop that begins a document and a variant of it; where it is the only one, its closing stop too."""
            last = len(ids) - (len(self.encoded.starts) == 1)
            variant = vary(ids[1:last], Random(branch(seed, document)))
            if len(variant) != last - 1:
                raise ValueError(f"a variant of {last - 1} ids has {len(variant)}")
            return np.concatenate([ids[:1], variant, ids[last:]])

        return _ring(self.encoded, rng, varied, kept)


_Ring = Callable[[int, int], tuple[Tokens, Tokens]]
"""(position, count) -> so many ids from there on, and the same as targets."""


def _ring(encoded: Encoded, rng: np.random.Generator, seen: Callable[[int, Tokens], Tokens], kept: int) -> _Ring:
    """A split read as a ring, its documents shuffled and its start turned.

    ``seen`` makes of a document's number and ids what is read of it; the last ``kept`` answers are remembered.
    """
    tokens, starts = encoded.tokens, encoded.starts
    # The closing stop is left out: the stop that begins the next document on the ring takes its place.
    lengths = np.diff(starts, append=len(tokens) - 1) if len(starts) > 1 else np.asarray([len(tokens)])
    order = rng.permutation(len(lengths))
    ends = np.cumsum(lengths[order])
    total, turn = int(ends[-1]), int(rng.integers(ends[-1]))

    @lru_cache(kept)
    def whole(number: int) -> tuple[Tokens, Tokens]:
        ids = seen(number, tokens[starts[number] : starts[number] + lengths[number]])
        return ids, targets(ids, encoded.settled)

    def read(position: int, count: int) -> tuple[Tokens, Tokens]:
        pieces: list[tuple[Tokens, Tokens]] = []
        position = (position + turn) % total
        while count:
            place = int(np.searchsorted(ends, position, side="right"))
            number = int(order[place])
            first = position - int(ends[place] - lengths[number])
            take = min(count, int(ends[place]) - position)
            ids, targeted = whole(number)
            pieces.append((ids[first : first + take], targeted[first : first + take]))
            count -= take
            position = (position + take) % total
        ids, targeted = (np.concatenate(each) for each in zip(*pieces, strict=True))
        return ids, targeted

    return read


def settled_by(codec: Codec[Any, Any]) -> Settled | None:
    """How to tell which of a codec's ids are settled; None where each is a choice."""
    return codec.settled if promises(codec, Settling) else None


def targets(ids: Tokens, settled: Settled | None) -> Tokens:
    """Ids as what is to be predicted: `UNSCORED` where they are ``settled``."""
    return ids if settled is None else np.where(settled(ids), UNSCORED, ids.astype(np.int64))


def streams(tokens: Tokens, count: int) -> Iterable[Tokens]:
    """``tokens`` cut into ``count`` contiguous stretches that overlap by the token one predicts and the next reads."""
    edges = np.linspace(0, len(tokens) - 1, count + 1).astype(int)
    return [tokens[first : last + 1] for first, last in itertools.pairwise(edges)]
