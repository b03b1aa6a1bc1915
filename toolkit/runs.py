"""The run folder: what a training run leaves behind, and what a shipped checkpoint is.

    config.json         what the run is: settings, seed, corpus, versions, and at the end its result
    codec/              the codec, as data
    model.safetensors   the best weights so far
    last/step-…/        what an exact resume needs; the newest one whose manifest holds is used
    metrics.jsonl       a line for every step logged
    README.md           the model card

Everything is written beside, fsynced and renamed; nothing is pickled, and sizes, names, shapes and numbers
are checked before use. Knows files; nothing of what a model or a codec does.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import hashlib
import json
import math
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from toolkit.core import CheckpointError, DiskFullError, ToolkitError, UsageError, unknown
from toolkit.core.places import shipped

FORMAT = 1
_LATER = frozenset({"calibration"})  # fields that configs of this format did not have from the beginning
_SMALL = 1 << 20  # no JSON of a run is longer than a megabyte
_DTYPES = {"F16": 2, "F32": 4, "BF16": 2, "U8": 1, "I64": 8}
_KEPT = 2  # resume points kept, so that a damaged newest one loses little


@dataclass(frozen=True)
class RunConfig:
    """config.json, field by field. Settings are kept as plain mappings; the rooms they belong to check them."""

    domain: str
    codec: Mapping[str, str]
    vocabulary: int
    model: Mapping[str, Any]
    training: Mapping[str, Any]
    sampling: Mapping[str, Any]
    seed: int
    budget: Mapping[str, float]
    corpus: Mapping[str, Any]
    versions: Mapping[str, str]
    result: Mapping[str, Any] = field(default_factory=dict)
    calibration: Mapping[str, Any] = field(default_factory=dict)
    format: int = FORMAT


# --- reading -----------------------------------------------------------------------------------------------


def find(run: str | Path) -> Path:
    """The folder of a run given by path, or by the name of a shipped checkpoint."""
    folder = Path(run)
    try:
        is_run, is_something = (folder / "config.json").is_file(), folder.exists()
    except (OSError, ValueError):  # a name no file system takes
        is_run = is_something = False
    if is_run:
        return folder
    if is_something:
        raise CheckpointError(f"{folder} is not a run: it has no config.json.")
    if str(run) in shipped_runs():
        return shipped("checkpoints") / str(run)
    raise unknown("run", str(run)[:80], shipped_runs())


def shipped_runs() -> tuple[str, ...]:
    """The names of the checkpoints that come with the toolkit."""
    return tuple(sorted(each.parent.name for each in shipped("checkpoints").glob("*/config.json")))


def read_config(folder: Path) -> RunConfig:
    """config.json, checked for shape; CheckpointError when it is not one of ours."""
    facts = read_json(folder / "config.json")
    written = facts.get("format")
    if type(written) is not int or not 1 <= written <= FORMAT:
        raise CheckpointError(f"{folder} has format {written!r}; this toolkit reads formats 1 to {FORMAT}.")
    names = {each.name for each in dataclasses.fields(RunConfig)}
    if not names - _LATER <= set(facts) <= names:
        odd = ", ".join(sorted((set(facts) ^ names) - _LATER))
        raise CheckpointError(f"{folder}/config.json has missing or unknown keys: {odd[:200]}.")
    for each in dataclasses.fields(RunConfig):
        if each.name not in facts:
            continue
        expected = {"str": str, "int": int}.get(str(each.type), dict)
        if type(facts[each.name]) is not expected:
            raise CheckpointError(f"{folder}/config.json: {each.name} is not {expected.__name__}.")
    return RunConfig(**facts)


def read_json(path: Path) -> dict[str, Any]:
    """A small JSON object; CheckpointError for anything else, whatever is wrong with it."""
    try:
        if not path.is_file() or path.stat().st_size > _SMALL:
            raise CheckpointError(f"{path} is missing, not a plain file, or larger than a megabyte.")
        facts = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path} cannot be read: {str(error)[:200]}.") from None
    if not isinstance(facts, dict):
        raise CheckpointError(f"{path} is not a JSON object.")
    return facts


def read_tensors(path: Path, expected: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    """The tensors of a safetensors file, when names, shapes and size are just as expected and numbers finite.

    The header is checked by hand before any tensor is made, so a hostile file costs neither time nor memory.
    """
    header = _header(path)
    tensors = {name: facts for name, facts in header.items() if name != "__metadata__"}
    if set(tensors) != set(expected):
        odd = ", ".join(sorted(set(tensors) ^ set(expected)))
        raise CheckpointError(f"{path} has missing or unexpected tensors: {odd[:200]}.")
    for name, facts in tensors.items():
        shape, dtype = facts.get("shape"), facts.get("dtype")
        if shape != list(expected[name]) or dtype not in _DTYPES:
            raise CheckpointError(f"{path}: {name} is {dtype} {shape}, expected {list(expected[name])}.")
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        loaded = load_file(path)
    except (SafetensorError, OSError, RuntimeError) as error:
        raise CheckpointError(f"{path} cannot be read: {str(error)[:200]}.") from None
    for name, tensor in loaded.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise CheckpointError(f"{path}: {name} holds numbers that are not finite.")
    return loaded


def _header(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            raise CheckpointError(f"{path} is missing or not a plain file.")
        size = path.stat().st_size
        with path.open("rb") as file:
            length = int.from_bytes(file.read(8), "little")
            if not 2 <= length <= min(_SMALL, size - 8):
                raise CheckpointError(f"{path} is not a safetensors file.")
            header = json.loads(file.read(length), object_pairs_hook=_once)
        if not isinstance(header, dict) or not all(isinstance(each, dict) for each in header.values()):
            raise CheckpointError(f"{path} is not a safetensors file.")
        spans = [facts["data_offsets"] for name, facts in header.items() if name != "__metadata__"]
        if len(spans) > 1000 or 8 + length + max((int(end) for _, end in spans), default=0) != size:
            raise CheckpointError(f"{path} is cut short, too long, or holds too many tensors.")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path} is not a safetensors file ({str(error)[:100]}).") from None
    return header


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is not a number")


# --- writing -----------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _room(path: Path) -> Iterator[None]:
    """Turns a full disk into its own error; what was there before has not been touched."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free
            raise DiskFullError(f"no room to write {path}: {free:,} bytes are free.") from None
        raise ToolkitError(f"cannot write {path}: {error.strerror}.") from None


