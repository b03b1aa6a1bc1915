"""Which words rhyme with a word: by sound where the pronouncing dictionary is installed, else by spelling.

Knows no text and no codec.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from typing import NamedTuple

from toolkit.core import MissingExtraError
from toolkit.domains.text.verse.dictionary import NO_RHYME, Word, dictionary

_VOWELS = "aeiouy"


class Rhymes(NamedTuple):
    """Words in lower case that rhyme with another, and whether that was heard or only seen in their spelling."""

    words: frozenset[str]
    by_sound: bool


def rhyming_with(word: str, vocabulary: frozenset[str] = frozenset()) -> Rhymes:
    """The words that rhyme with ``word``, itself and words that sound like it left out.

    Perfect rhymes: from the last stressed vowel on the sounds agree. Where the dictionary or the word in it is missing:
    the words of ``vocabulary`` that are spelled alike from the last group of vowels on, a silent e included.
    """
    heard = _heard(word.lower())
    if heard is not None:
        alike = _by_rhyme()[heard.rhyme]
        return Rhymes(frozenset(each.spelling for each in alike if each.sound != heard.sound), True)
    ending = spelled_rhyme(word.lower())
    return Rhymes(frozenset(each for each in vocabulary if spelled_rhyme(each) == ending) - {word.lower()}, False)


def spelled_rhyme(word: str) -> str:
    """``word`` from its last group of vowels on, a final silent e not being one: "ight" of "moonlight"."""
    at = len(word) - (word.endswith("e") and any(each in _VOWELS for each in word[:-1]))
    while at and word[at - 1] not in _VOWELS:
        at -= 1
    while at and word[at - 1] in _VOWELS:
        at -= 1
    return word[at:]


def _heard(word: str) -> Word | None:
    """How ``word`` sounds; None where the dictionary or the word in it is missing, or it has no rhyme."""
    try:
        found = dictionary().get(word)
    except MissingExtraError:
        return None
    return None if found is None or found.rhyme == NO_RHYME else found


@cache
def _by_rhyme() -> Mapping[str, list[Word]]:
    """The dictionary's words under the rhyme that they share."""
    found = defaultdict(list)
    for word in dictionary().values():
        found[word.rhyme].append(word)
    return found
