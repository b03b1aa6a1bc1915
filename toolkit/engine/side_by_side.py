"""Many rows through one network together: products of whole matrices, and compiled code for what lies between them.

Weights of 8 bits are multiplied in whole numbers, so that every row is what it would be alone, to the last bit; in fp32
a row may differ in the last bits. Knows no sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from threading import Barrier, Lock
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from toolkit.engine.scalar.integers import INPUTS, padded, unpacked
from toolkit.engine.scalar.network import Floats32, Net, Room, Stack
from toolkit.engine.scalar.rows import Factor, Total, after_head, after_layer, before_head, before_layer
from toolkit.engine.weights import room_for

_TILE = 64
"""Rows that are taken through a layer at once: what stands between two products then stays in the cache."""
_FEWEST = 8
"""Rows that are worth a thread of their own."""


class SideBySide:
    """Steps of N rows of one network at once, by as many threads as PyTorch has. Whoever else calls meanwhile waits."""

    def __init__(self, net: Net) -> None:
        self._net = net
        self._rounded = not len(net.again.dense_LIO)
        self._alone = Lock()
        self._rooms = [room_for(net) for _ in range(workers())]

    def step(self, tokens_N: npt.NDArray[np.int64], memory_NLSW: Floats32, logits_NV: Floats32) -> None:
        """The logits after one token in each row; ``memory_NLSW`` and ``logits_NV`` are written into."""

        def work(worker: int, first: int, last: int) -> None:
            for start in range(first, last, _TILE):
                part = slice(start, min(start + _TILE, last))
                self._tile(self._rooms[worker], tokens_N[part], memory_NLSW[part], logits_NV[part])

        # A thread holds to the number that was set once it has asked for it; until then MKL takes every core there.
        torch.get_num_threads()
        with self._alone:
            shared(len(tokens_N), work, most=len(self._rooms))

    def _tile(self, room: Room, tokens_N: npt.NDArray[np.int64], memory_NLSW: Floats32, logits_NV: Floats32) -> None:
        net = self._net
        rows, layers, _, width = memory_NLSW.shape
        level_NW = np.empty((rows, width), np.float32)
        below, own = self._factor(rows, width), self._factor(rows, width)
        for layer in range(layers):
            before_layer(net, room, layer, memory_NLSW, level_NW, below, own)
            into = _product(self._into[layer], below) if layer else _NOTHING
            again = _product(self._again[layer], own)
            after_layer(net, room, layer, tokens_N, memory_NLSW, level_NW, below, own, into, again)
        before_head(net, room, level_NW, below)
        after_head(net, room, below, _product(self._head, below), logits_NV)

    def _factor(self, rows: int, width: int) -> Factor:
        inputs = padded(width, INPUTS)
        bytes_NI = np.full((rows if self._rounded else 0, inputs), 64, np.uint8)
        return Factor(np.empty((rows, width), np.float32), bytes_NI, np.empty(rows, np.float32))

    @cached_property
    def _into(self) -> list[torch.Tensor]:
        return [_matrix(self._net.into, layer, self._net) for layer in range(len(self._net.again_bias_LG))]

    @cached_property
    def _again(self) -> list[torch.Tensor]:
        return [_matrix(self._net.again, layer, self._net) for layer in range(len(self._net.again_bias_LG))]

    @cached_property
    def _head(self) -> torch.Tensor:
        return _matrix(self._net.head, 0, self._net)


def workers() -> int:
    """How many threads share rows out: as many as PyTorch has."""
    return max(1, torch.get_num_threads())


def shared(rows: int, work: Callable[[int, int, int], Any], *, most: int) -> None:
    """Calls ``work(worker, first, last)`` so that every row belongs to one worker; returns when all are done.

    There are at most ``most`` workers, counted from 0: whoever asks has room for so many, whatever PyTorch has by now.
    """
    count = max(1, min(most, -(-rows // _FEWEST)))
    bounds = [rows * worker // count for worker in range(count + 1)]
    if count == 1:
        work(0, 0, rows)
        return
    parts = [_pool().submit(work, worker, bounds[worker], bounds[worker + 1]) for worker in range(count)]
    for each in parts:
        each.result()


@lru_cache
def _pool() -> ThreadPoolExecutor:
    """Threads in which PyTorch starts none of its own: those would wait for one another at every product."""
    count = workers()
    everyone = Barrier(count + 1)

    def alone() -> None:
        torch.set_num_threads(1)
        everyone.wait()

    pool = ThreadPoolExecutor(count, thread_name_prefix="rows")
    for _ in range(count):
        pool.submit(alone)
    everyone.wait()
    torch.set_num_threads(count)  # what a thread sets holds for itself, and for all that begin later
    return pool


@lru_cache
def exact_products() -> bool:
    """Whether PyTorch multiplies bytes here in whole numbers that are right, at their largest too.

    Where it takes 16 bits for what 17 would hold, rows are better computed one after another.
    """
    generator = np.random.default_rng(0)
    x = generator.integers(64, 128, (32, 256), dtype=np.int8)
    weights = generator.choice(np.array([-127, 127], np.int8), (256, 64))
    x[0], weights[:, 0], weights[:, 1] = 127, 127, -127
    try:
        made = torch._int_mm(torch.from_numpy(x), torch.from_numpy(weights)).numpy()
    except (AttributeError, RuntimeError, NotImplementedError):
        return False
    return bool((made == x.astype(np.int64) @ weights.astype(np.int64)).all())


_NOTHING = Total(np.empty((0, 0), np.float32), np.empty((0, 0), np.int32))


def _product(weights_IO: torch.Tensor, factor: Factor) -> Total:
    if weights_IO.dtype == torch.int8:
        whole = torch._int_mm(torch.from_numpy(factor.bytes_NI.view(np.int8)), weights_IO).numpy()
        return Total(_NOTHING.dense_NO, whole)
    return Total((torch.from_numpy(factor.x_NW) @ weights_IO).numpy(), _NOTHING.whole_NO)


def _matrix(stack: Stack, layer: int, net: Net) -> torch.Tensor:
    """A matrix of the stack as PyTorch multiplies with it, inputs by outputs."""
    width = net.gain_LW.shape[1]
    if len(stack.dense_LIO):
        return torch.from_numpy(np.ascontiguousarray(stack.dense_LIO[layer, :width]))
    outputs = stack.scale_LO.shape[1]
    return torch.from_numpy(np.ascontiguousarray(unpacked(stack.packed_LN[layer], outputs, width).T))
