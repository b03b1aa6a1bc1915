"""A finished run made small enough to give away: the same folder without what only resuming needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from toolkit import runs
from toolkit.api.cards import model_card
from toolkit.api.originality import index_of, write_index
from toolkit.api.running import open_run
from toolkit.core import UsageError

_SAMPLE_SEED = 1


def ship(
    run: str | Path, out: str | Path, *, half: bool = False, licence: str | None = None, note: str | None = None
) -> Path:
    """Writes the run's config, codec, best weights, index and card, with a sample, into the new folder ``out``.

    ``half`` stores the weights in fp16, which halves the file; they are fp32 again once loaded. ``licence`` says
    what the corpus's files did not; ``note`` what a reader of the card should know of the training. UsageError when
    the run is not finished.
    """
    opened = open_run(run)
    if not opened.config.result:
        raise UsageError(f"{run} is not finished; go on with it by --resume first.")
    weights = opened.model.state_dict()
    if half:
        weights = {name: each.half() for name, each in weights.items()}
    result = {**opened.config.result, "stored": "fp16" if half else "fp32"}
    if note:
        result["note"] = note
    corpus = {**opened.config.corpus, "licence": licence or opened.config.corpus["licence"]}
    config = dataclasses.replace(opened.config, result=result, corpus=corpus)
    folder = Path(out)
    runs.create(folder, config, opened.codec.save)
    runs.write_weights(folder, weights)
    index = index_of(opened.config, opened.folder)
    if index is not None:
        write_index(folder, index)
    sample = open_run(folder).generate(seed=_SAMPLE_SEED)
    runs.write_atomically(folder / "README.md", model_card(config, sample.text, index).encode())
    return folder
