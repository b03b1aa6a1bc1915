r"""What may be asked of a text's form: its lines, their length and their first letters, and its stanzas.

A line is what stands between two line ends, or between one and an end of the text; so a text that ends with a line end
has an empty last line. Where stanzas are asked for, empty lines part them and count as no lines. Knows no tokens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from toolkit.core import UsageError, knob
from toolkit.domains.text.automata import Dfa
from toolkit.domains.text.regex import matching
from toolkit.domains.text.typed import span

_STANZAS = re.compile(r"\s*\d{1,4}(?:\s*,\s*\d{1,4})*\s*")


_GROUP = "Form"


@dataclass(frozen=True)
class FormControls:
    """All of it about the text that comes, after the prompt."""

    lines: str | None = knob(None, "how many lines there are: 14, or a range as 10-14", group=_GROUP)
    line_length: str | None = knob(
        None, "characters in each line, the last included: 40, or a range as 20-60", group=_GROUP
    )
    stanzas: str | None = knob(None, "how many lines each stanza has, empty lines between them: 4,4,6", group=_GROUP)
    acrostic: str | None = knob(
        None, "the first letters of the lines, one line for each; a space is an empty line", group=_GROUP
    )


def languages(controls: FormControls, given: str) -> Iterator[tuple[str, Dfa]]:
    """The name of each control that asks for something, and the texts that it asks for."""
    parted = controls.stanzas is not None
    if controls.stanzas is not None:
        yield "stanzas", matching(_stanzas(controls.stanzas))
    if controls.lines is not None:
        yield "lines", matching(_lines(controls.lines, parted))
    if controls.line_length is not None:
        empty = parted or " " in (controls.acrostic or "").strip()
        yield "line_length", matching(_line_length(controls.line_length, empty))
    if controls.acrostic is not None:
        yield "acrostic", matching(_acrostic(controls.acrostic, parted))


def stanza_lines(typed: str) -> tuple[int, ...]:
    """How many lines each stanza has; UsageError for what is no list of numbers above 0."""
    if not _STANZAS.fullmatch(typed):
        raise UsageError(f"stanzas is written as numbers of lines, such as 4,4,6, not {typed!r}.")
    counts = tuple(int(each) for each in typed.split(","))
    if 0 in counts:
        raise UsageError("a stanza has at least one line, not 0.")
    return counts


def _stanzas(typed: str) -> str:
    return r"\n\n".join(rf"[^\n]+(?:\n[^\n]+){{{count - 1}}}" for count in stanza_lines(typed))


def _lines(typed: str, parted: bool) -> str:
    least, most = span("lines", typed)
    if not least:
        raise UsageError("lines counts from 1: the empty text is one empty line.")
    line, end = (r"[^\n]+", r"\n+") if parted else (r"[^\n]*", r"\n")
    return rf"{line}(?:{end}{line}){{{least - 1},{most - 1}}}"


def _line_length(typed: str, empty: bool) -> str:
    least, most = span("line_length", typed)
    line = rf"[^\n]{{{least},{most}}}"
    if empty:
        line = f"(?:{line})?"
    return rf"{line}(?:\n{line})*"


def _acrostic(typed: str, parted: bool) -> str:
    letters = typed.strip()
    if parted:
        letters = re.sub(r"\s+", "", letters)
    if not letters:
        raise UsageError("an acrostic has at least one letter.")
    lines = ["" if each == " " else rf"{re.escape(each)}[^\n]*" for each in letters]
    return (r"\n+" if parted else r"\n").join(lines)
