"""A trained run, opened: generate, stream, evaluate.

Assembles domain, codec, model, engine, sampler and constraint; what comes of them is a `toolkit.api.streaming.Stream`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from toolkit import domains, runs
from toolkit.api.asking import generation_knobs
from toolkit.api.materials import load_codec, open_corpus, prepare
from toolkit.api.originality import (
    build_index,
    by_corpus,
    by_index,
    known_corpus,
    read_index,
    training_corpus,
    write_index,
)
from toolkit.api.results import Result
from toolkit.core import (
    SPLITS,
    CheckpointError,
    Codec,
    Constraint,
    Engine,
    InputError,
    Knob,
    Split,
    UsageError,
    Watch,
    checked,
    read_text,
    unknown,
    unwatched,
)
from toolkit.domains import Domain
from toolkit.engine import AUTOMATIC, engine_called, open_engine
from toolkit.originality import NgramIndex, Originality
from toolkit.sampling import Both, Calibration, Without, preset, presets

if TYPE_CHECKING:
    from toolkit.adapt import Sensitivity
    from toolkit.api.streaming import Stream
    from toolkit.batches import Encoded
    from toolkit.evaluate import Evaluation


Extended = TypeVar("Extended", bound="Run")


@runtime_checkable
class _Warning(Protocol):
    """A codec that can say what of an item it will change."""

    def warnings_for(self, item: Any, /) -> str | None: ...


def open_run(run: str | Path, *, device: str = "cpu", engine: str = AUTOMATIC) -> Run:
    """The run in a folder, or the shipped checkpoint of that name, with everything in it checked."""
    folder = runs.find(run)
    config = runs.read_config(folder)
    if config.domain not in domains.names():
        raise CheckpointError(f"{folder} is of the domain {config.domain!r}, which this toolkit does not have.")
    codec = load_codec(config.domain, config.codec.get("name", ""), folder / "codec")
    if codec.fingerprint != config.codec.get("fingerprint") or codec.size != config.vocabulary:
        raise CheckpointError(f"{folder}: the codec is not the one the model was trained with.")
    return Run(folder, config, domains.find(config.domain), codec, device, engine)


def list_runs() -> list[tuple[str, runs.RunConfig]]:
    """The shipped checkpoints, by name."""
    return [(name, runs.read_config(runs.find(name))) for name in runs.shipped_runs()]


def runs_in(folder: str | Path) -> list[tuple[Path, runs.RunConfig | CheckpointError]]:
    """The runs in a folder, finished or not, by name; for a damaged one, what is wrong with it."""
    found: list[tuple[Path, runs.RunConfig | CheckpointError]] = []
    for each in sorted(Path(folder).glob("*/config.json")):
        try:
            found.append((each.parent, runs.read_config(each.parent)))
        except CheckpointError as error:
            found.append((each.parent, error))
    return found


@dataclass(frozen=True)
class Run:
    """A run folder with its codec loaded; the model is loaded when first needed."""

    folder: Path
    config: runs.RunConfig
    domain: Domain[Any, Any]
    codec: Codec[Any, Any]
    device: str = "cpu"
    engine_name: str = AUTOMATIC

    @property
    def name(self) -> str:
        return self.folder.resolve().name

    @property
    def knobs(self) -> tuple[Knob, ...]:
        """What one may turn when generating, with this run's defaults."""
        return generation_knobs(self.domain.name, self.config.sampling)

    def extended(self, kind: type[Extended], **more: Any) -> Extended:
        """A ``kind`` of run made of everything that this one is made of, and ``more``."""
        return kind(**{each.name: getattr(self, each.name) for each in dataclasses.fields(Run)}, **more)

    @cached_property
    def calibration(self) -> Calibration | None:
        """The scale on which this run's sampling defaults are: as measured, else as its result tells."""
        measured = self.config.calibration
        return Calibration.of_data(measured) if measured else Calibration.of_result(self.config.result)

    @property
    def presets(self) -> Mapping[str, Mapping[str, Any]]:
        """Whole sets of sampling settings by name, on this run's scale."""
        return presets(self.calibration)

    def preset(self, name: str) -> Mapping[str, Any]:
        """All sampling settings of one preset, for `generate` or `stream`; UsageError for a name that none has."""
        return preset(name, self.calibration)

    @cached_property
    def model(self) -> Any:
        """The trained network, in fp32."""
        from toolkit.models import ModelSettings, RecurrentLM

        settings = _settings_of(self.folder, ModelSettings, self.config.model)
        expected = _shapes(RecurrentLM, self.config.vocabulary, settings)
        tensors = runs.read_tensors(self.folder / "model.safetensors", expected)
        model = RecurrentLM(self.config.vocabulary, settings)
        model.load_state_dict(tensors)
        return model.float().eval()

    @cached_property
    def sensitivity(self) -> Sensitivity:
        """How strongly each weight answers to what is read: what every adaptation of this model needs, found once."""
        from toolkit.adapt import measure_sensitivity

        return measure_sensitivity(self.model)

    @property
    def engine(self) -> Engine:
        """What runs the model now. The automatic choice may be a faster one the next time."""
        name = engine_called(self.engine_name, self.device, self.config.model["cell"])
        if name not in self._engines:
            self._engines[name] = open_engine(self.model, name=name, device=self.device)
        return self._engines[name]

    @cached_property
    def _engines(self) -> dict[str, Engine]:
        return {}

    def engine_for(self, opening: Sequence[int], given: Any = None, *, made: int = 0) -> Engine:
        """What generates after ``opening``, the ids of the item ``given`` (`opening` gives both).

        The last ``made`` ids of ``opening`` are an earlier part of the same generation.
        """
        return self.engine

    @cached_property
    def checkpoint(self) -> str:
        """The sha256 of the weights, which a result names so that it can be made again."""
        return hashlib.sha256((self.folder / "model.safetensors").read_bytes()).hexdigest()

    def stream(
        self, prompt: str | None = None, *, seed: int | None = None, watch: Watch = unwatched, **settings: Any
    ) -> Stream:
        """A generation that is heard or read as it comes: iterate for its parts, then ask for its result.

        ``prompt`` is a text to go on from, typed notes, or a file's path, as the domain reads it. Without a
        seed one is chosen; the result tells which. UsageError for a setting that cannot be meant. `streams` tells what
        ``watch`` is for.
        """
        return next(self.streams(prompt, seed=seed, watch=watch, **settings))

    def streams(
        self,
        prompt: str | None = None,
        *,
        given: Any = None,
        count: int = 1,
        seed: int | None = None,
        watch: Watch = unwatched,
        together: bool = False,
        **settings: Any,
    ) -> Iterator[Stream]:
        """``count`` generations, one after another: number i has the seed + i, or is the i-th best of a search.

        Drawn ``together`` they are rows of one batch, for whoever reads them in turn; each is what it is alone.
        ``given`` is the item to go on from for whoever has it; ``prompt`` then is only what it is called. Before the
        first stream a page to take after is read, which may take long: ``watch`` can end that by what it raises.
        """
        from toolkit.api.request import Request
        from toolkit.api.streaming import streams

        chosen = self.check({each.name: each.default for each in self.knobs} | settings)
        number = secrets.randbits(31) if seed is None else seed
        return streams(Request(self, prompt, number, chosen, given, watch), count, together=together)

    def generate(self, prompt: str | None = None, *, seed: int | None = None, **settings: Any) -> Result:
        """One whole result; the same seed, settings and run give the same one."""
        stream = self.stream(prompt, seed=seed, **settings)
        for _ in stream:
            pass
        return stream.result()

    def check(self, settings: Mapping[str, Any]) -> dict[str, Any]:
        """``settings`` converted and checked; UsageError for one that does not exist or cannot be."""
        known = {each.name: each for each in self.knobs}
        for name in settings:
            if name not in known:
                raise unknown("setting", name, known)
        return {name: known[name].check(value) for name, value in settings.items()}

    def build_index(self, corpus: str | None = None) -> NgramIndex:
        """Makes the index of the training corpus, beside the weights.

        ``corpus`` says where that is if the run does not know. UsageError when the run learned from another.
        """
        index = build_index(training_corpus(self.config, corpus))
        assert index is not None
        write_index(self.folder, index)
        return index

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """What training logged: a record for every few steps and for every validation."""
        return runs.read_metrics(self.folder)

    def prompt_in(self, path: str | Path) -> str:
        """The prompt that a file holds: its text, or its path where it is a kind that the domain opens itself."""
        path = Path(path)
        if path.suffix.lower() in self.domain.prompt_files:
            return str(path)
        return read_text(path)

    def warnings_for(self, prompt: str) -> str | None:
        """One sentence on what of ``prompt`` the codec cannot keep as it is; None when it keeps everything."""
        item = self.domain.read_prompt(prompt)
        return self.codec.warnings_for(item) if isinstance(self.codec, _Warning) else None

    def token_named(self, label: str) -> int:
        """The id whose label this is."""
        if label not in self._labels:
            raise unknown("token", label, self._labels)
        return self._labels[label]

    @cached_property
    def _labels(self) -> dict[str, int]:
        return {self.codec.label(token): token for token in reversed(range(self.codec.size))}

    def opening(self, prompt: str | None) -> tuple[Any, list[int]]:
        """What a prompt means and the ids it opens a sequence with, stop included where the model knows one."""
        item = None if prompt is None else self.domain.read_prompt(prompt)
        return item, self.opening_of(item)

    def opening_of(self, item: Any) -> list[int]:
        """The ids that a given item opens a sequence with, never none; ``item`` None is no prompt."""
        ids = [] if item is None else self.domain.opening(self.codec, item)
        if not self.config.corpus.get("whole"):
            return [self.codec.stop, *ids]
        return ids or self.domain.opening(self.codec, self.domain.blank)

    def constraint(self, controls: Any, given: Any = None) -> Constraint[Any]:
        """What every result must be: well-formed, as ``controls`` ask, and without an end if the model knows none."""
        asked = self.domain.constraint(self.codec, controls, given)
        most: int | None = getattr(controls, "max_copy", None)  # a domain may be unable to limit copies
        if most is not None:
            limit = self.domain.copy_limit(self.codec, self._needed_index(), most, given)
            asked = Both(asked, limit)
        whole = self.config.corpus.get("whole")
        return Without(asked, [self.codec.stop], self.codec.size) if whole else asked

    @cached_property
    def index(self) -> NgramIndex | None:
        """The hashes of what the training corpus holds; None where the run has none."""
        return read_index(self.folder)

    def originality(
        self, made: Result | Any, *, exact: bool | None = None, corpus: str | None = None, threshold: int | None = None
    ) -> Originality:
        """How much of a result, or of an item of the domain, stands in the training corpus.

        It is compared with the corpus itself where that was made findable in the cache before, and with the run's
        index of hashes elsewhere; ``exact`` True makes it findable first (seconds, once; ``corpus`` says where it is if
        the run does not know), False always asks the hashes. Copies of ``threshold`` units and more are listed.
        UsageError where the run has no index, or the corpus is not the one it learned from.
        """
        item, given = (made.item, made.given) if isinstance(made, Result) else (made, None)
        found = None if exact is False else known_corpus(self.config, corpus, make=bool(exact))
        if found is not None:
            return by_corpus(found, self.index, self.domain.view, item, given, threshold=threshold)
        return by_index(self._needed_index(), self.domain.view, item, given, threshold=threshold)

    def _needed_index(self) -> NgramIndex:
        if self.index is None:
            raise UsageError(
                f"{self.name} has no index of its training corpus; where that is installed, "
                f"`toolkit originality {self.folder} --build` makes one."
            )
        return self.index

    def evaluate(
        self,
        corpus: str,
        split: Split = "validation",
        *,
        reset: int | None = None,
        by_document: bool = False,
        **reading: Any,
    ) -> Evaluation:
        """The loss over a split of a corpus in fp32, one stream with the state carried (or reset every so many).

        ``by_document`` begins every document with an empty state instead, as generation begins.
        """
        from toolkit.evaluate import evaluate, evaluate_documents

        if reset is not None and (reset < 1 or by_document):
            raise UsageError(f"the state is forgotten after at least one token or by document, not {reset}.")
        if by_document:
            return evaluate_documents(self.model, self._split(corpus, split, reading))
        return evaluate(self.model, self._split(corpus, split, reading), reset=reset)

    def evaluate_adapting(
        self,
        corpus: str,
        split: Split = "validation",
        *,
        strength: float = 1.0,
        by_document: bool = False,
        **reading: Any,
    ) -> Evaluation:
        """The loss when the model learns from every chunk after it was scored on it: `toolkit.evaluate`'s dynamic one.

        ``by_document`` undoes what was learned before each document. The run itself stays as it is.
        """
        from toolkit.adapt import AdaptSettings
        from toolkit.evaluate import dynamic_evaluation

        settings = checked(AdaptSettings, {"adapt_strength": strength})
        encoded = self._split(corpus, split, reading)
        return dynamic_evaluation(self.model, encoded, settings, by_document=by_document, sensitivity=self.sensitivity)

    def _split(self, corpus: str, split: Split, reading: Mapping[str, Any]) -> Encoded:
        if split not in SPLITS:
            raise unknown("split", split, SPLITS)
        encoded = prepare(open_corpus(corpus, domain=self.domain.name, **reading), self.codec).split(split)
        if not encoded.predictions:
            raise InputError(f"the corpus {corpus!r} has no {split} split.")
        return encoded


def _settings_of(folder: Path, kind: type, values: Mapping[str, Any]) -> Any:
    try:
        return checked(kind, values)
    except UsageError as error:
        raise CheckpointError(f"{folder}/config.json: {error}") from None


def _shapes(kind: Any, vocabulary: int, settings: Any) -> dict[str, tuple[int, ...]]:
    """What a model's tensors must look like, found without giving them any memory."""
    import torch

    with torch.device("meta"):
        model = kind(vocabulary, settings)
    return {name: tuple(each.shape) for name, each in model.state_dict().items()}
