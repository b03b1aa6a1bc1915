"""How many tokens a second one stream gets, and what the sampler takes of it.

    python -m benchmarks.decode [RUN…] [--tokens 400] [--rounds 5]

Six ways, in turns on the same model, so that a busy machine slows all of them alike: the whole decode loop with the
run's own sampler and grammar, by the engines torch, compiled and compiled-int8; the first of them alone; and what one
writes without thinking, a Python loop over the PyTorch model with default settings, alone and with a softmax and a
draw. Ratios are of one round; medians over rounds.
Without a run, models of common shapes that learned nothing: weights do not change the speed.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit import generate
from toolkit.core import Constraint, Engine
from toolkit.sampling import Forbid, Sampler, sampling_knobs

SHAPES = ((1, 512), (2, 256), (2, 512), (1, 1024))  # layers, width
VOCABULARY = 65
THREADS = (1, 2)
_LONGER = 8  # times as many tokens where they come so fast that a clock would hardly see them


@dataclass(frozen=True)
class Subject:
    """A model to decode with: its network, its engine, and how its tokens are drawn."""

    name: str
    model: Any
    engine: Engine
    sampler: Sampler
    constraint: Constraint[Any]
    stop: int


def ways(subject: Subject, tokens: int) -> dict[str, Callable[[], int]]:
    """Each way by name: a function that decodes about ``tokens`` tokens and says how many it made."""
    import torch

    from toolkit.engine import open_engine

    def loop(engine: Engine, tokens: int) -> int:
        made, seed = 0, 0
        while made < tokens:  # a tune may end; the next seed begins another
            steps = generate.tokens(
                engine,
                [subject.stop],
                sampler=subject.sampler,
                constraint=subject.constraint,
                length=max(tokens - made, 64),
                seed=seed,
                stop=subject.stop,
            )
            made += sum(1 for _ in steps)
            seed += 1
        return made

    def engine() -> int:
        memory = subject.engine.begin()
        for _ in range(tokens):
            _, memory = subject.engine.feed([subject.stop], memory)
        return tokens

    def network() -> int:
        state, ids_BT = None, torch.tensor([[subject.stop]])
        with torch.no_grad():
            for _ in range(tokens):
                _, state = subject.model(ids_BT, state)
        return tokens

    def drawing() -> int:
        state, ids_BT = None, torch.tensor([[subject.stop]])
        with torch.no_grad():
            for _ in range(tokens):
                logits_BTV, state = subject.model(ids_BT, state)
                ids_BT = torch.multinomial(torch.softmax(logits_BTV[:, -1], -1), 1)
        return tokens

    compiled, rounded = (open_engine(subject.model, name=name) for name in ("compiled", "compiled-int8"))
    return {
        "loop": lambda: loop(subject.engine, tokens),
        "compiled": lambda: loop(compiled, _LONGER * tokens),
        "compiled-int8": lambda: loop(rounded, _LONGER * tokens),
        "engine": engine,
        "nn.LSTM": network,
        "nn.LSTM, drawing": drawing,
    }


def measure(subject: Subject, tokens: int, rounds: int, threads: int) -> dict[str, Any]:
    """Tokens a second of each way, medians over rounds, and the ratio to the unthinking loop round by round."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        every = ways(subject, tokens)
        for way in ways(subject, 8).values():
            way()
        speeds: dict[str, list[float]] = {name: [] for name in every}
        for _ in range(rounds):
            for name, way in every.items():
                began = time.perf_counter()
                made = way()
                speeds[name].append(made / (time.perf_counter() - began))
    finally:
        torch.set_num_threads(before)
    ratios = [ours / theirs for ours, theirs in zip(speeds["compiled"], speeds["nn.LSTM, drawing"], strict=True)]
    return {
        "model": subject.name,
        "threads": threads,
        "tokens_per_second": {name: statistics.median(each) for name, each in speeds.items()},
        "ratio": statistics.median(ratios),
        "ratios": [min(ratios), max(ratios)],
    }


def of_shape(layers: int, width: int) -> Subject:
    """A model of that shape that learned nothing, drawn from as text is: a temperature and nucleus sampling."""
    import torch

    from toolkit.engine import open_engine
    from toolkit.models import ModelSettings, RecurrentLM

    torch.manual_seed(0)
    model = RecurrentLM(VOCABULARY, ModelSettings(layers=layers, width=width)).eval()
    known = {each.name: each.default for each in sampling_knobs()}
    sampler = Sampler.from_settings({**known, "temperature": 0.8, "top_p": 0.95})
    endless = Forbid([0], VOCABULARY)
    return Subject(f"{layers} × {width}, {VOCABULARY} ids", model, open_engine(model), sampler, endless, 0)


def of_run(folder: str) -> Subject:
    """A run with its own sampler and grammar."""
    from toolkit.api import open_run
    from toolkit.core import checked

    run = open_run(folder)
    defaults = {each.name: each.default for each in run.knobs}
    sampled = {each.name: defaults[each.name] for each in sampling_knobs()}
    sampler = Sampler.from_settings(sampled, token_named=run.token_named)
    settings = run.model.settings
    name = f"`{run.name}`: {settings.layers} × {settings.width}, {run.codec.size:,} ids"
    constraint = run.constraint(checked(run.domain.controls, {}))
    return Subject(name, run.model, run.engine, sampler, constraint, run.codec.stop)


def report(results: Sequence[Mapping[str, Any]]) -> str:
    """The results as Markdown."""
    import torch

    names = list(results[0]["tokens_per_second"])
    lines = [
        "# Decoding one stream",
        "",
        f"Tokens a second in fp32 on a CPU, torch {torch.__version__}. `loop` is everything `toolkit.generate` does: "
        "engine, grammar, sampler, draw, by the engine `torch`; `compiled` and `compiled-int8` are the same by those "
        "engines, on one thread. `nn.LSTM` is a Python loop over the same network with PyTorch's default settings. "
        "The ratio is of `compiled` to that loop with a draw, within a round; in brackets, its range.",
        "",
        "| model | threads | " + " | ".join(names) + " | ratio |",
        "|---|--:|" + "--:|" * (len(names) + 1),
    ]
    for each in results:
        speeds = " | ".join(f"{each['tokens_per_second'][name]:,.0f}" for name in names)
        low, high = each["ratios"]
        lines.append(f"| {each['model']} | {each['threads']} | {speeds} | {each['ratio']:.1f} ({low:.1f}–{high:.1f}) |")
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decode", description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="*", help="runs to decode with; without any, models of common shapes")
    parser.add_argument("--tokens", type=int, default=400, help="decoded in each way and round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)
    subjects = [of_run(run) for run in arguments.runs] or [of_shape(*shape) for shape in SHAPES]
    results = [
        measure(subject, arguments.tokens, arguments.rounds, threads) for subject in subjects for threads in THREADS
    ]
    written = report(results)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "decode.md").write_text(written)
    if arguments.json:
        arguments.json.write_text(json.dumps(results, indent=1) + "\n")
    print(written)


if __name__ == "__main__":
    as_command(main)
