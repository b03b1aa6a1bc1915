"""`toolkit originality`: how much of a text or a tune stands in what a run learned from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from toolkit.api import Run, open_run
from toolkit.cli import options, terminal
from toolkit.core import UsageError
from toolkit.originality import NgramIndex, shown


def command(
    run: options.Run,
    file: Annotated[
        str | None,
        typer.Argument(
            help="A text, or a melody (.mid, .abc, .mxl …), to compare.", metavar="FILE", show_default=False
        ),
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Make the run's index anew from its corpus.")] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Compare with the corpus itself; made findable in the cache once.")
    ] = False,
    corpus: Annotated[
        str | None,
        typer.Option(help="Where the corpus is, if the run does not know.", metavar="CORPUS", show_default=False),
    ] = None,
    threshold: Annotated[
        int | None,
        typer.Option(help="List copies of so many characters or notes.", min=1, metavar="N", show_default=False),
    ] = None,
    json: options.Json = False,
) -> None:
    """Without a file, says what the index beside the run's weights holds. Nothing of the corpus can be read from it."""
    opened = open_run(run)
    if file is None and (exact or threshold is not None):
        raise UsageError("--exact and --threshold are about a file to compare; name one.")
    index = opened.build_index(corpus) if build else opened.index
    if file is not None:
        item = opened.domain.read_prompt(opened.prompt_in(Path(file)))
        report = opened.originality(item, exact=exact or None, corpus=corpus, threshold=threshold)
        if json:
            return terminal.write_json({"run": run, "file": file, **report.data()})
        terminal.write(f"{terminal.harmless(str(report))}\n")
        for span in report.spans:
            terminal.write(f"{span.start}-{span.end}: {terminal.harmless(shown(span.excerpt))}\n")
        return None
    facts = {"run": run, **(_facts(opened, index) if index else {"index": None})}
    return (terminal.write_json if json else terminal.write_facts)(facts)


def _facts(run: Run, index: NgramIndex) -> dict[str, Any]:
    view = run.domain.view
    return {
        "learned from": [f"{layer.learned.name} ({layer.learned.symbols:,} symbols)" for layer in index.layers],
        "compares by": view.unit,
        "false alarms": {str(size + view.overlap): round(index.rate(size), 4) for size in index.sizes},
        "bytes": sum(len(each.bits) for filters in index.filters.values() for each in filters),
        "held-out": {f"{each.length} {view.unit}s": f"longest run {each.usual:.0f}" for each in index.held_out},
    }
