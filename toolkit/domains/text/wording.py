r"""What may be asked of a text's words: a pattern, its characters, what it contains, begins and ends with, and avoids.

Each control is a set of texts; what is asked of a text is that it lies in all of them. Knows no lines and no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.core import knob
from toolkit.domains.text.automata import Dfa, any_text
from toolkit.domains.text.regex import characters_within, literal, matching
from toolkit.domains.text.typed import listed, unescaped

MASK, REWIND = "mask", "rewind"


_GROUP = "Wording"


@dataclass(frozen=True)
class WordingControls:
    """All of it about the text that comes, after the prompt."""

    regex: str | None = knob(
        None, "the whole text matches this regular expression, as Python's re.fullmatch would say", group=_GROUP
    )
    characters: str | None = knob(
        None, r"only these characters, written as in a regular expression's [ ]: a-z \n", group=_GROUP
    )
    contain: str | None = knob(None, r"each of these texts occurs, as typed; several are parted by |", group=_GROUP)
    begin: str | None = knob(None, r"what comes begins with this (\n is a new line)", group=_GROUP)
    end: str | None = knob(None, r"what comes ends with this (\n is a new line)", group=_GROUP)
    avoid: str | None = knob(
        None, "none of these texts occurs, in upper or lower case; several are parted by |", group=_GROUP
    )
    avoid_by: str = knob(
        MASK,
        "how: mask never lets a model complete one; rewind lets it, goes back to where it began and goes on otherwise",
        choices=(MASK, REWIND),
        advanced=True,
        group=_GROUP,
    )


def languages(controls: WordingControls, given: str) -> Iterator[tuple[str, Dfa]]:
    """The name of each control that asks for something, and the texts that may come after ``given``."""
    if controls.regex is not None:
        yield "regex", matching(controls.regex)
    if controls.characters is not None:
        yield "characters", characters_within(controls.characters).repeated()
    for each in listed(controls.contain):
        yield "contain", containing(each)
    if controls.begin:
        yield "begin", literal(unescaped(controls.begin)) + any_text()
    if controls.end:
        yield "end", any_text() + literal(unescaped(controls.end))
    if banned := listed(controls.avoid):
        yield "avoid", avoiding(banned, given)


def containing(text: str) -> Dfa:
    """The texts in which ``text`` occurs."""
    return matching(f"(?s:.*){re.escape(text)}(?s:.*)")


def avoiding(banned: tuple[str, ...], given: str = "") -> Dfa:
    """The texts in which none of ``banned`` occurs, whatever its case, nor is completed that ``given`` began."""
    anywhere = "|".join(map(re.escape, banned))
    completed = "".join(
        f"|{re.escape(each[length:])}"
        for each in banned
        for length in range(1, len(each))
        if re.fullmatch(re.escape(each[:length]), given[-length:], re.IGNORECASE)
    )
    return ~matching(f"(?is)(?:.*(?:{anywhere}){completed}).*")
