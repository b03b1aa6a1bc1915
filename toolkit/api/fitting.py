"""Training, assembled: a plan becomes a run folder, one event at a time.

The loop that learns is `toolkit.train`; this is what stands around it: the corpus encoded, the budget kept,
validation, previews, saving, resuming. Prints nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import math
import platform
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import toolkit
from toolkit import domains, runs
from toolkit.api.asking import generation_knobs
from toolkit.api.calibrating import measured
from toolkit.api.cards import model_card
from toolkit.api.choosing import dropout_for, reading
from toolkit.api.events import Event, Finished, Noted, Previewed, Started, Stepped, Validated
from toolkit.api.materials import codec_for, open_corpus, prepare
from toolkit.api.originality import MOST_SYMBOLS, build_index, read_index, write_index
from toolkit.api.running import open_run
from toolkit.batches import Encoded, Rows, Vary
from toolkit.core import CheckpointError, Codec, Corpus, ToolkitError, UsageError, Varying, checked, unknown
from toolkit.evaluate import evaluate
from toolkit.models import ModelSettings, RecurrentLM, parameters
from toolkit.originality import NgramIndex
from toolkit.runs import Metrics, RunConfig
from toolkit.train import ALONE, Group, Progress, Training, TrainSettings, optimiser_for, train, uses_bf16

_QUICK = 20_000  # predictions in a quick estimate of the validation loss, over 32 streams
_QUICK_ROWS = 32
_LOG_EVERY = 10  # steps between two records of metrics.jsonl
_EVALUATION_SHARE = 0.15  # of a budget in minutes, at most, for the final one-stream evaluation
_MARGIN = 1.25  # by which an estimate of seconds may be wrong
_PREVIEW = 160  # tokens of a preview


class Stopped(Exception):  # noqa: N818 (it is a wish, not an error)
    """Whoever drives the fit asked it to end; everything needed to go on is saved."""


@dataclass(frozen=True)
class Plan:
    """What to train, on what, for how long: ``minutes`` of the whole command, or a number of ``steps``.

    ``model`` and ``training`` override single settings by name; ``sampling`` becomes the run's defaults.
    ``start_from`` is a run whose weights and codec to begin with.
    """

    corpus: str
    out: str | Path
    domain: str | None = None
    codec: str | None = None
    vocabulary: int | None = None
    minutes: float | None = None
    steps: int | None = None
    seed: int = 0
    device: str = "auto"
    model: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    sampling: Mapping[str, Any] = field(default_factory=dict)
    reading: Mapping[str, Any] = field(default_factory=dict)
    start_from: str | Path | None = None


def _never() -> bool:
    return False


def fit(plan: Plan, *, stopping: Callable[[], bool] = _never, group: Group = ALONE) -> Iterator[Event]:
    """Trains as ``plan`` says into a new run folder; ends with `Finished`, or with `Stopped` when asked to stop."""
    if (plan.minutes is None) == (plan.steps is None):
        raise UsageError("say how long to train: either minutes or steps.")
    if not (plan.minutes or plan.steps or 0) > 0:
        raise UsageError("a training takes more than 0 minutes or steps.")
    corpus = open_corpus(plan.corpus, domain=plan.domain, codec=plan.codec, **plan.reading)
    config, codec, notes = _planned(plan, corpus, group)
    folder = Path(plan.out)
    index, said = _index(plan, corpus) if group.rank == 0 else (None, [])
    fitting = _Fitting(folder, config, corpus, codec, stopping, group, _device(plan.device))
    if group.rank == 0:  # only now that nothing in the plan can be refused any more
        runs.create(folder, config, codec.save)
    if index is not None:
        write_index(folder, index)
    yield from (Noted(each) for each in [*notes, *said])
    yield from fitting.events()


def resume(
    run: str | Path, *, stopping: Callable[[], bool] = _never, group: Group = ALONE, device: str = "auto"
) -> Iterator[Event]:
    """Goes on with an interrupted run from its newest resume point, as if it had never stopped."""
    folder = Path(run)
    opened = open_run(folder)
    config = opened.config
    if config.result:
        yield Noted(f"{folder} is finished; there is nothing to resume.")
        yield Finished(folder, config.result)
        return
    asked = config.corpus["asked"]
    corpus = open_corpus(asked["corpus"], domain=config.domain, **asked["reading"])
    if corpus.sha256 != config.corpus["sha256"]:
        raise CheckpointError(f"the corpus {asked['corpus']!r} has changed since {folder} began; it cannot be resumed.")
    yield from _Fitting(folder, config, corpus, opened.codec, stopping, group, _device(device)).events()


def dry_run(plan: Plan) -> dict[str, Any]:
    """What `fit` would do, and how much of it; writes nothing but the cache of the encoded corpus."""
    corpus = open_corpus(plan.corpus, domain=plan.domain, codec=plan.codec, **plan.reading)
    config, codec, notes = _planned(plan, corpus)
    training = checked(TrainSettings, config.training)
    encoded = prepare(corpus, codec)
    rows = _rows(encoded.split("train"), training, plan.seed, _vary(codec, training, corpus.whole))
    size = parameters(RecurrentLM(codec.size, checked(ModelSettings, config.model)))
    return {
        "corpus": corpus.name,
        "documents": {name: facts["documents"] for name, facts in encoded.facts["splits"].items()},
        "tokens": {name: facts["tokens"] for name, facts in encoded.facts["splits"].items()},
        "codec": codec.name,
        "vocabulary": codec.size,
        "parameters": size,
        "steps_per_epoch": rows.steps_per_epoch,
        "steps": plan.steps,
        "minutes": plan.minutes,
        "memory_bytes": 16 * size,  # weights, gradients and AdamW's two moments in fp32
        "disk_bytes": 40 * size,  # best weights and three resume points, the oldest until the newest stands
        "model": config.model,
        "training": config.training,
        "notes": notes,
    }


def _planned(plan: Plan, corpus: Corpus[Any], group: Group = ALONE) -> tuple[RunConfig, Codec[Any, Any], list[str]]:
    notes: list[str] = []
    model_given = dict(plan.model)
    base = None if plan.start_from is None else open_run(plan.start_from)
    if base is None:
        codec = codec_for(corpus, plan.codec, plan.vocabulary)
    else:
        if base.config.domain != corpus.domain:
            raise UsageError(f"{plan.start_from} is a run of {base.config.domain}, and the corpus is {corpus.domain}.")
        if plan.codec not in (None, base.codec.name):
            raise UsageError(f"fine-tuning keeps the codec of the run it starts from ({base.codec.name}).")
        codec = base.codec
        model_given = {**base.config.model, **model_given}
        notes.append(f"Starting from {base.name}; its codec and its shape are kept.")
    if plan.codec is None:
        notes.append(f"Codec: {codec.name}, {codec.size:,} ids (--codec chooses another).")
    domain = domains.find(corpus.domain)
    model = checked(ModelSettings, model_given)
    training = checked(TrainSettings, plan.training)
    if "dropout" not in model_given:
        model, said = _with_dropout(plan, corpus, codec, model, training, group)
        notes.append(said)
    sampling = _checked_sampling(domain.name, plan.sampling)
    if _vary(codec, training, corpus.whole) is not None:
        notes.append("Every epoch reads new variants of the documents (train.augment=no reads them as they are).")
    config = RunConfig(
        domain=corpus.domain,
        codec={"name": codec.name, "fingerprint": codec.fingerprint},
        vocabulary=codec.size,
        model=dataclasses.asdict(model),
        training=dataclasses.asdict(training),
        sampling={**domain.sampling, **sampling},
        seed=plan.seed,
        budget={"minutes": plan.minutes} if plan.minutes is not None else {"steps": float(plan.steps or 0)},
        corpus={
            "name": corpus.name,
            "source": corpus.source,
            "licence": corpus.licence,
            "sha256": corpus.sha256,
            "whole": corpus.whole,
            **({} if base is None else {"base": base.config.corpus}),
            "asked": {
                "corpus": plan.corpus,
                "domain": plan.domain,
                "vocabulary": plan.vocabulary,
                "reading": dict(plan.reading),
                "from": None if plan.start_from is None else str(plan.start_from),
                "set": _as_set(model=plan.model, train=plan.training, sample=plan.sampling),
            },
        },
        versions={
            "toolkit": toolkit.__version__,
            "python": platform.python_version(),
            "torch": importlib.metadata.version("torch"),
        },
    )
    return config, codec, notes


def _with_dropout(
    plan: Plan,
    corpus: Corpus[Any],
    codec: Codec[Any, Any],
    model: ModelSettings,
    training: TrainSettings,
    group: Group,
) -> tuple[ModelSettings, str]:
    """``model`` with the dropout that suits how often the run reads its corpus, and what was chosen, in a sentence."""
    tokens = len(prepare(corpus, codec).split("train").tokens)
    read = reading(
        tokens,
        model=model,
        vocabulary=codec.size,
        training=training,
        minutes=plan.minutes,
        steps=plan.steps,
        device=_device(plan.device),
    )
    (dropout,) = group.told(dropout_for(read.epochs))
    speed = "" if read.tokens_per_second is None else f"{read.tokens_per_second:,.0f} tokens a second here, "
    said = f"Dropout: {dropout:g}, for {speed}{read.epochs:.1f} epochs (--set model.dropout=… chooses another)."
    return dataclasses.replace(model, dropout=dropout), said


def _index(plan: Plan, corpus: Corpus[Any]) -> tuple[NgramIndex | None, list[str]]:
    """The index of what will have been learned from, and what a person should know of it."""
    base = None if plan.start_from is None else open_run(plan.start_from)
    index = build_index(corpus, None if base is None else base.index, most=MOST_SYMBOLS)
    if index is None:
        asked = f"`toolkit originality {plan.out} --build` makes one"
        return None, [f"No index for finding copies is made of so large a corpus; {asked}."]
    if base is not None and base.index is None:
        return index, [f"{base.name} has no index of what it learned from: copies of that will not be found."]
    return index, []


def _checked_sampling(domain: str, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name: each for each in generation_knobs(domain)}
    for name in given:
        if name not in known:
            raise unknown(f"setting of {domain}", name, known)
    return {name: known[name].check(value) for name, value in given.items()}


def _as_set(**groups: Mapping[str, Any]) -> list[str]:
    """The single settings that a plan overrides, as the command line's --set takes them."""
    return [f"{group}.{name}={value}" for group, given in groups.items() for name, value in given.items()]


