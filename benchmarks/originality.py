"""How much of what the shipped checkpoints write is copied, and what it costs to know and to forbid it.

    python -m benchmarks.originality [--samples 40] [--tinyshakespeare FILE] [--json FILE]

Builds the index of each checkpoint's corpus anew, and the findable corpus in a folder of its own; counts false alarms
on runs of the validation split that the training split does not hold; replays tokens through the limit on copying;
and compares samples, cut to one length, with held-out work of that length, exactly, by the corpus itself.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.melody_codecs import RESULTS
from toolkit.api import Run, open_run
from toolkit.api.originality import build_index, training_corpus
from toolkit.core import Corpus
from toolkit.originality import NgramIndex, Words, mixed
from toolkit.originality.corpus import IndexedCorpus, index_corpus
from toolkit.originality.ngrams import windows

TINYSHAKESPEARE = "../shared/data/text/tinyshakespeare.txt"  # github.com/karpathy/char-rnn, data/tinyshakespeare
HELD_OUT = 100


@dataclass(frozen=True)
class Case:
    """A checkpoint, how long its samples are (in units) and what they are drawn with."""

    run: str
    length: int
    settings: Mapping[str, Any]
    limits: tuple[int, ...]


CASES = (
    Case("shakespeare", 500, {"length": 560}, (12, 16, 24)),
    Case("kjv", 500, {"length": 260}, (16, 24, 48)),
    Case("folk", 64, {"bars": 16}, (6, 8, 12)),
)
TEMPERATURES = (0.3, 0.6, 1.0)


def measured(case: Case, samples: int, corpus_file: str, cache: Path) -> dict[str, Any]:
    """Everything that the tables show of one checkpoint."""
    run = open_run(case.run)
    corpus = training_corpus(run.config, corpus_file if case.run == "shakespeare" else None)
    held = [run.domain.view.look(each.item).symbols for each in corpus.read("validation")]
    index, build = _timed(lambda: build_index(corpus))
    found, whole = _timed(lambda: _findable(run, corpus, cache))
    return {
        "run": case.run,
        "unit": run.domain.view.unit,
        "symbols": index.layers[0].learned.symbols,
        "bytes": sum(len(each.bits) for each in index.layers[0].filters.values()),
        "build_seconds": build,
        "corpus_seconds": whole,
        "corpus_bytes": sum(each.stat().st_size for each in cache.rglob(f"{corpus.sha256[:16]}*/*")),
        "alarms": {size: _alarms(index, found, held, size) for size in index.sizes},
        "costs": [_cost(run, case, index, most) for most in case.limits],
        "scores": _scores(run, case, found, held, samples),
    }


def _findable(run: Run, corpus: Corpus[Any], cache: Path) -> IndexedCorpus:
    view = run.domain.view
    return index_corpus(
        ((view.label(each), view.look(each.item).symbols) for each in corpus.read("train")), corpus.sha256, cache
    )


def _timed(make: Callable[[], Any]) -> tuple[Any, float]:
    """(What is made, seconds of this process's own time)."""
    began = time.process_time()
    return make(), time.process_time() - began


def _alarms(index: NgramIndex, found: IndexedCorpus, held: Sequence[Words], size: int) -> dict[str, float]:
    """Stated and counted: of the held-out runs that the corpus does not hold, how many pass all the same.

    ``filter`` asks the filter of this size alone, ``reach`` also the smaller ones, as the reports do.
    """
    strangers = passed = reached = missed = 0
    for symbols in held:
        places = max(0, len(symbols) - size + 1)
        new = found.matches(symbols)[:places] < size
        passes = index.contains(size, windows(mixed(symbols), size))
        strangers += int(new.sum())
        passed += int((passes & new).sum())
        reached += int(((index.reach(symbols)[:places] >= size) & new).sum())
        missed += int((~passes & ~new).sum())
    return {
        "stated": index.rate(size),
        "filter": passed / strangers,
        "reach": reached / strangers,
        "strangers": strangers,
        "missed": missed,
    }


def _cost(run: Run, case: Case, index: NgramIndex, most: int) -> dict[str, Any]:
    """Microseconds a token to step and to mask, along what the run draws under this limit and without one."""
    limit = run.domain.copy_limit(run.codec, index, most, None)
    costs: dict[str, Any] = {"most": most}
    for name, asked in (("limited", most), ("free", None)):
        made = [run.generate(seed=seed, **case.settings, max_copy=asked).tokens for seed in range(5)]
        masked, count = 0, sum(map(len, made))
        began = time.process_time()
        for tokens in made:
            state = limit.begin()
            for token in tokens:
                masked += limit.allowed(state) is not None
                state = limit.step(state, token)
        costs[name] = {"microseconds": 1e6 * (time.process_time() - began) / count, "masked": masked / count}
    return costs


def _scores(run: Run, case: Case, found: IndexedCorpus, held: Sequence[Words], samples: int) -> list[dict[str, Any]]:
    """A row for held-out work, for each temperature, and for each limit at the run's own settings."""
    overlap = run.domain.view.overlap
    symbols = case.length - overlap
    cuts = [each[at : at + symbols] for each in held for at in range(0, len(each) - symbols + 1, symbols)]
    chosen = [cuts[index * len(cuts) // HELD_OUT] for index in range(HELD_OUT)] if len(cuts) > HELD_OUT else cuts
    rows = [{"what": "held-out work", **_score(run, found, chosen)}]
    asked: list[dict[str, Any]] = [{"temperature": each} for each in TEMPERATURES]
    asked += [{}, *({"max_copy": each} for each in case.limits), {"temperature": 0.3, "max_copy": case.limits[1]}]
    for settings in asked:
        made = [run.generate(seed=seed, **case.settings, **settings) for seed in range(samples)]
        seen = [run.domain.view.look(each.item, each.given).symbols for each in made]
        nats = [-value for each in made for value in each.log_probabilities]
        what = ", ".join(f"{name} {value}" for name, value in settings.items()) or "the run's own settings"
        long_enough = [each[:symbols] for each in seen if len(each) >= symbols]
        rows.append({"what": what, **_score(run, found, long_enough), "nats": float(np.mean(nats))})
    return rows


def _score(run: Run, found: IndexedCorpus, made: Sequence[Words]) -> dict[str, Any]:
    overlap, sizes = run.domain.view.overlap, sorted(run.domain.view.rates)
    matches = [found.matches(each) for each in made]
    longest = [int(each.max()) + overlap for each in matches]
    return {
        "count": len(made),
        "longest": [float(np.quantile(longest, share)) for share in (0.5, 0.95, 1.0)],
        "novel": {size + overlap: float(np.mean([(m[: 1 - size] < size).mean() for m in matches])) for size in sizes},
    }


# --- the tables ---


def report(results: Sequence[Mapping[str, Any]], samples: int) -> str:
    """The figures as Markdown."""
    lines = [
        "# Originality",
        "",
        "## The index that ships, and the findable corpus in the cache",
        "",
        "Seconds are of one process's own time on a shared core. False alarms: the share of held-out runs which the",
        "corpus does not hold that pass all the same; as reports count, the smaller sizes have a say too.",
        "",
        "| run | units learned from | index | built in | findable corpus | made in | size of run "
        "| stated | counted | as reports count | copies missed |",
        "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        head = (
            f"| {each['run']} | {each['symbols']:,} | {each['bytes'] / 1e6:.2f} MB | {each['build_seconds']:.1f} s "
            f"| {each['corpus_bytes'] / 1e6:.1f} MB | {each['corpus_seconds']:.1f} s "
        )
        for size, alarm in each["alarms"].items():
            units = f"{int(size) + (each['unit'] == 'note')} {each['unit']}s"
            told = " | ".join(f"{alarm[name]:.2%}" for name in ("stated", "filter", "reach"))
            lines.append(f"{head}| {units} | {told} | {alarm['missed']} |")
            head = "| | | | | | "
    lines += [
        "",
        "## What the limit costs",
        "",
        "Processor time a token, step and mask together, replaying what the run draws under the limit and without it;",
        "how often something was forbidden.",
        "",
        "| run | no copy longer than | under the limit | something forbidden | without it | would be forbidden |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for each in results:
        for cost in each["costs"]:
            spent = (cost[name] for name in ("limited", "free"))
            told = " | ".join(f"{at['microseconds']:.0f} µs | {at['masked']:.1%} of tokens" for at in spent)
            lines.append(f"| {each['run']} | {cost['most']} {each['unit']}s | {told} |")
    lines += [
        "",
        "## How much is copied",
        "",
        f"{samples} samples a row, seeds 0 to {samples - 1}, cut to one length (those that end sooner are left out);",
        "compared with the training split itself. Nats are the model's own, a token, with no mask counted.",
        "",
    ]
    for each, case in zip(results, CASES, strict=True):
        small, large = list(each["scores"][0]["novel"])
        lines += [
            f"### {each['run']}: {case.length} {each['unit']}s",
            "",
            f"| what | samples | longest run: median | 95 in 100 at most | the longest | runs of {small} that are new "
            f"| of {large} | nats a token |",
            "|---|--:|--:|--:|--:|--:|--:|--:|",
        ]
        for row in each["scores"]:
            longest = " | ".join(f"{value:.0f}" for value in row["longest"])
            novel = " | ".join(f"{value:.1%}" for value in row["novel"].values())
            nats = f"{row['nats']:.3f}" if "nats" in row else ""
            lines.append(f"| {row['what']} | {row['count']} | {longest} | {novel} | {nats} |")
        lines.append("")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--samples", type=int, default=40)
    parser.add_argument("--tinyshakespeare", default=TINYSHAKESPEARE, help="the text that shakespeare learned from")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        results = [measured(case, asked.samples, asked.tinyshakespeare, Path(cache)) for case in CASES]
    if asked.json:
        asked.json.write_text(json.dumps(results, indent=1))
    table = report(results, asked.samples)
    (RESULTS / "originality.md").write_text(table)
    print(table)


if __name__ == "__main__":
    main()
