"""The same questions answered by looking at every run: what the indexes are held against."""

from collections.abc import Sequence

import numpy as np

Corpus = Sequence[Sequence[int]]


def as_words(symbols: Sequence[int]):
    return np.array(symbols, np.uint64)


def spelled(symbols: Sequence[int]) -> str:
    return "".join(map(chr, symbols))


def matches(query: Sequence[int], corpus: Corpus) -> list[int]:
    """The longest run from each place of ``query`` that one document of ``corpus`` holds."""
    documents, text = [spelled(each) for each in corpus], spelled(query)

    def longest(at: int) -> int:
        length = 0
        while at + length < len(text) and any(text[at : at + length + 1] in each for each in documents):
            length += 1
        return length

    return [longest(at) for at in range(len(text))]
