"""Texts with a label each, for probing what a model's state knows of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SPEECH = re.compile(r"^([A-Z][A-Za-z' ]{1,40}):\n(.+?)(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_SHORTEST = 40


def speeches(texts: Iterable[str]) -> Iterator[tuple[str, str]]:
    """(What is said, who says it) of plays where a name and a colon stand above each speech; the name is left out."""
    for text in texts:
        for speech in _SPEECH.finditer(text):
            if len(speech[2]) >= _SHORTEST:
                yield speech[2], speech[1].title()
