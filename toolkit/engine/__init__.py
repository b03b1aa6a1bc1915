"""Ways to run a trained model step by step, by name. Imports torch only when an engine is opened."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from toolkit.core import Engine, unknown

if TYPE_CHECKING:
    from torch.nn import Module

__all__ = ["ENGINES", "open_engine"]


def _torch(model: Module, device: str) -> Engine:
    from toolkit.engine.torch_engine import TorchEngine, moved

    return TorchEngine(moved(model, device))


ENGINES: Mapping[str, Callable[[Module, str], Engine]] = {"torch": _torch}
"""What opens each engine, given a language model and a PyTorch device name."""


def open_engine(model: Module, *, name: str = "torch", device: str = "cpu") -> Engine:
    """The engine called ``name`` over a `toolkit.core.LanguageModel`, moved to ``device`` and put in evaluation mode.

    UsageError for an engine that does not exist or a device that this machine does not have.
    """
    if name not in ENGINES:
        raise unknown("engine", name, ENGINES)
    return ENGINES[name](model, device)
