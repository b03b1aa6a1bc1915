"""Killed at any moment, a run that is resumed ends as if nothing had happened, bit for bit."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from toolkit.runs import newest_point, read_config, read_metrics

WORDS = [
    "rain",
    "falls",
    "on",
    "the",
    "tin",
    "roof",
    "and",
    "a",
    "kettle",
    "hums",
    "while",
    "seven",
    "grey",
    "cats",
    "sleep",
]
COMMAND = [
    *(sys.executable, "-m", "toolkit", "train", "poem.txt", "--codec", "char", "--steps", "150", "--seed", "5"),
    *("--set", "model.width=96", "--set", "model.dropout=0.3", "--set", "train.batch=4", "--set", "train.chunk=16"),
    *("--set", "train.save_seconds=0.05", "--set", "train.validations=6"),
]
TIMES = {"seconds", "spent"}


def start(folder: Path, out: str) -> subprocess.Popen[bytes]:
    environment = os.environ | {"TOOLKIT_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [*COMMAND, "--out", out, "--resume"],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def outcome(run: Path) -> dict[str, object]:
    """All that a run is, but for how long it took."""
    point = newest_point(run, print)
    assert point is not None
    groups = ("model", "optimiser", "carry")
    return {
        "best": (run / "model.safetensors").read_bytes(),
        "state": {name: value for name, value in point.facts.items() if name not in TIMES | {"metrics"}},
        "tensors": {group: (point.folder / f"{group}.safetensors").read_bytes() for group in groups},
        "metrics": [{key: value for key, value in row.items() if key not in TIMES} for row in read_metrics(run)],
        "result": {key: value for key, value in read_config(run).result.items() if key not in TIMES},
    }


def wait_for(condition, process: subprocess.Popen[bytes], seconds: float = 60) -> bool:
    """Whether ``condition`` came true while the process ran."""
    deadline = time.monotonic() + seconds
    while process.poll() is None and time.monotonic() < deadline:
        if condition():
            return True
    return False


@pytest.mark.slow
def test_ten_kills_three_of_them_inside_a_save_change_nothing(tmp_path):
    rng = random.Random(0)
    (tmp_path / "poem.txt").write_text(" ".join(rng.choices(WORDS, k=2000)))
    assert start(tmp_path, "whole").wait(300) == 0
    began = time.monotonic()
    assert start(tmp_path, "again").wait(300) == 0, "two runs left alone"
    took = time.monotonic() - began
    expected = outcome(tmp_path / "whole")
    assert outcome(tmp_path / "again") == expected

    run, kills_in_a_save, kills = tmp_path / "killed", 0, 0
    while kills < 10:
        process = start(tmp_path, "killed")
        saving = kills_in_a_save < 3
        if saving:
            assert wait_for(lambda: any((run / "last").glob(".step-*")), process), "no save was caught"
        else:
            time.sleep(rng.uniform(0.3, 0.9) * took)
        if process.poll() is not None:  # it ended by itself: begin another one
            assert outcome(run) == expected
            run.rename(tmp_path / f"ended-{kills}")
            continue
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        kills += 1
        kills_in_a_save += saving
    assert start(tmp_path, "killed").wait(300) == 0
    assert outcome(run) == expected
    assert len(expected["metrics"]) == 15 + 6
    assert json.dumps(expected["result"])
