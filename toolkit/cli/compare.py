"""`toolkit compare`: cells against one another, on a corpus or on recalling what was long ago."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from toolkit.cli import options, terminal
from toolkit.core import UsageError

RECALL = "recall"


def command(
    corpus: Annotated[
        str, typer.Argument(help="A corpus, as in other commands; or recall, a task of memory.", metavar="CORPUS")
    ],
    cells: Annotated[
        str | None, typer.Option(help="Some of the cells, parted by commas (all).", metavar="NAMES", show_default=False)
    ] = None,
    minutes: Annotated[float | None, typer.Option(help="For every run.", metavar="M", show_default=False)] = None,
    steps: Annotated[int | None, typer.Option(help="For every run.", min=1, metavar="N", show_default=False)] = None,
    parameters: Annotated[
        int | None,
        typer.Option(help="As many for every cell, about; else what suits it.", min=1000, metavar="N"),
    ] = None,
    seeds: Annotated[int, typer.Option(help="How many runs of each.", min=1, max=20, metavar="N")] = 3,
    out: Annotated[
        Path | None, typer.Option("--out", help="Where the runs and the pictures go.", metavar="FOLDER")
    ] = None,
    lags: Annotated[str, typer.Option(help="recall: tokens between the symbol and the cue.")] = "5,10,20,40,80",
    domain: options.Domain = None,
    codec: options.Codec = None,
    json: options.Json = False,
) -> None:
    """The same seeds, split and budget for all. A comparison that was interrupted goes on where it was."""
    from toolkit.models import CELLS

    chosen = [each.strip() for each in cells.split(",")] if cells else list(CELLS)
    if corpus == RECALL:
        return _recall(chosen, lags, seeds, out, json)
    if out is None:
        raise UsageError("say where the runs go: --out FOLDER.")
    if (minutes is None) == (steps is None):
        raise UsageError("say how long each run may take: --minutes M or --steps N.")
    asked = {"minutes": minutes, "steps": steps, "parameters": parameters, "domain": domain, "codec": codec}
    return _corpus(corpus, out, chosen, range(seeds), asked, json=json)


def _corpus(corpus: str, out: Path, cells: list[str], seeds: range, asked: dict[str, Any], *, json: bool) -> None:
    from toolkit.api.comparing import Compared, compare_cells, decoding_costs
    from toolkit.api.comparing.pictures import learning_curves, state_growth
    from toolkit.api.running import open_run
    from toolkit.models import ModelSettings

    found: list[Compared] = []
    for told in compare_cells(corpus, out, cells=cells, seeds=seeds, **asked):
        if isinstance(told, str):
            terminal.say(told)
        else:
            found = told
    costs = []
    for each in found:
        run = open_run(out / f"{each.cell}-{seeds[0]}")
        costs += decoding_costs(ModelSettings(**run.config.model), run.config.vocabulary)
    unit = open_run(out / f"{cells[0]}-{seeds[0]}").domain.unit
    (out / "learning.png").write_bytes(learning_curves(found))
    (out / "decoding.png").write_bytes(state_growth(costs))
    if json:
        return terminal.write_json(
            {
                "corpus": corpus,
                "unit": unit,
                "cells": [
                    {"cell": each.cell, "mean": each.mean, "deviation": each.deviation,
                     "trials": [trial.__dict__ for trial in each.trials]}
                    for each in found
                ],
                "decoding": [each._asdict() for each in costs],
            }
        )  # fmt: skip
    rows = []
    for each in sorted(found, key=lambda cell: cell.mean):
        first = each.trials[0]
        own = [cost for cost in costs if cost.cell == each.cell]
        rows.append(
            (
                each.cell,
                f"{first.layers} x {first.width}",
                f"{first.parameters:,}",
                f"{sum(t.tokens for t in each.trials) / len(each.trials) / 1e6:.1f}",
                f"{sum(t.tokens for t in each.trials) / max(sum(t.seconds for t in each.trials), 1e-9):,.0f}",
                f"{each.mean:.3f} ± {each.deviation:.3f}",
                f"{own[0].milliseconds:.2f}",
                f"{own[-1].milliseconds:.2f}",
                f"{own[0].state_bytes / 1024:,.0f}",
                f"{own[-1].state_bytes / 1024:,.0f}",
            )
        )
    near, far = costs[0].context, costs[-1].context
    heads = ("cell", "shape", "parameters", "million tokens", "a second", f"nats per {unit}")
    more = (f"ms a token after {near}", f"after {far}", f"state, KiB, after {near}", f"after {far}")
    return terminal.write_table(rows, (*heads, *more))


def _recall(cells: list[str], lags: str, seeds: int, out: Path | None, json: bool) -> None:
    from toolkit.api.comparing import recalled
    from toolkit.api.comparing.pictures import recall_by_lag
    from toolkit.api.comparing.recalling import sized
    from toolkit.core import unknown
    from toolkit.models import CELLS

    for cell in cells:
        if cell not in CELLS:
            raise unknown("cell", cell, CELLS)
    try:
        spans = [int(each) for each in lags.split(",")]
    except ValueError:
        raise UsageError("lags are whole numbers parted by commas.") from None
    if not all(1 <= each <= 2000 for each in spans):
        raise UsageError("a lag is 1 to 2000 tokens.")
    found = []
    for each in recalled(cells, spans, seeds=range(seeds)):
        terminal.say(f"{each.cell}, lag {each.lag}: {each.mean:.1%}")
        found.append(each)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        (out / "recall.png").write_bytes(recall_by_lag(found))
    if json:
        return terminal.write_json({"recall": [each._asdict() for each in found]})
    rows = []
    for cell in cells:
        shape = sized(cell)
        own = [f"{each.mean:.0%} ± {each.deviation:.0%}" for each in found if each.cell == cell]
        rows.append((cell, f"{shape.layers} x {shape.width}", *own))
    return terminal.write_table(rows, ("cell", "shape", *(f"lag {each}" for each in spans)))
