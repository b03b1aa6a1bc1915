"""Every failure becomes one sentence on stderr and an exit code; no traceback reaches a user.

TOOLKIT_DEBUG=1 shows the traceback to whoever wants it.
"""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import traceback
from collections.abc import Callable
from typing import Any

import typer

from toolkit.cli.terminal import harmless, say, silence
from toolkit.core import DiskFullError, ToolkitError

_LONGEST = 600


class Interrupted(KeyboardInterrupt):
    """A signal asked the process to end; the exit code says which."""

    def __init__(self, number: int = signal.SIGINT) -> None:
        super().__init__()
        self.number = number


def guarded(action: Callable[..., None]) -> Callable[..., None]:
    """``action`` for the command line: it returns, or ends with the exit code of what went wrong."""

    @functools.wraps(action)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            action(*args, **kwargs)
            sys.stdout.flush()
        except typer.Exit:
            raise
        except BrokenPipeError:  # the reader has seen enough, as `head` does
            silence()
        except (Exception, KeyboardInterrupt) as error:
            if os.environ.get("TOOLKIT_DEBUG"):
                traceback.print_exc()
            code, sentence = _told(error)
            if sentence:
                say(f"toolkit: {harmless(sentence)[:_LONGEST]}")
            raise typer.Exit(code) from None

    return run


def _told(error: BaseException) -> tuple[int, str]:
    """The exit code that ``error`` stands for, and what to say of it."""
    if isinstance(error, KeyboardInterrupt):
        return 128 + getattr(error, "number", signal.SIGINT), ""
    if isinstance(error, ToolkitError):
        return error.exit_code, str(error)
    if isinstance(error, OSError):
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            silence()
            return DiskFullError.exit_code, f"there is no room left to write{_of(error)}."
        return 1, f"{error.strerror or error}{_of(error)}."
    if isinstance(error, MemoryError):
        return 1, "there is not enough memory; a smaller train.batch, train.chunk or model.width takes less."
    said = next(iter(str(error).splitlines()), "")
    return 1, f"unexpected {type(error).__name__}: {said or 'no more is known'} (TOOLKIT_DEBUG=1 shows where)."


def _of(error: OSError) -> str:
    return f": {error.filename}" if error.filename else ""
