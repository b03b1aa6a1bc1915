"""Whether sampled melodies are well formed, and how far they are from real ones.

    python -m benchmarks.melody_quality RUN [--tunes 200] [--json FILE]

Samples tunes with seeds 0 … n-1, under the same grammar and at temperature 1, from a run trained on `folk`, from the
n-gram that validates best, and from a network with the run's shape that never learned. Checks every one, and compares
the intervals, durations and places in the bar of their notes with the held-out tunes of the test split.
"""

from __future__ import annotations

import argparse
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.commands import as_command
from benchmarks.melody_codecs import RESULTS
from toolkit import generate
from toolkit.core import Codec, Engine, ToolkitError, UsageError
from toolkit.domains.music.announcing import announced, unannounced
from toolkit.domains.music.events import Kind, Layout
from toolkit.sampling import Sampler
from toolkit.score import Meter, Score, write_midi

Counts = npt.NDArray[np.float64]
Notes = list[tuple[int, int, int]]

LENGTH = 1024  # tokens a tune may have; the longest of 95 in 100 has half as many
BOOTSTRAPS = 1000
ORDERS = range(2, 13, 2)
_WIDEST = 24
_LONGEST = 192


# --- sampling ---


def sample(engine: Engine, codec: Codec[Score, Any], tunes: int, length: int = LENGTH) -> list[list[int]]:
    """The ids of tunes with seeds 0 … n-1, drawn at temperature 1 from what the codec's grammar allows."""
    made = []
    for seed in range(tunes):
        steps = generate.tokens(
            engine,
            [codec.stop],
            sampler=Sampler(),
            length=length,
            stop=codec.stop,
            constraint=codec.grammar(),
            seed=seed,
        )
        made.append([step.token for step in steps if step.token != codec.stop])
    return made


# --- well-formed? ---


def faults(tokens: Sequence[int], codec: Codec[Score, Any], layout: Layout) -> list[str]:
    """What is wrong with a sampled tune: "parse", "bars", and the readers that find other notes in its MIDI file."""
    try:
        score = codec.decode(tokens)
        plain = unannounced(layout, tokens)
        if codec.encode(score) != announced(layout, plain):
            return ["parse"]
    except ToolkitError:
        return ["parse"]
    found = [] if full_bars(tokens, layout) else ["bars"]
    wanted = [(note.start, note.pitch, note.duration) for note in score.notes]
    file = write_midi(score)
    return found + [name for name, read in READERS.items() if read(file) != wanted]


def full_bars(tokens: Sequence[int], layout: Layout) -> bool:
    """Whether the lengths in every full bar add up to the meter, and the last is full or completed by the pickup.

    Reads events one by one, without the grammar that they were drawn under.
    """
    events = [layout.events[token] for token in tokens]
    bar = Meter(*layout.meters[next(value for kind, value in events if kind is Kind.METER)]).bar()
    bars: list[list[int]] = []
    previous = Kind.STOP
    pickup = 0
    for kind, value in events:
        if kind is Kind.BAR:
            bars.append([])
        elif kind is Kind.UNTIL and previous is Kind.BAR:
            pickup = value  # silence before the first note
        elif kind is Kind.UNTIL:
            at = sum(bars[-1]) + (pickup if len(bars) == 1 else 0)
            bars[-1].append(value - at)
        previous = kind
    lengths = [sum(each) for each in bars]
    lengths[0] += pickup
    whole = all(length == bar for length in lengths[:-1])
    return whole and lengths[-1] in (bar, pickup) and all(length > 0 for each in bars for length in each)


def _pretty_midi(file: bytes) -> Notes:
    import pretty_midi

    music = pretty_midi.PrettyMIDI(io.BytesIO(file))
    spans = [
        (music.time_to_tick(note.start), note.pitch, music.time_to_tick(note.end))
        for instrument in music.instruments
        for note in instrument.notes
    ]
    return sorted((start, pitch, end - start) for start, pitch, end in spans)


