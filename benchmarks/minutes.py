"""What minutes on this machine make of a corpus: this toolkit, choosing for itself, and transformers in the same time.

    python -m benchmarks.minutes CORPUS --minutes 10 --who toolkit nanogpt gpt --seeds 0 1 2 --json FILE
    python -m benchmarks.minutes --report FILE …

`toolkit` is `toolkit train CORPUS --minutes M` and nothing else: its minutes hold measuring, evaluating and saving
too. The transformers' minutes are of steps alone. Every loss is over every prediction of the held-out split, in fp32,
from one network; ``carried`` lets the state go on (a transformer: windows slid by half of themselves), ``windows``
forgets it every 256 tokens (a transformer: windows end to end, of its own context).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks import gpt
from benchmarks.commands import as_command
from toolkit.api import Noted, Plan, fit, open_run
from toolkit.api.materials import codec_for, open_corpus, prepare
from toolkit.evaluate import evaluate
from toolkit.models import parameters

GPTS = {"nanogpt": gpt.NANOGPT, "gpt": gpt.TUNED}


def by_toolkit(corpus: str, codec: str | None, minutes: float, seed: int, overrides: dict[str, Any]) -> dict[str, Any]:
    """One run of the toolkit's own choosing, measured."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        for event in fit(Plan(corpus, out, codec=codec, minutes=minutes, seed=seed, **overrides)):
            if isinstance(event, Noted):
                print(event.text, file=sys.stderr)
        run = open_run(out)
        held_out = prepare(open_corpus(corpus), run.codec).split("validation")
        windows = evaluate(run.model, held_out, reset=256)
        result = run.config.result
        return {
            "parameters": result["parameters"],
            "steps": result["steps"],
            "epochs": result["epochs"],
            "model": run.config.model,
            "codec": run.codec.name,
            "carried": result["val_nats_per_token"] * held_out.predictions,
            "windows": windows.nats_per_token * held_out.predictions,
            "measure": dict(held_out.measure),
        }


def by_gpt(kind: str, corpus: str, codec: str | None, minutes: float, seed: int) -> dict[str, Any]:
    """A transformer over the ids that the toolkit would train on."""
    opened = open_corpus(corpus)
    made = codec_for(opened, codec, None)
    store = prepare(opened, made)
    learnt, held_out = store.split("train"), store.split("validation")
    trained = gpt.train(learnt.tokens, made.size, GPTS[kind], minutes=minutes, seed=seed)
    losses = {
        name: gpt.loss(trained.model, held_out.tokens, slide=slide) * held_out.predictions
        for name, slide in (("carried", True), ("windows", False))
    }
    return {
        "parameters": parameters(trained.model),
        "steps": trained.steps,
        "epochs": round(trained.tokens / learnt.predictions, 2),
        "codec": made.name,
        **losses,
        "measure": dict(held_out.measure),
    }


def report(rows: list[dict[str, Any]]) -> str:
    """The rows as a table, seeds gathered."""
    gathered: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        gathered[row["corpus"], row["minutes"], row["who"], row["codec"]].append(row)
    lines = [
        "| corpus | minutes | by | ids | parameters | epochs | carried, nats/unit | windows | bits/unit | seeds |",
        "|---|--:|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for (corpus, minutes, who, codec), found in sorted(gathered.items(), key=lambda item: tuple(map(str, item[0]))):
        unit = next(each for each in ("byte", "note") if each in found[0]["measure"])
        carried, windows = ([row[name] / row["measure"][unit] for row in found] for name in ("carried", "windows"))
        mean = sum(carried) / len(carried)
        lines.append(
            f"| {corpus} | {minutes:g} | {who} | {codec} | {found[0]['parameters']:,} | {found[0]['epochs']:.1f} | "
            f"{' '.join(f'{each:.3f}' for each in carried)} | {sum(windows) / len(windows):.3f} | "
            f"{mean / math.log(2):.3f} a {unit} | {len(found)} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", nargs="?")
    parser.add_argument("--codec")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--who", nargs="+", choices=("toolkit", *GPTS), default=["toolkit"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--model", type=json.loads, default={}, help="settings of the toolkit's model, as JSON")
    parser.add_argument("--json", type=Path, help="where rows are appended")
    parser.add_argument("--report", type=Path, nargs="+")
    given = parser.parse_args()
    if given.report:
        print(report([json.loads(line) for path in given.report for line in path.read_text().splitlines()]), end="")
        return
    rows = []
    for seed in given.seeds:
        for who in given.who:
            began = time.monotonic()
            asked = (given.corpus, given.codec, given.minutes, seed)
            found = by_toolkit(*asked, {"model": given.model}) if who == "toolkit" else by_gpt(who, *asked)
            facts = {"corpus": Path(given.corpus).stem, "minutes": given.minutes, "who": who, "seed": seed}
            rows.append({**facts, "by_hand": given.model, "seconds": time.monotonic() - began, **found})
            if given.json:
                with given.json.open("a") as file:
                    file.write(json.dumps(rows[-1]) + "\n")
    print(report(rows), end="")


if __name__ == "__main__":
    as_command(main)
