"""What blending checkpoints of one codec does to held-out loss, and a contrast to what is written.

    python -m benchmarks.blending [--blend RUN OTHER CORPUS]… [--contrast RUN AMATEUR]…

For each blend: the loss of their product and mixture over the first ``--limit`` predictions of the validation
split, by the weight of OTHER; 0 and 1 are the runs alone. One stream with the state carried, fp32. For each contrast:
texts that it writes at temperature 1, seeds 0 to N - 1, judged by what they repeat and by how likely RUN alone
finds them; beside them RUN by itself, and RUN with the floor of the contrast but no amateur.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit import generate
from toolkit.core import Engine
from toolkit.engine.blend import PLAUSIBLE, Blend, BlendedEngine, log_softmax
from toolkit.sampling import MinP, Sampler, Without

WEIGHTS = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
CONTRASTS = (0.25, 0.5, 1.0)
SAMPLES, LENGTH, LIMIT = 12, 400, 40_000
GRAM = 8  # tokens that count as a repetition when they stand in a text twice


def logits_of(model: Any, ids: Any, chunk: int = 2048) -> Any:
    """float32 logits (predictions, V) of every token but the first, one stream with the state carried."""
    import torch

    found, state = [], None
    with torch.inference_mode():
        for first in range(0, len(ids) - 1, chunk):
            x_BT = torch.from_numpy(ids[first : min(first + chunk, len(ids) - 1)].astype("int64"))[None]
            logits_BTV, state = model(x_BT, state)
            found.append(logits_BTV[0].float().numpy())
    return np.concatenate(found)


def losses(run: Any, other: Any, corpus: str, limit: int) -> dict[str, Any]:
    """The loss by weight of a product and of a mixture of two runs."""
    from toolkit.api import open_corpus, prepare

    encoded = prepare(open_corpus(corpus, domain=run.domain.name), run.codec).split("validation")
    ids = encoded.tokens[: limit + 1]
    share = (len(ids) - 1) / encoded.predictions
    unit = "character" if run.domain.name == "text" else "note"
    each = [logits_of(model, ids) for model in (run.model, other.model)]
    found: dict[str, Any] = {"run": run.name, "other": other.name, "corpus": Path(corpus).stem, "unit": unit}
    for how in ("product", "mixture"):
        nats = []
        for weight in WEIGHTS:
            mixed = log_softmax(Blend(how, (weight,)).mixed(each, 0).astype(np.float64))
            total = -float(mixed[np.arange(len(ids) - 1), ids[1:].astype(int)].sum())
            nats.append(total / (share * encoded.measure[unit]))
        found[how] = nats
    return found | {"predictions": len(ids) - 1}


def written(engine: Engine, sampler: Sampler, run: Any, samples: int, length: int) -> list[list[int]]:
    """Texts of ``length`` tokens; no stop token, so that all are equally long."""
    opening = run.opening(None)[1]
    endless = Without(run.codec.grammar(), [run.codec.stop], run.codec.size)
    asked = {"sampler": sampler, "length": length, "stop": run.codec.stop, "constraint": endless, "given": ()}
    return [[step.token for step in generate.tokens(engine, opening, seed=seed, **asked)] for seed in range(samples)]


def judged(texts: Sequence[Sequence[int]], run: Any) -> dict[str, float]:
    """Repeated grams as a share of all, different words as a share of all, and nats a token under the run alone."""
    repeated, likely, words = [], [], []
    for text in texts:
        grams = [tuple(text[place : place + GRAM]) for place in range(len(text) - GRAM + 1)]
        repeated.append(1 - len(set(grams)) / len(grams))
        spoken = run.domain.show(run.codec.decode(text)).split()
        words.append(len(set(spoken)) / max(1, len(spoken)))
        ids = np.asarray([*run.opening(None)[1], *text])
        logs = log_softmax(logits_of(run.model, ids).astype(np.float64))
        likely.append(-float(logs[np.arange(len(ids) - 1), ids[1:]][-len(text) :].mean()))
    return {"repeated": statistics.mean(repeated), "words": statistics.mean(words), "nats": statistics.mean(likely)}


def contrasts(run: Any, amateur: Any, samples: int = SAMPLES, length: int = LENGTH) -> list[dict[str, Any]]:
    """What a run writes alone, cut off at the floor, and against an amateur by weight."""
    plain = Sampler()
    ways: list[tuple[str, Engine, Sampler]] = [
        ("alone", run.engine, plain),
        (f"alone, min-p {PLAUSIBLE:g}", run.engine, Sampler((MinP(PLAUSIBLE),))),
    ]
    for weight in CONTRASTS:
        engine = BlendedEngine([run.engine, amateur.engine], Blend("contrast", (weight,)))
        ways.append((f"against `{amateur.name}`, {weight:g}", engine, plain))
    found = []
    for name, engine, sampler in ways:
        texts = written(engine, sampler, run, samples, length)
        found.append({"run": run.name, "how": name, **judged(texts, run), "text": run.codec.decode(texts[0][:120])})
    return found


def report(blends: Sequence[Mapping[str, Any]], against: Sequence[Mapping[str, Any]]) -> str:
    """The results as Markdown."""
    lines = [
        "# Blending checkpoints",
        "",
        "Held-out loss by the weight of the second run, in nats a character or note (header, bar and stop tokens "
        "counted); one stream with the state carried, fp32, the beginning of the validation split. Best in bold.",
        "",
        f"| run | second run | held-out text of | how | {' | '.join(f'{weight:g}' for weight in WEIGHTS)} |",
        "|---|---|---|---|" + "--:|" * len(WEIGHTS),
    ]
    for each in blends:
        for how in ("product", "mixture"):
            best = min(each[how])
            cells = " | ".join(f"**{nats:.4f}**" if nats == best else f"{nats:.4f}" for nats in each[how])
            lines.append(f"| `{each['run']}` | `{each['other']}` | {each['corpus']} | {how} | {cells} |")
    if against:
        lines += [
            "",
            "## A run against an amateur",
            "",
            f"{SAMPLES} texts of {LENGTH} tokens at temperature 1. Repeated: the share of {GRAM}-grams of tokens that "
            "stood in the text before. Different: words that stand in it, each counted once, as a share of all. Nats: "
            "a token, under the run alone.",
            "",
            "| run | how | repeated | different words | nats a token |",
            "|---|---|--:|--:|--:|",
        ]
    for row in against:
        lines.append(
            f"| `{row['run']}` | {row['how']} | {100 * row['repeated']:.2f} % | {100 * row['words']:.0f} % "
            f"| {row['nats']:.3f} |"
        )
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    from toolkit.api import open_run

    parser = argparse.ArgumentParser(prog="python -m benchmarks.blending", description=__doc__.splitlines()[0])
    parser.add_argument("--blend", nargs=3, action="append", default=[], metavar=("RUN", "OTHER", "CORPUS"))
    parser.add_argument("--contrast", nargs=2, action="append", default=[], metavar=("RUN", "AMATEUR"))
    parser.add_argument("--limit", type=int, default=LIMIT, help="predictions to read of each split")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)
    blends = [losses(open_run(run), open_run(other), corpus, arguments.limit) for run, other, corpus in arguments.blend]
    against = [row for run, amateur in arguments.contrast for row in contrasts(open_run(run), open_run(amateur))]
    text = report(blends, against)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "blending.md").write_text(text)
    if arguments.json:
        arguments.json.write_text(json.dumps({"blends": blends, "contrasts": against}, indent=1) + "\n")
    print(text)


if __name__ == "__main__":
    as_command(main)
