"""Verse: poems with a number of syllables in each line and a scheme of rhymes, by a pronouncing dictionary."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from toolkit.core import NEVER, UsageError, knob, unknown
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.given import text_or_file
from toolkit.domains.text.spelled import Spelled
from toolkit.domains.text.verse.dictionary import NO_RHYME, Word, dictionary
from toolkit.domains.text.verse.form import Form, Line, form_of, last_line_named
from toolkit.domains.text.verse.lexicon import Lexicon
from toolkit.domains.text.verse.poem import Place, Poem

__all__ = [
    "Form",
    "Lexicon",
    "Line",
    "Place",
    "Poem",
    "VerseControls",
    "Word",
    "dictionary",
    "form_of",
    "lexicon_for",
    "verse",
    "words_in",
]


_GROUP = "Verse"


@dataclass(frozen=True)
class VerseControls:
    """What may be asked of a poem's sound; all of its words are then words of the pronouncing dictionary."""

    syllables: str | None = knob(None, "syllables in each line: 10, 8-10, or in turn 5,7,5", group=_GROUP)
    rhyme: str | None = knob(
        None, "which lines rhyme: AABB, or with stanzas parted ABAB CDCD; X rhymes with nothing", group=_GROUP
    )
    rhyme_with: str | None = knob(None, "the last line rhymes with this word", group=_GROUP)
    words_from: str | None = knob(
        None,
        "verse uses only words that occur in this text",
        long=True,
        file=True,
        advanced=True,
        group=_GROUP,
    )


def verse(
    codec: TextCodec,
    *,
    rhyme: str | None = None,
    syllables: str | None = None,
    rhyme_with: str | None = None,
    lines: int | None = None,
    stanzas: tuple[int, ...] | None = None,
    given: str = "",
    lexicon: Lexicon | None = None,
) -> Spelled[Place] | None:
    """The poems that the settings ask for, as a constraint of the codec's tokens; None when they ask for nothing.

    See `form_of` for ``rhyme``, ``syllables``, ``lines`` and ``stanzas``; the last line rhymes with ``rhyme_with``.
    ``given`` is what the poem goes on from: a last line that can begin the poem's first does, syllables and all.
    ``lexicon`` holds the words that may be said, by default all that the codec can spell.
    UsageError for what cannot be meant or has no words; MissingExtraError without the pronouncing dictionary.
    """
    form = form_of(rhyme=rhyme, syllables=syllables, lines=lines, stanzas=stanzas)
    fixed = {}
    if rhyme_with and rhyme_with.strip():
        form, letter = last_line_named(form, lines)
        fixed[letter] = _sounding(rhyme_with)
    if form is None:
        return None
    return _spelled(
        form, lexicon or lexicon_for(codec), tuple(fixed.items()), codec.spelling, codec.stop, given.rpartition("\n")[2]
    )


@lru_cache(8)
def _spelled(
    form: Form,
    lexicon: Lexicon,
    fixed: tuple[tuple[str, Word], ...],
    spelling: tuple[bytes, ...],
    stop: int,
    given: str,
) -> Spelled[Place]:
    """Remembered, for what is worked out of a lexicon's rhymes takes longer than a poem."""
    poem = Poem(form, lexicon, dict(fixed))
    if poem.distance(poem.begin()) >= NEVER:
        raise UsageError("no poem of that form can be made of the words that the model can spell and that rhyme.")
    return Spelled(poem, spelling, stop, poem.after(given))


def lexicon_for(codec: TextCodec) -> Lexicon:
    """The dictionary's words that can be written with the codec's tokens letter by letter."""
    letters = frozenset(spelled[0] for spelled in codec.spelling if len(spelled) == 1)
    if not {ord(" "), ord("\n")} <= letters:
        raise UsageError("verse needs spaces and new lines, and this model has never seen them.")
    return _lexicon(letters)


@lru_cache(8)
def _lexicon(letters: frozenset[int]) -> Lexicon:
    return Lexicon(word for word in dictionary().values() if letters.issuperset(word.spelling.encode()))


def words_in(text: str, lexicon: Lexicon) -> Lexicon:
    """The words of ``lexicon`` that occur in ``text``, or in the .txt file that it names; errors as `text_or_file`."""
    text = text_or_file(text, (".txt",))
    known = {each for found in re.findall(r"[a-z']+", text.lower()) for each in (found, found.strip("'"))}
    return Lexicon(word for word in lexicon.words if word.spelling in known)


def _sounding(spelling: str) -> Word:
    words = dictionary()
    found = words.get(spelling.strip().lower())
    if found is None:
        raise unknown("word in the pronouncing dictionary", spelling, words)
    if found.rhyme == NO_RHYME:
        raise UsageError(f"nothing rhymes with {spelling!r}: it has no stressed vowel.")
    return found
