"""What adapting to what is read gains: dynamic evaluation of held-out splits, and a page read before the next one.

    python -m benchmarks.adapting RUN:CORPUS… [--page RUN:CORPUS:OWN…]

For each run: strength and decay are chosen on the first fifth of the validation split and reported on the other four,
whose state and weights begin afresh; beside it plain steps (every weight's equal, as in SGD), chosen alike, and the
toolkit's defaults. One stream with the state carried, fp32, every prediction; a chunk is scored before it is learned
from. With documents, also adaptation that is undone before each. ``--page``: what a page of a corpus's validation
split, read once or more often, gains on the page that follows it, and what it costs on OWN, the run's own corpus.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit.core import InputError

STRENGTHS = {"equal steps": (0.0625, 0.125, 0.25, 0.5), "scaled steps": (0.25, 0.5, 1.0, 2.0)}
DECAYS = (0.0, 0.003, 0.01)
PAGE, PAGES = 1500, 10  # tokens of a page, and pairs of pages
READINGS = ((0.5, 1), (1.0, 1), (2.0, 1), (1.0, 2), (1.0, 4))  # strength, passes


def part(encoded: Any, first: int, last: int) -> Any:
    """The stretch of a split from token ``first`` up to ``last``, its measure taken in proportion."""
    from toolkit.batches import Encoded

    inside = (encoded.starts >= first) & (encoded.starts < last - 1)
    starts = sorted({0, *(int(each) - first for each in encoded.starts[inside])})
    share = (last - first - 1) / encoded.predictions
    measure = {unit: share * amount for unit, amount in encoded.measure.items()}
    import numpy as np

    return Encoded(encoded.tokens[first:last], np.asarray(starts), measure, encoded.settled)


def measure(run: Any, corpus: str, strengths: Mapping[str, Sequence[float]] = STRENGTHS) -> dict[str, Any]:
    """One run on one corpus: what was tried on the first fifth, and what came of it on the rest."""
    import torch

    from toolkit.adapt import AdaptSettings, mean_of
    from toolkit.api import open_corpus, prepare
    from toolkit.evaluate import dynamic_evaluation, evaluate

    encoded = prepare(open_corpus(corpus, domain=run.domain.name), run.codec).split("validation")
    cut = encoded.predictions // 5
    tuned, rest = part(encoded, 0, cut + 1), part(encoded, cut, len(encoded.tokens))
    unit = "character" if run.domain.name == "text" else "note"
    scaled = run.sensitivity
    equal = tuple(torch.full_like(each, mean_of(scaled).item()) for each in scaled)
    tried, rows = [], []

    def row(name: str, settings: AdaptSettings | None, *, kind: Any = scaled, by_document: bool = False) -> None:
        began = time.process_time()
        if settings is None:
            found = evaluate(run.model, rest)
        else:
            found = dynamic_evaluation(run.model, rest, settings, sensitivity=kind, by_document=by_document)
        seconds = time.process_time() - began
        figures = {"nats": found.nats_per(unit), "seconds": seconds, "predictions": found.predictions}
        if unit == "character":
            figures["bits_per_byte"] = found.bits_per("byte")
        asked = {} if settings is None else dataclasses.asdict(settings)
        rows.append({"name": name, **figures, **asked})

    row("static", None)
    for name, kind in (("equal steps", equal), ("scaled steps", scaled)):
        grid = [
            AdaptSettings(adapt_strength=strength, adapt_decay=decay)
            for strength, decay in itertools.product(strengths[name], DECAYS)
        ]
        losses = [dynamic_evaluation(run.model, tuned, each, sensitivity=kind).nats_per(unit) for each in grid]
        tried += [
            {"steps": name, **dataclasses.asdict(each), "nats": loss} for each, loss in zip(grid, losses, strict=True)
        ]
        row(f"{name}, chosen", grid[losses.index(min(losses))], kind=kind)
    row("the defaults at strength 1", AdaptSettings(adapt_strength=1.0))
    if len(rest.starts) > 1:
        row("the same, undone before each document", AdaptSettings(adapt_strength=1.0), by_document=True)
    return {"run": run.name, "corpus": Path(corpus).stem, "unit": unit, "rows": rows, "tried": tried}


def pages(run: Any, corpus: str, home: str, page: int = PAGE, pairs: int = PAGES) -> dict[str, Any]:
    """Nats a token of the page after the one that was read, and of the run's own corpus, by strength and passes."""
    from toolkit.adapt import AdaptSettings, adapted
    from toolkit.api import open_corpus, prepare
    from toolkit.evaluate import evaluate

    def ids(name: str) -> Any:
        return prepare(open_corpus(name, domain=run.domain.name), run.codec).split("validation")

    theirs, own = ids(corpus), ids(home)
    stride = (theirs.predictions - 2 * page) // max(1, pairs - 1)
    if stride < 1:
        raise InputError(f"{corpus} has no two pages of {page} tokens to read.")
    places = [number * stride for number in range(pairs)]
    own_stride = max(1, (own.predictions - page) // pairs)

    def losses(model: Any, number: int, first: int) -> tuple[float, float]:
        after = part(theirs, first + page, first + 2 * page + 1)
        at_home = part(own, number * own_stride, min(number * own_stride + page + 1, len(own.tokens)))
        return evaluate(model, after).nats_per_token, evaluate(model, at_home).nats_per_token

    def mean(found: Sequence[tuple[float, float]]) -> list[float]:
        return [sum(each) / len(found) for each in zip(*found, strict=True)]

    rows = [{"strength": 0.0, "passes": 0, "seconds": 0.0}]
    rows[0]["next"], rows[0]["own"] = mean([losses(run.model, *each) for each in enumerate(places)])
    for strength, passes in READINGS:
        found, seconds = [], 0.0
        for number, first in enumerate(places):
            began = time.process_time()
            settings = AdaptSettings(adapt_strength=strength, adapt_passes=passes)
            model = adapted(
                run.model, theirs.tokens[first : first + page + 1].tolist(), settings, sensitivity=run.sensitivity
            )
            seconds += (time.process_time() - began) / pairs
            found.append(losses(model, number, first))
        after, at_home = mean(found)
        rows.append({"strength": strength, "passes": passes, "seconds": seconds, "next": after, "own": at_home})
    return {"run": run.name, "corpus": Path(corpus).stem, "page": page, "pairs": pairs, "rows": rows}


def report(splits: Sequence[dict[str, Any]], read: Sequence[dict[str, Any]]) -> str:
    """The results as Markdown."""
    import torch

    lines = [
        "# Adapting to what is read",
        "",
        "Dynamic evaluation on the last four fifths of the validation split, one stream in fp32, every prediction; "
        "each chunk of 32 tokens is scored before anything is learned from it. Strength and decay of the chosen rows, "
        "and the defaults, were chosen on the first fifth, which is not counted here.",
        f"{torch.get_num_threads()} thread(s), torch {torch.__version__}.",
        "",
        "| run | corpus | steps | strength | decay | nats a character, or note | gained | bits a byte | CPU seconds |",
        "|---|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for each in splits:
        static = each["rows"][0]["nats"]
        for row in each["rows"]:
            asked = f"{row['adapt_strength']:g} | {row['adapt_decay']:g}" if "adapt_strength" in row else "|"
            gained = f"{static - row['nats']:.4f}" if "adapt_strength" in row else ""
            bits = f"{row['bits_per_byte']:.4f}" if "bits_per_byte" in row else ""
            lines.append(
                f"| `{each['run']}` | {each['corpus']} | {row['name']} | {asked} | {row['nats']:.4f} | {gained} "
                f"| {bits} | {row['seconds']:.0f} |"
            )
    lines += ["", "## Tried on the first fifth", "", "Nats a character, or note.", ""]
    for each in splits:
        decays = sorted({row["adapt_decay"] for row in each["tried"]})
        lines += [
            f"| `{each['run']}` on {each['corpus']} | strength | {' | '.join(f'decay {each:g}' for each in decays)} |",
            "|---|--:|" + "--:|" * len(decays),
        ]
        for (steps, strength), rows in itertools.groupby(
            each["tried"], key=lambda row: (row["steps"], row["adapt_strength"])
        ):
            losses = {row["adapt_decay"]: row["nats"] for row in rows}
            lines.append(f"| {steps} | {strength:g} | {' | '.join(f'{losses[decay]:.4f}' for decay in decays)} |")
        lines.append("")
    if read:
        lines += [
            "## A page, and the page after it",
            "",
            "Nats a token over the page that follows the one read, and over a page of the run's own corpus, each from "
            "an empty memory; means over pairs of pages of validation splits.",
            "",
            "| run | page of | strength | passes | the next page | the run's own corpus | CPU seconds a page |",
            "|---|---|--:|--:|--:|--:|--:|",
        ]
    for each in read:
        for row in each["rows"]:
            lines.append(
                f"| `{each['run']}` | {each['corpus']} ({each['pairs']} × {each['page']} tokens) | {row['strength']:g} "
                f"| {row['passes']} | {row['next']:.4f} | {row['own']:.4f} | {row['seconds']:.2f} |"
            )
    return "\n".join([*lines, ""]) if read else "\n".join(lines)


def main(given: Sequence[str] | None = None) -> None:
    from toolkit.api import open_run

    parser = argparse.ArgumentParser(prog="python -m benchmarks.adapting", description=__doc__.splitlines()[0])
    parser.add_argument("pairs", nargs="*", metavar="RUN:CORPUS", help="runs and the corpora to evaluate them on")
    parser.add_argument(
        "--page", nargs="*", default=[], metavar="RUN:CORPUS:OWN", help="runs, corpora to read pages of, and their own"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)

    found: dict[str, list[dict[str, Any]]] = {"splits": [], "pages": []}
    for each in arguments.pairs:
        run, corpus = each.rsplit(":", 1)
        found["splits"].append(measure(open_run(run), corpus))
        _keep(found, arguments.json)
    for each in arguments.page:
        run, corpus, own = each.rsplit(":", 2)
        found["pages"].append(pages(open_run(run), corpus, own))
        _keep(found, arguments.json)
    print(report(found["splits"], found["pages"]))


def _keep(found: dict[str, list[dict[str, Any]]], path: Path | None) -> None:
    """Writes what there is so far: the whole takes a while."""
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "adapting.md").write_text(report(found["splits"], found["pages"]))
    if path:
        path.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    as_command(main)
