"""Several cells trained on one corpus: every one a run folder of its own, so that it can be heard and gone on with."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit import domains
from toolkit.api.fitting import Plan, fit, resume
from toolkit.api.materials import codec_for, open_corpus
from toolkit.api.running import Run, open_run
from toolkit.api.suited import suited
from toolkit.core import UsageError, checked, unknown
from toolkit.models import CELLS, ModelSettings
from toolkit.models.sizes import of_size

_LOOKS = 10  # validations of a run, for its learning curve


@dataclass(frozen=True)
class Trial:
    """One run: its final ``loss`` in nats per ``unit``, and ``curve``, (seconds, tokens read, quick loss per token)."""

    cell: str
    seed: int
    parameters: int
    width: int
    layers: int
    tokens: int
    seconds: float
    loss: float
    curve: tuple[tuple[float, int, float], ...]


@dataclass(frozen=True)
class Compared:
    """All trials of one cell."""

    cell: str
    trials: tuple[Trial, ...]

    @property
    def mean(self) -> float:
        return statistics.fmean(each.loss for each in self.trials)

    @property
    def deviation(self) -> float:
        """The standard deviation over seeds; 0 for one seed."""
        return statistics.stdev(each.loss for each in self.trials) if len(self.trials) > 1 else 0.0


def compare_cells(
    corpus: str,
    out: str | Path,
    *,
    cells: Sequence[str] = tuple(CELLS),
    seeds: Sequence[int] = (0, 1, 2),
    minutes: float | None = None,
    steps: int | None = None,
    parameters: int | None = None,
    codec: str | None = None,
    domain: str | None = None,
) -> Iterator[str | list[Compared]]:
    """Trains every cell with every seed into ``out``; tells what it is at, last the list of `Compared`.

    Each cell has the settings that suit it; with ``parameters`` the width that gives about so many. A run that is there
    already and finished is not made again, and one that was interrupted goes on, so a comparison may be interrupted.
    UsageError for a run there that was asked for otherwise.
    """
    for cell in cells:
        if cell not in CELLS:
            raise unknown("cell", cell, CELLS)
    opened = open_corpus(corpus, domain=domain, codec=codec)
    vocabulary = codec_for(opened, codec, None).size
    trials: dict[str, list[Trial]] = {cell: [] for cell in cells}
    for seed in seeds:  # seed by seed, so that a machine that slows down slows all cells down
        for cell in cells:
            folder = Path(out) / f"{cell}-{seed}"
            yield f"{cell}, seed {seed}"
            plan = Plan(
                corpus,
                folder,
                domain=domain,
                codec=codec,
                minutes=minutes,
                steps=steps,
                seed=seed,
                model=_model(cell, vocabulary, parameters),
                training={"validations": _LOOKS},
            )
            trials[cell].append(_trial(_made(plan)))
    yield [Compared(cell, tuple(each)) for cell, each in trials.items()]


def _model(cell: str, vocabulary: int, parameters: int | None) -> dict[str, Any]:
    if parameters is None:
        return {"cell": cell}
    suits = suited(cell)
    settings = checked(ModelSettings, {"cell": cell, **suits.model})
    return {"cell": cell, **suits.model, "width": of_size(vocabulary, settings, parameters).width}


def _made(plan: Plan) -> Run:
    folder = Path(plan.out)
    if not (folder / "config.json").exists():
        for _ in fit(plan):
            pass
        return open_run(folder)
    run = open_run(folder)
    asked: Mapping[str, Any] = run.config.corpus["asked"]
    budget = {name: run.config.budget.get(name) for name in ("minutes", "steps") if getattr(plan, name) is not None}
    wanted = {name: getattr(plan, name) for name in budget}
    if asked["corpus"] != plan.corpus or budget != wanted or run.config.seed != plan.seed:
        raise UsageError(f"{folder} holds a run that was asked for otherwise; compare into another folder.")
    if not run.config.result:
        for _ in resume(folder):
            pass
        run = open_run(folder)
    return run


def _trial(run: Run) -> Trial:
    result, model = run.config.result, run.config.model
    times = {record["step"]: record for record in run.metrics if "seconds" in record}
    looks = [record for record in run.metrics if "quick_nats_per_token" in record]
    curve = []
    for look in looks:
        near = min(times, key=lambda step: abs(step - look["step"]), default=None)
        if near is not None:
            curve.append(
                (float(times[near]["seconds"]), int(times[near]["tokens"]), float(look["quick_nats_per_token"]))
            )
    last = times[max(times)] if times else {"tokens": 0, "seconds": 0.0}
    unit = domains.find(run.config.domain).unit
    return Trial(
        model["cell"],
        run.config.seed,
        int(result["parameters"]),
        int(model["width"]),
        int(model["layers"]),
        int(last["tokens"]),
        float(last["seconds"]),
        float(result[f"val_nats_per_{unit}"]),
        tuple(curve),
    )
