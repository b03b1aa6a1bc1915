"""Reads and writes a codec's files, distrusting what it reads: size, kind, syntax.

Knows nothing of what the files mean.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.core import CheckpointError

CODEC_FILE = "codec.json"
MAX_BYTES = 10_000_000
"""No codec's file is larger: a vocabulary of every code point there is has four megabytes."""


def write_json(folder: Path, data: Mapping[str, Any]) -> None:
    """Writes ``data`` as the folder's codec.json."""
    (folder / CODEC_FILE).write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def read_json(folder: Path, codec: str, format_number: int) -> dict[str, Any]:
    """The folder's codec.json when it was written by ``codec`` in ``format_number``; else CheckpointError."""
    path = folder / CODEC_FILE
    try:
        data = json.loads(read_bytes(path))
    except (ValueError, RecursionError):
        raise CheckpointError(f"{path} is not valid JSON.") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{path} does not describe a codec.")
    if data.get("codec") != codec:
        raise CheckpointError(f"{path} belongs to the codec {str(data.get('codec'))[:40]!r}, not {codec!r}.")
    if data.get("format") != format_number:
        found = str(data.get("format"))[:40]
        raise CheckpointError(f"{path} has format {found}; this version reads format {format_number}.")
    return data


def read_bytes(path: Path) -> bytes:
    """The bytes of a plain file of at most `MAX_BYTES`; CheckpointError for a link, a pipe, a folder or a giant."""
    try:
        if path.is_symlink() or not path.is_file():
            raise CheckpointError(f"{path} is missing or not a plain file.")
        if path.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{path} is larger than a codec can be ({MAX_BYTES:,} bytes).")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}.") from None


def digest(*parts: bytes) -> str:
    """A sha256 in hexadecimal of ``parts``, each with its length, so that no two lists share one."""
    sha = hashlib.sha256()
    for part in parts:
        sha.update(len(part).to_bytes(8, "little"))
        sha.update(part)
    return sha.hexdigest()
