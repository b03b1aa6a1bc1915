"""What decides the shape of a model, apart from its vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.core import knob
from toolkit.models.cells import CELLS


@dataclass(frozen=True)
class ModelSettings:
    """The cell and what it is built into."""

    cell: str = knob("lstm", "the recurrent cell, or transformer for none", choices=CELLS)
    layers: int = knob(1, "recurrent layers, one above the other", low=1, high=32)
    width: int = knob(512, "hidden units in each layer", low=1, high=16384)
    embedding: int = knob(128, "numbers that stand for one token on the way in", low=1, high=16384)
    dropout: float = knob(0.1, "share of activations silenced between layers while training", low=0, high=0.95)
    embedding_dropout: float = knob(0.0, "share of token types silenced on the way in", low=0, high=0.95)
    residual: bool = knob(False, "add each layer's input to its output (where the widths agree)")
    norm: bool = knob(False, "normalise the input of every layer and of the head")
    tie: bool = knob(False, "use the embedding as the head's matrix too")
    forget_bias: float = knob(1.0, "where an LSTM's forget gate starts", low=-10, high=10)
    context: int = knob(256, "tokens that a transformer sees, the newest included", low=1, high=65536)
