"""Opens a corpus of text: a file, a folder, a glob or a data set of a hub.

Knows which files hold text and in which order they are read. A plain text file is one document, a table one a row.
"""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.core import Corpus, Document, Finding, InputError, UsageError
from toolkit.domains.text.files import Stamp, blocks, shown, stamp
from toolkit.domains.text.hub import PREFIX, open_hub
from toolkit.domains.text.splitting import split_corpus
from toolkit.domains.text.tables import READERS, rows

PLAIN = frozenset({".txt", ".md"})
SUFFIXES = PLAIN | frozenset(READERS)
ENCODING_ERRORS = ("strict", "replace")
LICENCE = "not stated"


def read(source: str, *, text_column: str | None = None, encoding_errors: str = "strict") -> Corpus[str]:
    """The corpus at ``source``: one text is cut in two, several documents are split by hash.

    ``text_column`` names the column of a table that holds the text; without it the column is found. Text is UTF-8:
    ``encoding_errors`` "strict" refuses a file that is not (or leaves it out, with a finding, where there are others),
    "replace" reads U+FFFD. InputError in one sentence for what cannot be read.
    """
    if encoding_errors not in ENCODING_ERRORS:
        raise UsageError(f"encoding errors are one of {', '.join(ENCODING_ERRORS)}, not {encoding_errors!r}.")
    if source.startswith(PREFIX):
        return open_hub(source, text_column)
    found: list[Finding] = []
    files = _files(source, found)

    def documents(findings: list[Finding]) -> Iterator[Document[str]]:
        findings.extend(found)
        for file in files:
            try:
                yield from file.documents(text_column, encoding_errors, findings)
            except InputError as error:
                if len(files) == 1 or file.changed():
                    raise
                findings.append(Finding(file.name, "dropped", str(error)))

    corpus = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return split_corpus(shown(corpus), shown(source), LICENCE, documents)


@dataclass(frozen=True)
class _File:
    """A plain file as it was when the corpus was opened."""

    path: Path
    name: str
    stamp: Stamp

    def documents(self, column: str | None, errors: str, findings: list[Finding]) -> Iterator[Document[str]]:
        if self.changed():
            raise InputError(f"{shown(self.path)} has changed since the corpus was opened.")
        if self.path.suffix.lower() in READERS:
            for number, text in enumerate(rows(self.path, column, errors, findings), start=1):
                yield Document(f"{self.name}:{number}", text)
        else:
            yield Document(self.name, "".join(blocks(self.path, errors, findings)))

    def changed(self) -> bool:
        try:
            return stamp(self.path) != self.stamp
        except InputError:
            return True


def _files(source: str, findings: list[Finding]) -> list[_File]:
    """The files that ``source`` means, in the order of their names; what is passed over becomes a finding."""
    if not source.strip() or "\0" in source:
        raise UsageError(f"a corpus is a file, a folder, a pattern or a name, which {source!r} is not.")
    path = Path(source).expanduser()
    if path.is_dir():
        paths, root = _below(path, findings), path
    elif glob.has_magic(source) and not os.path.lexists(path):
        found = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 (Path.glob refuses an absolute pattern)
        paths, root = [Path(each) for each in found if not Path(each).is_dir()], Path()
    else:
        return [_File(path, shown(path.name), stamp(path))]
    files = []
    for each in paths:
        name = shown(each.relative_to(root) if root.parts and each.is_relative_to(root) else each)
        try:
            files.append(_File(each, name, stamp(each)))
        except InputError as error:
            findings.append(Finding(name, "dropped", str(error)))
    if not files:
        reason = f" ({findings[0].reason})" if findings else ""
        raise InputError(f"{shown(source)} holds no file of text, which is {', '.join(sorted(SUFFIXES))}{reason}.")
    return files


def _below(folder: Path, findings: list[Finding]) -> list[Path]:
    """The files of text below ``folder``; hidden ones are passed over in silence, links to folders with a finding."""
    paths = []
    others: Counter[str] = Counter()

    def unreadable(error: OSError) -> None:
        findings.append(Finding(shown(error.filename), "dropped", f"it cannot be opened: {error.strerror}"))

    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(each for each in folders if not each.startswith("."))
        findings.extend(
            Finding(shown(Path(here, each)), "dropped", "a link to a folder is not followed")
            for each in folders
            if Path(here, each).is_symlink()
        )
        for name in names:
            suffix = Path(name).suffix.lower()
            if suffix in SUFFIXES and not name.startswith("."):
                paths.append(Path(here, name))
            elif not name.startswith("."):
                others[suffix or "no suffix"] += 1
    if others:
        kinds = ", ".join(f"{count:,} of {kind}" for kind, count in others.most_common(5))
        findings.append(Finding(shown(folder), "dropped", f"files that are no text were passed over: {kinds}"))
    return sorted(paths, key=lambda each: each.relative_to(folder).parts)
