"""Other ways to decode with a model, for comparison: the loops one writes around PyTorch and onnxruntime.

Each is a step, (ids of B rows, state) to (logits_BV, state); `rival_loop` draws with one vectorised NumPy sampler.
Knows LSTMs only, and only what `toolkit bench decode` needs.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from toolkit.engine.torch_engine import without_one_dnn
from toolkit.models import RecurrentLM

Logits = npt.NDArray[np.float32]
Step = Callable[[npt.NDArray[np.int64], Any], tuple[Logits, Any]]

_GATES = (0, 3, 1, 2)  # PyTorch stacks input, forget, cell, output; ONNX input, output, forget, cell


def rivals(model: RecurrentLM, batch: int) -> dict[tuple[str, str], Step]:
    """The steps that can be had here by engine and precision, for ``batch`` rows."""
    found: dict[tuple[str, str], Step] = {
        ("torch", "fp32"): _by_torch(model),
        ("torch-no-onednn", "fp32"): _by_torch(model, one_dnn=False),
        ("torch-int8", "int8"): _by_torch(_quantised(model)),
    }
    if find_spec("onnxruntime") is not None and find_spec("onnx") is not None:
        found[("onnxruntime", "fp32")] = _by_onnxruntime(model, batch, rounded=False)
        found[("onnxruntime-int8", "int8")] = _by_onnxruntime(model, batch, rounded=True)
    return found


def rival_loop(step: Step, batch: int, tokens: int, *, temperature: float, top_p: float) -> None:
    """Decodes ``tokens`` in each of ``batch`` rows."""
    rng = np.random.default_rng(0)
    ids, state = np.zeros(batch, np.int64), None
    for _ in range(tokens):
        logits_BV, state = step(ids, state)
        ids = _drawn(logits_BV, rng, temperature, top_p)


def _drawn(logits_BV: Logits, rng: np.random.Generator, temperature: float, top_p: float) -> npt.NDArray[np.int64]:
    """A temperature, then the likeliest tokens that together have ``top_p``, then a draw."""
    weight_BV = np.exp((logits_BV - logits_BV.max(axis=1, keepdims=True)) / temperature)
    order_BV = np.argsort(-weight_BV, axis=1)
    sorted_BV = np.take_along_axis(weight_BV, order_BV, axis=1)
    before_BV = np.cumsum(sorted_BV, axis=1) - sorted_BV
    sorted_BV[before_BV >= top_p * sorted_BV.sum(axis=1, keepdims=True)] = 0
    sums_BV = np.cumsum(sorted_BV, axis=1)
    place_B = (sums_BV > rng.random((len(sums_BV), 1)) * sums_BV[:, -1:]).argmax(axis=1)
    return np.take_along_axis(order_BV, place_B[:, None], axis=1)[:, 0]


def _by_torch(model: Any, *, one_dnn: bool = True) -> Step:
    def step(ids_B: npt.NDArray[np.int64], state: Any) -> tuple[Logits, Any]:
        with torch.inference_mode(), nullcontext() if one_dnn else without_one_dnn:
            logits_BTV, state = model(torch.from_numpy(ids_B)[:, None], state)
        return logits_BTV[:, -1].numpy(), state

    return step


def _quantised(model: RecurrentLM) -> Any:
    """PyTorch's own dynamic quantisation of recurrent and linear layers."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and still what PyTorch itself brings
        quantise: Any = torch.ao.quantization.quantize_dynamic
        return quantise(copy.deepcopy(model), {torch.nn.LSTM, torch.nn.Linear}, dtype=torch.qint8)


def _by_onnxruntime(model: RecurrentLM, batch: int, *, rounded: bool) -> Step:
    import onnx
    import onnxruntime

    with TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(_graph(model), path)
        if rounded:
            from onnxruntime.quantization import quantize_dynamic

            logging.disable(logging.WARNING)  # it recommends a step that changes nothing here
            try:
                quantize_dynamic(path, path.with_name("rounded.onnx"))
            finally:
                logging.disable(logging.NOTSET)
            path = path.with_name("rounded.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()][1:]
    zero = np.zeros((1, batch, model.settings.width), np.float32)

    def step(ids_B: npt.NDArray[np.int64], state: Any) -> tuple[Logits, Any]:
        given = state or [zero] * len(names)
        logits_BV, *after = session.run(None, {"ids": ids_B[None], **dict(zip(names, given, strict=True))})
        return logits_BV, after

    return step


def _graph(model: RecurrentLM) -> Any:
    """The network as an ONNX graph of one step: embedding, layers of LSTM, head."""
    from onnx import TensorProto, helper, numpy_helper

    weights: list[Any] = []
    nodes: list[Any] = []
    states: list[str] = []
    width = model.settings.width

    def stored(name: str, tensor: Any) -> str:
        weights.append(numpy_helper.from_array(np.ascontiguousarray(tensor.detach().numpy()), name))
        return name

    def ordered(tensor: Any) -> Any:
        gates = torch.split(tensor, width)
        return torch.cat([gates[each] for each in _GATES])

    nodes.append(helper.make_node("Gather", [stored("embedding", model.embed.weight), "ids"], ["x0"]))
    for number, layer in enumerate(model.layers):
        at: Any = layer.get_parameter
        given = [
            f"x{number}",
            stored(f"w{number}", ordered(at("weight_ih_l0"))[None]),
            stored(f"r{number}", ordered(at("weight_hh_l0"))[None]),
            stored(f"b{number}", torch.cat([ordered(at("bias_ih_l0")), ordered(at("bias_hh_l0"))])[None]),
            "",
            f"h{number}",
            f"c{number}",
        ]
        made = [f"y{number}", f"h{number}_after", f"c{number}_after"]
        nodes.append(helper.make_node("LSTM", given, made, hidden_size=width))
        nodes.append(helper.make_node("Squeeze", [f"y{number}", "direction"], [f"x{number + 1}"]))
        states += [f"h{number}", f"c{number}"]
    weights.append(numpy_helper.from_array(np.array([1], np.int64), "direction"))
    weights.append(numpy_helper.from_array(np.array([0], np.int64), "time"))
    head = stored("head", model.head.weight.t()), stored("head_bias", model.head.bias)
    nodes.append(helper.make_node("Squeeze", [f"x{len(model.layers)}", "time"], ["last"]))
    nodes.append(helper.make_node("MatMul", ["last", head[0]], ["scores"]))
    nodes.append(helper.make_node("Add", ["scores", head[1]], ["logits"]))

    def tensor(name: str, kind: int, shape: list[Any]) -> Any:
        return helper.make_tensor_value_info(name, kind, shape)

    inputs = [tensor("ids", TensorProto.INT64, [1, "B"])]
    inputs += [tensor(each, TensorProto.FLOAT, [1, "B", width]) for each in states]
    outputs = [tensor("logits", TensorProto.FLOAT, ["B", model.vocabulary])]
    outputs += [tensor(f"{each}_after", TensorProto.FLOAT, [1, "B", width]) for each in states]
    graph = helper.make_graph(nodes, "step", inputs, outputs, weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
