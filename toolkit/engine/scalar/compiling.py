"""Compiles where there is a compiler. What is decorated keeps to the Python that Numba knows.

Numba's own cache notices a change in the file of a function, but not in the files of those it calls. Ours lies in a
folder named after everything that scalar code is made of, so code from another day is never run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar, cast

from toolkit.core.places import caches

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILED = find_spec("numba") is not None
"""Whether scalar code is compiled here, at its first call or from the cache of an earlier one."""


def scalar(function: Function) -> Function:
    """``function``, compiled to the same arithmetic: no fast-math, so that nothing is reassociated."""
    return _compiled(function, fastmath=False)


def vector(function: Function) -> Function:
    """``function``, compiled for vectors: products and sums may fuse, the order of a maximum is free.

    For loops over numbers that are numbers; sums that run along a loop keep their order.
    """
    return _compiled(function, fastmath={"contract", "nnan", "nsz"}, error_model="numpy")


def _compiled(function: Function, **options: Any) -> Function:
    if not COMPILED:
        return function
    import numba

    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(cache())
    try:
        return cast(Function, numba.njit(cache=True, nogil=True, **options)(function))
    finally:
        config.CACHE_DIR = before


@lru_cache
def cache() -> Path:
    """The folder of compiled code made from these very sources."""
    import toolkit.core.program as program

    sources = sorted(Path(__file__).parent.glob("*.py"))
    made_of = hashlib.sha256(b"".join(each.read_bytes() for each in (*sources, Path(program.__file__))))
    return caches() / "scalar" / made_of.hexdigest()[:16]
