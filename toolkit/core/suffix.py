"""The suffix of a file's name, which may have two parts, as in ``tune.sheet.svg``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def suffix_of(path: Path, known: Iterable[str]) -> str:
    """The longest of the ``known`` suffixes (in lower case) that the name ends in, as it is written in the name.

    Where it ends in none, what is after the last dot, and empty without one.
    """
    name = path.name.lower()
    found = max((each for each in known if name.endswith(each) and name != each), key=len, default=path.suffix)
    return path.name[len(path.name) - len(found) :]
