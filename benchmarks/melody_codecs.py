"""How many nats a note costs: the codec `melody` against MidiTok's REMI and against an n-gram.

    python -m benchmarks.melody_codecs --prepare DIR
    python -m benchmarks.melody_codecs --data DIR --model ours --minutes 10 --seed 0 --json out/ours-0.json
    python -m benchmarks.melody_codecs --data DIR --model ngram --final --json out/ngram.json
    python -m benchmarks.melody_codecs --report out

The same tunes, all that both codecs give back note for note; the same network but for its embedding, chosen so that
the numbers of parameters agree; the same minutes of training on the same cores. Header, bar and stop tokens all count;
the sounds of a bar that was announced as coming again are settled and cost nothing.
Settings are chosen on the validation split; `--final` looks at the test split, once they are. Only `--prepare` needs
the corpus, MidiTok and symusic.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks import streams
from benchmarks.commands import as_command
from toolkit.batches import Encoded, encode
from toolkit.core import (
    SPLITS,
    UNSCORED,
    Codec,
    Document,
    InputError,
    Settling,
    Split,
    ToolkitError,
    UsageError,
    checked,
    knobs_of,
    unknown,
)

if TYPE_CHECKING:
    from toolkit.models import ModelSettings, RecurrentLM
    from toolkit.score.notes import Score
    from toolkit.train import TrainSettings

NatsANote = Callable[["RecurrentLM", Encoded, int], float]
"""(a network, a split, the streams it is read as) -> nats a note."""

NGRAM = "ngram"
REFERENCE = "ours"
BARE = "ours-bare"
ORDERS = range(2, 15)
RESULTS = Path(__file__).parent / "results"
_AGREE = 0.01  # by how much two numbers of parameters may differ

ABOUT = {
    "ours": "`melody`: bars that come again announced, the type of tune said first",
    "ours-untyped": "`melody` without the type of tune",
    "ours-bare": "`melody` without announcements and types, as it was",
    "ours-1": "`melody` as it was, bars not counted",
    "ours-4": "`melody` as it was, bars counted in fours",
    "ours-16": "`melody` as it was, bars counted in sixteens",
    "remi": "REMI (MidiTok 3.1)",
    "remi-key": "REMI, mode and tonic written first",
    "remi-c": "REMI, mode and tonic written first, notes moved to C",
    "remi-c-lean": "the same, the meter written once a tune",
}


# --- preparing: the only part that knows corpora and codecs ---


def codecs(items: Iterable[Score]) -> dict[str, Codec[Any, Any]]:
    """Every codec compared, by the name of its stream; REMI's know the tokens that ``items`` use."""
    from benchmarks.remi import RemiCodec
    from toolkit.domains.music.events import Layout
    from toolkit.domains.music.melody import MelodyCodec

    items = list(items)
    bare = Layout(again=0, types=())
    return {
        "ours": MelodyCodec(),
        "ours-untyped": MelodyCodec(Layout(types=())),
        BARE: MelodyCodec(bare),
        "ours-4": MelodyCodec(dataclasses.replace(bare, phrase=4)),
        "ours-16": MelodyCodec(dataclasses.replace(bare, phrase=16)),
        "remi": RemiCodec.build(items),
        "remi-key": RemiCodec.build(items, key="written"),
        "remi-c": RemiCodec.build(items, key="relative"),
        "remi-c-lean": RemiCodec.build(items, key="relative", lean=True),
    }


