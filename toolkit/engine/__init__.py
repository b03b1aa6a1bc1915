"""Ways to run a trained model step by step, by name. Imports torch only when an engine is opened."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING

from toolkit.core import Engine, UsageError, unknown

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["AUTOMATIC", "COMPILED_CELLS", "ENGINES", "engine_called", "open_engine"]

COMPILED_CELLS = ("rnn", "gru", "lstm")
"""What the compiled engine can run."""

AUTOMATIC = "auto"
"""Stands for the fastest engine that writes what ``torch`` writes and can begin at once."""


def _torch(model: Module, device: str) -> Engine:
    from toolkit.engine.torch_engine import TorchEngine, moved

    return TorchEngine(moved(model, device))


def _compiled(model: Module, device: str, *, rounded: bool = False) -> Engine:
    if device != "cpu":
        raise UsageError(f"the compiled engine runs on the CPU, not on {device!r}; the engine torch runs anywhere.")
    if find_spec("numba") is None:
        raise UsageError("the compiled engine needs Numba: pip install 'lstm-toolkit[fast]' brings it.")
    cell = getattr(getattr(model, "settings", None), "cell", None)
    if cell is not None and cell not in COMPILED_CELLS:
        raise UsageError(f"the compiled engine runs {', '.join(COMPILED_CELLS)}; {cell} runs on the engine torch.")
    from toolkit.engine.compiled import CompiledEngine

    return CompiledEngine(model, rounded=rounded)


ENGINES: Mapping[str, Callable[[Module, str], Engine]] = {
    "torch": _torch,
    "compiled": _compiled,
    "compiled-int8": partial(_compiled, rounded=True),
}
"""What opens each engine, given a language model and a PyTorch device name."""


def engine_called(name: str, device: str = "cpu", cell: str = "lstm") -> str:
    """The engine that ``name`` stands for now: `AUTOMATIC` is one of `ENGINES`, and may be another one later.

    On a CPU with Numba it is ``compiled`` for the cells which that runs. While its code is not compiled yet, another
    process does that, and the answer is ``torch``. $TOOLKIT_ENGINE settles what it is.
    """
    if name != AUTOMATIC:
        if name not in ENGINES:
            raise unknown("engine", name, (AUTOMATIC, *ENGINES))
        return name
    settled = os.environ.get("TOOLKIT_ENGINE", AUTOMATIC)
    if settled != AUTOMATIC:
        return engine_called(settled, device)
    if device != "cpu" or cell not in COMPILED_CELLS:
        return "torch"
    from toolkit.engine.readiness import begin_compiling, ready

    if ready():
        return "compiled"
    begin_compiling()
    return "torch"


def open_engine(model: Module, *, name: str = "torch", device: str = "cpu") -> Engine:
    """The engine called ``name`` over a `toolkit.core.LanguageModel`, moved to ``device`` and put in evaluation mode.

    UsageError for an engine that does not exist or a device that this machine does not have.
    """
    cell = getattr(getattr(model, "settings", None), "cell", "lstm")
    return ENGINES[engine_called(name, device, cell)](model, device)
