"""What counting alone comes to on the same corpus: the line that a network has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.batches import Encoded
from toolkit.models.ngram import NGram

ORDER = 7
_COUNTED = 1_000_000  # tokens to count at most: a few hundred megabytes while they are counted


@dataclass(frozen=True)
class Baseline:
    """An n-gram model of ``order``, counted on ``tokens`` tokens, and its loss on the held-out split."""

    order: int
    tokens: int
    nats_per_token: float

    @property
    def name(self) -> str:
        return f"a {self.order}-gram model"


def baseline(learnt: Encoded, held_out: Encoded, vocabulary: int) -> Baseline | None:
    """The n-gram model of the training split, on as much as is counted in a second or two; None for no predictions.

    Modified Kneser-Ney, as `toolkit.models.ngram` has it. What is settled counts as certain, as it does for a network.
    """
    if not held_out.predictions:
        return None
    counted = np.asarray(learnt.tokens[:_COUNTED])
    model = NGram(counted, ORDER, vocabulary)
    ids = np.asarray(held_out.tokens[:_COUNTED])
    nats = -model.log_probabilities(ids)
    if held_out.settled is not None:
        nats = np.where(held_out.settled(ids)[1:], 0.0, nats)
    return Baseline(model.order, len(counted), float(nats.mean()))
