"""Measures the scale of a run on held-out data, and writes it into the run: see `toolkit.sampling.Calibration`."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy.typing as npt

from toolkit import runs
from toolkit.api.materials import open_corpus, prepare
from toolkit.api.running import open_run
from toolkit.core import Codec, InputError, Measure, UsageError
from toolkit.sampling import Calibration

_ENOUGH = 1_000_000  # tokens that say how long a word or a bar is


@runtime_checkable
class _Counting(Protocol):
    """A codec that can count units which it does not measure losses in: words, lines, bars."""

    def units(self, tokens: Any, /) -> Measure: ...


def measured(codec: Codec[Any, Any], tokens: Sequence[int] | npt.NDArray[Any], nats_per_token: float) -> Calibration:
    """The calibration of a model whose loss on ``tokens`` is ``nats_per_token``; InputError for no tokens."""
    sample = tokens[:_ENOUGH]
    if not len(sample):
        raise InputError("there is nothing to calibrate on: this split of the corpus is empty.")
    counts = {**codec.measure(sample), **(codec.units(sample) if isinstance(codec, _Counting) else {})}
    tokens_per = {unit: round(len(sample) / count, 4) for unit, count in counts.items() if count > 0}
    return Calibration(round(nats_per_token, 5), tokens_per)


def calibrate(run: str | Path, corpus: str) -> Calibration:
    """Measures a finished run on the validation split of its own corpus and writes that into its config.json.

    The loss is that of the run's result. UsageError when the run is not finished, or learned from something else.
    """
    opened = open_run(run)
    if not opened.config.result:
        raise UsageError(f"{run} is not finished; go on with it by --resume first.")
    found = open_corpus(corpus, domain=opened.domain.name)
    if found.sha256 != opened.config.corpus["sha256"]:
        raise UsageError(f"{run} did not learn from {corpus!r} as it is now; it is calibrated on its own corpus.")
    held_out = prepare(found, opened.codec).split(opened.config.result["split"])
    calibration = measured(opened.codec, held_out.tokens, opened.config.result["val_nats_per_token"])
    runs.write_config(opened.folder, dataclasses.replace(opened.config, calibration=calibration.data()))
    return calibration