def prepare(folder: Path, corpus_name: str = "folk", limit: int | None = None) -> None:
    """Writes every stream of a corpus into ``folder``, and what was left out and why into corpus.json."""
    import tempfile

    from toolkit.api import open_corpus

    corpus = open_corpus(corpus_name)
    documents = {split: list(corpus.read(split))[:limit] for split in SPLITS}
    ways = codecs(each.item for split in SPLITS for each in documents[split])
    dropped: dict[str, str] = {}
    kept: dict[Split, list[Document[Any]]] = {}
    for split in SPLITS:
        reasons = {each.name: _loss(each.item, ways) for each in documents[split]}
        dropped |= {name: reason for name, reason in reasons.items() if reason}
        kept[split] = [each for each in documents[split] if not reasons[each.name]]
    same = dataclasses.replace(corpus, sha256=f"{limit}-{corpus.sha256}", read=kept.__getitem__)
    notes = set()
    for name, codec in ways.items():
        with tempfile.TemporaryDirectory() as cache:
            store = encode(same, codec, Path(cache))
            splits = {split: _in_memory(store.split(split)) for split in SPLITS}
        stream = streams.Stream(name, codec.size, splits, *_announcing(codec))
        streams.write(stream, folder)
        notes.add(tuple(int(encoded.measure["note"]) for encoded in splits.values()))
        if name == BARE:
            streams.write(_uncounted(stream, codec), folder)
    if len(notes) != 1:
        raise ToolkitError(f"the streams hold different numbers of notes: {sorted(notes)}.")
    facts = {
        "corpus": corpus.name,
        "sha256": corpus.sha256,
        "tunes": {split: len(kept[split]) for split in SPLITS},
        "notes": dict(zip(SPLITS, notes.pop(), strict=True)),
        "left_out": dropped,
    }
    (folder / "corpus.json").write_text(json.dumps(facts, indent=1) + "\n")


