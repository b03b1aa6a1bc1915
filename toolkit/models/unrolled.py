"""A model unrolled through time: token after token, layer after layer, by the equations. Slow, and everything in sight.

What it computes is what `RecurrentLM` computes, which the tests hold it to. It can hold a unit at a value meanwhile.
Shapes: B rows, T steps, V vocabulary, H width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from toolkit.core import State, UsageError
from toolkit.models.equations import Moment
from toolkit.models.lm import RecurrentLM


class Clamp(NamedTuple):
    """A hidden unit of a layer, and what it is held at after every token."""

    layer: int
    unit: int
    value: float


@dataclass(frozen=True)
class Step:
    """After one token: every layer's moment, from the first layer on, and logits_BV for what follows.

    ``handed`` is what each layer hands to the next step, and to nothing else: the state of its moment, which the layer
    above reads too.
    """

    layers: tuple[Moment, ...]
    handed: tuple[State, ...]
    logits_BV: Tensor


def unrolled(
    model: RecurrentLM, ids_BT: Tensor, state: State | None = None, *, clamp: Clamp | None = None
) -> Iterator[Step]:
    """A `Step` for every token, without dropout; UsageError for a cell that has no step to unroll."""
    step = model.cell.step
    if step is None:
        raise UsageError(
            f"a {model.settings.cell} hands no hidden state from step to step; there is nothing to unroll."
        )
    state = model.zero_state(len(ids_BT)) if state is None else state
    before = [tuple(each[depth] for each in state) for depth in range(model.settings.layers)]
    for x_BE in model.embed(ids_BT.t()):
        moments = []
        for depth, (layer, norm) in enumerate(zip(model.layers, model.norms, strict=False)):
            moment = step(layer, norm(x_BE), before[depth])
            if clamp is not None and clamp.layer == depth:
                moment = _held(moment, clamp)
            before[depth] = tuple(each.view_as(each) for each in moment.state)
            moments.append(moment)
            h_BH = moment.state[0]
            x_BE = x_BE + h_BH if model.settings.residual and x_BE.shape == h_BH.shape else h_BH
        yield Step(tuple(moments), tuple(before), model.head(model.norms[-1](x_BE)))


class Clamped(nn.Module):
    """A language model of which one unit is held at a value throughout."""

    def __init__(self, model: RecurrentLM, clamp: Clamp) -> None:
        super().__init__()
        if not 0 <= clamp.layer < model.settings.layers or not 0 <= clamp.unit < model.settings.width:
            raise UsageError(
                f"there is no unit {clamp.unit} in layer {clamp.layer}: the model has {model.settings.layers} of "
                f"{model.settings.width}, counted from 0."
            )
        self.model, self.clamp = model, clamp
        self.vocabulary, self.settings = model.vocabulary, model.settings

    def forward(self, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """logits_BTV for the token after each id, and the state after the last id."""
        steps = list(unrolled(self.model, ids_BT, state, clamp=self.clamp))
        after = zip(*(each.state for each in steps[-1].layers), strict=True)
        return torch.stack([each.logits_BV for each in steps], 1), tuple(torch.stack(each) for each in after)


def _held(moment: Moment, clamp: Clamp) -> Moment:
    h_BH = moment.state[0].clone()
    h_BH[:, clamp.unit] = clamp.value
    return Moment((h_BH, *moment.state[1:]), moment.gates, moment.kept)
