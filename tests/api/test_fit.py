"""Training assembled: what a fit reports and leaves behind, and that an interruption leaves no trace."""

from __future__ import annotations

import itertools
import json
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from toolkit import runs
from toolkit.api import (
    Finished,
    Noted,
    Plan,
    Started,
    Stepped,
    Stopped,
    Validated,
    choosing,
    dry_run,
    fit,
    fitting,
    open_run,
    resume,
)
from toolkit.core import CheckpointError, UsageError
from toolkit.train import TrainSettings, learning_rate

STEPS = 48
_TIMES = {"seconds", "spent"}


@pytest.fixture(scope="module", autouse=True)
def _cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """So small, and its end so unlike its beginning, that a model soon knows it too well."""
    rng = random.Random(4)
    path = tmp_path_factory.mktemp("corpus") / "words.txt"
    learnt = "".join(rng.choice(["sand ", "sea ", "salt ", "stone.\n"]) for _ in range(160))
    path.write_text(learnt + "".join(rng.choice("ansdeltor .\n") for _ in range(90)))
    return path


def _plan(corpus: Path, out: Path, **changes: Any) -> Plan:
    settings: dict[str, Any] = {
        "steps": STEPS,
        "seed": 5,
        "model": {"width": 24, "embedding": 8, "layers": 2, "dropout": 0.3},
        "training": {"batch": 4, "chunk": 16, "validations": 8, "learning_rate": 0.05, "precision": "fp32"},
    }
    return Plan(corpus=str(corpus), out=out, **{**settings, **changes})


def _after(steps: int) -> Callable[[], bool]:
    """A wish to stop once that many steps are done."""
    asked = iter(range(1, 10**6))
    return lambda: next(asked) >= steps


def _interrupted(plan: Plan, at: int) -> None:
    with pytest.raises(Stopped):
        list(fit(plan, stopping=_after(at)))


def _left_behind(run: Path) -> dict[str, Any]:
    """Everything a run leaves that is not a time: weights, optimiser, carried state, numbers, log and result."""
    point = runs.newest_point(run, pytest.fail)
    assert point is not None
    config = json.loads((run / "config.json").read_text())
    config["corpus"]["asked"].pop("corpus")
    return {
        "weights": (run / "model.safetensors").read_bytes(),
        **{path.name: path.read_bytes() for path in point.folder.glob("*.safetensors")},
        "state": _timeless({**point.facts, "metrics": None}),
        "metrics": [_timeless(each) for each in runs.read_metrics(run)],
        "config": {**config, "result": _timeless(config["result"])},
    }


def _timeless(facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name not in _TIMES}


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    list(fit(_plan(corpus, run)))
    return run


def test_a_fit_tells_its_story(corpus: Path, tmp_path: Path) -> None:
    events = list(fit(_plan(corpus, tmp_path / "run")))
    kinds = [type(each) for each in events]
    assert kinds.index(Noted) < kinds.index(Started) < kinds.index(Stepped) < kinds.index(Validated)
    assert kinds[-1] is Finished
    steps = [each.progress.step for each in events if isinstance(each, Stepped)]
    assert steps == list(range(1, STEPS + 1))
    validated = [each for each in events if isinstance(each, Validated)]
    assert len(validated) == 8
    assert [each.best for each in validated] == [
        each.nats_per_token < min([float("inf"), *(before.nats_per_token for before in validated[:number])])
        for number, each in enumerate(validated)
    ]
    assert events[-1].result["steps"] == STEPS  # type: ignore[union-attr]


def test_the_reported_figures_are_those_of_the_weights_kept(corpus: Path, whole: Path) -> None:
    run = open_run(whole)
    measured = run.evaluate(str(corpus))
    assert run.config.result["val_nats_per_token"] == pytest.approx(measured.nats_per_token, abs=1e-5)
    assert run.config.result["val_bits_per_byte"] == pytest.approx(measured.bits_per("byte"), abs=1e-5)


def test_the_corpus_is_learned_too_well(whole: Path) -> None:
    """What makes the negative controls below sharp: the best validation is not the last one before the interruption."""
    best = [each["best"] for each in runs.read_metrics(whole) if "best" in each]
    assert best[0]
    assert not all(best[1:])


@pytest.mark.parametrize("at", [1, 7, 29, 46])
def test_interrupted_and_resumed_is_uninterrupted(corpus: Path, whole: Path, tmp_path: Path, at: int) -> None:
    run = tmp_path / "run"
    _interrupted(_plan(corpus, run), at)
    assert not open_run(run).config.result
    list(resume(run))
    assert _left_behind(run) == _left_behind(whole)


