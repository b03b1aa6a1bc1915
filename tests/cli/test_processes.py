"""Several processes training one model, each started as torchrun starts it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import QUICK, TINY, Toolkit
from toolkit.cli.processes import this_process
from toolkit.core import UsageError

pytestmark = pytest.mark.filterwarnings("default")


def _started(words: list[str], size: int = 2) -> list[subprocess.Popen[str]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    place = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "toolkit", "train", *words]
    return [
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **place, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(size)
    ]


def test_without_torchrun_a_process_is_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with this_process("auto") as process:
        assert (process.group.size, process.speaks, process.device) == (1, True, "auto")
        assert process.anyone(lambda: True)()
    monkeypatch.setenv("RANK", "first")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(UsageError), this_process("auto"):
        pass


@pytest.mark.slow
def test_two_processes_report_the_loss_of_one(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    words = [str(poem), *QUICK, "--set=model.dropout=0", "--set=train.precision=fp32", "--json"]
    alone = toolkit("train", *words, "--out", tmp_path / "alone").json
    first, second = _started([*words, "--out", str(tmp_path / "together")])
    out, _ = first.communicate(timeout=120)
    silent, _ = second.communicate(timeout=120)
    assert (first.returncode, second.returncode) == (0, 0)
    assert silent == ""
    assert json.loads(out)["val_nats_per_token"] == pytest.approx(alone["val_nats_per_token"], rel=1e-4)


@pytest.mark.slow
def test_a_signal_to_one_of_two_processes_saves_and_ends_both(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    processes = _started([str(poem), *TINY, "--steps=1000000", "--out", str(run)])
    assert processes[0].stderr
    for line in processes[0].stderr:
        if line.startswith("step "):
            break
    processes[1].send_signal(signal.SIGTERM)
    for process in processes:
        process.communicate(timeout=60)
    assert [each.returncode for each in processes] == [143, 143]
    assert list((run / "last").glob("step-*"))
