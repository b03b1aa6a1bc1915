"""What verse, JSON and grammar masks cost per token.

    python -m benchmarks.constraints_verse [RUN…] [--tokens 150]

For each constraint and run: seconds to prepare it, and milliseconds per token of the whole decode loop with it and of
the same loop without any, taken in turns. The first generation warms what is remembered, the rest are measured.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.melody_codecs import RESULTS
from toolkit.api import open_run

SUM = 'start: sum\nsum: product (("+" | "-") product)*\nproduct: factor ("*" factor)*\nfactor: /[0-9]+/ | "(" sum ")"'
PERSON = (
    '{"type": "object", "properties": {"name": {"type": "string", "maxLength": 40}, "age": {"type": "integer"}, '
    '"sons": {"type": "array", "items": {"type": "string", "maxLength": 40}, "maxItems": 3}}, '
    '"required": ["name", "age", "sons"]}'
)
ASKED: Mapping[str, dict[str, Any]] = {
    "syllables 8": {"syllables": "8"},
    "syllables 8, rhyme AABB": {"syllables": "8", "rhyme": "AABB"},
    "syllables 10, rhyme ABAB, acrostic": {"syllables": "10", "rhyme": "ABAB", "acrostic": "Love"},
    "a JSON object": {"json_schema": PERSON},
    "a grammar of sums": {"grammar": SUM},
}


def measure(run: Any, asked: Mapping[str, Any], tokens: int, rounds: int = 5) -> dict[str, float] | None:
    """Seconds to the first token, and milliseconds a token with and without; None where the run cannot spell it."""
    from toolkit.core import ToolkitError

    prompt = "A song.\n"
    began = time.perf_counter()
    try:
        next(run.stream(prompt, seed=0, length=tokens, **asked))
    except ToolkitError:
        return None
    prepared = time.perf_counter() - began
    run.generate(prompt, seed=0, length=tokens, **asked)
    spent: dict[str, list[float]] = {"with": [], "without": []}
    for seed in range(1, rounds + 1):
        for name, settings in (("with", asked), ("without", {})):
            began = time.perf_counter()
            made = len(run.generate(prompt, seed=seed, length=tokens, **settings).tokens)
            spent[name].append(1000 * (time.perf_counter() - began) / made)
    return {"prepared": prepared, **{name: statistics.median(each) for name, each in spent.items()}}


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.constraints_verse")
    parser.add_argument("runs", nargs="*", default=["shakespeare", "kjv"])
    parser.add_argument("--tokens", type=int, default=150)
    arguments = parser.parse_args(given)
    lines = [
        "# What verse, JSON and grammars cost",
        "",
        "Milliseconds per token of the whole decode loop on a CPU, medians of five seeds, and the same loop without the "
        "constraint. Preparing is the time to the first token of the first generation, the dictionary's reading "
        "included. A dash: the model's alphabet cannot spell it. A generation that takes tokens back counts only those "
        "it keeps.",
        "",
        "| run | asked for | prepared, s | ms/token | without |",
        "|---|---|--:|--:|--:|",
    ]
    for name in arguments.runs:
        run = open_run(name)
        run.generate("A song.\n", seed=0, length=8)
        for label, asked in ASKED.items():
            found = measure(run, asked, arguments.tokens)
            figures = " | ".join(f"{each:.2f}" for each in found.values()) if found else "– | – | –"
            lines.append(f"| `{name}` | {label} | {figures} |")
    written = "\n".join([*lines, ""])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "constraints_verse.md").write_text(written)
    print(written)


if __name__ == "__main__":
    main()
