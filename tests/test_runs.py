"""Run folders: complete or absent, checked before use, and never taken on trust."""

import dataclasses
import errno
import itertools
import json
import os
import struct
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from toolkit import runs
from toolkit.core import CheckpointError, DiskFullError, ToolkitError, UsageError
from toolkit.runs import Metrics, RunConfig

CONFIG = RunConfig(
    domain="text",
    codec={"name": "byte", "fingerprint": "f"},
    vocabulary=257,
    model={"width": 4},
    training={},
    sampling={},
    seed=1,
    budget={"steps": 3.0},
    corpus={"name": "c"},
    versions={},
)


@pytest.fixture
def folder(tmp_path) -> Path:
    runs.create(tmp_path / "run", CONFIG, lambda codec: (codec / "codec.json").write_text("{}") and None)
    return tmp_path / "run"


def quiet(_: str) -> None:
    pass


# --- configs ---


def test_a_config_comes_back_as_it_was(folder):
    assert runs.read_config(folder) == CONFIG


def test_a_config_from_before_calibrations_still_loads(folder):
    facts = dataclasses.asdict(CONFIG)
    del facts["calibration"]
    (folder / "config.json").write_text(json.dumps(facts))
    assert runs.read_config(folder) == CONFIG


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"format": True},
        {"format": -1},
        {"domain": 7},
        {"vocabulary": "many"},
        {"vocabulary": 1.5},
        {"model": []},
        {"calibration": 2.0},
        {"_target_": "os.system"},
    ],
)
def test_a_config_that_is_not_ours_is_refused(folder, change):
    facts = dataclasses.asdict(CONFIG) | change
    (folder / "config.json").write_text(json.dumps(facts))
    with pytest.raises(CheckpointError):
        runs.read_config(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b'{"a": 1, "a": 2}',
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a": "' + b"x" * (1 << 20) + b'"}',
        b"\xff\xfe",
        b"\x80\x04\x95",
    ],
)
def test_json_that_is_broken_huge_or_deep_is_refused(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        runs.read_json(path)


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(CheckpointError):
        runs.read_json(tmp_path / "config.json")
    with pytest.raises(CheckpointError):
        runs.read_tensors(tmp_path / "model.safetensors", {})


@pytest.mark.parametrize("name", ["../../x", "/etc", "no such run", "a\0b", "~", "x" * 5000])
def test_hostile_names_are_refused_in_a_sentence(name):
    with pytest.raises(ToolkitError):
        runs.find(name)


# --- tensors ---


def written(path: Path, tensors: dict[str, torch.Tensor]) -> Path:
    path.write_bytes(save(tensors))
    return path


def test_expected_tensors_are_read(tmp_path):
    path = written(tmp_path / "m.safetensors", {"a": torch.ones(2, 3), "b": torch.zeros(1).half()})
    assert runs.read_tensors(path, {"a": (2, 3), "b": (1,)})["a"].shape == (2, 3)


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        ({"a": torch.ones(2)}, {"a": (2,), "b": (2,)}),
        ({"a": torch.ones(2), "b": torch.ones(2)}, {"a": (2,)}),
        ({"a": torch.ones(2, 3)}, {"a": (3, 2)}),
        ({"a": torch.tensor([1.0, float("nan")])}, {"a": (2,)}),
        ({"a": torch.tensor([float("inf")])}, {"a": (1,)}),
        ({"a": torch.ones(2, dtype=torch.float64)}, {"a": (2,)}),
    ],
)
def test_other_tensors_are_refused(tmp_path, tensors, expected):
    path = written(tmp_path / "m.safetensors", tensors)
    with pytest.raises(CheckpointError):
        runs.read_tensors(path, expected)


def hostile(header: object, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text) if length is None else length) + text + data


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04\x95pickle",
        b"PK\x03\x04" + bytes(100),
        hostile(b"{}", length=1 << 60),
        hostile(b"[" * 50_000),
        hostile([1, 2]),
        hostile({"a": 3}),
        hostile({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(4)),
        hostile({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(9)),
        hostile({"a": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 8]}}, bytes(8)),
        hostile({"a": {"dtype": "F32", "shape": [2], "data_offsets": ["0", None]}}, bytes(8)),
        hostile(
            b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
            bytes(4),
        ),
        hostile({str(n): {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for n in range(2000)}),
    ],
)
def test_files_that_are_no_tensors_are_refused(tmp_path, content):
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        runs.read_tensors(path, {"a": (2,)})


def test_a_huge_sparse_file_is_refused_without_reading_it(tmp_path):
    path = tmp_path / "m.safetensors"
    with path.open("wb") as file:
        file.write(hostile({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}))
        file.truncate(40 << 30)
    with pytest.raises(CheckpointError):
        runs.read_tensors(path, {"a": (2,)})


