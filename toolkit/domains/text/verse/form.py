"""The form of a poem: how many lines, how many syllables in each, which lines rhyme, where a stanza ends.

Reads what a person writes ("AABB", "5,7,5", "8-10"). Knows no words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from toolkit.core import UsageError

MOST_SYLLABLES = 40
MOST_LINES = 400
_USUAL = (4, 12)  # syllables of a line that must rhyme where nothing is said of its length
_FREE = "X"


@dataclass(frozen=True)
class Line:
    """One line: ``low`` to ``high`` syllables; lines of one ``letter`` rhyme, "" rhymes with nothing.

    ``closes`` says that a stanza ends here and another follows.
    """

    low: int
    high: int
    letter: str = ""
    closes: bool = False


@dataclass(frozen=True)
class Form:
    """The lines in order; an ``endless`` form begins again after the last, as often as one likes."""

    lines: tuple[Line, ...]
    endless: bool = False


def form_of(
    *, rhyme: str | None, syllables: str | None, lines: int | None = None, stanzas: tuple[int, ...] | None = None
) -> Form | None:
    """The form that the settings mean together; None when neither rhyme nor syllables are asked for.

    A scheme without spaces is one stanza, repeated as often as ``lines`` or ``stanzas`` (the lines of each) ask, each
    time with rhymes of its own; one with spaces ("ABA BCB") is a whole poem in which letters keep their rhyme. Without
    a scheme the pattern of syllables is the poem; a single number without any other limit goes on without end. Stanzas
    that a scheme's spaces or ``stanzas`` part have an empty line between them. UsageError where these do not agree.
    """
    if not rhyme and not syllables:
        return None
    counts = _counts(syllables) if syllables else [_USUAL]
    endless = not rhyme and len(counts) == 1 and lines is None and stanzas is None
    if rhyme:
        letters = _letters(_scheme(rhyme), lines, stanzas)
    else:
        letters = [[""] * size for size in stanzas or (lines or len(counts),)]
    size = sum(map(len, letters))
    if lines not in (None, size):
        raise UsageError(f"a poem of {size} lines in the form asked for cannot have {lines} lines.")
    if size > MOST_LINES:
        raise UsageError(f"a poem in a form has at most {MOST_LINES} lines, not {size}.")
    parted = rhyme is None or stanzas is not None or " " in rhyme.strip()
    made: list[Line] = []
    for stanza in letters:
        if made and parted:
            made[-1] = replace(made[-1], closes=True)
        for letter in stanza:
            low, high = counts[len(made) % len(counts)]
            made.append(Line(low, high, letter))
    return Form(tuple(made), endless)


def last_line_named(form: Form | None, lines: int | None = None) -> tuple[Form, str]:
    """``form`` with a letter for its last line, and that letter. Without one, ``lines`` (1) lines of a usual length."""
    made = form.lines if form else (Line(*_USUAL),) * (lines or 1)
    letter = made[-1].letter or "last"
    return Form((*made[:-1], replace(made[-1], letter=letter))), letter


def _scheme(text: str) -> list[str]:
    found = text.upper().split()
    if not found or not all(re.fullmatch("[A-Z]+", each) for each in found):
        raise UsageError(f"a rhyme scheme is letters such as AABB or ABAB CDCD (X rhymes with nothing), not {text!r}.")
    return found


def _letters(scheme: list[str], lines: int | None, stanzas: tuple[int, ...] | None) -> list[list[str]]:
    """The letter of each line of each stanza; a repeated stanza has letters of its own."""
    if len(scheme) > 1:
        if stanzas not in (None, tuple(map(len, scheme))):
            raise UsageError(f"the stanzas of the rhyme scheme {' '.join(scheme)} have other numbers of lines.")
        return [["" if letter == _FREE else letter for letter in part] for part in scheme]
    (part,) = scheme
    if stanzas is not None and set(stanzas) != {len(part)}:
        raise UsageError(f"the rhyme scheme {part} is for stanzas of {len(part)} lines.")
    if lines is not None and lines % len(part):
        raise UsageError(f"{lines} lines do not fit a rhyme scheme of {len(part)}.")
    times = len(stanzas) if stanzas else (lines or len(part)) // len(part)
    if times * len(part) > MOST_LINES:
        raise UsageError(f"a poem in a form has at most {MOST_LINES} lines, not {times * len(part)}.")
    return [["" if letter == _FREE else f"{letter}{number}" for letter in part] for number in range(times)]


def _counts(text: str) -> list[tuple[int, int]]:
    """(fewest, most) of each line in turn, of a text like 5,7,5 or 8-10,6."""
    counts = []
    for each in text.split(","):
        found = re.fullmatch(r"\s*(\d{1,3})\s*(?:[-–]\s*(\d{1,3})\s*)?", each)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= low <= high <= MOST_SYLLABLES:
            raise UsageError(
                f"syllables are numbers from 1 to {MOST_SYLLABLES}, such as 10, 8-10 or 5,7,5, not {text!r}."
            )
        counts.append((low, high))
    return counts
