"""The report: spans where they stand, shares as counted, and beside them what held-out work scores."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.originality.brute import as_words, matches
from toolkit.originality import QUANTILES, HeldOut, Seen, assess

SYMBOLS = st.lists(st.integers(1, 3), max_size=30)


def report(query, reach, **more):
    places = np.arange(len(query))
    seen = Seen(as_words(query), places, places + 1)
    return assess(
        seen,
        np.array(reach, np.int64),
        unit="letter",
        overlap=0,
        sizes=(3, 6),
        excerpt=lambda start, end: "".join(map(str, query[start:end])),
        **more,
    )


@given(st.lists(SYMBOLS, max_size=3), SYMBOLS, st.integers(3, 9))
def test_shares_and_spans_are_as_counted(corpus, query, threshold):
    reach = matches(query, corpus)
    made = report(query, reach, threshold=threshold)
    for size in (3, 6):
        fresh = [reach[at] < size for at in range(len(query) - size + 1)]
        assert made.novel.get(size) == (pytest.approx(sum(fresh) / len(fresh)) if fresh else None)
    copied = {at for at, length in enumerate(reach) if length >= threshold for at in range(at, at + length)}
    assert {at for each in made.spans for at in range(each.start, each.end)} == copied
    assert all(each.length >= threshold and each.length == each.end - each.start for each in made.spans)
    longest = max(reach, default=0)
    assert (made.longest.length if made.longest else 0) == (longest if longest >= 3 else 0)
    if made.longest:
        assert made.longest.excerpt == "".join(map(str, query[made.longest.start : made.longest.end]))


def test_the_held_out_entry_of_the_nearest_length_stands_beside_it():
    entries = [HeldOut(n, 9, (4.0,) * len(QUANTILES), {3: (0.5,) * len(QUANTILES)}) for n in (10, 100)]
    assert report([1] * 20, [0] * 20, held_out=entries).held_out.length == 10
    assert report([1] * 40, [0] * 40, held_out=entries).held_out.length == 100
    assert "Held-out work of 100 letters" in str(report([1] * 99, [0] * 99, held_out=entries))


def test_it_is_json_and_says_what_kind_of_comparison_it_was():
    made = report([1, 2, 3, 1], [4, 3, 2, 1], doubt={3: 0.1, 6: 0.2})
    assert json.loads(json.dumps(made.data()))["longest"]["length"] == 4
    assert not made.exact
    assert "at most 4" in str(made)
    assert "at most" not in str(report([1, 2, 3, 1], [4, 3, 2, 1]))
    assert "No run of 3 letters" in str(report([1, 2], [2, 1]))
    assert report([], []).length == 0
