from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import QUICK, Toolkit
from toolkit.api import built_in, open_corpus, open_run
from toolkit.cli import prepare
from toolkit.core import Finding


def test_evaluate_reports_what_the_run_measures(toolkit: Toolkit, text_run: Path, poem: Path) -> None:
    run = open_run(text_run)
    facts = toolkit("evaluate", text_run, poem, "--json").json
    assert facts["val_bits_per_byte"] == pytest.approx(run.evaluate(str(poem)).bits_per("byte"), abs=1e-5)
    reset = toolkit("evaluate", text_run, poem, "--reset=8", "--json").json
    assert reset["val_nats_per_token"] == pytest.approx(run.evaluate(str(poem), reset=8).nats_per_token, abs=1e-5)
    assert reset["val_nats_per_token"] != facts["val_nats_per_token"]


def test_evaluate_all_is_every_split_together(toolkit: Toolkit, text_run: Path, poem: Path) -> None:
    run = open_run(text_run)
    parts = [run.evaluate(str(poem), "train"), run.evaluate(str(poem), "validation")]
    facts = toolkit("evaluate", text_run, poem, "--split=all", "--json").json
    assert facts["predictions"] == sum(each.predictions for each in parts)
    assert facts["val_nats_per_token"] == pytest.approx(
        sum(each.nats for each in parts) / sum(each.predictions for each in parts), abs=1e-5
    )


def test_evaluate_refuses_what_is_not_there(toolkit: Toolkit, text_run: Path, music_run: Path, poem: Path) -> None:
    assert toolkit("evaluate", text_run, poem, "--split=test").code == 3
    answer = toolkit("evaluate", text_run, poem, "--split=tset")
    assert (answer.code, "'test'" in answer.err) == (2, True)
    assert toolkit("evaluate", music_run, poem).code in (2, 3)