def _symusic(file: bytes) -> Notes:
    import symusic

    music: Any = symusic.Score.from_midi(file)
    return sorted((note.time, note.pitch, note.duration) for track in music.tracks for note in track.notes)


def _mido(file: bytes) -> Notes:
    import mido

    found: Notes = []
    for track in mido.MidiFile(file=io.BytesIO(file)).tracks:
        tick = 0
        sounding: dict[int, int] = {}
        for message in track:
            tick += message.time
            if message.type not in {"note_on", "note_off"}:
                continue
            if message.note in sounding:
                start = sounding.pop(message.note)
                found.append((start, message.note, tick - start))
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = tick
    return sorted(found)


READERS = {"pretty_midi": _pretty_midi, "symusic": _symusic, "mido": _mido}


# --- how far? ---

FEATURES = ("interval", "duration", "place in the bar")


def histograms(scores: Iterable[Score]) -> dict[str, Counts]:
    """For each feature, how often each value occurs in each tune: (tunes, values).

    Intervals are semitones from one note to the next, beyond two octaves counted as two; durations and places in the
    bar are ticks, 24 a quarter note.
    """
    rows: dict[str, list[Counts]] = {feature: [] for feature in FEATURES}
    for score in scores:
        pitch = np.asarray([note.pitch for note in score.notes])
        interval = np.clip(np.diff(pitch), -_WIDEST, _WIDEST) + _WIDEST
        duration = np.minimum([note.duration for note in score.notes], _LONGEST)
        place = np.asarray([note.start for note in score.notes]) % score.meters[0].bar()
        for feature, values, size in (
            ("interval", interval, 2 * _WIDEST + 1),
            ("duration", duration, _LONGEST + 1),
            ("place in the bar", place, 400),
        ):
            rows[feature].append(np.bincount(values.astype(np.int64), minlength=size).astype(float))
    return {feature: np.stack(each) for feature, each in rows.items()}


def divergence(counts: Counts, others: Counts) -> Counts:
    """The Jensen-Shannon divergence of two histograms in bits, 0 to 1, along the last axis (Lin 1991)."""
    p, q = (each / each.sum(-1, keepdims=True) for each in (counts, others))
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        each = sum(np.where(side > 0, side * np.log2(side / middle), 0) for side in (p, q))
    result: Counts = np.asarray(each).sum(-1) / 2
    return result


def compare(sample: Counts, held_out: Counts, weights: npt.NDArray[Any], rng: np.random.Generator) -> Counts:
    """The divergence of pooled tunes, first as it is, then for every resampling of both sides."""
    drawn = rng.multinomial(len(sample), np.full(len(sample), 1 / len(sample)), len(weights))
    as_it_is = divergence(sample.sum(0), held_out.sum(0))
    return np.concatenate([[as_it_is], divergence(drawn @ sample, weights @ held_out)])


def table(
    features: Mapping[str, Mapping[str, Counts]], held_out: Mapping[str, Counts], seed: int = 0
) -> dict[str, Any]:
    """For each source and feature: the divergence from the held-out tunes and its bootstrap error."""
    rng = np.random.default_rng(seed)
    tunes = len(next(iter(held_out.values())))
    weights = rng.multinomial(tunes, np.full(tunes, 1 / tunes), BOOTSTRAPS)
    found: dict[str, Any] = {}
    for source, mine in features.items():
        draws = {feature: compare(mine[feature], held_out[feature], weights, rng) for feature in FEATURES}
        draws["mean"] = np.mean(list(draws.values()), axis=0)
        found[source] = {name: {"bits": float(each[0]), "error": float(each[1:].std())} for name, each in draws.items()}
    return found


# --- the whole ---


