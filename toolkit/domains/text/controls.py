"""What a person may ask of a generated text.

The settings of every kind of wish, and where a text is cut that should stop. Knows no tokens; how wishes become a
constraint on them is `constraints`' business.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from toolkit.core import knob
from toolkit.domains.text.filling import FillingControls
from toolkit.domains.text.form import FormControls
from toolkit.domains.text.originality import CopyControls
from toolkit.domains.text.structure import StructureControls
from toolkit.domains.text.typed import listed
from toolkit.domains.text.verse import VerseControls
from toolkit.domains.text.wording import WordingControls


@dataclass(frozen=True)
class StopControls:
    """Where a text is cut."""

    stop_at: str | None = knob(
        None,
        r"end before this text would appear; several are parted by |, and \n is a new line (\| and \\ themselves)",
        group="Wording",
    )

    def stop_strings(self) -> tuple[str, ...]:
        r"""The texts that ``stop_at`` lists: ``END|\n\n`` is two of them."""
        return listed(self.stop_at)


@dataclass(frozen=True)
class TextControls(
    FillingControls, StructureControls, VerseControls, FormControls, WordingControls, CopyControls, StopControls
):
    """What a user may ask of the text that comes: a new kind of wish is one more base class, its knobs in its own file.

    All of it is about what comes after the prompt.
    """


def hold_back(parts: Iterable[str], stop_strings: Iterable[str]) -> Iterator[str]:
    """``parts`` up to the first stop string, wherever parts begin and end; only what may become one is held back.

    The first stop string is the one that is complete first (of two complete at once, the longer); the text is cut where
    it begins. The result ends there, leaving the rest of ``parts`` unread.
    """
    stops = tuple(each for each in stop_strings if each)
    held = ""
    for part in parts:
        held += part
        found = [(place + len(stop), place) for stop in stops if (place := held.find(stop)) >= 0]
        if found:
            if held[: min(found)[1]]:
                yield held[: min(found)[1]]
            return
        free = len(held) - _begun(held, stops)
        if free:
            yield held[:free]
        held = held[free:]
    if held:
        yield held


def _begun(text: str, stops: tuple[str, ...]) -> int:
    """How many characters at the end of ``text`` may be the beginning of a stop string."""
    longest = max(map(len, stops), default=1) - 1
    for length in range(min(longest, len(text)), 0, -1):
        if any(stop.startswith(text[-length:]) for stop in stops):
            return length
    return 0
