"""How musical what `folk` makes is, beside people's tunes and beside a model that only counts.

    python -m benchmarks.musicality [--tunes 200] [--out FOLDER]

Two hundred tunes of the shipped `folk` (its own sampling, seeds from 0), as many asked for a form, and as many of the
n-gram that validates best (temperature 1, the same grammar), each against held-out tunes.
Writes musicality.md and musicality.png.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.melody_codecs import RESULTS
from benchmarks.melody_quality import ORDERS, sample
from toolkit.api import open_corpus, open_run, prepare
from toolkit.api.musicality import Musicality, musicality
from toolkit.models.ngram import NGram
from toolkit.musicality import Comparison, compare
from toolkit.musicality.plot import comparison_png
from toolkit.score import Score

SEED = 0
FORM = {"form": "AABB", "part": 4}


def of_counting(tunes: int) -> tuple[Comparison, int]:
    """(The comparison of an n-gram's tunes with held-out ones, its order)."""
    run, corpus = open_run("folk"), open_corpus("folk")
    store = prepare(corpus, run.codec)
    learnt, chosen = store.split("train"), store.split("validation")
    models = [NGram(learnt.tokens, order, run.codec.size) for order in ORDERS]
    best = max(models, key=lambda model: float(model.log_probabilities(chosen.tokens).sum()))
    made: list[Score] = [run.codec.decode(tokens) for tokens in sample(best, run.codec, tunes)]
    human = [document.item for split in ("validation", "test") for document in corpus.read(split)]
    rng = np.random.default_rng(SEED)
    if len(human) > tunes:
        human = [human[place] for place in sorted(rng.choice(len(human), tunes, replace=False).tolist())]
    return compare(made, human, rng), best.order


def table(model: Comparison, formed: Comparison, counting: Comparison, order: int) -> list[str]:
    """The comparisons as one Markdown table."""
    lines = [
        f"| measure | unit | people | `folk` | with a form | {order}-gram | by chance |",
        "|---|---|---|---|---|---|---|",
    ]
    others = [({each.name: each for each in found.measures}, found.differing()) for found in (formed, counting)]
    stars = model.differing()
    for each in model.measures:
        ours = f"{each.ours.mean:.3f} ({each.ours.low:.3f} to {each.ours.high:.3f}){' *' * (each.name in stars)}"
        people = f"{each.corpus.mean:.3f} ({each.corpus.low:.3f} to {each.corpus.high:.3f})"
        cells = [
            f"{known[each.name].ours.mean:.3f}{' *' * (each.name in differing)}" if each.name in known else ""
            for known, differing in others
        ]
        lines.append(f"| {each.name} | {each.unit} | {people} | {ours} | {cells[0]} | {cells[1]} | {each.chance:.3f} |")
    lines += [
        "",
        f"| distribution | `folk`: divergence in bits, overlap | {order}-gram | by chance |",
        "|---|---|---|---|",
    ]
    for near, far in zip(model.distributions, counting.distributions, strict=True):
        lines.append(
            f"| {near.name} | {near.divergence.mean:.4f} ({near.divergence.low:.4f} to {near.divergence.high:.4f}), "
            f"{near.overlap:.3f} | {far.divergence.mean:.4f}, {far.overlap:.3f} "
            f"| {near.divergence_by_chance:.4f}, {near.overlap_by_chance:.3f} |"
        )
    return lines


def report(found: Musicality, formed: Comparison, counting: Comparison, order: int) -> str:
    """The result as Markdown."""
    comparison = found.comparison
    lines = [
        "# How musical generated tunes are",
        "",
        f"{comparison.tunes} tunes of the shipped `folk`, {formed.tunes} of it with `--form AABB --part 4`, "
        f"{counting.tunes} of the {order}-gram, {comparison.others} "
        "held-out tunes of people. Means with 95 % bootstrap intervals. A star: chance does not explain the difference "
        "from people's tunes (permutation test, all measures of a column taken together, Holm). By chance: what 95 in "
        "100 pairs of such sets of people's tunes differ by at most, and for distributions the middle of such pairs.",
        "",
        *table(comparison, formed, counting, order),
        "",
        "`python -m benchmarks.musicality`",
    ]
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and writes both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tunes", type=int, default=200, help="how many from each source")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the folder to write into")
    asked = parser.parse_args(arguments)
    *_, found = musicality("folk", "folk", count=asked.tunes, seed=SEED)
    *_, formed = musicality("folk", "folk", count=asked.tunes, seed=SEED, **FORM)
    assert isinstance(found, Musicality) and isinstance(formed, Musicality)  # they are always told last
    counting, order = of_counting(asked.tunes)
    (asked.out / "musicality.md").write_text(report(found, formed.comparison, counting, order), encoding="utf-8")
    (asked.out / "musicality.png").write_bytes(comparison_png(found.comparison, found.ours, found.corpus))


if __name__ == "__main__":
    main()
