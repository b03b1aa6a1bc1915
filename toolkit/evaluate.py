"""Measures a model on held-out tokens, in units that do not depend on the codec.

Knows models, encoded splits and n-grams as sources of log-probabilities. Does not know how they were trained.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from toolkit.batches import Encoded, streams
from toolkit.core import InputError, Measure
from toolkit.engine.torch_engine import without_tf32


@dataclass(frozen=True)
class Evaluation:
    """``nats`` is the sum over ``predictions`` tokens; ``measure`` says how much material they encode."""

    nats: float
    predictions: int
    measure: Measure

    @property
    def nats_per_token(self) -> float:
        return self.nats / self.predictions

    def nats_per(self, unit: str) -> float:
        """Nats for each byte, character, note or quarter; header, bar and stop tokens count in the sum."""
        return self.nats / self.measure[unit]

    def bits_per(self, unit: str) -> float:
        return self.nats_per(unit) / math.log(2)

    def report(self) -> Mapping[str, float]:
        """Every figure by name: the per-token loss, and nats and bits per unit."""
        figures = {"val_nats_per_token": self.nats_per_token}
        for unit in self.measure:
            figures[f"val_nats_per_{unit}"] = self.nats_per(unit)
            if unit in {"byte", "character"}:
                figures[f"val_bits_per_{unit}"] = self.bits_per(unit)
        return figures


def evaluate(
    model: nn.Module,
    encoded: Encoded,
    *,
    rows: int = 1,
    chunk: int = 2048,
    reset: int | None = None,
    limit: int | None = None,
) -> Evaluation:
    """The loss over every prediction of a split, in fp32.

    ``rows=1`` carries the state through the whole split, as reported figures do; more rows cut the split
    into that many streams, each from the zero state: a quick estimate for display. ``reset`` forgets the
    state every so many tokens instead (windows of nanoGPT's kind, over every prediction). ``limit`` reads about so
    many predictions only, the first ones of every stream, and takes the measure in proportion.
    """
    if encoded.predictions < 1:
        raise InputError("there is nothing to evaluate: this split of the corpus is empty.")
    rows = max(1, min(rows, encoded.predictions // 32))
    device = next(model.parameters()).device
    longest = None if limit is None else max(1, limit // rows) + 1
    parts = [torch.from_numpy(each[:longest].astype("int64")) for each in streams(encoded.tokens, rows)]
    length = max(len(each) for each in parts)
    # Streams differ by at most one token; the pad is never counted.
    ids = torch.stack([nn.functional.pad(each, (0, length - len(each)), value=-1) for each in parts])
    counted = int((ids[:, 1:] >= 0).sum())
    total, state = 0.0, None
    was_training = model.training
    model.eval()
    exactly = without_tf32 if device.type == "cuda" else contextlib.nullcontext()
    with torch.inference_mode(), exactly:
        for first in range(0, ids.shape[1] - 1, reset or chunk):
            x_BT = ids[:, first : first + (reset or chunk)]
            y_BT = ids[:, first + 1 : first + 1 + x_BT.shape[1]].to(device)
            x_BT = x_BT[:, : y_BT.shape[1]].clamp(min=0).to(device)
            logits_BTV, state = model(x_BT, None if reset else state)
            each = nn.functional.cross_entropy(
                logits_BTV.flatten(0, 1).float(), y_BT.flatten(), ignore_index=-1, reduction="sum"
            )
            total += float(each)
    model.train(was_training)
    share = counted / encoded.predictions
    return Evaluation(total, counted, {unit: share * amount for unit, amount in encoded.measure.items()})
