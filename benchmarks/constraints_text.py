"""What constraints on text cost: the time before the first token, and the mask of each.

    python -m benchmarks.constraints_text [RUN…] [--tokens 400] [--rounds 3]

For each run (by default the shipped `shakespeare`, characters, and `kjv`, pieces) and each of some wishes: how large
the automaton is, how long it takes to make with all distances, and what a token's mask and step take in the decode
loop, where states that were met before are remembered. Processor time, so that a busy machine changes little. Medians
over rounds; each round begins with nothing remembered.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.melody_codecs import RESULTS
from toolkit.api import Run, open_run
from toolkit.core import checked
from toolkit.domains.text import constraints, regex
from toolkit.sampling import Finishing

WISHES: tuple[Mapping[str, str], ...] = (
    {},
    {"regex": r"(?s)[A-Z].*[.!?]"},
    {"regex": r"\w+(?:[ ,]+\w+)*\."},
    {"characters": r"a-z,.' \n"},
    {"avoid": "love|king|lord"},
    {"avoid": "love|king|lord", "avoid_by": "rewind"},
    {"acrostic": "LOVE", "line_length": "20-45"},
    {"lines": "14", "line_length": "30-50"},
    {"lines": "14", "line_length": "30-50", "stanzas": "4,4,4,2"},
    {"lines": "14", "line_length": "30-50", "contain": "love"},
    {"lines": "14", "line_length": "30-50", "contain": "love", "end": "thee.", "avoid": "king"},
    {"lines": "14", "line_length": "20-60", "contain": "love|thee", "avoid": "fool|kill|the lord"},
)


def measure(run: Run, wish: Mapping[str, str], tokens: int, rounds: int) -> dict[str, Any]:
    """Sizes, and medians over rounds: seconds to make, microseconds a token."""
    made: dict[str, list[float]] = {"seconds": [], "token_us": []}
    states = 0
    for seed in range(rounds):
        constraints._wished.cache_clear()
        regex.matching.cache_clear()
        regex._matched.cache_clear()
        run.codec.__dict__.pop("_grammar", None)
        began = time.process_time()
        constraint = run.constraint(checked(run.domain.controls, wish))
        finishing = Finishing(constraint, 4 * tokens, run.codec.size)
        state = finishing.begin()
        finishing.allowed(state)
        made["seconds"].append(time.process_time() - began)
        drawn, spent = walk(finishing, state, run.codec.size, tokens, np.random.default_rng(seed))
        made["token_us"].append(spent / drawn * 1e6)
        wished = getattr(constraint, "constraint", constraint)
        states = getattr(wished, "_kept", wished).language.states
    return {
        "run": run.name,
        "vocabulary": run.codec.size,
        "wish": dict(wish),
        "states": states,
        **{name: statistics.median(each) for name, each in made.items()},
    }


def walk(
    finishing: Finishing[Any], state: Any, vocabulary: int, tokens: int, rng: np.random.Generator
) -> tuple[int, float]:
    """(tokens drawn evenly from what is allowed, seconds that masks and steps took)."""
    spent, drawn, begin = 0.0, 0, state
    while drawn < tokens:
        began = time.process_time()
        allowed_V = finishing.allowed(state)
        spent += time.process_time() - began
        choices = np.arange(vocabulary) if allowed_V is None else np.flatnonzero(allowed_V)
        if not len(choices):
            state = begin
            continue
        token = int(rng.choice(choices))
        began = time.process_time()
        after = finishing.step(state, token)
        back = finishing.withdraw(after)
        spent += time.process_time() - began
        state = state if back else after
        drawn += 1
    return drawn, spent


def report(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "# Constraints on text",
        "",
        f"Processor time on one core, numpy {np.__version__}. *Start* is everything before the first token: the "
        "automaton, all distances, the first mask. *Token* is the mask and the step of one token, drawn evenly from "
        "what is allowed.",
        "",
        "| run | ids | asked for | states | start, ms | token, µs |",
        "|---|--:|---|--:|--:|--:|",
    ]
    for each in results:
        wish = ", ".join(f"{name} `{value}`".replace("|", "\\|") for name, value in each["wish"].items()) or "nothing"
        lines.append(
            f"| {each['run']} | {each['vocabulary']:,} | {wish} | {each['states']:,} | {each['seconds'] * 1e3:,.0f} "
            f"| {each['token_us']:,.0f} |"
        )
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.constraints_text", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", default=["shakespeare", "kjv"], help="runs of text")
    parser.add_argument("--tokens", type=int, default=400, help="drawn in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)
    regex._every_character()
    results = [
        measure(run, wish, arguments.tokens, arguments.rounds)
        for run in map(open_run, arguments.runs)
        for wish in WISHES
    ]
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1))
    table = report(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "constraints_text.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
