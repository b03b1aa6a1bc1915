"""Whether what is asked for is what comes out: many samples under random constraints, each checked from outside.

    python -m benchmarks.constraints RUN… [--samples 2000] [--seed 0] [--json FILE]
    python -m benchmarks.constraints --report FILE…        # the table of what several runs of it found

Draws random things to ask (`benchmarks.text_cases`, `benchmarks.melody_cases`), one in half of the cases and two or
three at once in the other half, generates under each, and checks the result by `re.fullmatch` and plain string methods,
or by the notes that mido reads in the exported MIDI file. Beside each kind stands how often the same model does it
unasked: the share of its free results, of the same length, that would pass. What no result can be has to be refused
before the first token; it is counted, and another case is drawn.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from benchmarks import melody_cases, text_cases
from toolkit.api import Run, open_run
from toolkit.core import ToolkitError, UsageError

LENGTHS = {"text": 200, "music": 512}
FREE = 200  # free results that every case is held against
WORDS = 300


@dataclass
class Tally:
    """What became of the cases of one run, by kind."""

    run: str
    codec: str
    kept: Counter[str] = field(default_factory=Counter)
    broken: list[dict[str, Any]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    rare: int = 0
    composed: int = 0
    samples: int = 0
    tokens: int = 0
    seconds: float = 0.0
    unasked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))


def measure(run: Run, samples: int, seed: int) -> Tally:
    """``samples`` results under random constraints, checked."""
    tally = Tally(run.name, run.codec.name)
    free = list(_free(run))
    rng, words = Random(seed), _words(run) if run.domain.name == "text" else []
    for number in itertools.count():
        if tally.samples == samples:
            break
        if not number % 100:
            print(f"{run.name}: {tally.samples} of {samples}", end="\r", file=sys.stderr, flush=True)
        composed = tally.samples % 2 == 1
        case = text_cases.draw(rng, words, composed=composed) if words else melody_cases.draw(rng, composed=composed)
        began = time.monotonic()
        try:
            result = run.generate(seed=seed + number, length=LENGTHS[run.domain.name], **case.settings)
        except UsageError as refusal:
            tally.refused[str(refusal)[:60]] += 1
            continue
        except ToolkitError as failure:
            tally.broken.append({"settings": case.settings, "error": str(failure)})
            tally.samples += 1
            continue
        tally.seconds += time.monotonic() - began
        tally.samples += 1
        tally.tokens += len(result.tokens)
        by_chance = sum(case.holds(each) for each in free) / len(free)
        tally.rare += by_chance < 0.01
        tally.composed += len(case.kinds) > 1
        for kind in case.kinds:
            tally.unasked[kind].append(by_chance)
        made = result.text if run.domain.name == "text" else result.export(".mid")
        if case.holds(made):
            tally.kept.update(case.kinds)
        else:
            shown = made if isinstance(made, str) else result.text
            tally.broken.append({"settings": case.settings, "seed": seed + number, "made": shown})
    return tally


def _words(run: Run) -> list[str]:
    """Words that the model knows: the commonest of what it writes freely."""
    text = " ".join(run.generate(seed=seed, length=600).text for seed in range(3))
    counts = Counter(word for word in text.lower().split() if word.isascii() and word.isalpha() and len(word) > 2)
    return [word for word, _ in counts.most_common(WORDS)]


def _free(run: Run) -> Iterator[Any]:
    """Results that nothing was asked of, as the checks want them."""
    for seed in range(FREE):
        result = run.generate(seed=seed, length=LENGTHS[run.domain.name])
        yield result.text if run.domain.name == "text" else result.export(".mid")


def table(tallies: list[Tally]) -> str:
    """The figures as Markdown."""
    lines = [
        "# Is what is asked for what comes out?",
        "",
        "`python -m benchmarks.constraints` (see benchmarks/README.md). Every result is checked from outside: texts by",
        "`re.fullmatch` and string methods, melodies on the notes that mido reads in their MIDI file.",
        "",
        "| run | codec | samples | two kinds or more | under 1 % by chance | satisfied | refused before | tokens/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in tallies:
        good = each.samples - len(each.broken)
        lines.append(
            f"| {each.run} | {each.codec} | {each.samples:,} | {each.composed / each.samples:.0%} "
            f"| {each.rare / each.samples:.0%} | **{good:,}** | {sum(each.refused.values()):,} "
            f"| {each.tokens / max(each.seconds, 1e-9):,.0f} |"
        )
    total = sum(each.samples for each in tallies)
    broken = sum(len(each.broken) for each in tallies)
    lines += ["", f"{total - broken:,} of {total:,} satisfied.", ""]
    lines += ["| kind | satisfied | met by chance, mean |", "|---|---|---|"]
    kept: Counter[str] = Counter()
    unasked: dict[str, list[float]] = defaultdict(list)
    for each in tallies:
        kept.update(each.kept)
        for kind, shares in each.unasked.items():
            unasked[kind] += shares
    for kind in sorted(kept):
        lines.append(f"| {kind} | {kept[kind]:,} | {sum(unasked[kind]) / len(unasked[kind]):.2%} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*")
    parser.add_argument("--samples", type=int, default=2000, help="for each run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--report", type=Path, nargs="+", default=[], help="files that --json wrote")
    asked = parser.parse_args()
    if asked.report:
        print(table([Tally(**each) for path in asked.report for each in json.loads(path.read_text())]))
        return 0
    tallies = []
    for name in asked.runs:
        tallies.append(measure(open_run(name), asked.samples, asked.seed))
        print(f"{name}: {tallies[-1].samples - len(tallies[-1].broken)} of {tallies[-1].samples}", file=sys.stderr)
        for each in tallies[-1].broken[:3]:
            print(each, file=sys.stderr)
    print(table(tallies))
    if asked.json:
        asked.json.write_text(json.dumps([each.__dict__ for each in tallies], indent=1))
    return int(any(each.broken for each in tallies))


if __name__ == "__main__":
    sys.exit(main())