def _device(asked: str) -> str:
    import torch

    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=asked)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UsageError(f"PyTorch can use no device called {asked!r} here; 'cpu' always works.") from None
    return asked


@dataclass(frozen=True)
class _Turn:
    """What all processes do after a step, decided by the first of them."""

    fraction: float
    save: bool = False
    stop: bool = False


class _Clock:
    """How much of the run is over; ``over`` was when the clock was started, ``spent`` seconds into the run."""

    def __init__(self, budget: Mapping[str, float], spent: float = 0.0, over: float = 0.0) -> None:
        self.steps = budget.get("steps")
        self.seconds = 60 * budget.get("minutes", 0.0)
        self.began = time.monotonic() - spent
        self.spent, self.over = spent, over

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def fraction(self, step: int) -> float:
        if self.steps:
            return min(1.0, step / self.steps)
        left = max(self.seconds - self.spent, 1e-9)
        return min(1.0, self.over + (1 - self.over) * (self.elapsed - self.spent) / left)


class _Fitting:
    """One fit under way: the values that training, validation and saving share."""

    def __init__(
        self,
        folder: Path,
        config: RunConfig,
        corpus: Corpus[Any],
        codec: Codec[Any, Any],
        stopping: Callable[[], bool],
        group: Group,
        device: str,
    ) -> None:
        self.folder, self.config, self.codec, self.stopping, self.group = folder, config, codec, stopping, group
        self.unit = domains.find(config.domain).unit
        self.settings = checked(TrainSettings, config.training)
        store = prepare(corpus, codec)
        self.clock = _Clock(config.budget)
        self.learnt, validation = store.split("train"), store.split("validation")
        self.held_out = validation if validation.predictions else self.learnt
        self.split = "validation" if validation.predictions else "train"
        vary = _vary(codec, self.settings, corpus.whole)
        self.rows = _rows(self.learnt, self.settings, config.seed, vary)
        if self.rows.rows % group.size:
            raise UsageError(f"train.batch ({self.rows.rows} rows) cannot be shared out evenly among {group.size}.")
        begun = runs.newest_point(folder, lambda _: None) is not None
        self.training = _first_training(config, self.settings, device, begun)
        self.device = next(self.training.model.parameters()).device
        self.precision = "bf16" if uses_bf16(self.settings.precision, self.device) else "fp32"
        self.best = float("inf")
        self.turn = _Turn(0.0)

    def events(self) -> Iterator[Event]:
        """The whole story: restore, train with validations and resume points, evaluate, write the result."""
        with runs.alone(self.folder) if self.group.rank == 0 else contextlib.nullcontext():
            warnings: list[str] = []
            offset = self._restore(warnings.append)
            yield from (Noted(each) for each in warnings)
            self.metrics = Metrics(self.folder, offset) if self.group.rank == 0 else None
            streams = self._plan_evaluation()
            size = parameters(self.training.model)
            yield Started(self.folder, size, len(self.learnt.tokens), self.training.step, self.precision)
            yield from self._train()
            if self.stopping():
                raise Stopped
            if self.group.rank == 0:
                yield from self._finish(streams)

    def _train(self) -> Iterator[Event]:
        saved = time.monotonic()
        self._agree(_Turn(self.clock.fraction(self.training.step)))
        steps = train(
            self.training,
            self.rows.batch,
            self.settings,
            lambda step: self.turn.fraction,
            seed=self.config.seed,
            group=self.group,
        )
        for progress in steps:
            fraction = self.clock.fraction(progress.step)
            due = int(fraction * self.settings.validations) > int(self.turn.fraction * self.settings.validations)
            late = time.monotonic() - saved > self.settings.save_seconds
            stop = self.stopping()
            self._agree(_Turn(fraction, save=due or late or stop, stop=stop))
            if self.metrics:
                yield from self._report(progress, due)
            if self.turn.save:
                self._save()
                saved = time.monotonic()
            if self.turn.stop:
                raise Stopped

    def _agree(self, turn: _Turn) -> None:
        fraction, save, stop = self.group.told(turn.fraction, turn.save, turn.stop)
        self.turn = _Turn(fraction, bool(save), bool(stop))

    def _report(self, progress: Progress, due: bool) -> Iterator[Event]:
        assert self.metrics is not None
        fraction, elapsed = self.turn.fraction, self.clock.elapsed
        if progress.step % _LOG_EVERY == 0 or progress.skipped:
            record = dataclasses.asdict(progress) | {"fraction": fraction, "seconds": round(elapsed, 2)}
            self.metrics.append(record)
        yield Stepped(progress, fraction, elapsed * (1 - fraction) / max(fraction, 1e-9))
        if due:
            yield from self._validate(progress.step)

    def _validate(self, step: int) -> Iterator[Event]:
        assert self.metrics is not None
        quick = evaluate(self.training.model, self.held_out, rows=_QUICK_ROWS, chunk=512, limit=_QUICK)
        loss = quick.nats_per_token
        best = loss < self.best
        if best:
            self.best = loss
            runs.write_weights(self.folder, self.training.snapshot(ALONE)[1]["model"])
        self.metrics.append({"step": step, "quick_nats_per_token": loss, "best": best})
        yield Validated(step, loss, quick.nats_per(self.unit), self.unit, best)
        if best:
            yield self._preview(step)

    def _preview(self, step: int) -> Event:
        try:
            preview = open_run(self.folder).generate(seed=self.config.seed, length=_PREVIEW)
        except ToolkitError as error:  # the run's defaults may ask for what so short a preview cannot be
            return Noted(f"No preview: {error}")
        return Previewed(step, preview.text)

    def _plan_evaluation(self) -> int:
        """How many streams the final evaluation reads: one, unless the minutes forbid it. Its time is set aside."""
        if self.clock.steps:
            return 1
        for _ in range(2):  # the first one warms up
            began = time.monotonic()
            probe = evaluate(self.training.model, self.held_out, limit=2000)
            seconds = time.monotonic() - began
        alone = _MARGIN * seconds * self.held_out.predictions / probe.predictions
        allowed = self.clock.seconds * _EVALUATION_SHARE
        streams = 1 << max(0, math.ceil(math.log2(alone / allowed)))
        self.clock.seconds -= alone / streams
        return streams

    def _finish(self, streams: int) -> Iterator[Event]:
        if self.best == float("inf"):  # resumed after its last step, or so short that no validation fell due
            yield from self._validate(self.training.step)
        model = open_run(self.folder).model.to(self.device)
        score = evaluate(model, self.held_out, rows=streams)
        result = {
            "parameters": parameters(model),
            "steps": self.training.step,
            "tokens": self.training.tokens,
            "epochs": round(self.training.tokens / self.learnt.predictions, 2),
            "seconds": round(self.clock.elapsed, 1),
            "precision": self.precision,
            "split": self.split,
            "streams": streams,
            **{name: round(value, 5) for name, value in score.report().items()},
        }
        calibration = measured(self.codec, self.held_out.tokens, score.nats_per_token).data()
        config = dataclasses.replace(self.config, result=result, calibration=calibration)
        index = read_index(self.folder)
        runs.write_atomically(self.folder / "README.md", model_card(config, index=index).encode())
        runs.write_config(self.folder, config)
        yield Finished(self.folder, result)

    def _save(self) -> None:
        numbers, tensors = self.training.snapshot(self.group)
        if self.metrics:
            facts = numbers | {
                "best": self.best if math.isfinite(self.best) else None,
                "spent": self.clock.elapsed,
                "fraction": self.turn.fraction,
                "metrics": self.metrics.offset,
            }
            runs.save_last(self.folder, self.training.step, facts, tensors)

    def _restore(self, warn: Callable[[str], None]) -> int:
        """Takes up the newest resume point, if there is one; where metrics.jsonl stood then."""
        point = runs.newest_point(self.folder, warn)
        if point is None:
            if (self.folder / "last").is_dir():
                warn("No resume point is whole: training begins again.")
            return 0
        try:
            facts = point.facts
            self.training.restore(facts, point.tensors, self.group)
            self.best = float("inf") if facts["best"] is None else float(facts["best"])
            self.clock = _Clock(self.config.budget, float(facts["spent"]), float(facts["fraction"]))
            return int(facts["metrics"])
        except (KeyError, ValueError, RuntimeError, IndexError, TypeError):
            raise CheckpointError(f"{point.folder} does not fit the run it lies in.") from None


def _rows(encoded: Encoded, settings: TrainSettings, seed: int, vary: Vary | None) -> Rows:
    fresh = settings.fresh_start
    return Rows(encoded, rows=settings.batch, chunk=settings.chunk, seed=seed, fresh_start=fresh, vary=vary)


def _vary(codec: Codec[Any, Any], settings: TrainSettings, whole: bool) -> Vary | None:
    """How documents are varied from epoch to epoch; None where they are read as they are."""
    return codec.variant_ids if settings.augment and not whole and isinstance(codec, Varying) else None


def _first_training(config: RunConfig, settings: TrainSettings, device: str, begun: bool) -> Training:
    """The model at its beginning; one that is to be restored anyway (``begun``) needs no base run."""
    import torch

    torch.manual_seed(config.seed)
    model = RecurrentLM(config.vocabulary, checked(ModelSettings, config.model))
    base = config.corpus["asked"]["from"]
    if base is not None and not begun:
        try:
            model.load_state_dict(open_run(base).model.state_dict())
        except RuntimeError:
            raise UsageError(f"the model's settings do not fit the weights of {base}.") from None
    model.to(device)
    return Training(model, optimiser_for(model, settings))
