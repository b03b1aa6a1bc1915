"""Compiles where there is a compiler. What is decorated keeps to the Python that Numba knows."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable[..., Any])

COMPILED = find_spec("numba") is not None
"""Whether scalar code is compiled here, at its first call or from the cache of an earlier one."""


def scalar(function: Function) -> Function:
    """``function``, compiled to the same arithmetic: no fast-math, so that nothing is reassociated."""
    if not COMPILED:
        return function
    import numba

    return cast(Function, numba.njit(cache=True)(function))
