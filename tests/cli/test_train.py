from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import QUICK, TINY, Toolkit
from toolkit import runs
from toolkit.api import Stepped, open_run
from toolkit.cli.watching import PlainWatch


def test_train_makes_a_run_and_prints_one_object(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK, "--seed=3", "--json")
    assert answer.code == 0
    facts = answer.json
    assert facts["run"] == str(tmp_path / "run")
    assert facts["steps"] == 6
    run = open_run(tmp_path / "run")
    assert facts["parameters"] == sum(each.numel() for each in run.model.parameters())
    assert facts["val_nats_per_token"] == pytest.approx(run.evaluate(str(poem)).nats_per_token, abs=1e-4)
    assert {"seconds", "val_bits_per_byte"} <= facts.keys()
    assert "validation" in answer.err


def test_melodies_are_measured_in_notes(toolkit: Toolkit, tunes: Path, tmp_path: Path) -> None:
    answer = toolkit("train", tunes, "--out", tmp_path / "run", *QUICK, "--json")
    assert answer.code == 0
    assert answer.json["val_nats_per_note"] > 0


def test_set_reaches_every_group_and_is_written_on_the_card(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert toolkit("train", poem, "--out", run, *QUICK, "--cell=gru", "--set", "sample.top_k=5").code == 0
    config = open_run(run).config
    assert (config.model["cell"], config.model["width"]) == ("gru", 16)
    assert config.training["batch"] == 4
    assert config.sampling["top_k"] == 5
    card = (run / "README.md").read_text()
    for each in ("model.cell=gru", "model.width=16", "train.batch=4", "sample.top_k=5"):
        assert f"--set {each}" in card


def test_the_command_on_the_card_makes_the_same_run_again(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    assert toolkit("train", poem, "--out", first, *QUICK, "--seed=9", "--set=model.dropout=0.3").code == 0
    command = toolkit("info", first).out.splitlines()[-1].split("made by", 1)[1]
    import shlex

    words = shlex.split(command)
    assert words[:2] == ["toolkit", "train"]
    assert toolkit(*words[1:-1], second).code == 0
    assert (first / "model.safetensors").read_bytes() == (second / "model.safetensors").read_bytes()


def test_dry_run_writes_no_run(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK, "--dry-run", "--json")
    assert answer.code == 0
    assert not list(tmp_path.iterdir())
    assert (
        toolkit("train", poem, "--out", tmp_path / "run", *QUICK, "--json").json["parameters"]
        == (answer.json["parameters"])
    )


def test_without_a_budget_ten_minutes_are_planned(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    answer = toolkit("train", poem, "--out", tmp_path / "run", *TINY, "--dry-run", "--json")
    assert answer.json["minutes"] == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--set=modle.width=3"], "'model.width'"),
        (["--set=optimiser.width=x"], "'model.width'"),
        (["--set=moddel.depth=1"], "'model'"),
        (["--set=width=3"], "'model.width'"),
        (["--set=train.lr=3"], "'train.learning_rate'"),
        (["--set=model.widht=3"], "'model.width'"),
        (["--set=model.width=wide"], "whole number"),
        (["--set=model.width=0"], "between"),
        (["--set=model.width"], "group.key=value"),
        (["--set=sample.bars=3"], "text"),
        (["--cell=lstn"], "'lstm'"),
        (["--codec=chr"], "'char'"),
        (["--domain=txt"], "'text'"),
        (["--steps=0"], "--steps"),
        (["--minutes=-1"], "--minutes"),
        (["--minutes=nan"], "--minutes"),
        (["--minutes=3"], "one of them"),
        (["--device=gpu"], "device"),
        (["--from=nowhere"], "no run"),
        (["--stpes=3"], "--steps"),
        (["--encoding-errors=maybe"], "strict"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(
    toolkit: Toolkit, poem: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK, *words)
    assert answer.code == 2
    assert said in answer.err
    assert not answer.out
    assert not (tmp_path / "run").exists()


def test_a_mistyped_corpus_ends_with_2_and_a_bad_file_with_3(toolkit: Toolkit, tmp_path: Path) -> None:
    answer = toolkit("train", "kvj", "--out", tmp_path / "run", *QUICK)
    assert (answer.code, "'kjv'" in answer.err) == (2, True)
    bad = tmp_path / "bad.txt"
    bad.write_bytes(b"fine so far \xff\xfe")
    answer = toolkit("train", bad, "--out", tmp_path / "run", *QUICK)
    assert (answer.code, "offset 12" in answer.err) == (3, True)
    assert not (tmp_path / "run").exists()


def test_encoding_errors_can_be_replaced(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_bytes(poem.read_bytes() + b"\xff")
    assert toolkit("train", bad, "--out", tmp_path / "run", *QUICK, "--encoding-errors=replace").code == 0


def test_repeats_are_played_where_the_user_says_so(toolkit: Toolkit, tmp_path: Path) -> None:
    tune = tmp_path / "tune.abc"
    tune.write_text("X:1\nM:4/4\nL:1/4\nK:C\n|:cdef|gfed|cege|c4:|\n")
    notes = []
    for how in ("once", "played"):
        answer = toolkit("prepare", tune, "--repeats", how, "--json")
        notes.append(json.loads(answer.out)["splits"]["train"]["measure"]["note"])
    assert notes == [13, 26]
    assert toolkit("prepare", tune, "--repeats", "twice").code == 2
    assert toolkit("prepare", "folk", "--repeats", "played").code == 2


def test_a_table_is_read_by_its_column(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.jsonl"
    lines = poem.read_text().splitlines()
    table.write_text("".join(json.dumps({"a": line, "b": "no " * 5}) + "\n" for line in lines))
    assert toolkit("train", table, "--out", tmp_path / "x", *QUICK).code == 3
    assert toolkit("train", table, "--out", tmp_path / "run", *QUICK, "--text-column=a").code == 0
    codec = (tmp_path / "run" / "codec").glob("*.json")
    assert "g" in "".join(each.read_text() for each in codec)


def test_an_existing_run_is_not_written_over(toolkit: Toolkit, poem: Path, text_run: Path) -> None:
    before = (text_run / "model.safetensors").read_bytes()
    answer = toolkit("train", poem, "--out", text_run, *QUICK)
    assert (answer.code, "--resume" in answer.err) == (2, True)
    assert (text_run / "model.safetensors").read_bytes() == before


def test_a_damaged_run_ends_with_4(toolkit: Toolkit, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{")
    assert toolkit("train", "--out", tmp_path, "--resume").code == 4


def test_divergence_ends_with_5(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    wild = ["--set=train.learning_rate=100", "--set=train.weight_decay=100", "--set=train.warmup=0", "--steps=50"]
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK, *wild)
    assert answer.code == 5
    assert "diverged" in answer.err


def test_a_full_disk_ends_with_6(toolkit: Toolkit, poem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(runs, "_write_synced", full)
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK)
    assert answer.code == 6
    assert "no room" in answer.err
    assert not list(tmp_path.iterdir())


def _signalled(monkeypatch: pytest.MonkeyPatch, number: int, at: int) -> None:
    """The process gets a signal after its step number ``at``."""
    show = PlainWatch.show

    def signalling(self: PlainWatch, event: Any) -> None:
        show(self, event)
        if isinstance(event, Stepped) and event.progress.step == at:
            os.kill(os.getpid(), number)

    monkeypatch.setattr(PlainWatch, "show", signalling)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_saves_and_resuming_ends_as_if_nothing_had_happened(
    toolkit: Toolkit, poem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, code: int
) -> None:
    words = [*QUICK, "--set=model.dropout=0.3", "--steps=12", "--json"]
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    assert toolkit("train", poem, "--out", whole, *words).code == 0
    handlers = [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    with monkeypatch.context() as patch:
        _signalled(patch, number, at=5)
        stopped = toolkit("train", poem, "--out", parted, *words)
    assert stopped.code == code
    assert stopped.json["interrupted"] == signal.Signals(number).name
    assert handlers == [signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)]
    resumed = toolkit("train", poem, "--out", parted, *words, "--resume")
    assert resumed.code == 0
    assert "going on at step 6" in resumed.err
    assert (whole / "model.safetensors").read_bytes() == (parted / "model.safetensors").read_bytes()
    again = toolkit("train", "--out", parted, "--resume", "--json")
    assert (again.code, again.json["steps"]) == (0, 12)


def test_resume_refuses_what_contradicts_the_run_and_begins_what_is_not_there(
    toolkit: Toolkit, poem: Path, tunes: Path, text_run: Path, tmp_path: Path
) -> None:
    for words in (["--seed=5"], ["--steps=7"], ["--codec=byte"], ["--set=model.width=17"], ["--minutes=1"]):
        answer = toolkit("train", poem, "--out", text_run, "--resume", *words)
        assert (answer.code, "begun with" in answer.err) == (2, True), words
    assert toolkit("train", tunes, "--out", text_run, "--resume").code == 2
    assert toolkit("train", "--out", tmp_path / "new", "--resume").code == 2
    assert toolkit("train", poem, "--out", tmp_path / "new", "--resume", *QUICK).code == 0


def test_fine_tuning_begins_with_another_run(toolkit: Toolkit, poem: Path, text_run: Path, tmp_path: Path) -> None:
    words = ["--steps=1", "--set=train.learning_rate=0", "--set=train.validations=1"]
    assert toolkit("train", poem, "--out", tmp_path / "run", *words, "--from", text_run).code == 0
    assert (tmp_path / "run" / "model.safetensors").read_bytes() == (text_run / "model.safetensors").read_bytes()


def test_names_with_dashes_and_letters_from_elsewhere(
    toolkit: Toolkit, poem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    odd = tmp_path / "-Ünïcode ぶん.txt"
    odd.write_bytes(poem.read_bytes())
    answer = toolkit("train", "--out=-a run", *QUICK, "--", odd.name)
    assert answer.code == 0
    assert "./-a run" in answer.err
    assert toolkit("generate", "--length=5", "--", "-a run").code == 0


def test_tensorboard_gets_the_losses(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    assert toolkit("train", poem, "--out", tmp_path / "run", *QUICK, "--tensorboard").code == 0
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    events.Reload()
    assert {"loss/train", "loss/validation", "learning_rate", "gradient_norm"} <= set(events.Tags()["scalars"])
    logged = [each["quick_nats_per_token"] for each in open_run(tmp_path / "run").metrics if "best" in each]
    assert [each.value for each in events.Scalars("loss/validation")] == pytest.approx(logged, rel=1e-6)


def test_a_missing_extra_is_named(
    toolkit: Toolkit, poem: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    answer = toolkit("train", poem, "--out", tmp_path / "run", *QUICK, "--tensorboard")
    assert answer.code == 1
    assert "pip install 'lstm-toolkit[tensorboard]'" in answer.err


def test_set_help_lists_the_settings(toolkit: Toolkit) -> None:
    answer = toolkit("train", "--set", "help")
    assert answer.code == 0
    assert {"model.width", "train.learning_rate", "sample.temperature"} <= {
        line.split()[0] for line in answer.out.splitlines()
    }


@pytest.mark.slow
def test_a_real_interrupt_of_a_real_process(poem: Path, tmp_path: Path, cache: Path) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-m", "toolkit", "train", str(poem), "--out", str(run), *TINY, "--steps=1000000"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout and process.stderr
        for line in process.stderr:
            if "training begins" in line:
                break
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
        assert process.stdout.read() == ""
        assert "Traceback" not in process.stderr.read()
    assert list((run / "last").glob("step-*"))
