"""A setting that is a text, or the path of a file that holds it."""

from __future__ import annotations

from pathlib import Path

from toolkit.core import InputError

MOST_BYTES = 1_000_000


def text_or_file(value: str, suffixes: tuple[str, ...]) -> str:
    """``value`` itself, or what is in the file that it names: one line that ends in one of ``suffixes`` is a path.

    InputError when there is no such file, when it is too large, or when it is not UTF-8.
    """
    if "\n" in value or not value.strip().lower().endswith(suffixes):
        return value
    path = Path(value.strip()).expanduser()
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is too large; {MOST_BYTES // 1_000_000} MB are the most.")
        return path.read_bytes().decode("utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError:
        raise InputError(f"{path} is not UTF-8.") from None