def _announcing(codec: Codec[Any, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The ids that announce a bar and those that end one, where the codec announces any."""
    from toolkit.domains.music.events import Kind

    if not isinstance(codec, Settling):
        return (), ()
    kinds: Any = codec.layout.kinds  # type: ignore[attr-defined]  # the one codec that settles anything has a layout
    opens = tuple(np.flatnonzero(kinds == Kind.AGAIN).tolist())
    return opens, tuple(np.flatnonzero((kinds == Kind.BAR) | (kinds == Kind.STOP)).tolist()) if opens else ()


def _loss(score: Score, ways: Mapping[str, Codec[Any, Any]]) -> str:
    """Which codec does not give the tune's notes and meter back, and why; empty when all do."""
    wanted = _content(score)
    for name, codec in ways.items():
        try:
            back = codec.decode(codec.encode(score))
        except InputError as error:
            return f"{name}: {error}"
        if _content(back) != wanted:
            return f"{name}: other notes come back"
    return ""


def _content(score: Score) -> tuple[str, list[tuple[int, int, int]]]:
    return str(score.meters[0]), [(note.start, note.pitch, note.duration) for note in score.notes]


def _in_memory(encoded: Encoded) -> Encoded:
    return dataclasses.replace(encoded, tokens=np.asarray(encoded.tokens).copy())


def _uncounted(stream: streams.Stream, codec: Codec[Any, Any]) -> streams.Stream:
    """The stream with one id for all bars. The notes can still be told: UNTIL follows the bar of a pickup alone."""
    from toolkit.domains.music.events import Kind

    kinds = codec.layout.kinds  # type: ignore[attr-defined]
    bars = np.flatnonzero(kinds == Kind.BAR)
    merged = np.arange(stream.size)
    merged[bars] = bars[0]
    ids = np.cumsum(np.bincount(merged, minlength=stream.size) > 0) - 1  # without the gaps
    splits = {
        split: dataclasses.replace(encoded, tokens=ids[merged[encoded.tokens]])
        for split, encoded in stream.splits.items()
    }
    return streams.Stream("ours-1", int(ids[-1]) + 1, splits)


# --- measuring ---


def n_gram(stream: streams.Stream, orders: Sequence[int], final: bool) -> dict[str, Any]:
    """The n-gram whose order the validation split likes best."""
    from toolkit.models.ngram import NGram

    train, held_out = stream.splits["train"], stream.splits["validation"]
    models = {order: NGram(train.tokens, order, stream.size) for order in orders}
    losses = {order: _n_gram_loss(model, held_out) for order, model in models.items()}
    best = min(losses, key=lambda order: losses[order])
    result: dict[str, Any] = {
        "order": best,
        "validation": losses[best],
        "by_order": losses,
        "vocabulary": stream.size,
        "tokens_per_note": stream.tokens_per_note,
    }
    if final:
        result["test"] = _n_gram_loss(models[best], stream.splits["test"])
    return result


def _n_gram_loss(model: Any, encoded: Encoded) -> float:
    free_T = encoded.targets[1:] != UNSCORED
    return -float(model.log_probabilities(encoded.tokens)[free_T].sum()) / encoded.measure["note"]


def network(
    stream: streams.Stream,
    model_settings: ModelSettings,
    train_settings: TrainSettings,
    *,
    seed: int,
    final: bool,
    minutes: float | None = None,
    steps: int | None = None,
    nats_a_note: NatsANote | None = None,
) -> dict[str, Any]:
    """A network trained for so long, and what its best weights by validation come to, in nats a note.

    The clock stands still while the validation split is read, which costs every codec time of its own.
    ``nats_a_note`` takes the place of the loss over every token.
    """
    import torch

    from toolkit.batches import Rows
    from toolkit.models import RecurrentLM, parameters
    from toolkit.train import Training, optimiser_for, train, uses_bf16

    learnt, held_out = stream.splits["train"], stream.splits["validation"]
    torch.manual_seed(seed)
    model = RecurrentLM(stream.size, model_settings)
    training = Training(model, optimiser_for(model, train_settings))
    rows = Rows(learnt, rows=train_settings.batch, chunk=train_settings.chunk, seed=seed)
    nats_a_note = nats_a_note or every_token
    clock = _Clock(minutes, steps)
    curve: list[tuple[int, float]] = []
    best, weights = math.inf, model.state_dict()

    def validate() -> None:
        nonlocal best, weights
        loss = nats_a_note(model, held_out, 32)
        curve.append((training.step, loss))
        if loss < best:
            best, weights = loss, {name: each.clone() for name, each in model.state_dict().items()}

    for progress in train(training, rows.batch, train_settings, clock.fraction, seed=seed):
        if int(clock.fraction(progress.step) * train_settings.validations) > len(curve):
            with clock.stopped():
                validate()
    if not curve or curve[-1][0] < training.step:  # the time was up between two looks at the clock
        validate()
    model.load_state_dict(weights)
    result: dict[str, Any] = {
        "validation": nats_a_note(model, held_out, 1),
        "curve": curve,
        "vocabulary": stream.size,
        "tokens_per_note": stream.tokens_per_note,
        "parameters": parameters(model),
        "steps": training.step,
        "seconds": clock.seconds,
        "epochs": training.tokens / learnt.predictions,
        "tokens_per_second": training.tokens / clock.seconds,
        "precision": "bf16" if uses_bf16(train_settings.precision, torch.device("cpu")) else "fp32",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    if final:
        result["test"] = nats_a_note(model, stream.splits["test"], 1)
    return result


def every_token(model: RecurrentLM, encoded: Encoded, rows: int) -> float:
    """Nats a note over every token of a split that is read as so many streams."""
    from toolkit.evaluate import evaluate

    return evaluate(model, encoded, rows=rows, chunk=512 if rows > 1 else 2048).nats_per("note")


class _Clock:
    """How much of a run is over, by minutes of training or by steps."""

    def __init__(self, minutes: float | None, steps: int | None) -> None:
        if (minutes is None) == (steps is None):
            raise UsageError("say how long to train: either minutes or steps.")
        self._minutes, self._steps = minutes, steps
        self._began = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def fraction(self, step: int) -> float:
        if self._steps is not None:
            return min(1.0, step / self._steps)
        return min(1.0, self.seconds / (60 * (self._minutes or 1e-9)))

    def stopped(self) -> _Pause:
        return _Pause(self)

    def put_back(self, seconds: float) -> None:
        self._began += seconds


class _Pause:
    def __init__(self, clock: _Clock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        self._entered = time.monotonic()

    def __exit__(self, *_: object) -> None:
        self._clock.put_back(time.monotonic() - self._entered)


def equal_parameters(settings: ModelSettings, vocabulary: int, reference: int) -> ModelSettings:
    """``settings`` with the embedding that gives ``vocabulary`` ids as many parameters as ``reference`` ids have.

    The embedding and not the width, and by eights: a width that is no multiple of eight more than halves the speed
    of the matrix products, which under equal minutes would decide the comparison. ToolkitError where no embedding
    comes within one percent.
    """

    def count(size: int, embedding: int) -> int:
        return _count(size, dataclasses.replace(settings, embedding=embedding))

    wanted = count(reference, settings.embedding)
    embeddings = range(8, 4 * settings.embedding + 1, 8)
    embedding = min(embeddings, key=lambda each: abs(count(vocabulary, each) - wanted))
    if abs(count(vocabulary, embedding) / wanted - 1) > _AGREE:
        raise ToolkitError(f"no embedding gives {vocabulary} ids within 1 % of {wanted:,} parameters.")
    return dataclasses.replace(settings, embedding=embedding)


def _count(vocabulary: int, settings: ModelSettings) -> int:
    """A model's parameters, found without giving them memory. Many are tried, so in closed form."""
    from toolkit.models import CELLS

    gates, width, total = CELLS[settings.cell].gates, settings.width, 0
    for size in [settings.embedding] + [width] * (settings.layers - 1):
        total += gates * width * (size + width + 2) + 2 * size * settings.norm
    total += 2 * width * settings.norm + (width + 1) * vocabulary
    return total + (0 if settings.tie else vocabulary * settings.embedding)


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """One row of the table, as asked for on the command line."""
    kind, _, other = arguments.model.partition(":")
    stream = streams.read(arguments.data, (other or REFERENCE) if kind == NGRAM else kind)
    facts = {"model": arguments.model, "stream": stream.name, "seed": arguments.seed}
    if kind == NGRAM:
        return facts | n_gram(stream, ORDERS, arguments.final)

    import torch

    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    model, training = settings_of(arguments.set)
    reference = streams.read(arguments.data, REFERENCE)
    model = equal_parameters(model, stream.size, reference.size)
    found = network(
        stream,
        model,
        training,
        seed=arguments.seed,
        final=arguments.final,
        minutes=arguments.minutes,
        steps=arguments.steps,
    )
    asked = {"minutes": arguments.minutes, "set": sorted(arguments.set)}
    return facts | asked | found | {"settings": {"model": vars(model), "train": vars(training)}}


def settings_of(given: Sequence[str]) -> tuple[ModelSettings, TrainSettings]:
    """The model's and the training's settings that ``group.name=value`` sentences change."""
    from toolkit.models import ModelSettings
    from toolkit.train import TrainSettings

    return _settings(ModelSettings, "model", given), _settings(TrainSettings, "train", given)


def _settings(kind: type, group: str, given: Iterable[str]) -> Any:
    """The settings of one group that ``group.name=value`` sentences change."""
    known = {each.name: each for each in knobs_of(kind)}
    values = {}
    for sentence in given:
        name, _, value = sentence.partition("=")
        owner, _, name = name.partition(".")
        if owner not in {"model", "train"}:
            raise UsageError(f"{sentence} is not a setting; one is written model.dropout=0.2 or train.chunk=96.")
        if owner == group:
            if name not in known:
                raise unknown(f"{group} setting", name, known)
            values[name] = known[name].parse(value)
    return checked(kind, values)


# --- reporting ---


def report(folder: Path) -> str:
    """The results in ``folder`` as a Markdown table: of each model the settings that validate best, over seeds."""
    results = [json.loads(each.read_text()) for each in sorted(folder.glob("*.json"))]
    if not results:
        raise InputError(f"{folder} holds no results.")
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in results:
        settings = json.dumps([each.get("minutes"), each.get("set"), bool("test" in each)])
        groups.setdefault((each["model"], settings), []).append(each)
    best: dict[str, list[dict[str, Any]]] = {}
    for (model, _), runs in groups.items():
        # What was tested was chosen: it goes before what was only tried.
        mine = ("test" not in runs[0], _mean(runs, "validation"))
        if model not in best or mine < ("test" not in best[model][0], _mean(best[model], "validation")):
            best[model] = runs
    lines = [
        "| tokens | model | parameters | ids | tokens a note | epochs | validation | test | seeds |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_row(runs) for runs in sorted(best.values(), key=lambda runs: _mean(runs, "validation"))]
    return "\n".join(["# Nats per note, by codec", "", *_conditions(best.values()), "", *lines, ""])


def _conditions(chosen: Iterable[list[dict[str, Any]]]) -> list[str]:
    networks = [runs[0] for runs in chosen if "parameters" in runs[0]]
    said = [
        "Lower is better; mean ± standard deviation over seeds. Every token counts: header, bars, notes, stop; but "
        "where a bar was announced, its sounds are certain."
    ]
    for each in networks[:1]:
        model, train = each["settings"]["model"], each["settings"]["train"]
        lengths = {f"{run['minutes']:g} minutes" if run["minutes"] else f"{run['steps']:,} steps" for run in networks}
        said.append(
            f"Networks: {model['layers']} × {model['cell'].upper()} of {model['width']}, trained for "
            f"{' or '.join(sorted(lengths))} on {each['threads']} thread{'s' * (each['threads'] > 1)} "
            f"({each['precision']}, torch {each['torch']}); dropout {model['dropout']:g}, batch {train['batch']} × "
            f"{train['chunk']}, peak learning rate {train['learning_rate']:g}, "
            f"best of {train['validations']} validations."
        )
    changed = {run["model"]: run["set"] for run in networks if run["set"]}
    if changed:
        said.append("Settings: " + "; ".join(f"{name}: {', '.join(what)}" for name, what in changed.items()) + ".")
    return said


def _row(runs: list[dict[str, Any]]) -> str:
    first = runs[0]
    about = ABOUT.get(first["stream"], first["stream"])
    network = "parameters" in first
    cells = [
        about,
        f"LSTM, embedding {first['settings']['model']['embedding']}"
        if network
        else f"{first['order']}-gram, Kneser–Ney",
        f"{first['parameters']:,}" if network else "",
        str(first["vocabulary"]),
        f"{first['tokens_per_note']:.2f}",
        f"{_mean(runs, 'epochs'):.1f}" if network else "",
        _spread(runs, "validation"),
        _spread(runs, "test"),
        str(len(runs)) if network else "",
    ]
    return "| " + " | ".join(cells) + " |"


def _mean(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.fmean(run[name] for run in runs)


def _spread(runs: list[dict[str, Any]], name: str) -> str:
    if name not in runs[0]:
        return ""
    values = [run[name] for run in runs]
    spread = f" ± {statistics.stdev(values):.4f}" if len(values) > 1 else ""
    return f"{statistics.fmean(values):.4f}{spread}"


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.melody_codecs", description=__doc__.splitlines()[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--prepare", type=Path, metavar="DIR", help="write the token streams of the corpus there")
    action.add_argument("--report", type=Path, metavar="DIR", help="make the table of the results in that folder")
    action.add_argument("--model", help=f"a stream's name ({', '.join(ABOUT)}), or {NGRAM}[:STREAM]")
    parser.add_argument("--corpus", default="folk", help="what to prepare")
    parser.add_argument("--data", type=Path, metavar="DIR", help="the prepared streams")
    parser.add_argument("--minutes", type=float, help="of training, validation not counted")
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, help="train seeds 0 … n-1, one after the other")
    parser.add_argument("--threads", type=int, help="of PyTorch")
    parser.add_argument("--set", nargs="*", default=[], metavar="GROUP.KEY=VALUE", help="model.… and train.… settings")
    parser.add_argument("--final", action="store_true", help="look at the test split too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the result goes; seeds add their number")
    return parser


def main(given: Sequence[str] | None = None) -> None:
    arguments = _arguments().parse_args(given)
    if arguments.prepare:
        prepare(arguments.prepare, arguments.corpus)
        return
    if arguments.report:
        table = report(arguments.report)
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "melody_codecs.md").write_text(table)
        print(table)
        return
    if arguments.data is None:
        raise UsageError("say where the prepared streams are: --data DIR.")
    for seed in [arguments.seed] if arguments.seeds is None else range(arguments.seeds):
        result = measure(argparse.Namespace(**{**vars(arguments), "seed": seed}))
        line = json.dumps(result)
        print(line, flush=True)
        if arguments.json:
            path = arguments.json
            path = path if arguments.seeds is None else path.with_name(f"{path.stem}-{seed}{path.suffix}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(line + "\n")


if __name__ == "__main__":
    as_command(main)
