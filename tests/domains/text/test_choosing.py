"""Characters or pieces, when nobody says: by length, by alphabet, and by what counting makes of either."""

import random

import pytest

from toolkit.domains.text import choosing
from toolkit.domains.text.choosing import chosen_codec

WORDS = ["harbour", "lantern", "whispering", "mountain", "yesterday", "companion", "beneath", "together"]


def sentences(count, seed=0):
    """Long words, each mostly decided by the two before it: further back than characters are counted."""
    rng, words = random.Random(seed), [0, 1]
    for _ in range(12 * count):
        follows = (3 * words[-2] + 5 * words[-1] + 1) % len(WORDS)
        words.append(follows if rng.random() < 0.8 else rng.randrange(len(WORDS)))
    spelled = [WORDS[each] for each in words[2:]]
    return [" ".join(spelled[start : start + 12]) + ".\n" for start in range(0, len(spelled), 12)]


def test_a_short_text_is_read_by_characters():
    assert chosen_codec(sentences(200)) == ("char", None)


def test_a_long_text_of_few_words_is_read_by_pieces_and_a_longer_one_by_more_of_them():
    assert chosen_codec(sentences(3_000)) == ("unigram", 1024)
    assert chosen_codec(["".join(sentences(12_000))]) == ("unigram", 2048)


def test_what_has_no_words_is_read_by_characters():
    rng = random.Random(1)
    assert chosen_codec(["".join(rng.choices("abcdefghij", k=1_000)) for _ in range(250)]) == ("char", None)


def test_a_large_alphabet_is_read_by_pieces():
    rng = random.Random(1)
    alphabet = [chr(0x4E00 + number) for number in range(600)]
    assert chosen_codec(["".join(rng.choices(alphabet, k=1_000)) for _ in range(250)])[0] == "unigram"


@pytest.mark.parametrize("size", [50, 5_000, 700_000])
def test_however_long_it_is_no_more_is_kept_than_a_sample(size):
    items = ["x" * size for _ in range(5_000_000 // size)]
    characters, alphabet, blocks = choosing._blocks(items)
    assert (characters, alphabet) == (sum(map(len, items)), 1)
    assert choosing._SAMPLE // 3 < sum(map(len, blocks)) <= choosing._SAMPLE
