"""What a model is made to read while one looks inside: a text or tune given, a corpus, or what it writes itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from toolkit.api.materials import open_corpus, prepare
from toolkit.api.running import Run
from toolkit.batches import streams
from toolkit.core import SPLITS, Corpus, Document, InputError, Split, UsageError, Watch, unknown, unwatched
from toolkit.inspect.tracing import Ids

_PIECE = 1000  # tokens of a text that the model writes itself, at most


@dataclass(frozen=True)
class Asked:
    """What a person said of how to look; each topic uses what it needs.

    ``prompt`` is a text, typed notes or a file's path, as generation reads it; ``split`` is of ``corpus``. Without
    either, the model reads what it writes itself. ``beside`` names more runs, ``folder`` files to judge and ``planted``
    ones known to be odd, ``labels`` a table of labelled items or a label that the domain knows. ``watch`` can end what
    takes long.
    """

    corpus: str | None = None
    split: str = "validation"
    prompt: str | None = None
    seed: int = 0
    beside: tuple[str, ...] = ()
    folder: str | None = None
    planted: str | None = None
    labels: str | None = None
    layer: int | None = None
    unit: int | None = None
    value: float | None = None
    watch: Watch = unwatched

    def watched(self, corpus: Corpus[Any]) -> Corpus[Any]:
        """The corpus, the reading of which can be ended at every document."""

        def read(split: Split) -> Iterator[Document[Any]]:
            for document in corpus.read(split):
                self.watch()
                yield document

        return dataclasses.replace(corpus, read=read)


@dataclass(frozen=True)
class Material:
    """Ids in a row, and what they are, as a person would say."""

    ids: Ids
    said: str

    def rows(self, count: int, longest: int) -> Ids:
        """Up to ``count`` contiguous rows of one length, ``longest`` at most; there is one at least."""
        count = max(1, min(count, len(self.ids) // 64))
        parts = streams(self.ids, count)
        length = min(longest, *(len(each) for each in parts))
        return np.stack([each[:length] for each in parts]).astype(np.int64)


def material(run: Run, asked: Asked, count: int) -> Material:
    """About ``count`` ids at least, where there are so many; UsageError, InputError where nothing is to be read."""
    if asked.prompt is not None:
        _, ids = run.opening(asked.prompt)
        if len(ids) < 3:
            raise InputError("what is given is too short to look at: fewer than three tokens.")
        return Material(np.array(ids), "what was given")
    if asked.corpus is not None:
        split = _split(asked.split)
        corpus = asked.watched(open_corpus(asked.corpus, domain=run.domain.name))
        encoded = prepare(corpus, run.codec).split(split)
        if encoded.predictions < 64:
            raise InputError(f"the corpus {asked.corpus!r} has too little in its {split} split.")
        return Material(np.asarray(encoded.tokens[: 4 * count]), f"the {split} split of {asked.corpus}")
    return Material(_written(run, asked, count), f"what the model writes itself, from seed {asked.seed} on")


def _written(run: Run, asked: Asked, count: int) -> Ids:
    """What the run writes of its own accord, piece after piece, at a temperature of 1 and from all tokens."""
    ids: list[int] = []
    seed = asked.seed
    while len(ids) < count:
        asked.watch()
        result = run.generate(seed=seed, length=_PIECE, temperature=1.0, top_p=1.0)
        ids += run.opening_of(None if run.config.corpus.get("whole") else result.item)
        ids += result.tokens if run.config.corpus.get("whole") else []
        seed += 1
    return np.array(ids)


def _split(name: str) -> Split:
    if name not in SPLITS:
        raise unknown("split", name, SPLITS)
    return next(each for each in SPLITS if each == name)


def readable(run: Run, ids: Ids) -> list[str]:
    """A short name of every id, for pictures and tables."""
    return [run.codec.label(int(each)) for each in ids]


def recurrent(run: Run) -> None:
    """UsageError where the run's model hands on no hidden state to look at."""
    if run.model.cell.step is None:
        raise UsageError(
            f"{run.name} is a {run.model.settings.cell}: it hands no hidden state from step to step. "
            "Topics that it has are context, surprise, odd, probe and gradient."
        )
