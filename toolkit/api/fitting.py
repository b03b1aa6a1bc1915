"""Training, assembled: a plan becomes a run folder, one event at a time.

The loop that learns is `toolkit.train`; this is what stands around it: the corpus encoded, the budget kept,
validation, previews, saving, resuming. Prints nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch

from toolkit import domains, runs
from toolkit.api.baseline import Baseline, baseline
from toolkit.api.calibrating import measured
from toolkit.api.cards import model_card
from toolkit.api.events import Event, Finished, Noted, Previewed, Started, Stepped, Validated
from toolkit.api.materials import open_corpus, prepare
from toolkit.api.originality import MOST_SYMBOLS, build_index, read_index, write_index
from toolkit.api.planning import Plan, device_called, planned, varied
from toolkit.api.running import open_run
from toolkit.batches import Encoded, Rows, Vary
from toolkit.core import CheckpointError, Codec, Corpus, ToolkitError, UsageError, checked
from toolkit.evaluate import Evaluation, evaluate
from toolkit.models import ModelSettings, RecurrentLM, parameters
from toolkit.originality import NgramIndex
from toolkit.runs import Metrics, RunConfig
from toolkit.train import (
    ALONE,
    Group,
    Progress,
    Training,
    TrainSettings,
    optimiser_for,
    train,
    uses_bf16,
    weights_of,
)

__all__ = ["Plan", "Stopped", "dry_run", "fit", "resume"]

_QUICK = 20_000  # predictions in a quick estimate of the validation loss, over 32 streams
_QUICK_ROWS = 32
_LOG_EVERY = 10  # steps between two records of metrics.jsonl
_EVALUATION_SHARE = 0.15  # of a budget in minutes, at most, for the final one-stream evaluation
_MOST_STREAMS = 64  # more are no faster
_MARGIN = 1.25  # by which an estimate of seconds may be wrong
_LONG_ENOUGH = 60.0  # seconds, from which on a run's loss can be guessed
_PREVIEW = 160  # tokens of a preview
_WORSE, _PATIENCE = 1.01, 3  # so much above the best loss, in so many validations in a row, and a run has overfitted


class Stopped(Exception):  # noqa: N818 (it is a wish, not an error)
    """Whoever drives the fit asked it to end; everything needed to go on is saved."""


def _never() -> bool:
    return False


def fit(plan: Plan, *, stopping: Callable[[], bool] = _never, group: Group = ALONE) -> Iterator[Event]:
    """Trains as ``plan`` says into a new run folder; ends with `Finished`, or with `Stopped` when asked to stop."""
    if (plan.minutes is None) == (plan.steps is None):
        raise UsageError("say how long to train: either minutes or steps.")
    if not (plan.minutes or plan.steps or 0) > 0:
        raise UsageError("a training takes more than 0 minutes or steps.")
    corpus = open_corpus(plan.corpus, domain=plan.domain, codec=plan.codec, **plan.reading)
    asked = planned(plan, corpus, group)
    began = time.monotonic() - asked.seconds
    config, codec, folder = asked.config, asked.codec, Path(plan.out)
    index, said = _index(plan, corpus, codec) if group.rank == 0 else (None, [])
    spent = time.monotonic() - began
    fitting = _Fitting(folder, config, corpus, codec, stopping, group, device_called(plan.device), spent)
    if group.rank == 0:  # only now that nothing in the plan can be refused any more
        runs.create(folder, config, codec.save)
    if index is not None:
        write_index(folder, index)
    yield from (Noted(each) for each in [*asked.notes, *said])
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
    yield from _Fitting(folder, config, corpus, opened.codec, stopping, group, device_called(device)).events()


def dry_run(plan: Plan) -> dict[str, Any]:
    """What `fit` would do, and how much of it; writes nothing but the cache of the encoded corpus."""
    corpus = open_corpus(plan.corpus, domain=plan.domain, codec=plan.codec, **plan.reading)
    asked = planned(plan, corpus)
    config, codec = asked.config, asked.codec
    training = checked(TrainSettings, config.training)
    encoded = prepare(corpus, codec)
    rows = _rows(encoded.split("train"), training, plan.seed, varied(codec, training, corpus.whole))
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
        "memory_bytes": 20 * size,  # weights, their average, gradients and AdamW's two moments in fp32
        "disk_bytes": 52 * size,  # best weights and three resume points, the oldest until the newest stands
        "model": config.model,
        "training": config.training,
        "notes": asked.notes,
    }


def _index(plan: Plan, corpus: Corpus[Any], codec: Codec[Any, Any]) -> tuple[NgramIndex | None, list[str]]:
    """The index of what will have been learned from, and what a person should know of it."""
    base = None if plan.start_from is None else open_run(plan.start_from)
    symbols = prepare(corpus, codec).facts["splits"]["train"]["measure"].get(domains.find(corpus.domain).view.unit, 0)
    index = None  # of what is too large nothing is read: it would be held in memory up to where it is
    if symbols <= MOST_SYMBOLS:
        index = build_index(corpus, None if base is None else base.index, most=MOST_SYMBOLS)
    if index is None:
        asked = f"`toolkit originality {plan.out} --build` makes one"
        return None, [f"No index for finding copies is made of so large a corpus; {asked}."]
    if base is not None and base.index is None:
        return index, [f"{base.name} has no index of what it learned from: copies of that will not be found."]
    return index, []


@dataclass(frozen=True)
class _Turn:
    """What all processes do after a step, decided by the first of them."""

    fraction: float
    save: bool = False
    stop: bool = False


class _Evaluating(NamedTuple):
    """In how many streams the held-out split is read at the end, and how many predictions at most."""

    streams: int = 1
    limit: int | None = None


class _Clock:
    """How much of the run is over; ``over`` was when the clock was started, ``spent`` seconds into the run.

    A budget may hold minutes, a number of steps, or both: then the run is over when either is.
    """

    def __init__(self, budget: Mapping[str, float], spent: float = 0.0, over: float = 0.0) -> None:
        self.steps = budget.get("steps")
        self.seconds = 60 * budget.get("minutes", 0.0)
        self.began = time.monotonic() - spent
        self.spent, self.over = spent, over

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def fraction(self, step: int) -> float:
        made = step / self.steps if self.steps else 0.0
        if not self.seconds:
            return min(1.0, made)
        left = max(self.seconds - self.spent, 1e-9)
        return min(1.0, max(made, self.over + (1 - self.over) * (self.elapsed - self.spent) / left))


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
        spent: float = 0.0,
    ) -> None:
        self.folder, self.config, self.codec, self.stopping, self.group = folder, config, codec, stopping, group
        self.unit = domains.find(config.domain).unit
        self.settings = checked(TrainSettings, config.training)
        store = prepare(corpus, codec)
        self.clock = _Clock(config.budget, spent)
        self.learnt, validation = store.split("train"), store.split("validation")
        self.held_out = validation if validation.predictions else self.learnt
        self.split = "validation" if validation.predictions else "train"
        vary = varied(codec, self.settings, corpus.whole)
        self.rows = _rows(self.learnt, self.settings, config.seed, vary)
        if self.rows.rows % group.size:
            raise UsageError(f"train.batch ({self.rows.rows} rows) cannot be shared out evenly among {group.size}.")
        begun = runs.newest_point(folder, lambda _: None) is not None
        self.training = _first_training(config, self.settings, device, begun)
        self.device = next(self.training.model.parameters()).device
        self.precision = "bf16" if uses_bf16(self.settings.precision, self.device) else "fp32"
        self.best, self.worse = float("inf"), 0
        self.counted: Baseline | None = None
        self.turn = _Turn(0.0)

    def events(self) -> Iterator[Event]:
        """The whole story: restore, train with validations and resume points, evaluate, write the result."""
        with runs.alone(self.folder) if self.group.rank == 0 else contextlib.nullcontext():
            warnings: list[str] = []
            offset = self._restore(warnings.append)
            yield from (Noted(each) for each in warnings)
            self.metrics = Metrics(self.folder, offset) if self.group.rank == 0 else None
            self.counted = baseline(self.learnt, self.held_out, self.codec.size) if self.group.rank == 0 else None
            if self.counted is not None and self.clock.seconds >= _LONG_ENOUGH:
                yield Noted(self._expected())
            evaluating = self._plan_evaluation()
            size = parameters(self.training.model)
            yield Started(self.folder, size, len(self.learnt.tokens), self.training.step, self.precision)
            yield from self._train()
            if self.stopping():
                raise Stopped
            if self.group.rank == 0:
                yield from self._finish(evaluating)

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
            fraction = 1.0 if self._overfitted else self.clock.fraction(progress.step)
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

    @property
    def _overfitted(self) -> bool:
        """Whether what is left would be wasted. A number of steps that was asked for is made nevertheless."""
        return self.worse >= _PATIENCE and self.clock.seconds > 0

    def _validate(self, step: int) -> Iterator[Event]:
        assert self.metrics is not None
        quick = evaluate(self.training.average, self.held_out, rows=_QUICK_ROWS, chunk=512, limit=_QUICK)
        loss = quick.nats_per_token
        best = loss < self.best
        self.worse = self.worse + 1 if loss > _WORSE * self.best else 0
        if best:
            self.best = loss
            runs.write_weights(self.folder, weights_of(self.training.average))
        preview = self._preview(step) if best else None
        record: dict[str, Any] = {"step": step, "quick_nats_per_token": loss, "best": best}
        if self.counted is not None:
            record["ngram_nats_per_token"] = self.counted.nats_per_token
        if isinstance(preview, Previewed):
            record["preview"] = preview.text
        self.metrics.append(record)
        yield Validated(step, loss, quick.nats_per(self.unit), self.unit, best)
        if preview is not None:
            yield preview
        if self._overfitted and self.worse == _PATIENCE:  # said once, though a last validation may follow
            yield Noted("Stops early: the validation loss only rises. The best weights are kept.")

    def _preview(self, step: int) -> Event:
        try:
            preview = open_run(self.folder).generate(seed=self.config.seed, length=_PREVIEW)
        except ToolkitError as error:  # the run's defaults may ask for what so short a preview cannot be
            return Noted(f"No preview: {error}")
        return Previewed(step, preview.text)

    def _plan_evaluation(self) -> _Evaluating:
        """How the split is read at the end: in one stream, unless the minutes forbid it. Its time is set aside."""
        if not self.clock.seconds:
            return _Evaluating()
        allowed = self.clock.seconds * _EVALUATION_SHARE
        alone = _MARGIN * self.held_out.predictions / self._reading_speed(1)
        if alone <= allowed:
            self.clock.seconds -= alone
            return _Evaluating()
        streams = min(_MOST_STREAMS, 1 << math.ceil(math.log2(alone / allowed)))
        speed = self._reading_speed(streams) / _MARGIN
        limit = int(allowed * speed)
        self.clock.seconds -= min(allowed, self.held_out.predictions / speed)
        return _Evaluating(streams, limit if limit < self.held_out.predictions else None)

    def _reading_speed(self, streams: int) -> float:
        """Predictions a second in so many streams."""
        for _ in range(2):  # the first one warms up
            began = time.monotonic()
            probe = evaluate(self.training.model, self.held_out, rows=streams, limit=2000 * streams)
            seconds = time.monotonic() - began
        return probe.predictions / max(seconds, 1e-9)

    def _finish(self, evaluating: _Evaluating) -> Iterator[Event]:
        if self.best == float("inf"):  # resumed after its last step, or so short that no validation fell due
            yield from self._validate(self.training.step)
        model = open_run(self.folder).model.to(self.device)
        score = evaluate(model, self.held_out, rows=evaluating.streams, limit=evaluating.limit)
        counted = (
            {}
            if self.counted is None
            else {
                "ngram_order": self.counted.order,
                "ngram_nats_per_token": round(self.counted.nats_per_token, 5),
            }
        )
        result = {
            "parameters": parameters(model),
            "steps": self.training.step,
            "tokens": self.training.tokens,
            "epochs": round(self.training.tokens / self.learnt.predictions, 2),
            "seconds": round(self.clock.elapsed, 1),
            "precision": self.precision,
            "split": self.split,
            "streams": evaluating.streams,
            **({} if evaluating.limit is None else {"predictions": score.predictions}),
            **{name: round(value, 5) for name, value in score.report().items()},
            **counted,
        }
        calibration = measured(self.codec, self.held_out.tokens, score.nats_per_token).data()
        config = dataclasses.replace(self.config, result=result, calibration=calibration)
        index = read_index(self.folder)
        runs.write_atomically(self.folder / "README.md", model_card(config, index=index).encode())
        runs.write_config(self.folder, config)
        if self.counted is not None:
            yield Noted(self._compared(score))
        yield Finished(self.folder, result)

    def _expected(self) -> str:
        """What loss a run of a minute or more may be expected to come to."""
        assert self.counted is not None
        per_unit = self.held_out.predictions / self.held_out.measure[self.unit]
        low, high = (per_unit * each for each in self.counted.expected(self.unit))
        counted = per_unit * self.counted.nats_per_token
        return f"Expect {low:.2f} to {high:.2f} nats per {self.unit}; {self.counted.name} gets {counted:.2f}."

    def _compared(self, score: Evaluation) -> str:
        """The loss beside that of the n-gram model, in one line."""
        assert self.counted is not None
        per_unit = score.nats_per(self.unit)
        counted = per_unit * self.counted.nats_per_token / score.nats_per_token
        split = "held-out" if self.split == "validation" else "training"
        return f"{per_unit:.3f} nats per {self.unit} of the {split} split; {self.counted.name} gets {counted:.3f}."

    def _save(self) -> None:
        numbers, tensors = self.training.snapshot(self.group)
        if self.metrics:
            facts = numbers | {
                "best": self.best if math.isfinite(self.best) else None,
                "worse": self.worse,
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
            self.worse = int(facts["worse"])
            self.clock = _Clock(self.config.budget, float(facts["spent"]), float(facts["fraction"]))
            return int(facts["metrics"])
        except (KeyError, ValueError, RuntimeError, IndexError, TypeError):
            raise CheckpointError(f"{point.folder} does not fit the run it lies in.") from None


def _rows(encoded: Encoded, settings: TrainSettings, seed: int, vary: Vary | None) -> Rows:
    fresh = settings.fresh_start
    return Rows(encoded, rows=settings.batch, chunk=settings.chunk, seed=seed, fresh_start=fresh, vary=vary)


def _first_training(config: RunConfig, settings: TrainSettings, device: str, begun: bool) -> Training:
    """The model at its beginning; one that is to be restored anyway (``begun``) needs no base run."""
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
