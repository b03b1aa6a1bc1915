"""What drawing one token costs: the readable chain, and the same as a compiled program.

    python -m benchmarks.sampler [--tokens 400] [--rounds 5]

Rows of random logits, the same for both, in turns; processor time of the one thread there is, medians over rounds. The
program is compiled and warm. It draws blocks of ``--tokens`` rows, and one row at a time as a loop in Python would. The
mask is a table with the shape of a text grammar; its cost is the time with it less the time without, both neutral.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.melody_codecs import RESULTS
from toolkit.core import Constraint
from toolkit.domains.text.grammar import text_grammar
from toolkit.engine.program import Executor
from toolkit.engine.scalar.compiling import COMPILED
from toolkit.sampling import Anything, Finishing, Sampler, lower

SIZES = (66, 221, 2048)
PROMPT = (2, 5, 2, 5, 3, 2)
NEUTRAL: Mapping[str, Any] = {}
DEFAULT: Mapping[str, Any] = {"temperature": 0.8, "top_p": 0.95}
FULL: Mapping[str, Any] = {
    "repetition_penalty": 1.1, "frequency_penalty": 0.2, "dry_multiplier": 0.8, "logit_bias": "#0=-1", "ban": "#1",
    "temperature": 0.8, "smoothing_factor": 0.1, "top_n_sigma": 3.0, "top_k": 50, "top_p": 0.95, "min_p": 0.02,
    "typical_p": 0.95, "epsilon": 0.0005, "eta": 0.0005, "top_a": 0.01, "tail_free": 0.99, "top_h": 0.95,
    "xtc_probability": 0.2, "mirostat": 2, "mirostat_tau": 3.0,
}  # fmt: skip
CHAINS = {"neutral": NEUTRAL, "default": DEFAULT, "full": FULL}


def logits_of(size: int, tokens: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Rows (tokens, size) of which a trained model's entropy might come: a few likely tokens and a tail."""
    return np.random.default_rng(size).normal(0, 2.5, (tokens, size)).astype(np.float32)


def grammar(size: int) -> Constraint[Any]:
    """The UTF-8 grammar of a vocabulary of that size: single bytes, then pairs of letters."""
    spelling = [b"", *(bytes([each]) for each in range(256))][:size]
    pairs = [bytes([65 + each % 26, 97 + each // 26 % 26]) for each in range(size - len(spelling))]
    return text_grammar([*spelling, *pairs], 0)


def ways(
    settings: Mapping[str, Any], constraint: Constraint[Any], size: int, tokens: int
) -> dict[str, Callable[[], Any]]:
    """Each way by name: a function that draws ``tokens`` tokens."""
    sampler, logits_TV = Sampler.from_settings(settings), logits_of(size, tokens)
    executor = Executor(lower(sampler, constraint, vocabulary=size, prompt=PROMPT, given=(), length=tokens + 1))

    def readable() -> None:
        finishing = Finishing(constraint, tokens + 1, size)
        states, at = sampler.begin(PROMPT), finishing.begin()
        for position, logits_V in enumerate(logits_TV):
            allowed_V = finishing.allowed(at)
            drawn, states = sampler.take(logits_V, states, allowed_V, seed=1, position=position)
            at = finishing.step(at, drawn.token)

    def block() -> None:
        executor.draw(logits_TV, executor.begin(), seed=1, position=0)

    def one_by_one() -> None:
        situation = executor.begin()
        for position in range(len(logits_TV)):
            situation = executor.draw(
                logits_TV[position : position + 1], situation, seed=1, position=position
            ).situation

    return {"readable": readable, "program, one by one": one_by_one, "program, block": block}


def measure(
    settings: Mapping[str, Any], constraint: Constraint[Any], size: int, tokens: int, rounds: int
) -> dict[str, float]:
    """Microseconds a token of each way, medians over rounds taken in turns."""
    every = ways(settings, constraint, size, tokens)
    for way in ways(settings, constraint, size, 4).values():
        way()
    spent: dict[str, list[float]] = {name: [] for name in every}
    for _ in range(rounds):
        for name, way in every.items():
            began = time.thread_time()
            way()
            spent[name].append((time.thread_time() - began) / tokens * 1e6)
    return {name: statistics.median(each) for name, each in spent.items()}


def report(chains: Sequence[tuple[str, int, Mapping[str, float]]], masks: Mapping[int, tuple[float, float]]) -> str:
    """The results as Markdown: tokens a second, and what a table mask adds."""
    import numba

    names = list(chains[0][2])
    lines = [
        "# Drawing a token",
        "",
        f"Tokens a second of processor time on one core, numpy {np.__version__}, numba {numba.__version__}. "
        "The readable chain is "
        "`toolkit.sampling`; the program is the same chain lowered and compiled, fed blocks of logits or one row a "
        "call. "
        f"Default: {_listed(DEFAULT)}. Full: {_listed(FULL)}.",
        "",
        "| chain | ids | " + " | ".join(names) + " | block : readable |",
        "|---|--:|" + "--:|" * (len(names) + 1),
    ]
    for chain, size, spent in chains:
        speeds = " | ".join(f"{1e6 / spent[name]:,.0f}" for name in names)
        lines.append(f"| {chain} | {size:,} | {speeds} | {spent['readable'] / spent['program, block']:.1f} |")
    lines += [
        "",
        "What a table mask (a UTF-8 grammar) adds to a token, in microseconds; below 0 where it saves more than it "
        "costs, by leaving fewer tokens to draw from:",
        "",
    ]
    lines += ["| ids | readable | program, block |", "|--:|--:|--:|"]
    lines += [f"| {size:,} | {readable:.2f} | {block:.2f} |" for size, (readable, block) in masks.items()]
    return "\n".join([*lines, ""])


def _listed(settings: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in settings.items())


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sampler", description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=400, help="drawn in each way and round")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args(given)
    if not COMPILED:
        parser.exit(1, "this measures compiled programs; install numba.\n")
    chains = [
        (name, size, measure(settings, Anything(), size, arguments.tokens, arguments.rounds))
        for name, settings in CHAINS.items()
        for size in SIZES
    ]
    masks = {}
    for size in SIZES:
        without = measure(NEUTRAL, Anything(), size, arguments.tokens, arguments.rounds)
        masked = measure(NEUTRAL, grammar(size), size, arguments.tokens, arguments.rounds)
        added = {name: masked[name] - without[name] for name in masked}
        masks[size] = added["readable"], added["program, block"]
    written = report(chains, masks)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sampler.md").write_text(written)
    print(written)


if __name__ == "__main__":
    main()
