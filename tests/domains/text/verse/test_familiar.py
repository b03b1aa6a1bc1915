"""The words that a model knows are those to which it gives enough probability, counted word by word."""

import numpy as np
import pytest

from tests.domains.text.engines import Hashed
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.verse.dictionary import word_of
from toolkit.domains.text.verse.familiar import familiar
from toolkit.domains.text.verse.lexicon import Lexicon

CODEC = CharCodec("\n 'abcde")
WORDS = ["a", "abe", "ad", "b", "bad", "bade", "cab", "cede", "dead", "deed", "decade", "ebb"]


class Rows(Hashed):
    """Several sequences side by side, each of them as alone."""

    def rows(self, memory, rows):
        return [memory if isinstance(memory, tuple) else memory[row] for row in rows]

    def advance(self, tokens, memory):
        fed = [self.feed([token], each) for token, each in zip(tokens, memory, strict=True)]
        return np.stack([logits for logits, _ in fed]), [each for _, each in fed]


def score(word, opening):
    """log P(word, then no letter | a space)."""
    engine, total = Rows(CODEC.size), 0.0
    fed, memory = opening, engine.begin()
    for place, token in enumerate(CODEC.encode(" " + word)):
        logits, memory = engine.feed(fed, memory)
        total += (logits - np.logaddexp.reduce(logits))[token] if place else 0.0
        fed = [token]
    logits, _ = engine.feed(fed, memory)
    ends = [place for place, each in enumerate([*CODEC.characters, ""]) if not each.isalpha() and each != "'"]
    return total + np.logaddexp.reduce((logits - np.logaddexp.reduce(logits))[ends])


@pytest.mark.parametrize("least", [-3.0, -6.0, -9.0, -30.0])
def test_the_words_above_the_threshold_and_no_others(least):
    lexicon = Lexicon(word_of(each, ["AH1"]) for each in WORDS)
    opening = CODEC.encode("bad")
    found = familiar(Rows(CODEC.size), CODEC, lexicon, opening=opening, least=least)
    assert found.spellings == [each for each in WORDS if score(each, opening) >= least]
