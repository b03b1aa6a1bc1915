"""A setting that is a text, or the path of a file that holds it."""

from __future__ import annotations

from pathlib import Path

from toolkit.core import read_text


def text_or_file(value: str, suffixes: tuple[str, ...]) -> str:
    """``value`` itself, or what is in the file that it names: one line that ends in one of ``suffixes`` is a path.

    Errors as `toolkit.core.read_text`.
    """
    if "\n" in value or not value.strip().lower().endswith(suffixes):
        return value
    return read_text(Path(value.strip()))
