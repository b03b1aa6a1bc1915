"""One step of a recurrent network as scalar code: an id in, the logits of the next out, the memory brought up to date.

The equations are those of `toolkit.models.cells`. What the first layer makes of an id does not depend on anything else,
so it is looked up: `Net` holds the product of every embedding with the input matrix.
Shapes: L layers, S states a layer, W width, G gates times width, V vocabulary. Knows no sampling and no PyTorch.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.compiling import scalar, vector
from toolkit.engine.scalar.integers import LANES, products

Floats32 = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]

RNN, GRU, LSTM = 0, 1, 2
LEVELS = 63
"""Activations are rounded to so many steps on either side of zero."""
UNROLLED = 8
"""Inputs that a dense product takes in at once; its matrices have whole multiples of them."""
NORM = np.float32(1e-5)
"""What nn.LayerNorm adds to a variance, so that none is zero."""
_FARTHEST = np.float32(9.0)  # from there on a tanh in fp32 is 1

# x P(x²) / Q(x²), the least greatest error over -9 … 9 that iterated, reweighted least squares find: 4e-7 in fp32.
_P = (1.0, 0.14097194373607635, 0.004423283506184816, 4.220676783006638e-05, 1.1081113626687511e-07, 3.65e-11)
_Q = (1.0, 0.47430527210235596, 0.02919171005487442, 0.0005003264523111284, 2.5977703899116023e-06, 2.94e-09)
_P0, _P1, _P2, _P3, _P4, _P5 = (np.float32(each) for each in _P)
_Q0, _Q1, _Q2, _Q3, _Q4, _Q5 = (np.float32(each) for each in _Q)
_HALF = np.float32(0.5)


class Stack(NamedTuple):
    """Matrices of one shape, I inputs and O outputs, either dense or rounded to 8 bits (the other is empty).

    A rounded weight is its byte times the output's scale. ``offset_LO`` is 64 times the sum of an output's bytes, since
    activations lie above 64.
    """

    dense_LIO: Floats32
    packed_LN: npt.NDArray[np.int8]
    scale_LO: Floats32
    offset_LO: Ints


class Net(NamedTuple):
    """A network as arrays. ``into`` has no use for its first matrix; biases of it are in ``table_VG``.

    ``gain_LW`` and ``shift_LW`` normalise what goes into layers 1 and on, and last into the head; empty where nothing
    is normalised. ``embedding_VW`` is what the first layer's output is added to; empty where it is not.
    """

    cell: int
    residual: bool
    table_VG: Floats32
    embedding_VW: Floats32
    into: Stack
    into_bias_LG: Floats32
    again: Stack
    again_bias_LG: Floats32
    gain_LW: Floats32
    shift_LW: Floats32
    head: Stack
    head_bias_V: Floats32


class Room(NamedTuple):
    """Room to work in. ``bytes_I`` and ``words`` are one memory: four activations stand in each word.

    ``logits`` has room for as many outputs as the head has with what pads it.
    """

    x: Floats32
    level: Floats32
    normal: Floats32
    input_G: Floats32
    again_G: Floats32
    logits: Floats32
    bytes_I: npt.NDArray[np.uint8]
    words: Ints
    total: Ints


@vector
def tanh(x: np.float32) -> np.float32:
    """The hyperbolic tangent to 4e-7, without a branch, so that loops of it become vector instructions."""
    held = max(-_FARTHEST, min(_FARTHEST, x))
    u = held * held
    above = _P0 + u * (_P1 + u * (_P2 + u * (_P3 + u * (_P4 + u * _P5))))
    below = _Q0 + u * (_Q1 + u * (_Q2 + u * (_Q3 + u * (_Q4 + u * _Q5))))
    return held * above / below


@vector
def _tanh_all(row: Floats32) -> None:
    for i in range(len(row)):
        row[i] = tanh(row[i])


@vector
def _sigmoid_all(row: Floats32) -> None:
    for i in range(len(row)):
        row[i] = _HALF + _HALF * tanh(_HALF * row[i])


@vector
def add(row: Floats32, other: Floats32) -> None:
    for i in range(len(row)):
        row[i] += other[i]


@vector
def _dense(weights_IO: Floats32, x: Floats32, y: Floats32) -> None:
    """Adds to ``y``, eight inputs at a time: the sums go through memory once for eight rows of weights."""
    for i in range(0, len(weights_IO), UNROLLED):
        a, b, c, d = x[i], x[i + 1], x[i + 2], x[i + 3]
        e, f, g, h = x[i + 4], x[i + 5], x[i + 6], x[i + 7]
        w0, w1, w2, w3 = weights_IO[i], weights_IO[i + 1], weights_IO[i + 2], weights_IO[i + 3]
        w4, w5, w6, w7 = weights_IO[i + 4], weights_IO[i + 5], weights_IO[i + 6], weights_IO[i + 7]
        for j in range(len(y)):
            y[j] += a * w0[j] + b * w1[j] + c * w2[j] + d * w3[j] + e * w4[j] + f * w5[j] + g * w6[j] + h * w7[j]


@vector
def rounded(x: Floats32, bytes_I: npt.NDArray[np.uint8]) -> Any:
    """Writes ``x`` as bytes around 64; what one of their steps is worth."""
    top = np.float32(1e-12)
    for i in range(len(x)):
        top = max(top, abs(x[i]))
    steps = np.float32(LEVELS) / top
    for i in range(len(x)):
        bytes_I[i] = np.uint8(x[i] * steps + np.float32(64.5))
    return top / np.float32(LEVELS)


@vector
def scaled(
    y: Floats32, total: npt.NDArray[np.int32], offset: npt.NDArray[np.int32], scale: Floats32, step: float
) -> None:
    worth = np.float32(step)
    for j in range(len(y)):
        y[j] += worth * scale[j] * np.float32(total[j] - offset[j])


@scalar
def _product(stack: Stack, layer: int, x: Floats32, y: Floats32, room: Room) -> None:
    """Adds matrix ``layer`` times ``x`` to ``y``."""
    if len(stack.dense_LIO):
        room.x[: len(x)] = x
        room.x[len(x) :] = 0
        _dense(stack.dense_LIO[layer], room.x, y)
        return
    step = rounded(x, room.bytes_I)
    outputs = -(-len(y) // LANES) * LANES
    products(stack.packed_LN[layer], room.words, room.total[:outputs])
    scaled(y, room.total, stack.offset_LO[layer], stack.scale_LO[layer], step)


@scalar
def _normalised(row: Floats32, gain_W: Floats32, shift_W: Floats32) -> None:
    mean = row.sum() / len(row)
    spread = 0.0
    for value in row:
        spread += (value - mean) ** 2
    factor = 1 / math.sqrt(spread / len(row) + NORM)
    for i in range(len(row)):
        row[i] = (row[i] - mean) * factor * gain_W[i] + shift_W[i]


@vector
def _lstm(gates_G: Floats32, hidden_W: Floats32, cell_W: Floats32) -> None:
    width = len(hidden_W)
    _sigmoid_all(gates_G[: 2 * width])
    _tanh_all(gates_G[2 * width : 3 * width])
    _sigmoid_all(gates_G[3 * width :])
    i, f, g, o = (
        gates_G[:width],
        gates_G[width : 2 * width],
        gates_G[2 * width : 3 * width],
        gates_G[3 * width :],
    )
    for j in range(width):
        cell_W[j] = f[j] * cell_W[j] + i[j] * g[j]
    for j in range(width):
        hidden_W[j] = o[j] * tanh(cell_W[j])


@vector
def _gru(input_G: Floats32, again_G: Floats32, hidden_W: Floats32) -> None:
    width = len(hidden_W)
    add(input_G[: 2 * width], again_G[: 2 * width])
    _sigmoid_all(input_G[: 2 * width])
    r, z, n, m = input_G[:width], input_G[width : 2 * width], input_G[2 * width :], again_G[2 * width :]
    for j in range(width):
        n[j] = tanh(n[j] + r[j] * m[j])
    for j in range(width):
        hidden_W[j] = n[j] + z[j] * (hidden_W[j] - n[j])


@scalar
def heard(net: Net, layer: int, token: int, level: Floats32, normal: Floats32, input_G: Floats32) -> None:
    """What a layer begins with: ``normal``, which its input matrix is multiplied with, and ``input_G`` before that.

    ``level`` is what the layer below left, and in the first one is written.
    """
    if layer == 0:
        input_G[:] = net.table_VG[token]
        if len(net.embedding_VW):
            level[:] = net.embedding_VW[token]
        return
    input_G[:] = net.into_bias_LG[layer]
    normal[:] = level
    if len(net.gain_LW):
        _normalised(normal, net.gain_LW[layer - 1], net.shift_LW[layer - 1])


@scalar
def gated(net: Net, layer: int, input_G: Floats32, again_G: Floats32, memory_LSW: Floats32, level: Floats32) -> None:
    """What a layer makes of both products: its new memory, and the ``level`` that the next one hears."""
    hidden_W = memory_LSW[layer, 0]
    if net.cell == GRU:
        _gru(input_G, again_G, hidden_W)
    else:
        add(input_G, again_G)
        if net.cell == LSTM:
            _lstm(input_G, hidden_W, memory_LSW[layer, 1])
        else:
            _tanh_all(input_G)
            hidden_W[:] = input_G
    if net.residual and (layer > 0 or len(net.embedding_VW)):
        add(level, hidden_W)
    else:
        level[:] = hidden_W


@scalar
def topped(net: Net, level: Floats32) -> None:
    """``level`` as the head takes it."""
    if len(net.gain_LW):
        _normalised(level, net.gain_LW[-1], net.shift_LW[-1])


@scalar
def step(net: Net, room: Room, token: int, memory_LSW: Floats32, logits_V: Floats32) -> None:
    """The logits after ``token``; ``memory_LSW`` and ``logits_V`` are written into."""
    level, normal, input_G, again_G = room.level, room.normal, room.input_G, room.again_G
    for layer in range(len(memory_LSW)):
        heard(net, layer, token, level, normal, input_G)
        if layer > 0:
            _product(net.into, layer, normal, input_G, room)
        again_G[:] = net.again_bias_LG[layer]
        _product(net.again, layer, memory_LSW[layer, 0], again_G, room)
        gated(net, layer, input_G, again_G, memory_LSW, level)
    topped(net, level)
    room.logits[:] = net.head_bias_V
    _product(net.head, 0, level, room.logits, room)
    logits_V[:] = room.logits[: len(logits_V)]


@scalar
def read(net: Net, room: Room, tokens: npt.NDArray[np.int64], memory_LSW: Floats32, logits_V: Floats32) -> None:
    """`step` after each of ``tokens``."""
    for token in tokens:
        step(net, room, token, memory_LSW, logits_V)