def measure(folder: str, tunes: int, length: int = LENGTH) -> dict[str, Any]:
    """Samples, checks and distances of a run and of what it is held against."""
    import torch

    from toolkit.api import open_corpus, open_run, prepare
    from toolkit.engine import open_engine
    from toolkit.models import RecurrentLM
    from toolkit.models.ngram import NGram

    run = open_run(folder)
    codec = run.codec
    layout = getattr(codec, "layout", None)
    if not isinstance(layout, Layout):
        raise UsageError(f"{folder} is not a run of melodies.")
    asked = run.config.corpus["asked"]
    corpus = open_corpus(asked["corpus"], domain="music", **asked["reading"])
    store = prepare(corpus, codec)
    learnt, chosen = store.split("train"), store.split("validation")
    models = [NGram(learnt.tokens, order, codec.size) for order in ORDERS]
    n_gram = max(models, key=lambda model: float(model.log_probabilities(chosen.tokens).sum()))
    torch.manual_seed(0)
    untrained = RecurrentLM(codec.size, run.model.settings)
    engines: dict[str, Engine] = {
        "the run": run.engine,
        f"{n_gram.order}-gram": n_gram,
        "untrained": open_engine(untrained),
    }
    checks: dict[str, Any] = {}
    scores: dict[str, list[Score]] = {}
    for source, engine in engines.items():
        made = sample(engine, codec, tunes, length)
        wrong = [faults(each, codec, layout) for each in made]
        kinds = ("parse", "bars", *READERS)
        checks[source] = {kind: sum(kind not in each for each in wrong) / len(made) for kind in kinds}
        scores[source] = [codec.decode(each) for each, fault in zip(made, wrong, strict=True) if "parse" not in fault]
    train = [each.item for each in corpus.read("train")]
    some = np.random.default_rng(0).choice(len(train), min(tunes, len(train)), replace=False)
    scores["training tunes"] = [train[place] for place in some]
    held_out = histograms(each.item for each in corpus.read("test"))
    distances = table({source: histograms(each) for source, each in scores.items()}, held_out)
    return {
        "run": run.name,
        "checkpoint": run.checkpoint,
        "tunes": tunes,
        "held_out": len(next(iter(held_out.values()))),
        "notes": {source: float(np.mean([len(each.notes) for each in mine])) for source, mine in scores.items()},
        "checks": checks,
        "distances": distances,
    }


def report(result: Mapping[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "# Sampled melodies",
        "",
        f"{result['tunes']} tunes from each source, seeds 0 to {result['tunes'] - 1}, temperature 1, the codec's "
        f"grammar as the only constraint; run `{result['run']}` (weights {result['checkpoint'][:12]}).",
        "",
        "## Well formed",
        "",
        "| source | decodes and encodes again | every bar adds up | " + " | ".join(READERS) + " |",
        "|---|--:|--:|" + "--:|" * len(READERS),
    ]
    for source, rates in result["checks"].items():
        lines.append(f"| {source} | " + " | ".join(f"{rate:.1%}" for rate in rates.values()) + " |")
    lines += [
        "",
        "The last columns: the MIDI file, read by that library, holds the same notes.",
        "",
        "## Distance to held-out tunes",
        "",
        f"Jensen-Shannon divergence in bits to the {result['held_out']} tunes of the test split, "
        f"± the standard deviation over {BOOTSTRAPS} resamplings of both sides' tunes. Training tunes are the floor.",
        "",
        "| source | " + " | ".join((*FEATURES, "mean")) + " | notes a tune |",
        "|---|" + "--:|" * (len(FEATURES) + 2),
    ]
    for source, found in sorted(result["distances"].items(), key=lambda each: each[1]["mean"]["bits"]):
        cells = [f"{each['bits']:.4f} ± {each['error']:.4f}" for each in found.values()]
        lines.append(f"| {source} | " + " | ".join(cells) + f" | {result['notes'][source]:.0f} |")
    return "\n".join([*lines, ""])


def main(given: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.melody_quality", description=__doc__.splitlines()[0])
    parser.add_argument("run", help="a run of melodies")
    parser.add_argument("--tunes", type=int, default=200, help="of each source")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go besides the table")
    arguments = parser.parse_args(given)
    result = measure(arguments.run, arguments.tunes)
    written = report(result)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "melody_quality.md").write_text(written)
    if arguments.json:
        arguments.json.write_text(json.dumps(result, indent=1) + "\n")
    print(written)


if __name__ == "__main__":
    as_command(main)
