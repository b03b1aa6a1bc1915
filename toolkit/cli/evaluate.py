"""`toolkit evaluate`: the loss of a run over a split of a corpus, in units that do not depend on the codec.

On a published set (--benchmark) it is the loss per time step, beside what others report.
"""

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
    corpus: options.CorpusToMeasure = None,
    split: Annotated[
        str | None,
        typer.Option(
            help="train, validation, test or all (validation; of a benchmark test).", metavar="NAME", show_default=False
        ),
    ] = None,
    reset: Annotated[
        int | None, typer.Option(help="Forget the state every so many tokens.", min=1, metavar="N", show_default=False)
    ] = None,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Also the loss when the model learns from what it was scored on.")
    ] = False,
    by_document: Annotated[
        bool,
        typer.Option(
            "--by-document",
            help="Begin every document with an empty memory; with --dynamic, only forget what was learned.",
        ),
    ] = False,
    adapt_strength: Annotated[
        float, typer.Option(help="With --dynamic: how readily it learns.", min=0, metavar="S")
    ] = 1.0,
    benchmark: Annotated[
        str | None,
        typer.Option(
            help="A published set instead of a corpus: jsb, nottingham, musedata or piano-midi.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    transpositions: Annotated[
        int, typer.Option(help="With --benchmark: average predictions over N transpositions.", min=1, metavar="N")
    ] = 1,
    within_grammar: Annotated[
        bool,
        typer.Option(
            "--within-grammar", help="With --benchmark: what cannot follow has no chance, as when generating."
        ),
    ] = False,
    json: options.Json = False,
    text_column: options.TextColumn = None,
    encoding_errors: options.EncodingErrors = None,
    repeats: options.Repeats = None,
) -> None:
    """Every prediction counts, in fp32, one stream with the state carried from the first token to the last."""
    if benchmark is not None:
        if corpus is not None or reset is not None or dynamic or by_document:
            raise UsageError("--benchmark is measured piece by piece on its own corpus; it takes no corpus.")
        return _benchmark(run, benchmark, split or "test", json, transpositions, within_grammar)
    if corpus is None:
        raise UsageError("say what to measure on: a corpus, or --benchmark NAME.")
    if transpositions != 1 or within_grammar:
        raise UsageError("--transpositions and --within-grammar belong to --benchmark.")
    split = split or "validation"
    if split not in (*SPLITS, _ALL):
        raise unknown("split", split, (*SPLITS, _ALL))
    if dynamic and reset is not None:
        raise UsageError("--dynamic carries the state throughout; leave --reset out.")
    opened, reading = open_run(run), options.reading(text_column, encoding_errors, repeats)
    measured = _measured(
        lambda part: opened.evaluate(corpus, part, reset=reset, by_document=by_document and not dynamic, **reading),
        corpus,
        split,
    )
    facts = {
        "run": run,
        "corpus": corpus,
        "split": split,
        "reset": reset,
        "by_document": by_document,
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
        facts["adapt_strength"] = adapt_strength
        facts |= {f"dynamic_{name}": value for name, value in _rounded(adapting).items()}
    (terminal.write_json if json else terminal.write_facts)(facts)
    return None


def _benchmark(run: str, name: str, split: str, json: bool, transpositions: int, within_grammar: bool) -> None:
    from toolkit.api.benchmarking import benchmark
    from toolkit.evaluate import rows_of

    if split not in SPLITS:
        raise unknown("split", split, SPLITS)
    found = benchmark(
        open_run(run), name, _as_split(split), transpositions=transpositions, within_grammar=within_grammar
    )
    facts = {
        "run": run,
        "benchmark": name,
        "split": split,
        "transpositions": transpositions,
        "within_grammar": within_grammar,
        "pieces": found.loss.pieces,
        "steps": found.loss.steps,
        "predictions": found.predictions,
        **found.report(),
    }
    published = rows_of(name)
    if json:
        rows = [
            {"model": row.model, "nats_per_step": row.figures[name], "source": row.source, "known": row.known}
            for row in published
        ]
        return terminal.write_json(facts | {"published": rows})
    terminal.write_facts(facts)
    ours = found.loss.nats_per_step
    table = [(ours, run, "this run, all steps, the stop not counted", f"measured on {split}")]
    table += [(row.figures[name], row.model, row.source, row.known) for row in published]
    terminal.write("\n")
    lines = [(f"{figure:.2f}", *words) for figure, *words in sorted(table, key=lambda each: each[0])]
    return terminal.write_table(lines, ("nats/step", "model", "source", "how it is known"))


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
