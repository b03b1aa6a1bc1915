"""How many nats a note costs when the codec `melody` writes differently: one thing changed at a time.

    python -m benchmarks.melody_ways_measured --prepare DIR
    python -m benchmarks.melody_ways_measured --data DIR --way units+again --minutes 3 --seed 0 --json out/one.json
    python -m benchmarks.melody_ways_measured --report out

The tunes of the corpus folk, the same network but for its embedding (chosen so that parameters agree), the same
minutes on one core. Validation split alone: these figures choose a codec and are no results. Where a repetition is
announced, the tokens that it leaves no choice about count nothing, as the generator would force them; the loss over
every token stands beside it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import streams
from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS, equal_parameters, every_token, network, settings_of
from benchmarks.melody_ways import WAYS, Symbol, Symbols, Writing, forced, transposed, transpositions
from toolkit.batches import Encoded
from toolkit.core import SPLITS, InputError, ToolkitError, UsageError
from toolkit.domains.music.events import Kind, Layout
from toolkit.domains.music.melody import MelodyCodec

if TYPE_CHECKING:
    from toolkit.models import RecurrentLM
    from toolkit.score.notes import Score

BARE = Layout(again=0, types=())
"""The codec as it was when these ways were compared, before the best of them became its own."""

PLAIN, TYPED, AUGMENTED = "ours", "typed", "augmented"
COPIES = 8
"""So many transpositions of each tune are in the training split where it is augmented."""

MEASURED = (
    PLAIN,
    "units",
    "lengths",
    "units+lengths+joined",
    "contour",
    "absolute",
    f"absolute+{AUGMENTED}",
    "again",
    "announced",
    "units+again",
    "units+announced",
    "lengths+again",
)
"""What is prepared. A pitch joined with a place is not: its 1,240 ids leave no embedding of equal parameters."""

TYPES = ("air", "clog", "hornpipe", "jig", "reel", "slipjig", "strathspey", "waltz")
_ALIKE = {"slip jig": "slipjig", "double jig": "jig"}


def prepare(folder: Path, names: Iterable[str] = MEASURED) -> None:
    """Writes the corpus folk into ``folder`` in each of these ways; ToolkitError where one is not one-to-one."""
    from toolkit.api import open_corpus

    codec, corpus = MelodyCodec(BARE), open_corpus("folk")
    scores = {split: [each.item for each in corpus.read(split)] for split in SPLITS}
    measures = {split: _measured(codec, scores[split]) for split in SPLITS}
    for name in names:
        tunes = {split: [_written(name, codec, score) for score in scores[split]] for split in SPLITS}
        if AUGMENTED in name:
            tunes["train"] = _augmented(tunes["train"])
        known = {each for split in SPLITS for tune in tunes[split] for each in tune}
        ids = {each: number for number, each in enumerate([("STOP",), *sorted(known - {("STOP",)}, key=str)])}
        encoded = {split: _encoded(tunes[split], ids, measures[split]) for split in SPLITS}
        if AUGMENTED in name:
            encoded["train"] = replace(encoded["train"], measure={u: COPIES * n for u, n in measures["train"].items()})
        streams.write(streams.Stream(name, len(ids), encoded), folder)
        for split in SPLITS:
            np.save(folder / name / f"{split}.forced.npy", _forced(tunes[split]), allow_pickle=False)


def symbols_of(codec: MelodyCodec, score: Score) -> Symbols:
    """A tune's events as symbols, the meter by its numbers."""
    found: Symbols = []
    for token in codec.encode(score):
        kind, value = codec.layout.events[token]
        if kind is Kind.METER:
            found.append((kind.name, *codec.layout.meters[value]))
        else:
            found.append((kind.name,) if kind in (Kind.REST, Kind.TIE) else (kind.name, value))
    return found


def _written(name: str, codec: MelodyCodec, score: Score) -> Symbols:
    symbols = symbols_of(codec, score)
    writing = Writing(tuple(each for each in name.split("+") if each in WAYS))
    found = writing.write(symbols)
    if writing.read(found) != symbols:
        raise ToolkitError(f"{name} does not give {score.title!r} back.")
    if TYPED not in name.split("+"):
        return found
    kind = _ALIKE.get(score.tune_type, score.tune_type)
    return [("TYPE", kind if kind in TYPES else ""), *found]


def _augmented(tunes: Sequence[Symbols]) -> list[Symbols]:
    pitches = [each[1] for tune in tunes for each in tune if each[0] == "PITCH"]
    low, high, rng = min(pitches), max(pitches), Random(0)
    return [transposed(tune, transpositions(tune, low, high, rng)) for tune in tunes for _ in range(COPIES)]


def _encoded(tunes: Sequence[Symbols], ids: dict[Symbol, int], measure: dict[str, float]) -> Encoded:
    tokens: list[int] = []
    starts = []
    for tune in tunes:
        starts.append(len(tokens))
        tokens.extend([0, *(ids[each] for each in tune)])
    return Encoded(np.array([*tokens, 0]), np.array(starts), measure)