def write_atomically(path: Path, content: bytes) -> None:
    """``content`` at ``path`` or what was there before, never a part of it, whenever the power goes."""
    beside = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    with _room(path):
        try:
            _write_synced(beside, content)
            beside.replace(path)
            _sync(path.parent)
        finally:
            beside.unlink(missing_ok=True)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    if os.name == "nt":  # Windows opens no folders, and orders its renames itself
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def as_json(facts: Any) -> bytes:
    return (json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def create(folder: Path, config: RunConfig, save_codec: Callable[[Path], None]) -> None:
    """A new run folder with its config and codec, or none at all; it must not exist yet."""
    folder = folder.absolute()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} exists already; choose another --out, or go on with it by --resume.")
    making = folder.with_name(f".{folder.name}.tmp-{os.getpid()}")
    with _room(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(making, ignore_errors=True)
        try:
            (making / "codec").mkdir(parents=True)
            save_codec(making / "codec")
            _write_synced(making / "config.json", as_json(dataclasses.asdict(config)))
            if folder.is_dir():
                folder.rmdir()
            making.replace(folder)
            _sync(folder.parent)
        finally:
            shutil.rmtree(making, ignore_errors=True)


def write_config(folder: Path, config: RunConfig) -> None:
    write_atomically(folder / "config.json", as_json(dataclasses.asdict(config)))


def write_weights(folder: Path, tensors: Mapping[str, Any]) -> None:
    """The best weights so far, in fp32 or as given."""
    write_tensors(folder / "model.safetensors", tensors)


def write_tensors(path: Path, tensors: Mapping[str, Any]) -> None:
    """A safetensors file of these tensors."""
    write_atomically(path, _packed(tensors))


def _packed(tensors: Mapping[str, Any]) -> bytes:
    from safetensors.torch import save

    # Tied weights share their memory, which the format refuses: each becomes a tensor of its own.
    return save({name: each.clone().contiguous() for name, each in tensors.items()})


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the run folder for one writer; the lock goes with the process, however it ends."""
    lock = FileLock(folder / ".lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        owner = (folder / ".owner").read_text() if (folder / ".owner").is_file() else "another process"
        raise ToolkitError(
            f"{folder} is being trained by process {owner}; wait for it or choose another --out."
        ) from None
    try:
        (folder / ".owner").write_text(str(os.getpid()))
        yield
    finally:
        (folder / ".owner").unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            (folder / ".lock").unlink()  # while it is held, so that whoever waits for it sees that it is gone
        lock.release()


# --- resume points -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ResumePoint:
    """``facts`` are the numbers of state.json; ``tensors`` gives one group of tensors by name, unchecked in shape."""

    folder: Path
    facts: Mapping[str, Any]

    def tensors(self, group: str) -> dict[str, Any]:
        path = self.folder / f"{group}.safetensors"
        shapes = {name: tuple(each["shape"]) for name, each in _header(path).items() if name != "__metadata__"}
        return read_tensors(path, shapes)


def save_last(folder: Path, step: int, facts: Mapping[str, Any], groups: Mapping[str, Mapping[str, Any]]) -> None:
    """A resume point for ``step``: complete, or absent. Older ones go only once it stands."""
    last = folder / "last"
    point = last / f"step-{step:09d}"
    making = last / f".{point.name}.tmp-{os.getpid()}"
    with _room(point):
        last.mkdir(exist_ok=True)
        for left_over in last.glob(".step-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        try:
            making.mkdir()
            files = {"state.json": as_json(dict(facts))}
            files |= {f"{group}.safetensors": _packed(tensors) for group, tensors in groups.items()}
            manifest = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
            for name, content in [*files.items(), ("manifest.json", as_json(manifest))]:
                _write_synced(making / name, content)
            _sync(making)
            if point.exists():
                shutil.rmtree(point)
            making.replace(point)
            _sync(last)
        finally:
            shutil.rmtree(making, ignore_errors=True)
    points = sorted(last.glob("step-*"))
    here = points.index(point)
    for other in points[: max(0, here + 1 - _KEPT)] + points[here + 1 :]:  # those ahead were passed over as damaged
        shutil.rmtree(other, ignore_errors=True)


def newest_point(folder: Path, warn: Callable[[str], None]) -> ResumePoint | None:
    """The newest resume point whose every file is as its manifest says; None when there is none."""
    for point in sorted((folder / "last").glob("step-*"), reverse=True):
        try:
            manifest = read_json(point / "manifest.json")
            for name, digest in manifest.items():
                if hashlib.sha256((point / name).read_bytes()).hexdigest() != digest:
                    raise CheckpointError(f"{point / name} is damaged.")
            return ResumePoint(point, read_json(point / "state.json"))
        except (CheckpointError, OSError) as error:
            warn(f"{error} It cannot be resumed from; trying the one before it.")
    return None


# --- metrics -----------------------------------------------------------------------------------------------


class Metrics:
    """metrics.jsonl: appended and flushed a record at a time, cut back when a run resumes before its end."""

    def __init__(self, folder: Path, offset: int = 0) -> None:
        self.path = folder / "metrics.jsonl"
        self.path.touch()
        with self.path.open("r+b") as file:
            file.truncate(offset)

    @property
    def offset(self) -> int:
        return self.path.stat().st_size

    def append(self, record: Mapping[str, Any]) -> None:
        """One line; a number that is not finite becomes null."""
        clean = {name: None if isinstance(v, float) and not math.isfinite(v) else v for name, v in record.items()}
        with _room(self.path), self.path.open("ab") as file:
            file.write((json.dumps(clean) + "\n").encode())


def read_metrics(folder: Path) -> list[dict[str, Any]]:
    """The records so far; a torn last line is left out."""
    path = folder / "metrics.jsonl"
    records = []
    for line in path.read_text().splitlines() if path.is_file() else []:
        with contextlib.suppress(ValueError):
            records.append(json.loads(line))
    return records
