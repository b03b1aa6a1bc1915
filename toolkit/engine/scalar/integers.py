"""Products of small integers: weights of 8 bits with activations of 7, summed exactly in 32.

An x86 processor multiplies 32 or 64 pairs of bytes in one instruction, which LLVM does not find by itself in a loop;
the instruction is named here. Activations keep to 0 … 127, so that no kind of instruction saturates: every processor
comes to the same integers, by whichever way. Knows no scales and no networks.

Weights lie packed: 64 outputs together (16 at the end, where fewer are left), in which four inputs of one output stand
side by side, so that a product reads its weights in one stream.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from toolkit.engine.scalar.compiling import COMPILED, scalar

LANES, INPUTS, VECTORS = 16, 4, 4
"""Outputs that one step sums side by side, inputs that each takes in, and steps that share their inputs."""

Bytes = npt.NDArray[np.int8]
Words = npt.NDArray[np.int32]


def padded(count: int, unit: int) -> int:
    """``count`` rounded up to whole ``unit``s."""
    return -(-count // unit) * unit


def packed(weights_OI: Bytes) -> Bytes:
    """The weights of O outputs and I inputs as one row, zeros where a group is not full."""
    outputs, inputs = weights_OI.shape
    full_OI = np.zeros((padded(outputs, LANES), padded(inputs, INPUTS)), np.int8)
    full_OI[:outputs, :inputs] = weights_OI
    wide = LANES * VECTORS
    edge = len(full_OI) // wide * wide
    blocks = [(full_OI[start : start + wide], VECTORS) for start in range(0, edge, wide)]
    blocks += [(full_OI[start : start + LANES], 1) for start in range(edge, len(full_OI), LANES)]
    rows = [block.reshape(vectors, LANES, -1, INPUTS).transpose(2, 0, 1, 3).reshape(-1) for block, vectors in blocks]
    return np.concatenate(rows)


def unpacked(packed_N: Bytes, outputs: int, inputs: int) -> Bytes:
    """weights_OI that `packed` made one row of, zeros up to whole groups behind them."""
    outputs, inputs = padded(outputs, LANES), padded(inputs, INPUTS)
    edge = outputs // (LANES * VECTORS) * VECTORS
    groups = [(first, VECTORS) for first in range(0, edge, VECTORS)]
    groups += [(first, 1) for first in range(edge, outputs // LANES)]
    blocks = []
    for first, vectors in groups:
        size = LANES * vectors * inputs
        block = packed_N[first * LANES * inputs :][:size].reshape(-1, vectors, LANES, INPUTS)
        blocks.append(block.transpose(1, 2, 0, 3).reshape(LANES * vectors, inputs))
    return np.concatenate(blocks)


@scalar
def summed(weights: Bytes, first: int, x: Words, groups: int, total_O: Words, output: int, vectors: int) -> None:
    """The sums of ``vectors`` × 16 outputs from ``output`` on, their weights from ``first`` on, one pair at a time.

    The way that needs no instruction of its own, and says what all of them do. ``x`` holds four activations a word.
    """
    for lane in range(LANES * vectors):
        total_O[output + lane] = 0
    for group in range(groups):
        word = x[group]
        for lane in range(LANES * vectors):
            at = first + INPUTS * (group * LANES * vectors + lane)
            for byte in range(INPUTS):
                total_O[output + lane] += ((word >> (8 * byte)) & 127) * np.int32(weights[at + byte])


def _instruction() -> str:
    """The widest kind that this processor has; empty where none is known."""
    if not COMPILED:
        return ""
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    if features.get("avx512vnni"):
        return "vnni512"
    if features.get("avxvnni"):
        return "vnni256"
    return "avx2" if features.get("avx2") else ""


def _with_instruction(kind: str, vectors: int) -> Callable[..., None]:
    """`summed` for a number of ``vectors`` that is known, by the instruction called ``kind``."""
    from llvmlite import ir
    from numba.core import cgutils, types
    from numba.extending import intrinsic

    build: Any = cgutils  # numba leaves it untyped

    byte, half, word, index = (ir.IntType(bits) for bits in (8, 16, 32, 64))
    lanes = 16 if kind == "vnni512" else 8
    words, halves, bytes_ = (ir.VectorType(of, n) for of, n in ((word, lanes), (half, 2 * lanes), (byte, 4 * lanes)))
    sums = LANES * vectors // lanes

    def multiplied(builder: Any, so_far: Any, x: Any, weights: Any) -> Any:
        def called(name: str, gives: Any, *given: Any) -> Any:
            kinds = ir.FunctionType(gives, [each.type for each in given])
            return builder.call(build.get_or_insert_function(builder.module, kinds, f"llvm.x86.{name}"), given)

        if kind != "avx2":
            return called(f"avx512.vpdpbusd.{32 * lanes}", words, so_far, x, weights)
        pairs = called("avx2.pmadd.ub.sw", halves, builder.bitcast(x, bytes_), builder.bitcast(weights, bytes_))
        return builder.add(so_far, called("avx2.pmadd.wd", words, pairs, ir.Constant(halves, [1] * (2 * lanes))))

    @intrinsic
    def by_instruction(
        typing: Any, weights: Any, first: Any, x: Any, groups: Any, total_O: Any, output: Any
    ) -> tuple[Any, Callable[..., Any]]:
        signature = types.void(weights, first, x, groups, total_O, output)

        def generate(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            def data(number: int) -> Any:
                return context.make_array(signature.args[number])(context, builder, given[number]).data

            def at(pointer: Any, place: Any) -> Any:
                return builder.bitcast(builder.gep(pointer, [place]), words.as_pointer())

            weight = builder.gep(data(0), [given[1]])
            x, totals = data(2), builder.gep(data(4), [given[5]])
            held = [build.alloca_once(builder, words) for _ in range(sums)]
            for each in held:
                builder.store(ir.Constant(words, [0] * lanes), each)
            with build.for_range(builder, given[3]) as loop:
                one = builder.load(builder.gep(x, [loop.index]))
                nothing = ir.Constant(words, ir.Undefined)
                spread = builder.shuffle_vector(
                    builder.insert_element(nothing, one, ir.Constant(word, 0)), nothing, ir.Constant(words, [0] * lanes)
                )
                group = builder.gep(weight, [builder.mul(loop.index, ir.Constant(index, INPUTS * LANES * vectors))])
                for number, each in enumerate(held):
                    read = builder.load(at(group, ir.Constant(index, 4 * lanes * number)), align=1)
                    builder.store(multiplied(builder, builder.load(each), spread, read), each)
            for number, each in enumerate(held):
                builder.store(builder.load(each), at(totals, ir.Constant(index, lanes * number)), align=4)
            return context.get_dummy_value()

        return signature, generate

    return cast(Callable[..., None], by_instruction)


def _products(kind: str) -> Callable[..., None]:
    """A function that multiplies all outputs by that kind of instruction, or pair by pair where it is empty."""
    if kind:
        four, one = _with_instruction(kind, VECTORS), _with_instruction(kind, 1)
    else:

        @scalar
        def four(weights: Bytes, first: int, x: Words, groups: int, total_O: Words, output: int) -> None:
            summed(weights, first, x, groups, total_O, output, VECTORS)

        @scalar
        def one(weights: Bytes, first: int, x: Words, groups: int, total_O: Words, output: int) -> None:
            summed(weights, first, x, groups, total_O, output, 1)

    @scalar
    def products(weights: Bytes, x: Words, total_O: Words) -> None:
        """``total_O``, whole groups of 16, from the packed ``weights`` and the activations, four in each word of x."""
        groups, outputs = len(x), len(total_O)
        edge = outputs // (LANES * VECTORS) * (LANES * VECTORS)
        for output in range(0, edge, LANES * VECTORS):
            four(weights, output * groups * INPUTS, x, groups, total_O, output)
        for output in range(edge, outputs, LANES):
            one(weights, output * groups * INPUTS, x, groups, total_O, output)

    return products


INSTRUCTION = _instruction()
"""How products are made here."""

products = _products(INSTRUCTION)