def test_interrupted_again_and_again(corpus: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    _interrupted(_plan(corpus, run), 5)
    for _ in range(3):
        with pytest.raises(Stopped):
            list(resume(run, stopping=_after(9)))
    list(resume(run))
    assert _left_behind(run) == _left_behind(whole)


def test_killed_without_a_word(corpus: Path, whole: Path, tmp_path: Path) -> None:
    """A process that dies between two resume points leaves a longer log than its point knows."""
    run = tmp_path / "run"
    events = fit(_plan(corpus, run))
    for event in events:
        if isinstance(event, Stepped) and event.progress.step == 29:
            break
    events.close()  # type: ignore[attr-defined]
    list(resume(run))
    assert _left_behind(run) == _left_behind(whole)


def _without_moments(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    for name in groups["optimiser"]:
        if not name.endswith("step"):
            groups["optimiser"][name] = torch.zeros_like(groups["optimiser"][name])


def _without_optimiser_step(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    for name in groups["optimiser"]:
        if name.endswith("step"):
            groups["optimiser"][name] = torch.zeros_like(groups["optimiser"][name])


def _without_carry(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    groups["carry"].clear()


def _without_step(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    facts["step"] = 0


def _without_weights(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    groups["model"] = {name: torch.zeros_like(each) for name, each in groups["model"].items()}


def _without_best(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    facts["best"] = None


def _without_metrics(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    facts["metrics"] = 0


def _without_tokens(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    facts["tokens"] = 0


def _with_everything(facts: dict[str, Any], groups: dict[str, dict[str, Any]]) -> None:
    return


LOSSES = (
    _without_moments,
    _without_optimiser_step,
    _without_carry,
    _without_step,
    _without_weights,
    _without_best,
    _without_metrics,
    _without_tokens,
)


def _tampered(run: Path, lose: Callable[[dict[str, Any], dict[str, dict[str, Any]]], None]) -> None:
    """The newest resume point written again without one of the things that it holds."""
    point = runs.newest_point(run, pytest.fail)
    assert point is not None
    facts = dict(point.facts)
    groups = {path.stem: point.tensors(path.stem) for path in point.folder.glob("*.safetensors")}
    at = int(facts["step"])
    lose(facts, groups)
    runs.save_last(run, at, facts, groups)


@pytest.mark.parametrize("lose", [_with_everything, *LOSSES], ids=lambda lose: lose.__name__.strip("_"))
def test_a_resume_point_holds_nothing_that_could_be_left_out(
    corpus: Path, whole: Path, tmp_path: Path, lose: Callable[[dict[str, Any], dict[str, dict[str, Any]]], None]
) -> None:
    run = tmp_path / "run"
    _interrupted(_plan(corpus, run), 29)
    _tampered(run, lose)
    list(resume(run))
    assert (_left_behind(run) == _left_behind(whole)) == (lose is _with_everything)


def test_a_damaged_newest_point_gives_way_to_the_one_before(corpus: Path, whole: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    _interrupted(_plan(corpus, run), 29)
    points = sorted((run / "last").glob("step-*"))
    assert len(points) == 2
    weights = points[-1] / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    events = list(resume(run))
    assert any(isinstance(each, Noted) and "damaged" in each.text for each in events)
    assert _left_behind(run) == _left_behind(whole)


def test_a_run_under_minutes_goes_on_where_its_schedule_stood(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()
    monkeypatch.setattr(fitting, "time", SimpleNamespace(monotonic=lambda: 0.02 * next(ticks)))  # whoever looks waits
    monkeypatch.setattr(choosing, "most_epochs", lambda tokens: 1e9)
    monkeypatch.setattr(fitting, "_PATIENCE", 1e9)
    run = tmp_path / "run"
    _interrupted(_plan(corpus, run, steps=None, minutes=0.1), 20)
    point = runs.newest_point(run, pytest.fail)
    assert point is not None
    assert 0 < point.facts["spent"] < 6
    next(itertools.islice(ticks, 10**5, None))  # time between an interruption and going on costs nothing
    events = list(resume(run))
    first = next(each for each in events if isinstance(each, Stepped))
    assert first.progress.step == 21
    assert point.facts["fraction"] <= first.fraction < point.facts["fraction"] + 0.1
    assert isinstance(events[-1], Finished)
    assert events[-1].result["steps"] > 40
    assert events[-1].result["seconds"] == pytest.approx(6, abs=0.3)


def test_minutes_that_would_be_wasted_are_not_spent(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that overfits ends before its time and keeps its best weights; the same run in steps makes all of them."""
    monkeypatch.setattr(choosing, "most_epochs", lambda tokens: 200)
    plan = _plan(corpus, tmp_path / "run", steps=None, minutes=5, training={"validations": 40})
    events = list(fit(plan))
    said = [each.text for each in events if isinstance(each, Noted)]
    assert any("Stops early" in each for each in said)
    assert any(each.startswith("Expect ") for each in said)
    assert events[-1].result["seconds"] < 60  # type: ignore[union-attr]
    validated = [each.nats_per_token for each in events if isinstance(each, Validated)]
    assert min(validated) < min(validated[-3:])
    assert open_run(tmp_path / "run").evaluate(str(corpus)).nats_per_token < 1.05 * min(validated)


def test_the_line_at_the_end_says_what_counting_gets(whole: Path, corpus: Path, tmp_path: Path) -> None:
    events = list(fit(_plan(corpus, tmp_path / "run")))
    (said,) = [each.text for each in events if isinstance(each, Noted) and "-gram model gets" in each.text]
    result = events[-1].result  # type: ignore[union-attr]
    assert said.startswith(f"{result['val_nats_per_byte']:.3f} nats per byte")
    assert result["ngram_nats_per_token"] > 0


def test_a_finished_run_has_nothing_to_resume(whole: Path) -> None:
    before = _left_behind(whole)
    assert [type(each) for each in resume(whole)] == [Noted, Finished]
    assert _left_behind(whole) == before


def test_a_changed_corpus_is_refused(corpus: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.txt"
    own.write_text(corpus.read_text())
    run = tmp_path / "run"
    _interrupted(_plan(own, run), 3)
    own.write_text(corpus.read_text() + "more")
    with pytest.raises(CheckpointError, match="changed"):
        list(resume(run))


def test_fine_tuning_begins_with_the_weights_of_a_run(corpus: Path, whole: Path, tmp_path: Path) -> None:
    still = {"batch": 4, "chunk": 16, "learning_rate": 0.0, "weight_decay": 0.0}
    run = tmp_path / "run"
    list(fit(_plan(corpus, run, start_from=whole, steps=2, model={}, training=still)))
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert open_run(run).config.model == open_run(whole).config.model
    assert open_run(run).config.corpus["asked"]["from"] == str(whole)


def test_fine_tuning_refuses_another_codec_or_shape(corpus: Path, whole: Path, tmp_path: Path) -> None:
    for changes in ({"codec": "byte", "model": {}}, {"model": {"width": 25}}):
        with pytest.raises(UsageError):
            list(fit(_plan(corpus, tmp_path / "run", start_from=whole, steps=2, **changes)))
        assert not (tmp_path / "run").exists()


def test_what_is_refused_leaves_no_run_behind(corpus: Path, tmp_path: Path) -> None:
    for changes in (
        {"steps": None},
        {"minutes": 1.0},
        {"device": "gpu"},
        {"model": {"tie": True, "width": 16, "embedding": 8}},
        {"model": {"wdith": 3}},
        {"sampling": {"temprature": 1.0}},
        {"sampling": {"temperature": -1.0}},
        {"reading": {"text_colum": "a"}},
        {"domain": "music", "reading": {"text_column": "a"}},
    ):
        with pytest.raises(UsageError):
            list(fit(_plan(corpus, tmp_path / "run", **changes)))
        assert not (tmp_path / "run").exists(), changes


def test_a_dry_run_foretells_the_fit(corpus: Path, whole: Path, tmp_path: Path) -> None:
    foretold = dry_run(_plan(corpus, tmp_path / "run"))
    config = open_run(whole).config
    assert foretold["parameters"] == config.result["parameters"]
    assert foretold["model"] == config.model
    assert foretold["steps"] / foretold["steps_per_epoch"] == pytest.approx(config.result["epochs"], rel=0.1)
    assert not (tmp_path / "run").exists()


_TOGETHER = """
import sys
from pathlib import Path
import torch.distributed as dist
from toolkit.api import Plan, fit
from toolkit.train import Group
import os, json
dist.init_process_group("gloo")
group = Group(dist.get_rank(), dist.get_world_size())
plan = Plan(**json.loads(sys.argv[1]))
for event in fit(plan, group=group):
    pass
dist.destroy_process_group()
"""


@pytest.mark.slow
def test_two_processes_take_the_steps_of_one(corpus: Path, tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "corpus": str(corpus),
        "steps": 20,
        "model": {"width": 16, "embedding": 8, "dropout": 0.0},
        "training": {"batch": 4, "chunk": 16, "precision": "fp32", "validations": 2},
    }
    alone, together = tmp_path / "alone", tmp_path / "together"
    list(fit(Plan(**settings, out=alone)))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    words = [sys.executable, "-c", _TOGETHER, json.dumps({**settings, "out": str(together)})]
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": "2", "OMP_NUM_THREADS": "1"}
    processes = [subprocess.Popen(words, env={**os.environ, **place, "RANK": str(rank)}) for rank in range(2)]
    assert [each.wait(120) for each in processes] == [0, 0]
    one, two = (runs.read_metrics(each) for each in (alone, together))
    assert [each["step"] for each in one] == [each["step"] for each in two]
    for name in ("loss", "gradient_norm", "quick_nats_per_token"):
        assert [each[name] for each in two if name in each] == pytest.approx(
            [each[name] for each in one if name in each], rel=1e-4
        )
    assert open_run(together).config.result["val_nats_per_token"] == pytest.approx(
        open_run(alone).config.result["val_nats_per_token"], rel=1e-4
    )


def test_tied_weights_are_trained_saved_and_read_again(corpus: Path, tmp_path: Path) -> None:
    model = {"width": 8, "embedding": 8, "tie": True}
    list(fit(_plan(corpus, tmp_path / "run", steps=4, model=model)))
    loaded = open_run(tmp_path / "run").model
    assert loaded.head.weight is loaded.embed.weight
    assert open_run(tmp_path / "run").generate(seed=1, length=5).text


def test_a_preview_that_cannot_be_made_ends_nothing(corpus: Path, tmp_path: Path, monkeypatch: Any) -> None:
    class Refusing:
        def __init__(self, folder: Path) -> None:
            self.model = open_run(folder).model

        def generate(self, **_: Any) -> None:
            raise UsageError("so short a result cannot be.")

    monkeypatch.setattr(fitting, "open_run", Refusing)
    events = list(fit(_plan(corpus, tmp_path / "run", steps=4)))
    assert any(isinstance(each, Noted) and "so short" in each.text for each in events)
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("budget", [{"steps": 0}, {"steps": -5}, {"steps": None, "minutes": 0.0}])
def test_a_budget_of_nothing_is_refused(corpus: Path, tmp_path: Path, budget: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="more than 0"):
        list(fit(_plan(corpus, tmp_path / "run", **budget)))
    assert not (tmp_path / "run").exists()


def test_a_run_in_minutes_goes_on_from_the_position_it_recorded(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = itertools.count()  # on a busy machine three real seconds may hold no step at all
    monkeypatch.setattr(fitting, "time", SimpleNamespace(monotonic=lambda: 0.01 * next(ticks)))
    plan = _plan(corpus, tmp_path / "run", steps=None, minutes=0.05)
    with pytest.raises(Stopped):
        list(fit(plan, stopping=_after(12)))
    point = runs.newest_point(tmp_path / "run", print)
    assert point is not None
    going_on = [each for each in resume(tmp_path / "run") if isinstance(each, Stepped)]
    assert going_on[0].progress.step == point.facts["step"] + 1
    settings = TrainSettings(**open_run(tmp_path / "run").config.training)
    fractions = [each.fraction for each in going_on]
    least, most = sorted(
        learning_rate(point.facts["step"], at, settings) for at in (point.facts["fraction"], fractions[0])
    )
    assert least - 1e-9 <= going_on[0].progress.learning_rate <= most + 1e-9
    assert fractions == sorted(fractions)
    assert fractions[0] >= point.facts["fraction"]
    assert fractions[-1] == 1.0


def test_a_damaged_newest_point_leaves_later_saves_in_place(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    for step in (100, 200):
        runs.save_last(folder, step, {"step": step}, {})
    (folder / "last" / "step-000000200" / "state.json").write_text("{")
    runs.save_last(folder, 110, {"step": 110}, {})
    assert sorted(each.name for each in (folder / "last").iterdir()) == ["step-000000100", "step-000000110"]


def test_where_the_minutes_forbid_it_less_is_evaluated_and_the_card_says_how_much(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "_MOST_STREAMS", 2)
    monkeypatch.setattr(fitting, "_EVALUATION_SHARE", 1e-4)
    events = list(fit(_plan(corpus, tmp_path / "run", steps=None, minutes=0.03)))
    result = events[-1].result  # type: ignore[union-attr]
    assert result["streams"] == 2
    assert 0 < result["predictions"] < open_run(tmp_path / "run").evaluate(str(corpus)).predictions
    assert f"{result['predictions']:,} predictions of the validation split" in (tmp_path / "run/README.md").read_text()


def test_of_what_is_too_large_for_an_index_nothing_is_read_for_one(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fitting, "MOST_SYMBOLS", 100)
    monkeypatch.setattr(fitting, "build_index", pytest.fail)
    events = list(fit(_plan(corpus, tmp_path / "run")))
    assert any(isinstance(each, Noted) and "No index" in each.text for each in events)
