"""Recurrent layers whose gates see only the input, so that a whole sequence is one product of matrices.

Feng, Tung, Ahmed, Bengio and Hajimirsadeghi, "Were RNNs all we needed?" (2410.01201): minGRU and minLSTM, sections 3.1
and 3.2, in their plain form. Their equations of one step are in `toolkit.models.equations`; what is left of a
recurrence, h_t = a_t ∘ h_{t-1} + b_t, is solved here. Shapes: T steps, B rows, E inputs, H units.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Minimal(nn.Module):
    """Weights by PyTorch's names, the gates stacked."""

    def __init__(self, inputs: int, width: int, gates: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(gates * width, inputs))
        self.bias_ih_l0 = nn.Parameter(torch.empty(gates * width))
        self.gates = gates

    def _gates(self, x_TBE: Tensor) -> tuple[Tensor, ...]:
        # The recurrence adds up over the whole sequence: not in half precision.
        stacked = functional.linear(x_TBE, self.weight_ih_l0, self.bias_ih_l0)
        exact = stacked.float() if stacked.dtype in (torch.bfloat16, torch.float16) else stacked
        return exact.chunk(self.gates, -1)


class MinGRU(_Minimal):
    """h_t = (1-z) ∘ h_{t-1} + z ∘ candidate, where both come from x_t alone."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width, gates=2)

    def forward(self, x_TBE: Tensor, h_1BH: Tensor) -> tuple[Tensor, Tensor]:
        z, candidate = self._gates(x_TBE)
        z = z.sigmoid()
        h_TBH = recurrence(1 - z, z * candidate, h_1BH[0])
        return h_TBH, h_TBH[-1:]


class MinLSTM(_Minimal):
    """h_t = f' ∘ h_{t-1} + i' ∘ candidate, where f' + i' = 1."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__(inputs, width, gates=3)

    def forward(self, x_TBE: Tensor, h_1BH: Tensor) -> tuple[Tensor, Tensor]:
        f, i, candidate = self._gates(x_TBE)
        f, i = f.sigmoid(), i.sigmoid()
        h_TBH = recurrence(f / (f + i), i / (f + i) * candidate, h_1BH[0])
        return h_TBH, h_TBH[-1:]


def recurrence(a_TBH: Tensor, b_TBH: Tensor, h_BH: Tensor) -> Tensor:
    """h_TBH of h_t = a_t ∘ h_{t-1} + b_t, from ``h_BH`` before the first step; differentiable once."""
    solved: Tensor = _Recurrence.apply(a_TBH, b_TBH, h_BH)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    return solved


class _Recurrence(torch.autograd.Function):
    """The gradient of a linear recurrence is one too, from last to first: autograd need not see the steps."""

    @staticmethod
    def forward(ctx: Any, a_TBH: Tensor, b_TBH: Tensor, h_BH: Tensor) -> Tensor:
        h_TBH = _solved(a_TBH, b_TBH, h_BH.to(b_TBH.dtype))
        ctx.save_for_backward(a_TBH, h_TBH, h_BH)
        return h_TBH

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        a_TBH, h_TBH, h_BH = ctx.saved_tensors
        # What reaches h_t is what its own output got, and a_{t+1} times what reached h_{t+1}.
        later_TBH = torch.cat([a_TBH[1:], torch.zeros_like(a_TBH[:1])]).flip(0)
        g_TBH = _solved(later_TBH, given[0].flip(0), torch.zeros_like(h_TBH[0])).flip(0)
        before_TBH = torch.cat([h_BH[None].to(h_TBH.dtype), h_TBH[:-1]])
        return g_TBH * before_TBH, g_TBH, (a_TBH[0] * g_TBH[0]).to(h_BH.dtype)


def _solved(a_TBH: Tensor, b_TBH: Tensor, h_BH: Tensor) -> Tensor:
    """Step after step where steps are cheap, on a CPU; elsewhere in about log2(T) passes over everything."""
    return one_by_one(a_TBH, b_TBH, h_BH) if a_TBH.device.type == "cpu" else by_doubling(a_TBH, b_TBH, h_BH)


def one_by_one(a_TBH: Tensor, b_TBH: Tensor, h_BH: Tensor) -> Tensor:
    """As it is written: T steps, each over B·H numbers."""
    h_TBH = torch.empty_like(b_TBH, memory_format=torch.contiguous_format)
    for step, (a_BH, b_BH) in enumerate(zip(a_TBH, b_TBH, strict=True)):
        h_BH = torch.addcmul(b_BH, a_BH, h_BH, out=h_TBH[step])
    return h_TBH


def by_doubling(a_TBH: Tensor, b_TBH: Tensor, h_BH: Tensor) -> Tensor:
    """Pairs of steps, then of pairs, and so on (Hillis and Steele 1986): more work, in fewer turns."""
    a_TBH, h_TBH = a_TBH.clone(), b_TBH.clone()
    h_TBH[0] += a_TBH[0] * h_BH
    reach = 1
    while reach < len(a_TBH):
        h_TBH = torch.cat([h_TBH[:reach], h_TBH[reach:] + a_TBH[reach:] * h_TBH[:-reach]])
        a_TBH = torch.cat([a_TBH[:reach], a_TBH[reach:] * a_TBH[:-reach]])
        reach *= 2
    return h_TBH
