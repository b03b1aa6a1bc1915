"""A plan for training, and what it comes to: codec, model, settings and budget, decided before anything is written.

What is chosen from the machine and the corpus is `toolkit.api.choosing`'s. Trains nothing; writes only the cache.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

import toolkit
from toolkit import domains
from toolkit.api.asking import generation_knobs
from toolkit.api.choosing import choose
from toolkit.api.materials import codec_for, prepare
from toolkit.api.running import open_run
from toolkit.api.suited import suited
from toolkit.batches import Vary
from toolkit.core import Codec, Corpus, UsageError, Varying, checked, unknown
from toolkit.models import ModelSettings
from toolkit.runs import RunConfig
from toolkit.train import ALONE, Group, TrainSettings


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


@dataclass(frozen=True)
class Planned:
    """What a plan comes to: everything decided, and what a person should know of it, in sentences.

    ``seconds`` of the run's time are spent already, in measuring the machine.
    """

    config: RunConfig
    codec: Codec[Any, Any]
    notes: list[str]
    seconds: float


def planned(plan: Plan, corpus: Corpus[Any], group: Group = ALONE) -> Planned:
    """``plan`` for ``corpus``, with what it leaves open chosen. UsageError where it asks for what cannot be."""
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
    suits = suited(checked(ModelSettings, model_given).cell)
    model = checked(ModelSettings, {**suits.model, **model_given})
    training = checked(TrainSettings, {**suits.training, **plan.training})
    chosen = choose(
        model,
        training,
        tokens=len(prepare(corpus, codec).split("train").tokens),
        vocabulary=codec.size,
        minutes=plan.minutes,
        steps=plan.steps,
        device=device_called(plan.device),
        fixed=model_given,
        narrowed=suits.width,
        group=group,
    )
    model = chosen.model
    notes += chosen.notes
    sampling = _checked_sampling(domain.name, plan.sampling)
    if varied(codec, training, corpus.whole) is not None:
        notes.append("Every epoch reads new variants of the documents (train.augment=no reads them as they are).")
    config = RunConfig(
        domain=corpus.domain,
        codec={"name": codec.name, "fingerprint": codec.fingerprint},
        vocabulary=codec.size,
        model=dataclasses.asdict(model),
        training=dataclasses.asdict(training),
        sampling={**domain.sampling, **sampling},
        seed=plan.seed,
        budget=chosen.budget,
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
    return Planned(config, codec, notes, chosen.seconds)


def _checked_sampling(domain: str, given: Mapping[str, Any]) -> dict[str, Any]:
    known = {each.name: each for each in generation_knobs(domain)}
    for name in given:
        if name not in known:
            raise unknown(f"setting of {domain}", name, known)
    return {name: known[name].check(value) for name, value in given.items()}


def _as_set(**groups: Mapping[str, Any]) -> list[str]:
    """The single settings that a plan overrides, as the command line's --set takes them."""
    return [f"{group}.{name}={value}" for group, given in groups.items() for name, value in given.items()]


def device_called(asked: str) -> str:
    """The name of PyTorch's device that ``asked`` (auto, cpu, cuda:1 …) stands for; UsageError where there is none."""
    if asked == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        torch.empty(1, device=asked)
    except (RuntimeError, AssertionError, NotImplementedError):
        raise UsageError(f"PyTorch can use no device called {asked!r} here; 'cpu' always works.") from None
    return asked


def varied(codec: Codec[Any, Any], settings: TrainSettings, whole: bool) -> Vary | None:
    """How documents are varied from epoch to epoch; None where they are read as they are."""
    return codec.variant_ids if settings.augment and not whole and isinstance(codec, Varying) else None
