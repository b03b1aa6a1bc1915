"""How much of a loss reaches back through time: the norm of its gradient by what the network held k steps before.

Bengio, Simard and Frasconi, "Learning long-term dependencies with gradient descent is difficult" (1994), and Pascanu,
Mikolov and Bengio, "On the difficulty of training recurrent neural networks" (1211.5063), whose regimes are those of
`regimes`. Knows models and ids. Shapes: B rows, T steps, K lags.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from toolkit.inspect.tracing import Floats, Ids
from toolkit.models import ModelSettings, RecurrentLM, unrolled


@dataclass(frozen=True)
class Reach:
    """Means over rows of |∂loss_t/∂…_{t-k}| for k from 1 on, where loss_t is predicted from what was read up to t.

    ``of_state`` is by the state as it was handed on k steps before (every layer's, and the cell state where there is
    one), None for a cell that hands none on; ``of_input`` is by the vector that stood for the token k steps before.
    """

    of_state: Floats | None
    of_input: Floats

    def halving(self) -> float:
        """Lags over which the norm halves, by a straight line through its logarithm; infinite where it does not fall.

        Over the lags where it still is a number that fp32 can tell from 0. Of the state where there is one.
        """
        norms = self.of_input if self.of_state is None else self.of_state
        lags = np.flatnonzero(norms > 1e-30) + 1
        if len(lags) < 2:
            return 0.0
        slope = float(np.polyfit(lags, np.log2(norms[lags - 1]), 1)[0])
        return float("inf") if slope >= 0 else -1 / slope


def reach(model: RecurrentLM, ids_BT: Ids) -> Reach:
    """The gradient of the loss of every row's last id; there are two lags fewer than ids in a row."""
    was_training = model.training
    model.eval()
    ids = torch.from_numpy(np.asarray(ids_BT, np.int64))
    with torch.enable_grad():
        of_state = None if model.cell.step is None else _by_state(model, ids)
        of_input = _by_input(model, ids)
    model.train(was_training)
    return Reach(of_state, of_input)


def _by_state(model: RecurrentLM, ids_BT: Tensor) -> Floats:
    steps = list(unrolled(model, ids_BT[:, :-1]))
    states = [[each for layer in step.handed for each in layer] for step in steps[:-1]]
    loss = cross_entropy(steps[-1].logits_BV, ids_BT[:, -1], reduction="sum")
    flat = [each for step in states for each in step]
    found = torch.autograd.grad(loss, flat)
    width = len(states[0])
    by_step = [torch.cat(found[first : first + width], -1) for first in range(0, len(found), width)]
    return _norms(torch.stack(by_step))


def _by_input(model: RecurrentLM, ids_BT: Tensor) -> Floats:
    x_TBE = model.embed(ids_BT[:, :-1].t()).detach().requires_grad_()
    logits_BTV, _ = model.read(x_TBE)
    loss = cross_entropy(logits_BTV[:, -1], ids_BT[:, -1], reduction="sum")
    return _norms(torch.autograd.grad(loss, x_TBE)[0][:-1])


def _norms(gradient_TBH: Tensor) -> Floats:
    """Mean norm over rows, newest step first."""
    array: Floats = gradient_TBH.double().norm(dim=-1).mean(1).flip(0).float().numpy()
    return array


@dataclass(frozen=True)
class Regime:
    """A vanilla RNN whose recurrent matrix has the spectral ``radius``: its reach, and its whole gradient's norm.

    ``clipped`` is that norm after clipping to 1.
    """

    radius: float
    reach: Reach
    norm: float
    clipped: float


def regimes(
    vocabulary: int, ids_BT: Ids, radii: Sequence[float] = (0.5, 0.9, 1.0, 1.1, 1.5), *, width: int = 128, seed: int = 0
) -> list[Regime]:
    """An untrained RNN on the same ids for every spectral radius: below 1 gradients vanish, above they may explode.

    The recurrent matrix is random (normal), scaled to its radius; inputs are small, so that tanh is close to straight.
    """
    found = []
    for radius in radii:
        torch.manual_seed(seed)
        model = RecurrentLM(vocabulary, ModelSettings(cell="rnn", width=width, embedding=32, dropout=0.0))
        with torch.no_grad():
            model.embed.weight.mul_(0.02)
            matrix = model.layers[0].get_parameter("weight_hh_l0")
            matrix.copy_(torch.randn(width, width))
            matrix.mul_(radius / torch.linalg.eigvals(matrix).abs().max())
        gone = reach(model, ids_BT)
        norm, clipped = _gradient_norms(model, ids_BT)
        found.append(Regime(radius, gone, norm, clipped))
    return found


def _gradient_norms(model: RecurrentLM, ids_BT: Ids, clip: float = 1.0) -> tuple[float, float]:
    """The norm of the gradient of all parameters when the last id is learned, before and after clipping."""
    ids = torch.from_numpy(np.asarray(ids_BT, np.int64))
    logits_BTV, _ = model(ids[:, :-1])
    loss = cross_entropy(logits_BTV[:, -1], ids[:, -1])
    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    weights = list(model.parameters())
    before = float(torch.nn.utils.clip_grad_norm_(weights, clip))
    after = float(torch.stack([each.grad.norm() for each in weights if each.grad is not None]).norm())
    return before, after