def _forced(tunes: Sequence[Symbols]) -> np.ndarray[Any, np.dtype[np.bool_]]:
    return np.array([each for tune in tunes for each in [False, *forced(tune)]] + [False])


def _measured(codec: MelodyCodec, scores: Iterable[Score]) -> dict[str, float]:
    found = [codec.measure(codec.encode(score)) for score in scores]
    return {unit: sum(each[unit] for each in found) for unit in ("note", "quarter")}


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One row of the table, as asked for on the command line."""
    import torch

    torch.set_num_threads(1)
    stream = streams.read(arguments.data, arguments.way)
    model, training = settings_of(arguments.set)
    model = equal_parameters(model, stream.size, streams.read(arguments.data, PLAIN).size)
    forced_in = {
        len(stream.splits[split].tokens): np.load(arguments.data / arguments.way / f"{split}.forced.npy")
        for split in SPLITS
    }
    every: list[float] = []

    def nats_a_note(model: RecurrentLM, encoded: Encoded, rows: int) -> float:
        mask = forced_in[len(encoded.tokens)]
        if not mask.any():
            return every_token(model, encoded, rows)
        free, whole = _without(model, encoded, mask)
        every.append(whole)
        return free

    found = network(
        stream, model, training, seed=arguments.seed, final=False, minutes=arguments.minutes, nats_a_note=nats_a_note
    )
    asked = {"name": arguments.way, "seed": arguments.seed, "minutes": arguments.minutes, "set": arguments.set}
    return asked | found | ({"every_token": every[-1]} if every else {})


def _without(model: RecurrentLM, encoded: Encoded, forced: Any) -> tuple[float, float]:
    """Nats a note in one stream (without the tokens that are ``forced``, with them)."""
    import torch

    from toolkit.evaluate.evaluation import as_it_is

    ids = torch.from_numpy(encoded.tokens.astype("int64"))[None]
    losses = []
    state = None
    with as_it_is(model) as logits_of:
        for first in range(0, ids.shape[1] - 1, 2048):
            part = ids[:, first : first + 2049]
            logits, state = logits_of(part[:, :-1], state)
            losses.append(torch.nn.functional.cross_entropy(logits[0], part[0, 1:], reduction="none").numpy())
    nats = np.concatenate(losses).astype(np.float64)
    return float(nats[~forced[1:]].sum() / encoded.measure["note"]), float(nats.sum() / encoded.measure["note"])


def about(name: str) -> str:
    """What a way changes, in words."""
    words = {
        PLAIN: "`melody` as it is",
        TYPED: "the kind of tune first",
        AUGMENTED: f"trained in {COPIES} transpositions",
    }
    return "; ".join(words.get(each) or WAYS[each].about for each in name.split("+"))


def report(folder: Path) -> str:
    """The results in ``folder`` as a Markdown table, the best first."""
    results = [json.loads(each.read_text()) for each in sorted(folder.glob("*.json"))]
    if not results:
        raise InputError(f"{folder} holds no results.")
    first = results[0]
    lines = [
        "# Nats per note, by the way of writing",
        "",
        "Lower is better. Validation split: these figures choose, the test split was not looked at. Every token",
        "counts, but where a repetition is announced those that it leaves no choice about; in brackets with them.",
        f"The same network and {first['minutes']:g} minutes of training on one core each ({first['precision']}, torch "
        f"{first['torch']}), {first['parameters']:,} parameters within 1 %.",
        "",
        "| the codec, but | ids | tokens a note | epochs | nats a note | seed |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for each in sorted(results, key=lambda result: result["validation"]):
        every = f" ({each['every_token']:.3f})" if "every_token" in each else ""
        epochs = each["epochs"] * (COPIES if AUGMENTED in each["name"] else 1)
        lines.append(
            f"| {about(each['name'])} | {each['vocabulary']} | {each['tokens_per_note']:.2f} | {epochs:.1f} | "
            f"{each['validation']:.3f}{every} | {each['seed']} |"
        )
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.melody_ways_measured", description="One way a run.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--prepare", type=Path, metavar="DIR", help="write the token streams there")
    action.add_argument("--report", type=Path, metavar="DIR", help="make the table of the results in that folder")
    action.add_argument("--way", help=f"ways with a plus between them: {', '.join(WAYS)}, {TYPED}, {AUGMENTED}")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the prepared streams")
    parser.add_argument("--minutes", type=float, default=3.0, help="of training, validation not counted")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="GROUP.KEY=VALUE", help="model.… and train.… settings")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes")
    arguments = parser.parse_args(given)
    if arguments.prepare:
        prepare(arguments.prepare)
    elif arguments.report:
        table = report(arguments.report)
        (RESULTS / "melody_ways.md").write_text(table)
        print(table)
    elif arguments.data is None:
        raise UsageError("say where the prepared streams are: --data DIR.")
    else:
        line = json.dumps(measure(arguments))
        print(line)
        if arguments.json:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(line + "\n")


if __name__ == "__main__":
    as_command(main)
