"""Every recurrent cell as the equations of one step, to be read beside them, traced gate by gate, and differentiated.

x_t is what a layer reads, h_t its hidden state, c_t a cell state; σ is the logistic function, ∘ takes unit by unit, and
W, U, b differ from gate to gate. They stand stacked in a layer's weights, in PyTorch's order and by its names.

    rnn      h_t = tanh(W x_t + U h_{t-1} + b)                                                  Elman 1990
    gru      r, z = σ(W x_t + U h_{t-1} + b);  n = tanh(W x_t + b + r ∘ (U h_{t-1} + b'))
             h_t = (1-z) ∘ n + z ∘ h_{t-1}                                                      Cho et al. 2014
    lstm     i, f, o = σ(W x_t + U h_{t-1} + b);  g = tanh(W x_t + U h_{t-1} + b)
             c_t = f ∘ c_{t-1} + i ∘ g;  h_t = o ∘ tanh(c_t)        Hochreiter, Schmidhuber 1997; Gers et al. 2000
    mingru   z = σ(W x_t + b);  h_t = (1-z) ∘ h_{t-1} + z ∘ (W x_t + b)                          Feng et al. 2024
    minlstm  f, i = σ(W x_t + b);  h_t = f/(f+i) ∘ h_{t-1} + i/(f+i) ∘ (W x_t + b)               Feng et al. 2024

The last two hand nothing from h_{t-1} to a gate, so that all gates of a sequence are one product of matrices
(`toolkit.models.minimal`). Shapes: B rows, E inputs, H units. These are the reference; what trains is faster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.nn.functional import linear

from toolkit.core import State


@dataclass(frozen=True)
class Moment:
    """One layer after one token: its ``state``, h_BH first, and every gate's activation by name, each in 0 to 1.

    ``kept`` is the share of its memory that each unit carried over from the step before: the forget gate, or what
    stands in for it; None where a cell has nothing of the kind.
    """

    state: State
    gates: Mapping[str, Tensor]
    kept: Tensor | None = None


Equations = Callable[[Any, Tensor, State], Moment]
"""(A layer, x_BE, the state before) -> what comes of it."""


def rnn(layer: Any, x_BE: Tensor, state: State) -> Moment:
    (h,) = state
    return Moment(((_of_input(layer, x_BE) + _of_state(layer, h)).tanh(),), {})


def gru(layer: Any, x_BE: Tensor, state: State) -> Moment:
    (h,) = state
    r_in, z_in, n_in = _of_input(layer, x_BE).chunk(3, -1)
    r_back, z_back, n_back = _of_state(layer, h).chunk(3, -1)
    r, z = (r_in + r_back).sigmoid(), (z_in + z_back).sigmoid()
    n = (n_in + r * n_back).tanh()
    return Moment(((1 - z) * n + z * h,), {"reset": r, "update": z}, kept=z)


def lstm(layer: Any, x_BE: Tensor, state: State) -> Moment:
    h, c = state
    i, f, g, o = (_of_input(layer, x_BE) + _of_state(layer, h)).chunk(4, -1)
    i, f, g, o = i.sigmoid(), f.sigmoid(), g.tanh(), o.sigmoid()
    c = f * c + i * g
    return Moment((o * c.tanh(), c), {"forget": f, "input": i, "output": o}, kept=f)


def mingru(layer: Any, x_BE: Tensor, state: State) -> Moment:
    (h,) = state
    z, candidate = _of_input(layer, x_BE).chunk(2, -1)
    z = z.sigmoid()
    return Moment(((1 - z) * h + z * candidate,), {"update": z}, kept=1 - z)


def minlstm(layer: Any, x_BE: Tensor, state: State) -> Moment:
    (h,) = state
    f, i, candidate = _of_input(layer, x_BE).chunk(3, -1)
    f, i = f.sigmoid(), i.sigmoid()
    return Moment((f / (f + i) * h + i / (f + i) * candidate,), {"forget": f, "input": i}, kept=f / (f + i))


def _of_input(layer: Any, x_BE: Tensor) -> Tensor:
    return linear(x_BE, layer.weight_ih_l0, layer.bias_ih_l0)


def _of_state(layer: Any, h_BH: Tensor) -> Tensor:
    return linear(h_BH, layer.weight_hh_l0, layer.bias_hh_l0)
