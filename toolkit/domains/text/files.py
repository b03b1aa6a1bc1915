"""From bytes on disk to text: UTF-8 read strictly, and every change to a text on its way in is a finding.

A byte order mark is dropped and CR LF becomes LF; nothing else is touched: blank lines, trailing spaces, lone CR,
NUL and form feeds stay. Knows single files; folders and splits are for others.
"""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from toolkit.core import Finding, InputError

_BLOCK = 1 << 22
_FOREIGN = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}

Stamp = tuple[int, int]
"""What a file's size and time of change were: another stamp is another content."""


def stamp(path: Path) -> Stamp:
    """The stamp of a plain file (a link to one counts); InputError for anything else, before it is opened."""
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise InputError(f"{shown(path)} cannot be read: {getattr(error, 'strerror', None) or error}.") from None
    if not stat.S_ISREG(status.st_mode):
        raise InputError(f"{shown(path)} is not a plain file.")
    return status.st_size, status.st_mtime_ns


def shown(path: Path | str) -> str:
    """A path as one line for people, whatever its name holds."""
    text = os.fsencode(path).decode("utf-8", errors="backslashreplace")
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def blocks(path: Path, errors: str, findings: list[Finding]) -> Iterator[str]:
    """The text of ``path``, a few megabytes at a time.

    ``errors`` is "strict" (InputError with the offset of the first byte that is no UTF-8) or "replace" (U+FFFD).
    What was changed is added to ``findings`` when the last block has been read.
    """
    decoder = codecs.getincrementaldecoder("utf-8")(errors=errors)
    offset = folded = replaced = 0
    marked = False
    held = ""
    try:
        with path.open("rb") as file:
            while True:
                raw = file.read(_BLOCK)
                last = not raw
                if not offset:
                    _refuse_foreign(path, raw)
                    marked = raw.startswith(codecs.BOM_UTF8)
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                    offset = len(codecs.BOM_UTF8) * marked
                waiting = len(decoder.getstate()[0])
                try:
                    text = held + decoder.decode(raw, final=last)
                except UnicodeDecodeError as error:
                    place = offset - waiting + error.start
                    raise InputError(
                        f"{shown(path)} is not UTF-8: byte 0x{error.object[error.start]:02X} at offset {place:,}"
                        " (encoding errors can be replaced on request)."
                    ) from None
                offset += len(raw)
                held = "\r" if text.endswith("\r") and not last else ""
                text = text[: len(text) - len(held)]
                folded += text.count("\r\n")
                replaced += text.count("\ufffd") if errors == "replace" else 0
                if text:
                    yield text.replace("\r\n", "\n")
                if last:
                    break
    except OSError as error:
        raise InputError(f"{shown(path)} cannot be read: {error.strerror or error}.") from None
    changes = ["its byte order mark was dropped"] * marked
    changes += [f"{folded:,} line ends of CR LF became LF"] * bool(folded)
    changes += [f"{replaced:,} characters read as U+FFFD"] * bool(replaced)
    if changes:
        findings.append(Finding(shown(path), "changed", "; ".join(changes)))


def _refuse_foreign(path: Path, first: bytes) -> None:
    for mark, encoding in _FOREIGN.items():
        if first.startswith(mark):
            raise InputError(f"{shown(path)} is {encoding}, not UTF-8; `iconv -f {encoding} -t UTF-8` converts it.")
