"""`toolkit inspect`: what goes on inside a trained model, as a paragraph, a table and a picture."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.api import open_run
from toolkit.cli import options, terminal
from toolkit.core import UsageError

if TYPE_CHECKING:
    from toolkit.api.inspecting import Insight

TOPICS = ("unrolled", "units", "clamp", "gates", "gradient", "context", "surprise", "odd", "forecast", "probe")
"""Those of `toolkit.api.inspecting`, which loads too much for a help."""
_WIDTH = 100  # of a paragraph


def command(
    run: options.Run,
    topic: Annotated[str, typer.Argument(help=f"{', '.join(TOPICS)}.", metavar="TOPIC")],
    corpus: Annotated[
        str | None,
        typer.Option(help="What it reads; without one, what it writes itself.", metavar="CORPUS", show_default=False),
    ] = None,
    split: Annotated[str, typer.Option(help="train, validation or test.", metavar="NAME")] = "validation",
    prompt: Annotated[
        str | None, typer.Option(help="A text or typed notes to read instead.", metavar="TEXT", show_default=False)
    ] = None,
    prompt_file: Annotated[
        str | None, typer.Option(help="The same from a file.", metavar="FILE", show_default=False)
    ] = None,
    beside: Annotated[
        list[str] | None, typer.Option(help="gradient: another run to draw with it.", metavar="RUN")
    ] = None,
    files: Annotated[
        str | None, typer.Option(help="odd: the files to judge.", metavar="FOLDER", show_default=False)
    ] = None,
    planted: Annotated[
        str | None, typer.Option(help="odd: files known not to belong.", metavar="FOLDER", show_default=False)
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="probe: speaker, type or mode, or a .csv of text and label.", metavar="NAME", show_default=False
        ),
    ] = None,
    layer: Annotated[int | None, typer.Option(help="clamp: the layer, counted from 0.", min=0, metavar="N")] = None,
    unit: Annotated[int | None, typer.Option(help="clamp: the unit, counted from 0.", min=0, metavar="N")] = None,
    value: Annotated[float | None, typer.Option(help="clamp: what to hold it at.", metavar="X")] = None,
    seed: Annotated[int, typer.Option(help="The seed of every draw.", min=0, metavar="N")] = 0,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="The picture (.png); unrolled also moves (.gif).", metavar="FILE"),
    ] = None,
    json: options.Json = False,
) -> None:
    """Every number is measured on this run, beside a network of the same shape that has learned nothing."""
    suffix = None if out is None else Path(out).suffix.lower()
    if suffix not in (None, ".png", ".gif"):
        raise UsageError("the picture is a .png file, or a .gif where it moves.")
    if prompt is not None and prompt_file is not None:
        raise UsageError("give a prompt or a file of one, not both.")
    from toolkit.api.inspecting import inspect

    opened = open_run(run)
    found = inspect(
        opened,
        topic,
        corpus=corpus,
        split=split,
        prompt=prompt if prompt_file is None else opened.prompt_in(prompt_file),
        seed=seed,
        beside=tuple(beside or ()),
        folder=files,
        planted=planted,
        labels=labels,
        layer=layer,
        unit=unit,
        value=value,
    )
    if out is not None:
        _draw(found, Path(out))
    if json:
        return terminal.write_json({"run": run, "topic": topic, "said": found.said, **found.data})
    return _write(found)


def _draw(found: Insight, path: Path) -> None:
    draw = found.moving if path.suffix.lower() == ".gif" else found.draw
    if draw is None:
        raise UsageError(f"there is no {path.suffix.lower()} of this: {found.title}.")
    path.write_bytes(draw())


def _write(found: Insight) -> None:
    terminal.write(f"{found.title}\n\n{textwrap.fill(found.said, _WIDTH)}\n")
    if found.rows:
        terminal.write("\n")
        terminal.write_table(found.rows, found.heads)
    for note in found.notes:
        terminal.write(f"\n{terminal.harmless(note)}\n")
