"""The command `toolkit`: one module a verb, loaded only when that verb is asked for.

Knows the verbs and who is asked for which. What a verb does is in its own module; how failures become exit
codes is in `toolkit.cli.failures`.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import Annotated, Any

import typer

from toolkit import __version__
from toolkit.cli.terminal import colourful, prepare_streams

__all__ = ["VERBS", "main"]

VERBS = {
    "train": "Train a model on a corpus of text or melodies.",
    "generate": "Generate text or melodies from a trained run.",
    "evaluate": "Measure a run on a corpus it has not learned from.",
    "corpora": "List the corpora that a name stands for.",
    "prepare": "Read a corpus and say what was kept, changed and dropped, and why.",
    "compare": "Train several cells on the same corpus and compare them.",
    "inspect": "Look inside a trained model: states, gates, gradients, memory, surprise.",
    "musicality": "Measure tunes, or what a run makes, against a corpus.",
    "originality": "Say how much of a text or a tune a run has copied from its training corpus.",
    "runs": "List the shipped checkpoints and the runs in ./runs.",
    "info": "Say what a run is, what it learned from and how well it does.",
    "export": "Make a finished run small enough to give away.",
    "app": "Open the studio in the browser.",
    "bench": "Measure how fast models decode on this machine.",
    "doctor": "Say what this machine and this installation can do.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command with ``arguments`` (those of the process by default) and returns its exit code."""
    prepare_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _command_for(given)(given, prog_name="toolkit")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _command_for(given: Sequence[str]) -> typer.Typer:
    """The command line with only the verb in ``given`` loaded; the others are names with one line of help."""
    app = typer.Typer(
        help="Train small recurrent models of text and melody on a laptop, and generate from them.",
        no_args_is_help=True,
        rich_markup_mode="rich" if colourful(sys.stdout) and colourful(sys.stderr) else None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    )
    app.callback()(_toolkit)
    completing = "_TOOLKIT_COMPLETE" in os.environ
    asked = next((each for each in given if not each.startswith("-")), None)
    for verb, about in VERBS.items():
        action: Callable[..., Any] = _verb(verb) if completing or verb == asked else _unloaded
        app.command(verb, help=_help(action, about), short_help=about)(action)
    return app


def _verb(verb: str) -> Callable[..., Any]:
    from toolkit.cli.failures import guarded

    action: Callable[..., Any] = importlib.import_module(f"toolkit.cli.{verb}").command
    return guarded(action)


def _help(action: Callable[..., Any], about: str) -> str:
    return about if action is _unloaded else f"{about}\n\n{action.__doc__ or ''}"


def _unloaded() -> None:
    raise RuntimeError("a verb that was not asked for cannot run")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"toolkit {__version__}")
        raise typer.Exit


def _toolkit(
    version: Annotated[
        bool, typer.Option("--version", help="Say which version this is.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    pass
