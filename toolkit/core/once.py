"""Folders that are made once and found again, whole or not at all, whoever else may be making them meanwhile."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock


def made_once(folder: Path, mark: str, write: Callable[[Path], None]) -> None:
    """Sees to it that ``folder`` holds what ``write`` puts into an empty folder; ``mark`` is a file that shows it does.

    It is made beside and renamed, so an interruption leaves nothing that looks whole. Errors are ``write``'s own.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = f"{folder}.lock"
    with FileLock(lock):
        if not (folder / mark).is_file():
            making = Path(f"{folder}.tmp-{os.getpid()}")
            shutil.rmtree(making, ignore_errors=True)
            making.mkdir()
            try:
                write(making)
                shutil.rmtree(folder, ignore_errors=True)
                making.rename(folder)
            finally:
                shutil.rmtree(making, ignore_errors=True)
    with contextlib.suppress(OSError):
        Path(lock).unlink()
