"""A language model's weights as the arrays that scalar code reads, dense or rounded to 8 bits.

Knows the names and shapes of `toolkit.models.RecurrentLM` and numpy; computes no step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.engine import COMPILED_CELLS
from toolkit.engine.scalar.integers import INPUTS, LANES, packed, padded
from toolkit.engine.scalar.network import GRU, LSTM, NORM, RNN, UNROLLED, Floats32, Net, Room, Stack

_CELLS = dict(zip(COMPILED_CELLS, (RNN, GRU, LSTM), strict=True))
STATES = {RNN: 1, GRU: 1, LSTM: 2}
"""How many rows of a layer's memory a cell has."""


def net_of(model: Any, *, rounded: bool) -> Net:
    """The network of a `RecurrentLM` in fp32; its recurrent matrices and head are ``rounded`` where that is asked for.

    Embeddings are multiplied with the first input matrix, and biases stay as they are, in fp32 either way.
    """
    settings = model.settings
    tensors = {name: each.detach().float().cpu().numpy() for name, each in model.state_dict().items()}
    cell, depth, width = _CELLS[settings.cell], settings.layers, settings.width

    def of_layers(name: str, first: int = 0) -> list[Floats32]:
        return [tensors[f"layers.{layer}.{name}_l0"] for layer in range(first, depth)]

    embedding_VE = tensors["embed.weight"]
    added = settings.residual and embedding_VE.shape[1] == width
    heard_VE = embedding_VE
    if settings.norm:
        heard_VE = _normalised(embedding_VE) * tensors["norms.0.weight"] + tensors["norms.0.bias"]
    into, again = of_layers("weight_ih", 1), of_layers("weight_hh")
    into_bias = of_layers("bias_ih")
    nothing = np.zeros((0, width), np.float32)
    norms = range(1, depth + 1) if settings.norm else ()
    return Net(
        cell=cell,
        residual=bool(settings.residual),
        table_VG=_floats(heard_VE @ tensors["layers.0.weight_ih_l0"].T + into_bias[0]),
        embedding_VW=_floats(embedding_VE) if added else nothing,
        into=stack([np.zeros_like(again[0]), *into], rounded),
        into_bias_LG=_floats(np.stack(into_bias)),
        again=stack(again, rounded),
        again_bias_LG=_floats(np.stack(of_layers("bias_hh"))),
        gain_LW=_floats([tensors[f"norms.{each}.weight"] for each in norms]) if norms else nothing,
        shift_LW=_floats([tensors[f"norms.{each}.bias"] for each in norms]) if norms else nothing,
        head=stack([_padded_rows(tensors["head.weight"])], rounded),
        head_bias_V=_floats(_padded_rows(tensors["head.bias"])),
    )


def stack(matrices: Sequence[npt.NDArray[Any]], rounded: bool) -> Stack:
    """Matrices of shape (O, I) behind one another. O is a whole number of `LANES` where they are rounded."""
    outputs, inputs = matrices[0].shape
    count = len(matrices)
    if not rounded:
        dense_LIO = np.zeros((count, padded(inputs, UNROLLED), outputs), np.float32)
        dense_LIO[:, :inputs] = [each.T for each in matrices]
        empty = np.zeros((0, 0), np.int8)
        return Stack(dense_LIO, empty, np.zeros((count, outputs), np.float32), np.zeros((0, 0), np.int32))
    scales, bytes_ = zip(*(_rounded(each) for each in matrices), strict=True)
    offset_LO = np.stack([64 * each.astype(np.int32).sum(axis=1, dtype=np.int32) for each in bytes_])
    packed_LN = np.stack([packed(each) for each in bytes_])
    return Stack(np.zeros((0, 0, 0), np.float32), packed_LN, _floats(np.stack(scales)), offset_LO)


def room_for(net: Net) -> Room:
    """Room to compute in, for one thread at a time."""
    gates, vocabulary = net.table_VG.shape[1], len(net.head_bias_V)
    width = net.gain_LW.shape[1]
    bytes_I = np.full(padded(width, INPUTS), 64, np.uint8)
    return Room(
        x=np.zeros(padded(width, UNROLLED), np.float32),
        level=np.zeros(width, np.float32),
        normal=np.zeros(width, np.float32),
        input_G=np.zeros(gates, np.float32),
        again_G=np.zeros(gates, np.float32),
        logits=np.zeros(vocabulary, np.float32),
        bytes_I=bytes_I,
        words=bytes_I.view(np.int32),
        total=np.zeros(padded(max(gates, vocabulary), LANES), np.int32),
    )


def _rounded(weights_OI: npt.NDArray[Any]) -> tuple[Floats32, npt.NDArray[np.int8]]:
    """A scale for each output, and its weights in whole numbers of it, 127 at most."""
    scale_O = np.maximum(np.abs(weights_OI).max(axis=1), 1e-12) / 127
    return _floats(scale_O), np.rint(weights_OI / scale_O[:, None]).astype(np.int8)


def _normalised(rows: npt.NDArray[Any]) -> npt.NDArray[Any]:
    spread = rows.var(axis=1, keepdims=True)
    normal: npt.NDArray[Any] = (rows - rows.mean(axis=1, keepdims=True)) / np.sqrt(spread + NORM)
    return normal


def _padded_rows(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Rows of zeros behind it, up to a whole number of `LANES`."""
    return np.concatenate([array, np.zeros((padded(len(array), LANES) - len(array), *array.shape[1:]), array.dtype)])


def _floats(array: Any) -> Floats32:
    return np.ascontiguousarray(array, np.float32)
