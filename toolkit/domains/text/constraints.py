"""From what is asked of a text to a constraint on tokens.

Whatever is asked is a set of texts (`automata.Dfa`), and all of them together their intersection, lifted to tokens once
(`grammar.TokenAutomaton`): so the shortest ending is known exactly, however many things are asked for. A new kind of
wish is an entry in `LANGUAGES`, or in `CONSTRAINTS` when no automaton can hold it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import lru_cache, reduce
from typing import Any

from toolkit.core import Codec, Constraint, UsageError
from toolkit.domains.text import form, structure, wording
from toolkit.domains.text.automata import Dfa, intersection
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.controls import TextControls
from toolkit.domains.text.grammar import TokenAutomaton
from toolkit.domains.text.retracting import Retracting
from toolkit.domains.text.rewinding import Rewinding
from toolkit.domains.text.typed import listed, span
from toolkit.domains.text.verse import lexicon_for, verse, words_in
from toolkit.sampling import Both

Language = Callable[[TextControls, str], Iterable[tuple[str, Dfa]]]
"""The sets of texts that controls ask for after a prompt, each with the name of its control."""

Source = Callable[[TextCodec, TextControls, str], Constraint[Any] | None]
"""A constraint on a codec's tokens that controls ask for after a prompt; None when they do not."""

LANGUAGES: tuple[Language, ...] = (wording.languages, form.languages, structure.languages)


def poems(codec: TextCodec, controls: TextControls, given: str) -> Constraint[Any] | None:
    """Syllables and rhymes; lines and stanzas, where they are asked for, decide how long the poem is."""
    if not (controls.rhyme or controls.syllables or controls.rhyme_with):
        return None
    lines = None if controls.lines is None else span("lines", controls.lines)
    if lines and lines.least != lines.most:
        raise UsageError("a poem in a form has one number of lines, not a range.")
    return verse(
        codec,
        rhyme=controls.rhyme,
        syllables=controls.syllables,
        rhyme_with=controls.rhyme_with,
        lines=lines.least if lines else None,
        stanzas=form.stanza_lines(controls.stanzas) if controls.stanzas is not None else None,
        given=given,
        lexicon=words_in(controls.words_from, lexicon_for(codec)) if controls.words_from else None,
    )


CONSTRAINTS: tuple[Source, ...] = (poems, structure.grammars)
"""For what is no regular language. Where two meet, or one meets a language, they are joined by `toolkit.sampling.Both`,
whose distances may be too low, and tokens are held back so that they can be taken back (`Retracting`).
"""

_AVOID = "avoid"


def constraint(codec: Codec[str, str], controls: TextControls, given: str | None = None) -> Constraint[Any]:
    """What may come after ``given``: well-formed text that is all that ``controls`` ask for.

    UsageError when no text is, or when it takes too large an automaton.
    """
    if not isinstance(codec, TextCodec):
        raise TypeError(f"{type(codec).__name__} does not spell text")
    wished: Constraint[Any] = _wished(codec, dataclasses.replace(controls, stop_at=None), given or "")
    found = (source(codec, controls, given or "") for source in CONSTRAINTS)
    others = [each for each in found if each is not None]
    if len(others) == 1 and wished is codec.grammar():
        return others[0]
    if others:
        wished = Both(wished, Retracting())
    return reduce(Both, others, wished)


@lru_cache(8)
def _wished(codec: TextCodec, controls: TextControls, given: str) -> Constraint[Any]:
    asked = [each for language in LANGUAGES for each in language(controls, given)]
    if not asked:
        return codec.grammar()
    kept = automaton(codec, _all_of(asked))
    if controls.avoid_by != wording.REWIND or not listed(controls.avoid):
        return kept
    free = automaton(codec, _all_of([each for each in asked if each[0] != _AVOID]))
    clear = automaton(codec, _all_of([each for each in asked if each[0] == _AVOID]))
    return Rewinding(kept, free, clear, listed(controls.avoid), codec.spelling, given)


def automaton(codec: TextCodec, language: Dfa) -> TokenAutomaton:
    """The texts of ``language`` as a constraint on the codec's tokens."""
    return TokenAutomaton(language, codec.spelling, codec.stop)


def _all_of(asked: list[tuple[str, Dfa]]) -> Dfa:
    together = intersection(language for _, language in asked)
    if together.is_empty:
        names = " and ".join(dict.fromkeys(name for name, _ in asked))
        raise UsageError(f"no text can be what is asked for by {names}.")
    return together
