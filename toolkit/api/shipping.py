"""A finished run made small enough to give away: the same folder without what only resuming needs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from toolkit import runs
from toolkit.api.cards import model_card
from toolkit.api.running import open_run
from toolkit.core import UsageError


def ship(run: str | Path, out: str | Path, *, half: bool = False) -> Path:
    """Writes the run's config, codec, best weights and card into the new folder ``out``.

    ``half`` stores the weights in fp16, which halves the file; they are fp32 again once loaded. UsageError
    when the run is not finished.
    """
    opened = open_run(run)
    if not opened.config.result:
        raise UsageError(f"{run} is not finished; go on with it by --resume first.")
    weights = opened.model.state_dict()
    if half:
        weights = {name: each.half() for name, each in weights.items()}
    result = {**opened.config.result, "stored": "fp16" if half else "fp32"}
    config = dataclasses.replace(opened.config, result=result)
    folder = Path(out)
    runs.create(folder, config, opened.codec.save)
    runs.write_weights(folder, weights)
    runs.write_atomically(folder / "README.md", model_card(config).encode())
    return folder
