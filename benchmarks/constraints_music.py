"""What rules about a melody cost: the time before the first token, and for each token after it.

    python -m benchmarks.constraints_music [--rounds 3] [--tokens 300]

Each request is made with nothing computed before, then melodies are drawn by an engine of random logits, so that all
the time is the constraint's and the sampler's own. "First melody" has every table still to compute, as for one call of
`toolkit generate`; "later" is the cost of a token once a melody was drawn.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from benchmarks.melody_codecs import RESULTS
from toolkit import generate
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.grammar import grammar_within
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.rules import melodies_within
from toolkit.sampling import Sampler

CHORDS = "C | G | Am | F"
SCALES = {"key": "C", "mode": "major", "scale": True}

REQUESTS: dict[str, dict[str, Any]] = {
    "none": {},
    "key, range, 16 bars": {**SCALES, "low": 60, "high": 81, "bars": 16},
    "four chords, nothing else said": {"chords": CHORDS},
    "four chords in 4/4 and C major": {"chords": CHORDS, "meter": "4/4", **SCALES},
    "chords, leap, close, 16 bars of 4/4": {
        **{"chords": CHORDS, "bars": 16, "leap": 7, "close": "authentic", "meter": "4/4", **SCALES},
    },
    "rhythm, 8 bars": {"rhythm": "1 1/2 1/2 1 1", "bars": 8},
    "pitches": {"pitches": "C D E F G A B c"},
    "motif, 8 bars": {"motif": "c d e c", "bars": 8},
    "motif in rhythm, 8 bars of 4/4": {"motif": "c d e c", "motif_rhythm": True, "bars": 8, "meter": "4/4"},
    "motif in rhythm, 8 bars": {"motif": "c d e c", "motif_rhythm": True, "bars": 8},
    "no bar twice, 16 bars": {"repeat_bar": 1, "bars": 16, "meter": "4/4", **SCALES},
    "all but a rhythm, 16 bars of 4/4": {
        **{"chords": CHORDS, "bars": 16, "leap": 9, "close": "authentic", "motif": "c d e c", "repeat_bar": 1},
        **{"low": 55, "high": 81, "meter": "4/4", **SCALES},
    },
}  # fmt: skip


class Random:
    """An engine whose logits are random: a bank of them, made beforehand."""

    name, precision = "random", "fp32"

    def __init__(self, vocabulary: int, seed: int) -> None:
        self.vocabulary = vocabulary
        self._bank = np.random.default_rng(seed).normal(scale=2.0, size=(997, vocabulary)).astype(np.float32)

    def begin(self) -> int:
        return 0

    def feed(self, tokens: Sequence[int], memory: int) -> tuple[Any, int]:
        return self._bank[memory % len(self._bank)], memory + len(tokens)

    def rows(self, memory: Any, rows: Sequence[int]) -> Any:
        raise NotImplementedError

    def advance(self, tokens: Sequence[int], memory: Any) -> Any:
        raise NotImplementedError


def measure(asked: dict[str, Any], tokens: int, seed: int) -> tuple[float, float, float]:
    """Seconds (until the request is accepted, for the first melody after that, for a later token)."""
    codec, controls = MelodyCodec(), MelodyControls(**asked)
    grammar_within.cache_clear()
    melodies_within.cache_clear()
    began = time.perf_counter()
    found = constraint(codec, controls)
    accepted = time.perf_counter()
    _draw(codec, found, seed)
    drawn = time.perf_counter()
    made = 0
    while made < tokens:
        seed += 1
        made += _draw(codec, found, seed)
    return accepted - began, drawn - accepted, (time.perf_counter() - drawn) / made


def _draw(codec: MelodyCodec, found: Any, seed: int) -> int:
    engine = Random(codec.size, seed)
    steps = generate.tokens(
        engine, [codec.stop], sampler=Sampler(), length=1024, stop=codec.stop, constraint=found, seed=seed
    )
    return sum(1 for _ in steps)


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.constraints_music", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tokens", type=int, default=300, help="drawn to time a later token")
    arguments = parser.parse_args(given)
    lines = [
        "# What rules about a melody cost",
        "",
        f"Medians of {arguments.rounds} rounds on one CPU thread, random logits, no model.",
        "",
        "| asked | accepted after (s) | first melody (s) | a later token (ms) |",
        "|---|--:|--:|--:|",
    ]
    for name, asked in REQUESTS.items():
        rounds = [measure(asked, arguments.tokens, 100 * number) for number in range(arguments.rounds)]
        accepted, first, later = (statistics.median(each) for each in zip(*rounds, strict=True))
        lines.append(f"| {name} | {accepted:.3f} | {first:.2f} | {1000 * later:.2f} |")
        print(lines[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "constraints_music.md").write_text("\n".join([*lines, ""]))


if __name__ == "__main__":
    main()
