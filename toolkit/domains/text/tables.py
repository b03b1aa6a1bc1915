"""Rows of .jsonl, .csv and .parquet files as texts, one document a row.

Finds the column that holds the text. Knows no splits. CR LF inside a text becomes LF, as in plain files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from toolkit.core import Finding, InputError, MissingExtraError
from toolkit.domains.text.files import blocks, shown

USUAL_COLUMNS = ("text", "content", "body", "story", "document", "lyrics", "poem")
_LONGEST_CELL = 1 << 28

Row = Mapping[str, Any]


def rows(path: Path, column: str | None, errors: str, findings: list[Finding]) -> Iterator[str]:
    """The text of each row of ``path``; rows without one are counted in a finding."""
    return texts(READERS[path.suffix.lower()](path, errors, findings), column, shown(path), findings)


def texts(table: Iterable[Row], column: str | None, where: str, findings: list[Finding]) -> Iterator[str]:
    """The text of each row of ``table``, from ``column`` or from the one that `text_column` finds in the first row."""
    found: str | None = None
    empty = 0
    for row in table:
        found = found or text_column(row, column, where)
        text = row.get(found)
        if isinstance(text, str) and text and not _has_surrogate(text):
            yield text.replace("\r\n", "\n")
        else:
            empty += 1
    if empty:
        findings.append(Finding(where, "dropped", f"{empty:,} rows have no text in {found!r}"))


def text_column(row: Row, wanted: str | None, where: str) -> str:
    """``wanted`` where it exists, else a column of a usual name, else the only one that holds text."""
    if wanted is not None:
        if wanted not in row:
            raise InputError(f"{where} has no column {wanted!r}; it has {_listed(row)}.")
        return wanted
    textual = [name for name, value in row.items() if isinstance(value, str)]
    usual = [name for usual in USUAL_COLUMNS for name in textual if name.lower() == usual]
    if not usual and len(textual) != 1:
        raise InputError(f"{where} has no column that is plainly its text: name one of {_listed(row)}.")
    return (usual or textual)[0]


def _json_rows(path: Path, errors: str, findings: list[Finding]) -> Iterator[Row]:
    for number, line in enumerate(_lines(blocks(path, errors, findings)), start=1):
        if line.strip():
            try:
                row = json.loads(line)
            except (ValueError, RecursionError) as error:
                raise InputError(f"{shown(path)}, line {number:,}, is not JSON ({error}).") from None
            if not isinstance(row, dict | str):
                raise InputError(f"{shown(path)}, line {number:,}, is neither a JSON object nor a string.")
            yield row if isinstance(row, dict) else {"text": row}


def _csv_rows(path: Path, errors: str, findings: list[Finding]) -> Iterator[Row]:
    lines = (line + "\n" for line in _lines(blocks(path, errors, findings)))
    header = next(lines, "")
    delimiter = max(",;\t", key=header.count)
    # The limit belongs to the csv module as a whole; its own default refuses a chapter in a cell.
    csv.field_size_limit(max(csv.field_size_limit(), _LONGEST_CELL))
    names = next(csv.reader([header], delimiter=delimiter), [])
    reader = csv.reader(lines, delimiter=delimiter)
    try:
        for cells in reader:
            yield dict(zip(names, cells, strict=False))
    except csv.Error as error:
        raise InputError(f"{shown(path)}, near line {reader.line_num + 1:,}, is not CSV ({error}).") from None


def _parquet_rows(path: Path, errors: str, findings: list[Finding]) -> Iterator[Row]:
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise MissingExtraError("reading Parquet files", "data") from None
    try:
        with parquet.ParquetFile(path) as file:
            columns = [field.name for field in file.schema_arrow if _is_text(pyarrow, field.type)]
            for batch in file.iter_batches(batch_size=1024, columns=columns):
                yield from batch.to_pylist()
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as error:
        first = (str(error).splitlines() or ["damaged"])[0]
        raise InputError(f"{shown(path)} is not a readable Parquet file ({first}).") from None


READERS: Mapping[str, Callable[[Path, str, list[Finding]], Iterator[Row]]] = {
    ".jsonl": _json_rows,
    ".csv": _csv_rows,
    ".parquet": _parquet_rows,
}


def _lines(parts: Iterable[str]) -> Iterator[str]:
    """The lines of a text that comes in parts, parted by LF alone: U+2028 and its like are text."""
    held: list[str] = []
    for part in parts:
        first, *others = part.split("\n")
        held.append(first)
        for line in others:
            yield "".join(held)
            held = [line]
    if any(held):
        yield "".join(held)


def _is_text(pyarrow: Any, kind: Any) -> bool:
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))


def _has_surrogate(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False


def _listed(row: Row) -> str:
    return ", ".join(map(repr, row)) or "no columns"
