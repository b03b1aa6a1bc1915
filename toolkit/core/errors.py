"""Every failure a user can cause, each one sentence with the exit code that belongs to it.

Knows the exit codes of the command line. Does not know who prints them.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_MOST_LISTED = 60
"""More names than a reader looks through."""


class ToolkitError(Exception):
    """A failure explained to the user in one sentence; ``exit_code`` is what the command returns."""

    exit_code = 1


class UsageError(ToolkitError):
    """A flag, setting or name that cannot be meant."""

    exit_code = 2


class InputError(ToolkitError):
    """A file or corpus that cannot be read as what it claims to be."""

    exit_code = 3


class CheckpointError(ToolkitError):
    """A run folder that is incomplete, damaged, hostile, or made for another codec."""

    exit_code = 4


class DivergedError(ToolkitError):
    """Training produced numbers that are not finite, more than once."""

    exit_code = 5


class DiskFullError(ToolkitError):
    """There was no room to write; what was there before is intact."""

    exit_code = 6


class MissingExtraError(ToolkitError):
    """An optional package is needed and absent."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional package: pip install 'lstm-toolkit[{extra}]'")


def unknown(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a mistyped name, suggesting the nearest one that exists, or listing all unless they are many."""
    choices = sorted(known)
    close = difflib.get_close_matches(name, choices, n=1, cutoff=0.5)
    if close:
        return UsageError(f"no {kind} is called {name!r}; did you mean {close[0]!r}?")
    listed = ", ".join(choices) or "none"
    if len(choices) > _MOST_LISTED:
        listed = f"{len(choices):,}, from {choices[0]} to {choices[-1]}"
    return UsageError(f"no {kind} is called {name!r}; there are {listed}.")
