"""Patterns against `re` itself: every text up to a length over a small alphabet."""

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.core import UsageError
from toolkit.domains.text.regex import characters_within, literal, matching


def texts(alphabet, length):
    return ("".join(each) for count in range(length + 1) for each in itertools.product(alphabet, repeat=count))


def assert_same(pattern, alphabet, length, flags=0):
    automaton = matching(pattern, flags)
    for text in texts(alphabet, length):
        assert automaton.accepts(text) == bool(re.fullmatch(pattern, text, flags)), (pattern, text)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "a*b",
        "(a|b)*abb",
        "a{2,3}b?",
        "(a?){2,5}b*?",
        "(?:ab?)+?",
        "[^a]b",
        ".*a.",
        "(?s).*a.",
        "(?i)AB|[Ab]a",
        "(?i:A)b",
        "(?x) a  b # and nothing more",
        "(?P<name>a|)b",
        "a|b|",
        "[^\\s\\S]|a",
        "^a$",
        "a$\n",
        "a\\Z",
        "(?:a$|b)+\n?",
        "a?^b",
        "(?m)^a$\n^b$",
        "(?m)(?:^a\n)*$",
        "(?m)$\n",
        "\\ba\\b",
        "(?:a|b)*\\b.",
        "a\\B.",
        "\\Ba*",
        "\\b\\B|a",
        "(?:a|\\b)*\\Bb",
    ],
)
def test_a_pattern_means_what_re_says(pattern):
    assert_same(pattern, "ab \n", 5)


@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        (r"\w\d?", 0),
        (r"\w\d?", re.ASCII),
        (r"(?a:\w)\w", 0),
        (r"\W\s*", 0),
        (r"\D\S", 0),
        (r"[\w\s]\b\W?", 0),
        (r"\w\b\w|\w\B\w", re.ASCII),
        ("k|[j-l]s", re.IGNORECASE),
        ("[^k]", re.IGNORECASE),
        ("(?i:é|ß|ſ)k", re.ASCII),
        (r"[à-ý€].", re.DOTALL),
    ],
)
def test_characters_beyond_ascii_mean_what_re_says(pattern, flags):
    assert_same(pattern, "kK\u212aſsÉé€٣_ \u2003\n\U0001f3b6", 2, flags)


LEAVES = st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\w", r"\s", "", "^", "$", r"\b", "é"])
PATTERNS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map(lambda both: f"(?:{both[0]}|{both[1]})"),
        st.tuples(inner, st.sampled_from(["*", "+", "?", "{2}", "{1,3}", "*?", "+?", "??", "{0,2}?"])).map(
            lambda it: f"(?:{it[0]}){it[1]}"
        ),
        inner.map(lambda it: f"(?i:{it})"),
    ),
    max_leaves=8,
)


@given(PATTERNS)
@settings(max_examples=300)
def test_any_pattern_means_what_re_says(pattern):
    assert_same(pattern, "aBé \n", 3)


@given(st.text(), st.text())
def test_a_literal_is_one_text(text, other):
    assert literal(text).accepts(text)
    assert literal(text).accepts(other) == (text == other)


@pytest.mark.parametrize(
    ("pattern", "says"),
    [
        (r"(a)\1", "back-reference"),
        ("(?=a)a", "look-ahead"),
        ("(?<!b)a", "look-behind"),
        ("a*+", "possessive"),
        ("(?>a|ab)", "atomic"),
        ("(a)?(?(1)b)", "condition"),
        ("(a", "cannot be read"),
        ("a{3,2}", "cannot be read"),
        ("(" * 5000 + ")" * 5000, "nested too deeply"),
        ("(a{1000}){1000}", "more than 100,000 states"),
        (r"(a|b)*a(a|b){20}", "more than 100,000 states"),
    ],
)
def test_what_no_automaton_follows_is_refused_in_a_sentence(pattern, says):
    with pytest.raises(UsageError, match=says) as refusal:
        matching(pattern)
    assert len(str(refusal.value)) < 200 and str(refusal.value).endswith(".")


@pytest.mark.parametrize("inside", ["a-c \\n", "^a", "\\w", "\\]", "a|b", "."])
def test_a_class_of_characters(inside):
    automaton = characters_within(inside)
    for text in texts("abc].| \n", 2):
        assert automaton.accepts(text) == bool(re.fullmatch(f"[{inside}]", text))


@pytest.mark.parametrize("inside", ["a]b", "a]*[b", "", "z-a", "^", "a\\"])
def test_what_is_no_class_is_refused(inside):
    with pytest.raises(UsageError, match="class of characters"):
        characters_within(inside)


def test_half_a_surrogate_pair_is_no_text():
    assert not matching(r"[\ud800-\udfff]|a").accepts("\ud83c")
    assert matching("[\ud800-\udfff]").is_empty
