"""What rows side by side do each for itself, between the products of matrices that they share.

A row's arithmetic is that of `network.step`: with weights of 8 bits, whose sums are whole numbers, a row is the same to
the last bit beside others and alone.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.chain import Code, Scratch, block
from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.network import Floats32, Net, Room, add, gated, heard, rounded, scaled, topped
from toolkit.engine.scalar.row import Floats, Ids


class Factor(NamedTuple):
    """What a shared product multiplies with: rows in fp32, or as bytes with what a step of theirs is worth."""

    x_NW: Floats32
    bytes_NI: npt.NDArray[np.uint8]
    worth_N: Floats32


class Total(NamedTuple):
    """What a shared product came to, either in fp32 or in whole numbers (the other is empty)."""

    dense_NO: Floats32
    whole_NO: npt.NDArray[np.int32]


class Draws(NamedTuple):
    """Where rows of a generation stand: as the arguments of `chain.block`, a row each."""

    past_NP: Ids
    used_N: Ids
    memory_NK: Floats
    state_N: Ids
    left_N: Ids
    seed_N: npt.NDArray[np.uint64]
    position_N: npt.NDArray[np.uint64]
    token_N: Ids
    log_probability_N: Floats


@scalar
def _prepared(factor: Factor, row: int) -> None:
    """Rounds a row where bytes are asked for."""
    if len(factor.bytes_NI):
        factor.worth_N[row] = rounded(factor.x_NW[row], factor.bytes_NI[row])


@scalar
def _collected(
    total: Total, row: int, offset_O: npt.NDArray[np.int32], scale_O: Floats32, factor: Factor, y: Floats32
) -> None:
    """Adds a row of a product to ``y``."""
    if len(total.whole_NO):
        scaled(y, total.whole_NO[row], offset_O, scale_O, factor.worth_N[row])
    else:
        add(y, total.dense_NO[row])


@scalar
def before_layer(
    net: Net,
    room: Room,
    layer: int,
    memory_NLSW: Floats32,
    level_NW: Floats32,
    below: Factor,
    own: Factor,
) -> None:
    """Fills what both products of a layer multiply with: the level below it, and its own hidden state."""
    for row in range(len(level_NW)):
        if layer > 0:
            heard(net, layer, 0, level_NW[row], below.x_NW[row], room.input_G)
            _prepared(below, row)
        own.x_NW[row] = memory_NLSW[row, layer, 0]
        _prepared(own, row)


@scalar
def after_layer(
    net: Net,
    room: Room,
    layer: int,
    token_N: Ids,
    memory_NLSW: Floats32,
    level_NW: Floats32,
    below: Factor,
    own: Factor,
    into: Total,
    again: Total,
) -> None:
    """Brings the memory and the level of a layer up to date from both of its products."""
    input_G, again_G = room.input_G, room.again_G
    for row in range(len(level_NW)):
        heard(net, layer, token_N[row], level_NW[row], room.normal, input_G)
        if layer > 0:
            _collected(into, row, net.into.offset_LO[layer], net.into.scale_LO[layer], below, input_G)
        again_G[:] = net.again_bias_LG[layer]
        _collected(again, row, net.again.offset_LO[layer], net.again.scale_LO[layer], own, again_G)
        gated(net, layer, input_G, again_G, memory_NLSW[row], level_NW[row])


@scalar
def before_head(net: Net, room: Room, level_NW: Floats32, below: Factor) -> None:
    """Fills what the head multiplies with."""
    for row in range(len(level_NW)):
        room.normal[:] = level_NW[row]
        topped(net, room.normal)
        below.x_NW[row] = room.normal
        _prepared(below, row)


@scalar
def after_head(net: Net, room: Room, below: Factor, total: Total, logits_NV: Floats32) -> None:
    """The logits of the rows."""
    for row in range(len(logits_NV)):
        room.logits[:] = net.head_bias_V
        _collected(total, row, net.head.offset_LO[0], net.head.scale_LO[0], below, room.logits)
        logits_NV[row] = room.logits[: logits_NV.shape[1]]


@scalar
def draw_rows(code: Code, scratch: Scratch, logits_NV: Floats32, draws: Draws, first: int, last: int) -> None:
    """One token in each of the rows ``first`` to ``last``."""
    everything = np.zeros((0, 0), np.bool_)
    for row in range(first, last):
        draws.state_N[row], draws.left_N[row] = block(
            code,
            scratch,
            logits_NV[row : row + 1],
            everything,
            draws.past_NP[row],
            draws.used_N[row],
            draws.memory_NK[row],
            draws.state_N[row],
            draws.left_N[row],
            draws.seed_N[row],
            draws.position_N[row],
            draws.token_N[row : row + 1],
            draws.log_probability_N[row : row + 1],
        )
        draws.used_N[row] += 1
        draws.position_N[row] += np.uint64(1)
