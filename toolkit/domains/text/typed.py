r"""How a person types texts and numbers into one setting: ``a|b`` is a list, ``\n`` a new line, ``20-60`` a range.

Knows no setting by name.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from toolkit.core import UsageError

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_SPAN = re.compile(r"\s*(\d{1,6})\s*(?:-\s*(\d{1,6})\s*)?")


class Span(NamedTuple):
    """From ``least`` to ``most``, both included."""

    least: int
    most: int


def listed(typed: str | None) -> tuple[str, ...]:
    r"""The texts that ``typed`` lists, parted by |: ``END|\n\n`` is two of them. Empty ones are left out."""
    parts = re.findall(r"(?:\\.|[^|\\]|\\$)+", typed or "", flags=re.DOTALL)
    return tuple(map(unescaped, parts))


def unescaped(typed: str) -> str:
    r"""One text: ``\n``, ``\t`` and ``\r`` are meant, and a backslash before anything else takes it as it is."""
    return re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[1]), typed, flags=re.DOTALL)


def span(name: str, typed: str) -> Span:
    """The numbers that ``typed`` means, as 14 or 20-60; UsageError, which calls the setting ``name``, when none."""
    match = _SPAN.fullmatch(typed)
    if match is None:
        raise UsageError(f"{name} is written as a number or a range, such as 14 or 20-60, not {typed!r}.")
    least = int(match[1])
    most = least if match[2] is None else int(match[2])
    if most < least:
        raise UsageError(f"{name} goes from the lower number to the higher, not from {least} to {most}.")
    return Span(least, most)
