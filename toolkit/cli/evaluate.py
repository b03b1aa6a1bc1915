"""`toolkit evaluate`: the loss of a run over a split of a corpus, in units that do not depend on the codec."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.api import Run, open_run
from toolkit.cli import options, terminal
from toolkit.core import SPLITS, InputError, Split, unknown

if TYPE_CHECKING:
    from toolkit.evaluate import Evaluation

_ALL = "all"


def command(
    run: options.Run,
    corpus: options.Corpus,
    split: Annotated[str, typer.Option(help="train, validation, test or all.", metavar="NAME")] = "validation",
    reset: Annotated[
        int | None, typer.Option(help="Forget the state every so many tokens.", min=1, metavar="N", show_default=False)
    ] = None,
    json: options.Json = False,
    text_column: options.TextColumn = None,
    encoding_errors: options.EncodingErrors = None,
) -> None:
    """Every prediction counts, in fp32, one stream with the state carried from the first token to the last."""
    if split not in (*SPLITS, _ALL):
        raise unknown("split", split, (*SPLITS, _ALL))
    measured = _measured(open_run(run), corpus, split, reset, options.reading(text_column, encoding_errors))
    facts = {
        "run": run,
        "corpus": corpus,
        "split": split,
        "reset": reset,
        "predictions": measured.predictions,
        **{name: round(value, 5) for name, value in measured.report().items()},
    }
    (terminal.write_json if json else terminal.write_facts)(facts)


def _measured(run: Run, corpus: str, split: str, reset: int | None, reading: dict[str, str]) -> Evaluation:
    if split != _ALL:
        return run.evaluate(corpus, _as_split(split), reset=reset, **reading)
    parts = []
    for each in SPLITS:
        try:
            parts.append(run.evaluate(corpus, each, reset=reset, **reading))
        except InputError as error:
            terminal.say(str(error))
    if not parts:
        raise InputError(f"the corpus {corpus!r} has nothing to predict.")
    return _together(parts)


def _together(parts: list[Evaluation]) -> Evaluation:
    from toolkit.evaluate import Evaluation

    measure: Counter[str] = Counter()
    for each in parts:
        measure.update(each.measure)
    return Evaluation(sum(each.nats for each in parts), sum(each.predictions for each in parts), measure)


def _as_split(name: str) -> Split:
    return next(each for each in SPLITS if each == name)
