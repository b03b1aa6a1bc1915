"""The settings that suit a cell, where they are not those that suit an LSTM. What a person says goes before them.

docs/log.md has the numbers. A cell that is not listed takes the defaults.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Suited:
    """Settings by name, and the ``width`` of such a model as a share of an LSTM's for the same minutes."""

    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    width: float = 1.0


_STACKED = {"layers": 3, "norm": True, "residual": True}

SUITED: Mapping[str, Suited] = {
    "rnn": Suited(training={"learning_rate": 3e-3}),
    "mingru": Suited(model=_STACKED),
    "minlstm": Suited(model=_STACKED),
    "transformer": Suited(
        model={"layers": 4, "norm": True, "residual": True, "context": 128},
        training={"learning_rate": 3e-3},
        width=0.375,
    ),
}


def suited(cell: str) -> Suited:
    """What suits ``cell``."""
    return SUITED.get(cell, Suited())
