"""`toolkit doctor`: what this machine and this installation can do, and what would make them do more."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
from typing import Any

from toolkit import __version__
from toolkit.cli import options, terminal
from toolkit.core.places import caches, shipped

_DISTRIBUTION = "lstm-toolkit"
_REQUIREMENT = re.compile(r"""^(?P<package>[A-Za-z0-9._-]+).*;.*\bextra\s*==\s*['"](?P<extra>[\w-]+)['"]""")
_FOR_PEOPLE = frozenset({"dev", "all"})  # extras that are not one purpose


def command(json: options.Json = False) -> None:
    """Good to add to a report of something that went wrong."""
    machine, extras = _machine(), _extras()
    if json:
        return terminal.write_json({**machine, "extras": extras})
    terminal.write_facts(machine)
    for name, missing in extras.items():
        have = "installed" if not missing else f"missing {', '.join(missing)}: pip install '{_DISTRIBUTION}[{name}]'"
        terminal.write(f"extra {name}: {have}\n")
    return None


def _machine() -> dict[str, Any]:
    import torch

    from toolkit.engine import ENGINES
    from toolkit.score.sound import sound_engine
    from toolkit.train import has_bf16

    free = shutil.disk_usage(next(each for each in (caches(), *caches().parents) if each.exists())).free
    return {
        "toolkit": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "torch": torch.__version__,
        **{name: importlib.metadata.version(name) for name in ("numpy", "sentencepiece", "typer")},
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "bf16_on_cpu": has_bf16(torch.device("cpu")),
        "gpus": [torch.cuda.get_device_name(each) for each in range(torch.cuda.device_count())],
        "engines": list(ENGINES),
        "sound_engine": sound_engine(),
        "checkpoints": str(shipped("checkpoints")),
        "cache": str(caches()),
        "cache_bytes_free": free,
    }


def _extras() -> dict[str, list[str]]:
    """For every extra that the package declares, those of its packages that are missing."""
    try:
        required = importlib.metadata.requires(_DISTRIBUTION) or []
    except importlib.metadata.PackageNotFoundError:  # run from a checkout that was never installed
        return {}
    extras: dict[str, list[str]] = {}
    for requirement in required:
        found = _REQUIREMENT.match(requirement)
        if found and found["extra"] not in _FOR_PEOPLE:
            missing = extras.setdefault(found["extra"], [])
            if not _installed(found["package"]):
                missing.append(found["package"])
    return extras


def _installed(package: str) -> bool:
    try:
        importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
