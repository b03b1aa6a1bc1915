"""Whether the compiled engine's code lies in the cache, and the process that puts it there meanwhile.

Compiling takes up to a minute, once for a version of the code and of Numba. Nobody should wait for it: whoever finds it
undone lets a process of low priority do it, and answers with another engine until it is done.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from toolkit.engine.scalar.compiling import COMPILED, cache

_SMALL = 8  # ids and units of the network that everything is compiled with
_LONGEST = 900.0
"""Seconds after which a process that compiles must have died."""


def ready() -> bool:
    """Whether the compiled engine begins without compiling."""
    return COMPILED and _marker("ready").exists()


def begin_compiling() -> bool:
    """Starts a process that compiles, unless one is at it or there is nothing to compile; whether it did.

    Where the cache cannot be written nothing happens.
    """
    if not COMPILED or ready() or not sys.executable:
        return False
    lock = _marker("compiling")
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        if lock.exists() and time.time() - lock.stat().st_mtime > _LONGEST:
            lock.unlink()
        lock.open("x").close()
    except OSError:
        return False
    silent = subprocess.DEVNULL
    try:
        subprocess.Popen(
            [sys.executable, "-m", "toolkit.engine.readiness"],
            stdin=silent,
            stdout=silent,
            stderr=silent,
            start_new_session=True,
        )
    except OSError:
        lock.unlink(missing_ok=True)
        return False
    return True


def compile_everything() -> None:
    """Runs everything that the compiled engine is made of once, in both precisions, and says that it is ready."""
    from toolkit.core.program import Program
    from toolkit.engine.compiled import CompiledEngine

    program = Program(_SMALL, ())
    for rounded in (False, True):
        engine = CompiledEngine(_smallest_model(), rounded=rounded)
        logits_V, memory = engine.feed([1], engine.begin())
        for _ in engine.decode(program, logits_V, memory, seed=0, position=0, length=2, stop=0):
            pass
        logits_NV, memory = engine.advance([1] * 2, engine.rows(memory, [0, 0]))
        for _ in engine.decode_together([program] * 2, logits_NV, memory, seeds=(0, 1), position=0, length=2, stop=0):
            pass
    _marker("ready").touch()


def _smallest_model() -> Any:
    """What the engine needs to know of a language model, with weights of 0: what they are compiles nothing."""
    import torch

    shapes = {"embed.weight": (_SMALL, _SMALL), "head.weight": (_SMALL, _SMALL), "head.bias": (_SMALL,)}
    for layer in range(2):
        for name in ("ih", "hh"):
            shapes[f"layers.{layer}.weight_{name}_l0"] = (4 * _SMALL, _SMALL)
            shapes[f"layers.{layer}.bias_{name}_l0"] = (4 * _SMALL,)
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    settings = SimpleNamespace(cell="lstm", layers=2, width=_SMALL, residual=False, norm=False)
    return SimpleNamespace(vocabulary=_SMALL, settings=settings, state_dict=lambda: tensors)


def _marker(name: str) -> Path:
    """A file beside the code, whose name says which Numba and which processor it is for."""
    made_for = f"{importlib.metadata.version('numba')} {_processor()}"
    return cache() / f"{name}-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}"


def _processor() -> str:
    """What distinguishes this processor, where the system says; code for another one is never taken for ours."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("flags", "Features")):
                return line
    return platform.machine()


def main() -> None:
    """What the process does."""
    with contextlib.suppress(AttributeError, OSError):
        os.nice(10)
    try:
        compile_everything()
    finally:
        _marker("compiling").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
