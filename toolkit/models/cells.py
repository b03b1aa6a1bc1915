"""The recurrent cells a model can be made of, by name, each one layer of a fused PyTorch kernel.

Vanilla RNN   h_t = tanh(W x_t + U h_{t-1} + b)                                      (Elman 1990)
GRU           r, z = σ(…);  n = tanh(W x_t + r ∘ U h_{t-1});  h_t = (1-z) ∘ n + z ∘ h_{t-1}   (Cho et al. 2014)
LSTM          i, f, o = σ(…);  g = tanh(…);  c_t = f ∘ c_{t-1} + i ∘ g;  h_t = o ∘ tanh(c_t)
                                                       (Hochreiter and Schmidhuber 1997; Gers et al. 2000)

Knows how each is initialised and how many tensors its state has. Knows nothing of layers, tokens or losses.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn


@dataclass(frozen=True)
class Cell:
    """A kind of recurrent layer: how to make one, its gates stacked in a weight, and its state tensors.

    ``forget`` is the position of the forget gate among the stacked gates, None where there is none.
    """

    layer: Callable[[int, int], nn.RNNBase]
    gates: int
    states: int
    forget: int | None = None


CELLS: dict[str, Cell] = {
    "rnn": Cell(nn.RNN, gates=1, states=1),
    "gru": Cell(nn.GRU, gates=3, states=1),
    "lstm": Cell(nn.LSTM, gates=4, states=2, forget=1),
}


def initialise(layer: nn.RNNBase, cell: Cell, forget_bias: float) -> None:
    """Orthogonal recurrent weights, Glorot input weights, zero biases, and an open forget gate.

    Orthogonal blocks keep the norm of the state through time (Saxe et al. 2014); a forget-gate bias above
    zero lets the cell remember before it has learned what to (Jozefowicz et al. 2015).
    """
    width = layer.hidden_size
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            if name.startswith("bias"):
                weight.zero_()
                continue
            for gate in torch.split(weight, width):
                if name.startswith("weight_hh"):
                    nn.init.orthogonal_(gate)
                else:
                    nn.init.xavier_uniform_(gate)
        if cell.forget is not None:
            # PyTorch adds two bias vectors; one of them carries the whole offset.
            bias = layer.get_parameter("bias_ih_l0")
            bias[cell.forget * width : (cell.forget + 1) * width] = forget_bias
