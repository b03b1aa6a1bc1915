"""Measures a model on held-out tokens, in units that do not depend on the codec.

Knows models, encoded splits and n-grams as sources of log-probabilities. Does not know how they were trained.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from toolkit.adapt import Adapting, AdaptSettings, Sensitivity
from toolkit.batches import Encoded, Tokens, streams
from toolkit.core import UNSCORED, InputError, Measure, State
from toolkit.engine.torch_engine import without_tf32
from toolkit.models import nats

_LOGITS = 1 << 22  # that stand side by side at most: 16 MB in fp32

Reader = Callable[[Tensor, Tensor, State | None], tuple[float, State]]
"""(x_BT, y_BT, state) -> (the nats of y_BT, the state after): what a model makes of one chunk."""

Predicting = Callable[[Tensor, State | None], tuple[Tensor, State]]
"""(x_BT, state) -> (logits_BTV on the model's device, the state after)."""


@dataclass(frozen=True)
class Evaluation:
    """``nats`` is the sum over ``predictions`` tokens; ``measure`` says how much material they encode.

    A token that those before it settle costs nothing: generation has no choice there (`toolkit.core.Settling`).
    """

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
    longest = None if limit is None else max(1, limit // rows) + 1
    parts, targeted = ([each[:longest] for each in streams(ids, rows)] for ids in (encoded.tokens, encoded.targets))
    counted = sum(len(each) - 1 for each in parts)
    chunk = reset or max(1, min(chunk, _LOGITS // (rows * _outputs(model))))
    with as_it_is(model) as logits_of:
        total, _ = _read(_scoring(logits_of), parts, targeted, chunk, None, forgetful=reset is not None)
    share = counted / encoded.predictions
    return Evaluation(total, counted, {unit: share * amount for unit, amount in encoded.measure.items()})


@torch.inference_mode(False)
def dynamic_evaluation(
    model: nn.Module,
    encoded: Encoded,
    settings: AdaptSettings,
    *,
    by_document: bool = False,
    sensitivity: Sensitivity | None = None,
) -> Evaluation:
    """The loss over every prediction of a split when the model learns from each chunk once it was scored on it.

    fp32, one stream with the state carried; ``model`` is left as it is (Krause et al. 1709.07432; `toolkit.adapt`).
    ``by_document`` undoes what was learned before each document, so that it shows what a piece teaches about its own
    rest; the state is carried on all the same. At strength 0 it is the loss that `evaluate` finds.
    """
    if encoded.predictions < 1:
        raise InputError("there is nothing to evaluate: this split of the corpus is empty.")
    learner = Adapting(model, settings, sensitivity=sensitivity)
    # Documents overlap by the stop that ends one and, fed first, begins the next.
    edges = [0, *(int(each) for each in encoded.starts[1:] if by_document), encoded.predictions]
    targets = encoded.targets
    total, state = 0.0, None
    with _exactly(learner.device):
        for first, last in itertools.pairwise(edges):
            learner.undo()
            ids, targeted = ([each[first : last + 1]] for each in (encoded.tokens, targets))
            found, state = _read(learner.read, ids, targeted, settings.adapt_chunk, state)
            total += found
    return Evaluation(total, encoded.predictions, encoded.measure)


def _outputs(model: nn.Module) -> int:
    """How many logits a model gives for each token; 1 where it does not say."""
    return int(getattr(model, "vocabulary", 1))


def _together(parts: Sequence[Tokens], first: int, last: int, *, pad: int) -> Tensor:
    """Ids ``first`` to ``last`` of streams as rows. The streams differ by at most one token."""
    length = min(last, max(map(len, parts))) - first
    rows = [torch.from_numpy(each[first:last].astype("int64")) for each in parts]
    return torch.stack([nn.functional.pad(each, (0, length - len(each)), value=pad) for each in rows])


def _read(
    read: Reader,
    parts: Sequence[Tokens],
    targeted: Sequence[Tokens],
    chunk: int,
    state: State | None,
    *,
    forgetful: bool = False,
) -> tuple[float, State | None]:
    """The nats of all targets but the first, chunk by chunk, and the state after; ``forgetful`` begins each afresh."""
    total = 0.0
    last = max(map(len, parts)) - 1
    for first in range(0, last, chunk):
        x_BT = _together(parts, first, min(first + chunk, last), pad=0)
        y_BT = _together(targeted, first + 1, first + chunk + 1, pad=UNSCORED)
        found, state = read(x_BT, y_BT, None if forgetful else state)
        total += found
    return total, state


def _scoring(logits_of: Predicting) -> Reader:
    """A reader that learns nothing."""

    def read(x_BT: Tensor, y_BT: Tensor, state: State | None) -> tuple[float, State]:
        logits_BTV, state = logits_of(x_BT, state)
        return float(nats(logits_BTV, y_BT.to(logits_BTV.device))), state

    return read


@contextlib.contextmanager
def as_it_is(model: nn.Module) -> Iterator[Predicting]:
    """The model as a function of ids on any device, in fp32; it is in evaluation mode for as long."""
    device = next(model.parameters()).device

    def read(x_BT: Tensor, state: State | None) -> tuple[Tensor, State]:
        logits_BTV, state = model(x_BT.to(device), state)
        return logits_BTV, state

    was_training = model.training
    model.eval()
    with torch.inference_mode(), _exactly(device):
        yield read
    model.train(was_training)


def _exactly(device: torch.device) -> contextlib.AbstractContextManager[None]:
    return without_tf32 if device.type == "cuda" else contextlib.nullcontext()
