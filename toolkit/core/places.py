"""Where things lie: what ships with the toolkit, and where it may keep caches of its own.

A checkout keeps checkpoints/, apps/ and data/ beside the package; a built wheel carries the first two
inside it. Only this file knows the difference.
"""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

_PACKAGE = Path(__file__).resolve().parent.parent
_CARRIED = _PACKAGE / "share"


def shipped(part: str) -> Path:
    """The folder ``part`` ("checkpoints", "apps") that ships with the toolkit, from a checkout or a wheel."""
    carried = _CARRIED / part
    return carried if carried.is_dir() else _PACKAGE.parent / part


def caches() -> Path:
    """A folder for what can be made again: $TOOLKIT_CACHE, else data/cache of a checkout, else the user's cache."""
    chosen = os.environ.get("TOOLKIT_CACHE")
    if chosen:
        return Path(chosen)
    if (_PACKAGE.parent / "pyproject.toml").is_file():
        return _PACKAGE.parent / "data" / "cache"
    return platformdirs.user_cache_path("lstm-toolkit")
