"""Soft wishes for a text, as knobs: what particles steer towards (`toolkit.steer`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.core import Codec, Engine, UsageError, knob
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.controls import TextControls
from toolkit.domains.text.potentials import Mention, Rhyme, chances_of
from toolkit.domains.text.rhymes import rhyming_with
from toolkit.steer import Potential


@dataclass(frozen=True)
class TextWishes:
    """What a text should do as a whole; particles are kept for it."""

    mention: str | None = knob(None, "the text says this somewhere, as whole words, where it comes most naturally")
    line_rhymes: str | None = knob(None, "one line is made, and ends in a word that rhymes with this one")


def wished(
    codec: Codec[str, str], wishes: TextWishes, controls: TextControls, engine: Engine, opening: Sequence[int]
) -> tuple[Potential[Any], ...]:
    """The potentials that ``wishes`` mean for what comes after ``opening``; errors as the potentials'."""
    if not isinstance(codec, TextCodec):
        raise TypeError(f"{type(codec).__name__} does not spell text")
    found: list[Potential[Any]] = []
    if wishes.mention is not None:
        chances = chances_of(engine, opening, codec, wishes.mention)
        found.append(Mention(codec, wishes.mention, chances=chances))
    if wishes.line_rhymes is not None:
        words = rhyming_with(wishes.line_rhymes).words
        if not words:
            raise UsageError(
                f"no word is known that rhymes with {wishes.line_rhymes!r}; the extra 'rhymes' knows most."
            )
        found.append(Rhyme(codec, words))
    return tuple(found)
