"""The reference engine: the PyTorch model itself, one sequence and one call at a time, on any device.

Knows the shapes of `toolkit.core.LanguageModel` and nothing of what is inside it.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn

from toolkit.core import FloatArray, State, UsageError

_PRECISIONS = {torch.float32: "fp32", torch.float64: "fp64", torch.bfloat16: "bf16", torch.float16: "fp16"}

_FEW = 8
"""Up to so many tokens a call is quicker without oneDNN, whose recurrent layers repack their weights each time."""

_FEW_ROWS = 24
"""The same of rows that advance side by side: beyond about so many, oneDNN's products make up for the repacking."""

_CHUNK = 1024
"""A longer prompt is read in pieces of so many tokens: logits are made for every one, and only the last kept."""


class _Off:
    """A scope in which one switch of a PyTorch backend is off.

    The switch is the process's, so the first thread to enter turns it off and the last to leave turns it back.
    """

    def __init__(self, backend: Any, switch: str) -> None:
        self._backend, self._switch = backend, switch
        self._lock = threading.Lock()
        self._inside = 0
        self._before = True

    def __enter__(self) -> None:
        with self._lock:
            if self._inside == 0:
                self._before = getattr(self._backend, self._switch)
                setattr(self._backend, self._switch, False)
            self._inside += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._inside -= 1
            if self._inside == 0:
                setattr(self._backend, self._switch, self._before)


without_one_dnn = _Off(torch.backends.mkldnn, "enabled")
without_tf32 = _Off(torch.backends.cudnn, "allow_tf32")
"""cuDNN's recurrent layers round fp32 products to 10 bits by default; a prompt then differs from its steps."""


class TorchEngine:
    """Runs a language model with its own PyTorch code. Its memory is the model's state, None before any token.

    The model is used where it is, without a copy, and put in evaluation mode: dropout would make a
    sequence depend on more than its seed.
    """

    name = "torch"

    def __init__(self, model: nn.Module) -> None:
        self._model = model.eval()
        weights = next(model.parameters())
        self._device = weights.device
        self.precision = _PRECISIONS.get(weights.dtype, str(weights.dtype).removeprefix("torch."))
        self.vocabulary = len(self.feed([0], self.begin())[0])

    def begin(self) -> State | None:
        return None

    @torch.inference_mode()
    def feed(self, tokens: Sequence[int], memory: State | None) -> tuple[FloatArray, State | None]:
        """(logits_V float32, memory) after ``tokens``, of which there must be one; ``memory`` is left as it was."""
        if not tokens:
            raise ValueError("an engine must be fed at least one token")
        ids_BT = torch.tensor([list(tokens)], device=self._device)
        with self._scope(len(tokens) <= _FEW):
            for piece_BT in torch.split(ids_BT, _CHUNK, dim=1):
                logits_BTV, memory = self._model(piece_BT, memory)
        logits_V: FloatArray = logits_BTV[0, -1].float().cpu().numpy().astype(np.float32, copy=False)
        return logits_V, memory

    def rows(self, memory: State | None, rows: Sequence[int]) -> State | None:
        """Row i of the result is row ``rows[i]`` of ``memory``; before any token all rows are alike."""
        if memory is None:
            return None
        index = torch.tensor(list(rows), dtype=torch.long, device=self._device)
        return tuple(each.index_select(1, index) for each in memory)

    @torch.inference_mode()
    def advance(self, tokens: Sequence[int], memory: State | None) -> tuple[FloatArray, State | None]:
        """(logits_NV float32, memory) after one token in each of N rows; ``memory`` is left as it was."""
        ids_BT = torch.tensor([[each] for each in tokens], device=self._device)
        with self._scope(len(tokens) <= _FEW_ROWS):
            logits_BTV, memory = self._model(ids_BT, memory)
        logits_NV: FloatArray = logits_BTV[:, -1].float().cpu().numpy().astype(np.float32, copy=False)
        return logits_NV, memory

    def _scope(self, few: bool) -> AbstractContextManager[None]:
        if self._device.type == "cuda":
            return without_tf32
        return without_one_dnn if few and self._device.type == "cpu" else nullcontext()


def moved(model: nn.Module, device: str) -> nn.Module:
    """``model`` on the device of that name; UsageError when this machine has none."""
    try:
        return model.to(torch.device(device))
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UsageError(f"PyTorch can use no device called {device!r} here; 'cpu' always works.") from None
