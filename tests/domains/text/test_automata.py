"""The algebra of languages, against sets of texts."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.test_regex import PATTERNS, texts
from toolkit.core import UsageError
from toolkit.domains.text import graphs
from toolkit.domains.text.alphabet import complement, from_characters, holds, partition
from toolkit.domains.text.automata import any_text, intersection, nothing, sequence
from toolkit.domains.text.regex import literal, matching

ALPHABET, LONGEST = "aé\n", 4
LANGUAGES = PATTERNS.map(matching)


def held(automaton):
    return {text for text in texts(ALPHABET, LONGEST) if automaton.accepts(text)}


EVERY = set(texts(ALPHABET, LONGEST))


@given(LANGUAGES, LANGUAGES)
@settings(max_examples=150)
def test_and_or_not_then(one, other):
    first, second = held(one), held(other)
    assert held(one & other) == first & second
    assert held(one | other) == first | second
    assert held(one - other) == first - second
    assert held(~one) == EVERY - first
    joined = {a + b for a, b in itertools.product(first, second) if len(a + b) <= LONGEST}
    assert held(one + other) == joined
    assert sequence([one, other]).same_as(one + other)


@given(LANGUAGES, st.integers(0, 2), st.integers(0, 2) | st.none())
@settings(max_examples=100)
def test_repeats(one, least, more):
    most = None if more is None else least + more
    powers, reached = [{""}], held(one)
    for _ in range(LONGEST + 3):
        powers.append({a + b for a, b in itertools.product(powers[-1], reached) if len(a + b) <= LONGEST})
    wanted = set().union(*powers[least : None if most is None else most + 1])
    assert held(one.repeated(least, most)) == wanted


@given(LANGUAGES, st.text(alphabet=ALPHABET, max_size=2))
def test_what_may_follow_a_beginning(one, beginning):
    rest = one.after(beginning)
    for text in texts(ALPHABET, 2):
        assert rest.accepts(text) == one.accepts(beginning + text)


@given(LANGUAGES, LANGUAGES)
@settings(max_examples=150)
def test_equal_languages_have_equal_tables(one, other):
    assert (~~one).same_as(one)
    assert (one | other).same_as(other | one)
    assert (one & other).same_as(~(~one | ~other))
    assert one.same_as(other) == ((one - other).is_empty and (other - one).is_empty)


@given(LANGUAGES)
def test_every_state_is_reached_and_leads_to_a_text(one):
    if one.is_empty:
        assert one.same_as(nothing())
        return
    reached, useful = {0}, set(np.flatnonzero(one.accept_S).tolist())
    for _ in range(one.states):
        reached |= {int(each) for state in reached for each in one.next_SK[state] if each != graphs.NOWHERE}
        useful |= {state for state in range(one.states) if useful & set(one.next_SK[state].tolist())}
    assert reached == useful == set(range(one.states))


def test_no_part_is_no_wish():
    assert intersection([]).same_as(any_text())
    assert (nothing() | literal("a")).same_as(literal("a"))
    assert (nothing() + literal("a")).is_empty
    assert nothing().repeated().same_as(literal(""))


def test_a_product_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(graphs, "MOST_STATES", 40)
    with pytest.raises(UsageError, match="more than 40 states"):
        matching("(?:a{7})*") & matching("(?s:.{11})*")


@given(st.lists(st.sets(st.sampled_from("abé\n\U0001f3b6")), max_size=4), st.text())
def test_a_partition_tells_the_members_of_each_set(sets, text):
    chars = [from_characters(each) for each in sets]
    alphabet, members = partition(chars)
    for character, number in zip(text, alphabet.classes(text).tolist(), strict=True):
        assert [number in each for each in members] == [character in each for each in sets]
    for each, among in zip(chars, sets, strict=True):
        assert complement(complement(each)) == each
        assert holds(complement(each), [ord(c) for c in text]).tolist() == [c not in among for c in text]
