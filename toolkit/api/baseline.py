"""What counting alone comes to on the same corpus: the line that a network has to beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolkit.batches import Encoded
from toolkit.models.ngram import NGram

ORDER = 7
_COUNTED = 1_000_000  # tokens to count at most: a few hundred megabytes while they are counted

_SHARES, _OTHER_SHARES = {"byte": (0.86, 0.98)}, (0.55, 0.95)
"""What networks came to, in shares of what the n-gram model does: on five texts 0.88 in ten minutes to 0.97 in one on
two cores, on folk tunes 0.60 (docs/log.md, 2026-11-27). Other music has been tried too little for a narrower guess."""


@dataclass(frozen=True)
class Baseline:
    """An n-gram model of ``order``, counted on ``tokens`` tokens, and its loss on the held-out split."""

    order: int
    tokens: int
    nats_per_token: float

    def expected(self, unit: str) -> tuple[float, float]:
        """The losses a token between which a network may be expected to end that has a minute or more."""
        low, high = _SHARES.get(unit, _OTHER_SHARES)
        return low * self.nats_per_token, high * self.nats_per_token

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
