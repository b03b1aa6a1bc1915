"""The loss of predictions: the nats of the ids that came."""

from __future__ import annotations

from torch import Tensor, nn

from toolkit.core import UNSCORED


def nats(logits_BTV: Tensor, y_BT: Tensor) -> Tensor:
    """The summed loss of the ids that followed, in fp32; an `UNSCORED` one (settled, or padding) never counts."""
    return nn.functional.cross_entropy(
        logits_BTV.flatten(0, 1).float(), y_BT.flatten(), ignore_index=UNSCORED, reduction="sum"
    )
