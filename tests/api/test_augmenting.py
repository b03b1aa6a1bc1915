"""Training on variants: exact when interrupted, different from training on the pieces as they are, and told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.domains.polyphony.pieces import some_rolls
from toolkit import runs
from toolkit.api import Noted, Plan, Stopped, dry_run, fit, open_run, resume
from toolkit.api.benchmarking import benchmark
from toolkit.core import InputError, UsageError
from toolkit.evaluate import document_nats

pytest.importorskip("scipy")
STEPS = 40
_TIMES = {"seconds", "spent"}


@pytest.fixture(scope="module", autouse=True)
def _folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("rolls")
    for number, file in enumerate(("JSB_Chorales.mat", "Nottingham.mat")):
        some_rolls(folder / file, seed=number)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_POLYPHONIC", str(folder))
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        yield folder


def _plan(out: Path, **training: Any) -> Plan:
    settings = {"batch": 2, "chunk": 16, "validations": 4, "precision": "fp32", **training}
    model = {"width": 16, "embedding": 8, "dropout": 0.2}
    return Plan(corpus="jsb", out=out, steps=STEPS, seed=3, model=model, training=settings)


def _left_behind(run: Path) -> dict[str, Any]:
    point = runs.newest_point(run, pytest.fail)
    assert point is not None
    result = json.loads((run / "config.json").read_text())["result"]
    metrics = [{key: value for key, value in row.items() if key not in _TIMES} for row in runs.read_metrics(run)]
    return {
        "weights": (run / "model.safetensors").read_bytes(),
        **{path.name: path.read_bytes() for path in point.folder.glob("*.safetensors")},
        "metrics": metrics,
        "result": {key: value for key, value in result.items() if key not in _TIMES},
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    said = [each.text for each in fit(_plan(run)) if isinstance(each, Noted)]
    assert any("train.augment" in text for text in said)
    return run


@pytest.mark.parametrize("at", [1, 13, 26])
def test_interrupted_in_any_epoch_and_resumed_is_as_uninterrupted(at: int, whole: Path, tmp_path: Path) -> None:
    asked = iter(range(1, 10**6))
    with pytest.raises(Stopped):
        list(fit(_plan(tmp_path / "run"), stopping=lambda: next(asked) >= at))
    list(resume(tmp_path / "run"))
    assert _left_behind(tmp_path / "run") == _left_behind(whole)


def test_a_dry_run_foretells_the_same_steps_with_and_without(whole: Path, tmp_path: Path) -> None:
    told, plain = (dry_run(_plan(tmp_path / "none", augment=augment)) for augment in (True, False))
    assert told["steps_per_epoch"] == plain["steps_per_epoch"]
    assert 2 * told["steps_per_epoch"] < STEPS, "several epochs are tested above"
    assert any("train.augment" in text for text in told["notes"])
    assert not any("train.augment" in text for text in plain["notes"])


def test_pieces_as_they_are_teach_something_else(whole: Path, tmp_path: Path) -> None:
    list(fit(_plan(tmp_path / "run", augment=False)))
    assert _left_behind(tmp_path / "run")["weights"] != _left_behind(whole)["weights"]


def test_a_benchmark_is_the_loss_of_each_piece_from_nothing(whole: Path) -> None:
    run = open_run(whole)
    found = benchmark(run, "jsb")
    encoded = run._split("jsb", "test", {})
    nats = document_nats(run.model, encoded)
    end, steps, inside = run.codec.end_of_step, 0, 0.0  # type: ignore[attr-defined]
    for number, first in enumerate(encoded.starts):
        ids = encoded.tokens[first + 1 : first + 1 + len(nats[number])]
        assert ids[-1] == run.codec.stop
        steps += int((ids == end).sum())
        inside += float(nats[number][:-1].sum())
    assert found.loss.steps == steps
    assert found.loss.pieces == 3
    assert found.report()["nats_per_step"] == pytest.approx(inside / steps, abs=1e-5)
    by_document = run.evaluate("jsb", "test", by_document=True)
    assert found.loss.nats + found.loss.stop_nats == pytest.approx(by_document.nats)
    assert found.report()["nats_per_step_with_stop"] == pytest.approx(by_document.nats_per("step"), abs=1e-5)


def test_averaging_over_transpositions_is_asked_for_in_a_number(whole: Path) -> None:
    run = open_run(whole)
    one, several = (benchmark(run, "jsb", transpositions=count).loss.nats for count in (1, 5))
    assert one != several
    for count in (0, 26):
        with pytest.raises(UsageError, match="transpositions"):
            benchmark(run, "jsb", transpositions=count)


def test_a_benchmark_that_cannot_be_measured_is_refused(whole: Path) -> None:
    run = open_run(whole)
    with pytest.raises(UsageError, match="benchmark"):
        benchmark(run, "bach")
    with pytest.raises(UsageError, match="does not hold nottingham as it is"):
        benchmark(run, "nottingham")
    with pytest.raises(InputError, match=r"MuseData\.mat"):
        benchmark(run, "musedata")
    with pytest.raises(UsageError, match="does not tell time steps apart"):
        benchmark(open_run("shakespeare"), "jsb")
