"""`toolkit evaluate`: the loss of a run over a split of a corpus, in units that do not depend on the codec."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from toolkit.api import open_run
from toolkit.cli import options, terminal
from toolkit.core import SPLITS, InputError, Split, UsageError, unknown

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
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Also the loss when the model learns from what it was scored on.")
    ] = False,
    by_document: Annotated[
        bool, typer.Option("--by-document", help="With --dynamic: forget what was learned before each document.")
    ] = False,
    adapt_strength: Annotated[
        float, typer.Option(help="With --dynamic: how readily it learns.", min=0, metavar="S")
    ] = 1.0,
    json: options.Json = False,
    text_column: options.TextColumn = None,
    encoding_errors: options.EncodingErrors = None,
) -> None:
    """Every prediction counts, in fp32, one stream with the state carried from the first token to the last."""
    if split not in (*SPLITS, _ALL):
        raise unknown("split", split, (*SPLITS, _ALL))
    if dynamic and reset is not None:
        raise UsageError("--dynamic carries the state throughout; leave --reset out.")
    opened, reading = open_run(run), options.reading(text_column, encoding_errors)
    measured = _measured(lambda part: opened.evaluate(corpus, part, reset=reset, **reading), corpus, split)
    facts = {
        "run": run,
        "corpus": corpus,
        "split": split,
        "reset": reset,
        "predictions": measured.predictions,
        **_rounded(measured),
    }
    if dynamic:
        adapting = _measured(
            lambda part: opened.evaluate_adapting(
                corpus, part, strength=adapt_strength, by_document=by_document, **reading
            ),
            corpus,
            split,
        )
        facts |= {"adapt_strength": adapt_strength, "by_document": by_document}
        facts |= {f"dynamic_{name}": value for name, value in _rounded(adapting).items()}
    (terminal.write_json if json else terminal.write_facts)(facts)


def _measured(evaluate: Callable[[Split], Evaluation], corpus: str, split: str) -> Evaluation:
    if split != _ALL:
        return evaluate(_as_split(split))
    parts = []
    for each in SPLITS:
        try:
            parts.append(evaluate(each))
        except InputError as error:
            terminal.say(str(error))
    if not parts:
        raise InputError(f"the corpus {corpus!r} has nothing to predict.")
    return _together(parts)


def _rounded(measured: Evaluation) -> dict[str, float]:
    return {name: round(value, 5) for name, value in measured.report().items()}


def _together(parts: list[Evaluation]) -> Evaluation:
    from toolkit.evaluate import Evaluation

    measure: Counter[str] = Counter()
    for each in parts:
        measure.update(each.measure)
    return Evaluation(sum(each.nats for each in parts), sum(each.predictions for each in parts), measure)


def _as_split(name: str) -> Split:
    return next(each for each in SPLITS if each == name)
