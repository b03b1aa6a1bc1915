"""What may be asked of a text's structure: that it is JSON by a schema, or a sentence of a grammar.

Both are given as text or as the path of a file. Knows the controls; the schema and the grammar are read elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from toolkit.core import knob
from toolkit.domains.text.automata import Dfa
from toolkit.domains.text.context_free import ContextFree
from toolkit.domains.text.given import text_or_file
from toolkit.domains.text.json_schema import valid_json

if TYPE_CHECKING:
    from toolkit.domains.text.codec import TextCodec


_GROUP = "JSON and grammars"


@dataclass(frozen=True)
class StructureControls:
    """All of it about the whole text that comes, after the prompt."""

    json_schema: str | None = knob(
        None,
        "the text is JSON that validates against this schema",
        long=True,
        file=True,
        group=_GROUP,
    )
    grammar: str | None = knob(
        None,
        "the text is of this context-free grammar, as Lark writes it",
        long=True,
        file=True,
        group=_GROUP,
    )


def languages(controls: StructureControls, given: str) -> Iterator[tuple[str, Dfa]]:
    """The name of each control that asks for a regular language, and the texts that it asks for."""
    if controls.json_schema is not None:
        yield "json_schema", valid_json(text_or_file(controls.json_schema, (".json",)))


def grammars(codec: TextCodec, controls: StructureControls, given: str) -> ContextFree | None:
    """The constraint that a grammar is; None without one."""
    if controls.grammar is None:
        return None
    return _grammar(text_or_file(controls.grammar, (".lark",)), codec.spelling, codec.stop)


@lru_cache(8)
def _grammar(text: str, spelling: tuple[bytes, ...], stop: int) -> ContextFree:
    return ContextFree(text, spelling, stop)
