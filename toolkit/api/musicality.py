"""Tunes of a run or of files, measured against a corpus. The measuring is `toolkit.musicality`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit import runs
from toolkit.api.materials import open_corpus
from toolkit.api.running import Run, open_run
from toolkit.core import SPLITS, InputError, Split, UsageError, unknown
from toolkit.musicality import Comparison, Measure, compare
from toolkit.score import Score

HELD_OUT = "held-out"
"""The splits that a model has not learned from: validation and test."""
COPIED = Measure("longest copied run", "notes", "notes in a row as in a training tune", lambda _: float("nan"))


@dataclass(frozen=True)
class Musicality:
    """``comparison`` of the set called ``ours`` with the tunes of a corpus, called ``corpus``."""

    comparison: Comparison
    ours: str
    corpus: str


def musicality(
    made: str, against: str, *, split: str = HELD_OUT, count: int = 200, seed: int = 0, **settings: Any
) -> Iterator[int | Musicality]:
    """Compares tunes with a corpus; tells how many are made, last the comparison.

    ``made`` is a run, which makes ``count`` tunes with ``settings`` and the seeds from ``seed`` on, or MIDI and ABC
    files; ``against`` is a corpus, of whose ``split`` at most ``count`` tunes are drawn. The longest copied run is told
    where a run with an index is measured. UsageError for what is not of music.
    """
    if split not in (*SPLITS, HELD_OUT):
        raise unknown("split", split, (*SPLITS, HELD_OUT))
    if count < 2:
        raise UsageError("two tunes are the fewest that can be compared with a corpus.")
    corpus = open_corpus(against)
    names: Sequence[Split] = ("validation", "test") if split == HELD_OUT else [each for each in SPLITS if each == split]
    human = [document.item for name in names for document in corpus.read(name)]
    if not human or not isinstance(human[0], Score):
        raise UsageError(f"{against} has no tunes in its {split} split.")
    rng = np.random.default_rng(seed)
    if len(human) > count:
        human = [human[place] for place in sorted(rng.choice(len(human), count, replace=False).tolist())]
    run = open_run(made) if _is_run(made) else None
    ours: list[Score] = []
    more: dict[Measure, tuple[list[float], list[float]]] = {}
    if run is None:
        ours = _in_files(made, corpus.domain, settings)
    else:
        for stream in run.streams(count=count, seed=seed, **settings):
            for _ in stream:
                pass
            ours.append(stream.result().item)
            yield len(ours)
        if not isinstance(ours[0], Score):
            raise UsageError(f"{made} makes no tunes.")
        if run.index is not None:
            more[COPIED] = _copied(run, ours), _copied(run, human)
    yield Musicality(compare(ours, human, rng, more=more), made, f"{corpus.name}, {split}")


def _is_run(name: str) -> bool:
    return name in runs.shipped_runs() or (Path(name) / "config.json").is_file()


def _in_files(source: str, domain: str, settings: dict[str, Any]) -> list[Score]:
    if settings:
        raise UsageError(f"{source} is no run, so it takes no settings.")
    if not Path(source).exists() and not any(each in source for each in "*?["):
        raise InputError(f"{source} is neither a run nor a file, folder or pattern of tunes.")
    corpus = open_corpus(source, domain=domain)
    return [document.item for name in SPLITS for document in corpus.read(name)]


def _copied(run: Run, scores: Sequence[Score]) -> list[float]:
    """The longest run of notes of each that a training tune has too; 0 where none is as long as the index tells."""
    found = (run.originality(score, exact=False).longest for score in scores)
    return [0.0 if span is None else float(span.length) for span in found]