# --- writing ---


def test_a_run_is_not_made_over_another(folder):
    with pytest.raises(UsageError, match="exists already"):
        runs.create(folder, CONFIG, quiet)


def test_a_run_that_cannot_be_completed_is_not_begun(tmp_path):
    def broken(_: Path) -> None:
        raise ToolkitError("no codec")

    with pytest.raises(ToolkitError):
        runs.create(tmp_path / "run", CONFIG, broken)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("stage", ["open", "fsync", "replace"])
def test_a_full_disk_leaves_what_was_there(folder, monkeypatch, stage):
    path = folder / "note"
    runs.write_atomically(path, b"before")

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = {"open": (Path, "open"), "fsync": (os, "fsync"), "replace": (Path, "replace")}[stage]
    monkeypatch.setattr(*target, full)
    with pytest.raises(DiskFullError, match="no room"):
        runs.write_atomically(path, b"after")
    monkeypatch.undo()
    assert path.read_bytes() == b"before"
    assert not [each for each in folder.iterdir() if "tmp" in each.name]


def test_files_are_as_readable_as_the_umask_says(folder):
    runs.write_atomically(folder / "note", b"x")
    mask = os.umask(0)
    os.umask(mask)
    assert (folder / "note").stat().st_mode & 0o777 == 0o666 & ~mask


def test_one_writer_at_a_time(folder):
    with runs.alone(folder), pytest.raises(ToolkitError, match=str(os.getpid())), runs.alone(folder):
        pass
    with runs.alone(folder):
        pass


# --- resume points ---


def points(folder: Path, *steps: int) -> None:
    for step in steps:
        runs.save_last(folder, step, {"step": step}, {"model": {"a": torch.full((3,), float(step))}})


def test_the_newest_point_is_found_and_old_ones_go(folder):
    points(folder, 1, 2, 3)
    point = runs.newest_point(folder, quiet)
    assert point is not None
    assert point.facts["step"] == 3
    assert point.tensors("model")["a"].tolist() == [3.0] * 3
    assert len(list((folder / "last").iterdir())) == 2


@pytest.mark.parametrize("name", ["state.json", "model.safetensors", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "cut", "gone"])
def test_a_damaged_point_is_passed_over_with_a_warning(folder, name, damage):
    points(folder, 1, 2)
    path = folder / "last" / "step-000000002" / name
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    if damage == "gone":
        path.unlink()
    said: list[str] = []
    point = runs.newest_point(folder, said.append)
    assert point is not None
    assert point.facts["step"] == 1
    assert said


class Crash(BaseException):
    """Not an error the code may handle: the process is gone."""


def test_a_crash_at_any_moment_of_a_save_leaves_a_good_point(folder, monkeypatch):
    """Fails at the n-th file-system call of a save, for every n until a save has no more."""
    watched = [(os, "fsync"), (Path, "open"), (Path, "replace"), (Path, "mkdir"), (runs.shutil, "rmtree")]
    points(folder, 1)
    for limit in itertools.count():
        calls = itertools.count()

        def until_limit(original, calls=calls, limit=limit):
            def call(*args, **kwargs):
                if next(calls) >= limit:
                    raise Crash
                return original(*args, **kwargs)

            return call

        with monkeypatch.context() as patched:
            for owner, name in watched:
                patched.setattr(owner, name, until_limit(getattr(owner, name)))
            try:
                points(folder, 2 + limit)
                break
            except Crash:
                pass
        point = runs.newest_point(folder, quiet)
        assert point is not None
        assert point.tensors("model")["a"].isfinite().all()
    assert limit > 8


def test_leftovers_of_a_crash_are_cleared_by_the_next_save(folder):
    (folder / "last").mkdir()
    (folder / "last" / ".step-000000009.tmp-1").mkdir()
    points(folder, 1)
    assert [each.name for each in (folder / "last").iterdir()] == ["step-000000001"]


# --- metrics ---


def test_metrics_are_cut_back_and_a_torn_line_is_left_out(folder):
    metrics = Metrics(folder)
    metrics.append({"step": 1, "loss": 2.0})
    offset = metrics.offset
    metrics.append({"step": 2, "loss": float("nan")})
    assert runs.read_metrics(folder)[1] == {"step": 2, "loss": None}
    with (folder / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 3, "lo')
    assert [each["step"] for each in runs.read_metrics(folder)] == [1, 2]
    Metrics(folder, offset)
    assert [each["step"] for each in runs.read_metrics(folder)] == [1]
