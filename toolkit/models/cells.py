"""The cells a model can be made of, by name: a layer that reads whole sequences, and the equations of one step.

Knows how each is initialised and how many tensors its state has. Knows nothing of tokens or losses. The equations are
in `toolkit.models.equations`; the layers of the vanilla RNN, the GRU and the LSTM are PyTorch's fused kernels.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from toolkit.models import equations
from toolkit.models.attention import Attention
from toolkit.models.minimal import MinGRU, MinLSTM


@dataclass(frozen=True)
class Cell:
    """A kind of layer.

    ``layer`` makes one from its inputs, its width and the context a transformer sees; called with (x_TBE, state) it
    gives (y_TBH, state), where a state of one tensor comes bare. ``gates`` are stacked in its weights, ``states``
    tensors make up its state, ``forget`` is the forget gate's position among the gates (None where there is none).
    ``step`` is the cell as its equations, None where nothing is handed from step to step but what was read;
    ``grows`` says that the state becomes larger with what is read.
    """

    layer: Callable[[int, int, int], nn.Module]
    gates: int
    states: int
    forget: int | None = None
    step: equations.Equations | None = None
    grows: bool = False


CELLS: dict[str, Cell] = {
    "rnn": Cell(lambda inputs, width, _: nn.RNN(inputs, width), 1, 1, step=equations.rnn),
    "gru": Cell(lambda inputs, width, _: nn.GRU(inputs, width), 3, 1, step=equations.gru),
    "lstm": Cell(lambda inputs, width, _: nn.LSTM(inputs, width), 4, 2, forget=1, step=equations.lstm),
    "mingru": Cell(lambda inputs, width, _: MinGRU(inputs, width), 2, 1, step=equations.mingru),
    "minlstm": Cell(lambda inputs, width, _: MinLSTM(inputs, width), 3, 1, forget=0, step=equations.minlstm),
    "transformer": Cell(Attention, 0, 3, grows=True),
}


def initialise(layer: nn.Module, cell: Cell, width: int, forget_bias: float) -> None:
    """Orthogonal recurrent weights, Glorot input weights, zero biases, and an open forget gate.

    Orthogonal blocks keep the norm of the state through time (Saxe et al. 2014); a forget-gate bias above
    zero lets the cell remember before it has learned what to (Jozefowicz et al. 2015).
    """
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
