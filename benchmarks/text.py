"""What a character costs: a run against an n-gram of characters on the same split.

    python -m benchmarks.text RUN…

For each run: the corpus it was trained on, the interpolated modified Kneser-Ney n-gram of its characters, the run's
loss in one stream with the state carried, and the loss when the state is forgotten every 256 tokens, as published
figures with a window of 256 are. All in bits per byte over every prediction of the validation split.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit.core import Split, UsageError

ORDER = 6
WINDOW = 256


def n_gram_line(corpus: Any, split: Split, order: int = ORDER) -> dict[str, float]:
    """The n-gram of a text corpus's characters, in bits per byte and nats per character of a split."""
    from toolkit.api import prepare
    from toolkit.domains.text import DOMAIN
    from toolkit.evaluate import Evaluation
    from toolkit.models.ngram import NGram

    codec = DOMAIN.codecs["char"].build(each.item for each in corpus.read("train"))
    store = prepare(corpus, codec)
    held_out = store.split(split)
    model = NGram(store.split("train").tokens, order, codec.size)
    nats = -float(model.log_probabilities(held_out.tokens).sum())
    score = Evaluation(nats, held_out.predictions, held_out.measure)
    return {"bits_per_byte": score.bits_per("byte"), "nats_per_character": score.nats_per("character")}


def measure(folder: str, split: Split, order: int = ORDER) -> dict[str, Any]:
    """One run's figures and the n-gram's."""
    from toolkit.api import open_corpus, open_run
    from toolkit.models import parameters

    run = open_run(folder)
    if run.domain.name != "text":
        raise UsageError(f"{folder} is not a run of text.")
    asked = run.config.corpus["asked"]
    carried = run.evaluate(asked["corpus"], split, **asked["reading"])
    reset = run.evaluate(asked["corpus"], split, reset=WINDOW, **asked["reading"])
    corpus = open_corpus(asked["corpus"], domain="text", **asked["reading"])
    return {
        "run": run.name,
        "corpus": corpus.name,
        "split": split,
        "codec": run.codec.name,
        "vocabulary": run.codec.size,
        "parameters": parameters(run.model),
        "order": order,
        "n_gram": n_gram_line(corpus, split, order),
        "carried": {"bits_per_byte": carried.bits_per("byte"), "nats_per_character": carried.nats_per("character")},
        "reset": {"bits_per_byte": reset.bits_per("byte"), "nats_per_character": reset.nats_per("character")},
    }


def report(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as Markdown, one line a model."""
    lines = [
        "# Bits per byte of text",
        "",
        "One stream in fp32 over every prediction of the split; in brackets, the state forgotten every "
        f"{WINDOW} tokens.",
        "",
        "| corpus | split | model | parameters | bits a byte | nats a character |",
        "|---|---|---|--:|--:|--:|",
    ]
    seen = set()
    for each in results:
        place = (each["corpus"], each["split"])
        where = f"| {each['corpus']} | {each['split']} |"
        line, carried, reset = each["n_gram"], each["carried"], each["reset"]
        if place not in seen:
            seen.add(place)
            lines.append(
                f"{where} {each['order']}-gram of characters, Kneser–Ney | | {line['bits_per_byte']:.4f} "
                f"| {line['nats_per_character']:.4f} |"
            )
        lines.append(
            f"{where} `{each['run']}` ({each['codec']}, {each['vocabulary']:,} ids) | {each['parameters']:,} "
            f"| **{carried['bits_per_byte']:.4f}** ({reset['bits_per_byte']:.4f}) "
            f"| {carried['nats_per_character']:.4f} ({reset['nats_per_character']:.4f}) |"
        )
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.text", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", help="runs of text, for instance on tinyshakespeare and on kjv")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)
    results = [measure(run, arguments.split) for run in arguments.runs]
    written = report(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "text.md").write_text(written)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    print(written)


if __name__ == "__main__":
    as_command(main)
