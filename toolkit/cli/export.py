"""`toolkit export`: a finished run in another shape."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from toolkit.api import ship
from toolkit.cli import options, terminal
from toolkit.core import unknown

_SHAPES = ("checkpoint",)


def command(
    run: options.Run,
    to: Annotated[str, typer.Option(help="What to make: checkpoint, the run without what only resuming needs.")],
    out: Annotated[Path, typer.Option(help="The folder to make.", metavar="FOLDER")],
    half: Annotated[bool, typer.Option("--half", help="Store the weights in fp16.")] = False,
    licence: Annotated[str | None, typer.Option(help="The corpus's licence.", show_default=False)] = None,
    note: Annotated[str | None, typer.Option(help="A sentence for the card.", show_default=False)] = None,
    json: options.Json = False,
) -> None:
    """The result is a run as well: generate from it, evaluate it, give it away."""
    if to not in _SHAPES:
        raise unknown("shape to export to", to, _SHAPES)
    folder = ship(run, out, half=half, licence=licence, note=note)
    facts = {"folder": str(folder), "bytes": sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())}
    (terminal.write_json if json else terminal.write_facts)(facts)