def test_corpora_lists_every_name(toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {each["name"]: each for each in toolkit("corpora", "--json").json["corpora"]}
    assert list(facts) == list(built_in())
    for name, corpus in built_in().items():
        assert facts[name]["licence"] == corpus.licence
        assert facts[name]["installed"] == corpus.available()
    lines = toolkit("corpora").out.splitlines()
    assert len(lines) == 1 + len(facts)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    missing = {each["name"]: each for each in toolkit("corpora", "--json").json["corpora"]}
    assert not missing["folk"]["installed"]
    assert "pip install 'lstm-toolkit[corpora]'" in toolkit("corpora").out
    assert "pip install" in toolkit("train", "folk", "--out", "nowhere", *QUICK).err


def test_prepare_says_what_became_of_every_file(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    folder = tmp_path / "words"
    folder.mkdir()
    for number in range(6):
        (folder / f"good {number}.txt").write_bytes(poem.read_bytes() + str(number).encode())
    (folder / "windows.txt").write_bytes(b"\xef\xbb\xbfone line\r\nand another\r\n")
    for number in range(3):
        (folder / f"bad {number}.txt").write_bytes(b"broken" + b"x" * number + b"\xff")
    facts = toolkit("prepare", folder, "--json", "--all").json
    assert facts["outcomes"]["dropped"] == 3
    assert facts["outcomes"]["changed"] >= 1
    assert sum(split["documents"] for split in facts["splits"].values()) == 7
    dropped = [each for each in facts["reasons"] if each["outcome"] == "dropped"]
    assert sum(each["count"] for each in dropped) == 3
    assert {each["name"] for each in facts["findings"] if each["outcome"] == "dropped"} == {
        f"bad {number}.txt" for number in range(3)
    }
    plain = toolkit("prepare", folder)
    assert (plain.code, "dropped" in plain.out, "bad 1.txt" in plain.out) == (0, True, False)
    assert "bad 1.txt" in toolkit("prepare", folder, "--all").out


def test_prepare_encodes_into_the_cache(toolkit: Toolkit, poem: Path, cache: Path) -> None:
    facts = toolkit("prepare", poem, "--codec=byte", "--json").json
    corpus = open_corpus(str(poem))
    assert facts["sha256"] == corpus.sha256
    assert list((cache / "tokens").glob(f"{corpus.sha256[:16]}-*"))
    whole = sum(len(document.item.encode()) for split in ("train", "validation") for document in corpus.read(split))
    assert sum(split["tokens"] for split in facts["splits"].values()) == whole
    assert toolkit("prepare", poem, "--codec=melody").code == 3
    assert toolkit("prepare", poem, "--codec=no-such").code == 2
    assert toolkit("prepare", poem.parent / "none.txt").code == 3


def test_reasons_that_differ_in_names_and_numbers_are_one() -> None:
    findings = [
        Finding("a#1", "kept"),
        Finding("a#2", "dropped", "its notes are those of a#1."),
        Finding("a#3", "dropped", "its notes are those of a#2."),
        Finding("a#4", "changed", "1,204 notes were moved"),
        Finding("a#5", "changed", "7 notes were moved"),
    ]
    assert prepare._reasons(findings) == [
        {"outcome": "changed", "reason": "… notes were moved", "count": 2},
        {"outcome": "dropped", "reason": "its notes are those of ….", "count": 2},
    ]


def test_runs_lists_finished_interrupted_and_damaged_ones(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    for name in ("one", "two", "three"):
        (tmp_path / name).mkdir()
        shutil.copy(text_run / "config.json", tmp_path / name)
    (tmp_path / "two" / "config.json").write_text("{}")
    (tmp_path / "not a run").mkdir()
    listed = {Path(each["run"]).name: each for each in toolkit("runs", tmp_path, "--json").json["runs"]}
    assert listed["one"]["state"] == "finished"
    assert listed["one"]["loss"].endswith("bits/byte")
    assert "damaged" in listed["two"]["state"]
    assert "not a run" not in listed
    assert toolkit("runs", tmp_path).code == 0
    assert toolkit("runs", tmp_path / "none").code == 0


def test_a_thousand_runs_are_listed_in_two_seconds(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    for number in range(1000):
        (tmp_path / str(number)).mkdir()
        shutil.copy(text_run / "config.json", tmp_path / str(number))
    began = time.process_time()
    assert len(toolkit("runs", tmp_path).out.splitlines()) >= 1001
    assert time.process_time() - began < 2


def test_info_tells_the_facts_of_a_run(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    facts = toolkit("info", text_run, "--json").json
    config = open_run(text_run).config
    assert facts["state"] == "finished"
    assert facts["model"] == config.model
    assert facts["corpus"]["sha256"] == config.corpus["sha256"]
    assert facts["logged_to_step"] == config.result["steps"]
    plain = toolkit("info", text_run).out
    assert "careful, lively" in plain
    for each in (config.corpus["licence"], config.corpus["sha256"], str(config.result["val_bits_per_byte"])):
        assert each in plain
    assert toolkit("info", tmp_path).code == 4
    assert toolkit("info", "nowhere").code == 2


def test_doctor_knows_what_is_missing(toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.metadata

    facts = toolkit("doctor", "--json").json
    assert facts["python"] == sys.version.split()[0]
    assert facts["threads"] >= 1
    real = importlib.metadata.version

    def version(name: str) -> str:
        if name == "gradio":
            raise importlib.metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    monkeypatch.setattr(
        importlib.metadata, "requires", lambda name: ["numpy>=1", "gradio<7; extra == 'app'", 'rich; extra == "score"']
    )
    answer = toolkit("doctor")
    assert answer.code == 0
    assert "extra app: missing gradio: pip install 'lstm-toolkit[app]'" in answer.out
    assert "extra score: installed" in answer.out


def test_evaluate_dynamic_reports_both_losses(toolkit: Toolkit, text_run: Path, poem: Path) -> None:
    run = open_run(text_run)
    facts = toolkit("evaluate", text_run, poem, "--dynamic", "--json").json
    still, adapting = run.evaluate(str(poem)), run.evaluate_adapting(str(poem))
    assert facts["val_nats_per_token"] == pytest.approx(still.nats_per_token, abs=1e-5)
    assert facts["dynamic_val_bits_per_byte"] == pytest.approx(adapting.bits_per("byte"), abs=1e-5)
    assert facts["dynamic_val_nats_per_token"] != facts["val_nats_per_token"]
    off = toolkit("evaluate", text_run, poem, "--dynamic", "--adapt-strength=0", "--json").json
    assert off["dynamic_val_nats_per_token"] == off["val_nats_per_token"]
    assert "dynamic_val_bits_per_byte" in toolkit("evaluate", text_run, poem, "--dynamic", "--by-document").out
    assert toolkit("evaluate", text_run, poem, "--dynamic", "--reset=8").code == 2
    assert toolkit("evaluate", text_run, poem, "--dynamic", "--adapt-strength=-1").code == 2
