"""Short text files that a person names: what they hold, or one sentence on why not."""

from __future__ import annotations

from pathlib import Path

from toolkit.core.errors import InputError

_MOST_BYTES = 1 << 20


def read_text(path: Path, *, errors: str = "strict") -> str:
    """What a short text file holds, its lines ended by line feeds alone; a leading ~ is the user's folder.

    InputError for a file that cannot be read, is above 1 MB, or is not UTF-8; ``errors`` "replace" reads the last one
    too.
    """
    path = path.expanduser()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is too large; {_MOST_BYTES >> 20} MB is the most.")
        return path.read_bytes().decode("utf-8-sig", errors).replace("\r\n", "\n")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8: byte 0x{error.object[error.start]:02X} at {error.start:,}.") from None
