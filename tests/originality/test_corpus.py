"""The corpus made findable: exact, whatever the symbols, and kept in a cache that is checked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.originality.brute import as_words, matches, spelled
from toolkit.core import InputError
from toolkit.originality.corpus import index_corpus, indexed, is_indexed
from toolkit.originality.suffixes import suffix_array

SYMBOLS = st.lists(st.integers(1, 3), max_size=40)


@given(st.lists(st.integers(0, 5), max_size=80))
def test_suffixes_are_sorted(text):
    assert suffix_array(np.array(text, np.uint32)).tolist() == sorted(range(len(text)), key=lambda at: text[at:])


@pytest.mark.parametrize("text", [[0] * 500, [1, 2] * 300, [70_000, 5, 70_000] * 100, [2**31 - 1] * 9])
def test_suffixes_that_are_long_alike_are_sorted(text):
    assert suffix_array(np.array(text, np.uint32)).tolist() == sorted(range(len(text)), key=lambda at: text[at:])


@given(st.lists(SYMBOLS, min_size=1, max_size=4), st.lists(st.integers(1, 4), max_size=30))
def test_the_longest_run_from_each_place_is_exact(corpus, query):
    held = indexed((str(number), as_words(each)) for number, each in enumerate(corpus))
    found = held.matches(as_words(query)).tolist()
    assert found == matches(query, corpus)
    for at, length in enumerate(found):
        if length:
            name, place = held.find(as_words(query[at : at + length]))
            assert corpus[int(name)][place : place + length] == query[at : at + length]
            assert not any(spelled(query[at : at + length]) in spelled(each) for each in corpus[: int(name)])
        assert not held.contains(as_words(query[at : at + length + 1])) or at + length == len(query)


@given(st.lists(SYMBOLS, min_size=1, max_size=4), SYMBOLS, st.integers(1, 4))
def test_the_nearest_documents_are_those_that_share_most(corpus, query, size):
    held = indexed((str(number), as_words(each)) for number, each in enumerate(corpus))
    found = matches(query, corpus)
    nearest, by_share = held.nearest(as_words(query), np.array(found, np.int64), size, 1)
    runs = [spelled(query[at : at + size]) for at in range(len(query) - size + 1)]
    shares = [sum(run in spelled(each) for run in runs) for each in corpus]
    longest = [max(matches(query, [each]), default=0) for each in corpus]
    if max(shares) == 0:
        assert nearest is by_share is None
        return
    assert nearest.longest == max(longest) + 1
    assert by_share.share == pytest.approx(max(shares) / len(runs))
    assert by_share.document == str(shares.index(max(shares)))
    assert by_share.longest == longest[int(by_share.document)] + 1


def test_it_is_made_once_and_found_again(tmp_path):
    documents = [("a", as_words([5, 2**63, 7, 5])), ("b", as_words([]))]
    made = index_corpus(iter(documents), "key" * 9, tmp_path)
    assert is_indexed("key" * 9, tmp_path)
    again = index_corpus(iter([("never", as_words([1]))]), "key" * 9, tmp_path)
    assert again.names == made.names == ("a", "b")
    assert again.find(as_words([2**63, 7])) == ("a", 1)
    assert again.symbols == 4
    assert [each.name for each in tmp_path.iterdir()] == ["keykeykeykeykeyk-1"]


def test_a_damaged_cache_is_told(tmp_path):
    index_corpus([("a", as_words([1, 2, 3]))], "k", tmp_path)
    (tmp_path / "k-1" / "order").write_bytes(b"1234")
    with pytest.raises(InputError, match="damaged"):
        index_corpus([], "k", tmp_path)
