"""The two streams of a command: data on stdout, everything said to a person on stderr.

Knows terminals, encodings and tables. No escape sequence goes to what is not a terminal, or where NO_COLOR is set.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO


def prepare_streams() -> None:
    """Lets both streams write any text: what their encoding cannot spell is escaped rather than an error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def colourful(stream: TextIO) -> bool:
    """Whether ``stream`` is a terminal that may be sent escape sequences."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """One message to the person, on stderr."""
    print(text, file=sys.stderr, flush=True)


def write(text: str) -> None:
    """Data, on stdout, as it is."""
    sys.stdout.write(text)


def write_json(facts: Mapping[str, Any]) -> None:
    """The one JSON object of a command under --json; numbers that are not finite become null."""
    spelled = (sys.stdout.encoding or "").lower().replace("-", "").startswith("utf")
    write(json.dumps(_finite(facts), ensure_ascii=not spelled, allow_nan=False, indent=2) + "\n")


def write_facts(facts: Mapping[str, Any]) -> None:
    """Names and values below one another, in columns."""
    write_table([(name, shown(value)) for name, value in facts.items() if value is not None])


def write_table(rows: Sequence[Sequence[str]], heads: Sequence[str] = ()) -> None:
    """Columns: fitted to the width of a terminal, else every cell whole and every row one line."""
    if colourful(sys.stdout):
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(*heads, show_header=bool(heads), box=SIMPLE_HEAD if heads else None, pad_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        Console(file=sys.stdout).print(table)
        return
    lines = [list(map(_one_line, each)) for each in ([heads, *rows] if heads else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        write("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n")


def shown(value: Any) -> str:
    """A value for people: thousands parted, lists and settings on one line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e5 else f"{value:,.0f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {shown(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(shown, value))
    return "none" if value is None else str(value)


def harmless(text: str) -> str:
    """``text`` without anything that steers a terminal; line ends and tabs stay."""
    return "".join(each if each.isprintable() or each in "\n\t" else "\N{REPLACEMENT CHARACTER}" for each in text)


def quoted(word: str) -> str:
    """``word`` as a shell reads it back."""
    return shlex.quote(f"./{word}" if word.startswith("-") else word)


def silence() -> None:
    """Whatever is still to be written to stdout goes nowhere: its reader has left, or its disk is full."""
    with contextlib.suppress(OSError, ValueError):  # a stream without a file descriptor holds nothing back
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _one_line(cell: str) -> str:
    return " ".join(cell.split())


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(name): _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value
