"""What each stage of the sampling chain costs a token, and what each preset does to a text.

    python -m benchmarks.samplers [--run shakespeare] [--corpus FILE] [--tokens 1500] [--seeds 4]

The first table times `apply` and `drawn` of each stage alone, at the vocabularies of the shipped checkpoints, with the
windows that their calibrations ask for full. The second generates with every preset. Its figures are of the text as
the model sees it (nats per token, before any stage) and as a reader might: words that the corpus does not have, and
runs of six words that stand in the text more than once. They say what a preset does, not how good it is.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit.core import ToolkitError
from toolkit.sampling import TRANSFORMS, Calibration, Sampler, Stage, presets, sampling_knobs

SIZES = {66: "shakespeare", 221: "folk", 2048: "kjv"}
ON: Mapping[str, Mapping[str, Any]] = {
    "repetition": {"repetition_penalty": 1.2},
    "frequency": {"frequency_penalty": 0.2},
    "dry": {"dry_multiplier": 0.8},
    "bias": {"logit_bias": "#3=1,#4=-1"},
    "no_repeats": {"no_repeats": True},
    "ban": {"ban": "#3"},
    "temperature": {"temperature": 0.8},
    "dynamic_temperature": {"dynamic_low": 0.5},
    "smoothing": {"smoothing_factor": 0.2},
    "top_n_sigma": {"top_n_sigma": 1.5},
    "top_k": {"top_k": 20},
    "top_p": {"top_p": 0.95},
    "min_p": {"min_p": 0.05},
    "typical": {"typical_p": 0.9},
    "epsilon": {"epsilon": 0.003},
    "eta": {"eta": 0.003},
    "top_a": {"top_a": 0.2},
    "tail_free": {"tail_free": 0.95},
    "top_h": {"top_h": 0.9},
    "p_less": {"p_less": True},
    "xtc": {"xtc_probability": 0.5},
    "mirostat": {"mirostat": 2},
    "adaptive": {"adaptive": True},
}
"""Settings that turn each stage on."""
WORDS = 6


def microseconds(stage: Stage[Any], logits_V: Any, history: Sequence[int], repeats: int = 300) -> float:
    """The median time of one draw's worth of work in the stage, windows full."""
    state, took = stage.begin(history), []
    for _ in range(repeats):
        began = time.perf_counter()
        stage.apply(logits_V, state, 0.1)
        stage.drawn(state, logits_V, 1)
        took.append(time.perf_counter() - began)
    return 1e6 * statistics.median(took)


def costs() -> list[str]:
    """A line of Markdown for each stage; the history is a text of the run itself."""
    from toolkit.api import open_run

    columns: dict[str, list[float]] = {stage.name: [] for stage in TRANSFORMS}
    for size, name in SIZES.items():
        run = open_run(name)
        logits_V = np.random.default_rng(0).normal(0, 3, size)
        history: list[int] = []
        for seed in range(12):
            history += [token for token in run.generate(seed=seed, length=400).tokens if token != run.codec.stop]
        for stage in TRANSFORMS:
            (on,) = Sampler.from_settings(ON[stage.name], calibration=run.calibration).transforms
            columns[stage.name].append(microseconds(on, logits_V, history))
    return [f"| {name} | " + " | ".join(f"{each:.1f}" for each in row) + " |" for name, row in columns.items()]


def told(text: str, known: frozenset[str]) -> tuple[float, float]:
    """The shares of words that the corpus does not have, and of runs of six words that came before in the text."""
    words = [word.strip(".,;:!?'-\"").lower() for word in text.split()]
    words = [word for word in words if word]
    runs = Counter(tuple(words[at : at + WORDS]) for at in range(len(words) - WORDS + 1))
    again = sum(count - 1 for count in runs.values())
    strange = sum(word not in known for word in words)
    return strange / max(1, len(words)), again / max(1, sum(runs.values()))


def effects(name: str, corpus: str, tokens: int, seeds: int) -> list[str]:
    """A line of Markdown for each preset."""
    from toolkit.api import open_corpus, open_run

    run = open_run(name)
    text = " ".join(document.item for document in open_corpus(corpus).read("train"))
    known = frozenset(word.strip(".,;:!?'-\"").lower() for word in text.split())
    lines = []
    for label, settings in {"its own defaults": {}, **presets(run.calibration)}.items():
        results = [run.generate(seed=seed, length=tokens, **settings) for seed in range(seeds)]
        nats = -sum(sum(each.log_probabilities) for each in results) / sum(len(each.tokens) for each in results)
        shares = [told(each.text, known) for each in results]
        strange, again = (statistics.mean(each) for each in zip(*shares, strict=True))
        lines.append(f"| {label} | {nats:.2f} | {strange:.1%} | {again:.1%} |")
    return lines


def written(calibration: Calibration, cost: Sequence[str], effect: Sequence[str], asked: argparse.Namespace) -> str:
    """Both tables as Markdown."""
    return "\n".join(
        [
            "# What samplers cost and do",
            "",
            "Microseconds a token for each stage alone: numpy, one thread, medians of 300, full calibrated windows.",
            "",
            "| stage | " + " | ".join(f"V = {size}" for size in SIZES) + " |",
            "|---|" + "--:|" * len(SIZES),
            *cost,
            "",
            f"`{asked.run}`, {asked.seeds} texts of {asked.tokens} tokens by preset. Held-out text has"
            f" {calibration.entropy:.2f} nats per token.",
            "",
            f"| preset | nats per token | words the corpus does not have | runs of {WORDS} words that came before |",
            "|---|--:|--:|--:|",
            *effect,
            "",
        ]
    )


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.samplers", description=__doc__.splitlines()[0])
    parser.add_argument("--run", default="shakespeare")
    parser.add_argument("--corpus", default="../shared/data/text/tinyshakespeare.txt", help="what the run learned from")
    parser.add_argument("--tokens", type=int, default=1500)
    parser.add_argument("--seeds", type=int, default=4)
    asked = parser.parse_args(given)
    from toolkit.api import open_run

    assert set(ON) == {stage.name for stage in TRANSFORMS} and sampling_knobs()
    calibration = open_run(asked.run).calibration
    if calibration is None:
        raise ToolkitError(f"{asked.run} has no calibration.")
    report = written(calibration, costs(), effects(asked.run, asked.corpus, asked.tokens, asked.seeds), asked)
    RESULTS.mkdir(exist_ok=True)
    Path(RESULTS / "samplers.md").write_text(report)
    print(report)


if __name__ == "__main__":
    as_command(main)
