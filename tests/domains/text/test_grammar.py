"""Sets of texts lifted to tokens, against every sequence of tokens there is up to a length."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.test_regex import PATTERNS
from toolkit.core import NEVER, Lookahead, UsageError
from toolkit.domains.text.grammar import TokenAutomaton, text_grammar
from toolkit.domains.text.graphs import NOWHERE
from toolkit.domains.text.regex import matching
from toolkit.sampling import Finishing, Without

CHARACTERS = [b"", b"a", b"b", "é".encode(), b"\n", b" "]
PIECES = [b"ab", b"", b"a", b"b\n", b"\n", b" a", b"\xc3", b"\xa9", b"\xa9a", b"b\xc3", "é".encode(), b"\xff"]
WIDE = [b"\xe2\x82", b"\xac", b"\x82", b"\xe2", b"a", b"", b"\xf0\x9f", b"\x8e\xb6", b"\xb6a\xe2\x82", b"\xed\xa0"]
SPELLINGS = {"characters": (CHARACTERS, 0, 4), "pieces": (PIECES, 1, 3), "bytes of wide ones": (WIDE, 5, 4)}
SOME = ["a*b?", "(?s).*", "[^\n]{1,2}(?:\n[^\n]{1,2})?", "(?s).*ab.*", r"\w+", "é|ab", "€a?", "[€🎶]*a", "q", "a+€|aa"]

cases = pytest.mark.parametrize(("spelling", "stop", "longest"), SPELLINGS.values(), ids=SPELLINGS)


def sentences(spelling, stop, longest):
    """Every sequence of tokens without the stop, and the text that it spells (None where that is no text)."""
    others = [each for each in range(len(spelling)) if each != stop]
    for count in range(longest + 1):
        for tokens in itertools.product(others, repeat=count):
            try:
                yield tokens, b"".join(spelling[each] for each in tokens).decode("utf-8")
            except UnicodeDecodeError:
                yield tokens, None


def follow(constraint, tokens):
    """The state after ``tokens``, each of which must be allowed; None where one is not."""
    state = constraint.begin()
    for each in tokens:
        allowed_V = constraint.allowed(state)
        if allowed_V is not None and not allowed_V[each]:
            return None
        state = constraint.step(state, each)
    return state


def assert_exact(pattern, spelling, stop, longest):
    """Nothing that spells a text of the language is lost, nothing else may end, and distances are what they say."""
    language = matching(pattern)
    automaton = TokenAutomaton(language, spelling, stop)
    left = {}
    for tokens, text in sentences(spelling, stop, longest):
        accepted = text is not None and language.accepts(text)
        state = follow(automaton, tokens)
        assert accepted == (state is not None and automaton.distance(state) == 0), (pattern, tokens)
        if state is not None:
            mask_V = automaton.allowed(state)
            assert (mask_V is None or mask_V[stop]) == accepted
        if accepted:
            for cut in range(len(tokens) + 1):
                left[tokens[:cut]] = min(left.get(tokens[:cut], NEVER), len(tokens) - cut)
    for tokens, distance in left.items():
        assert automaton.distance(follow(automaton, tokens)) == distance


@pytest.mark.parametrize("pattern", SOME)
@cases
def test_every_text_in_every_spelling_and_no_other(pattern, spelling, stop, longest):
    assert_exact(pattern, spelling, stop, longest)


@given(PATTERNS)
@settings(max_examples=40)
def test_any_pattern_in_any_spelling(pattern):
    assert_exact(pattern, PIECES[:10], 1, 2)


def test_the_grammar_of_all_texts_is_the_same_mechanism():
    for spelling, stop, longest in SPELLINGS.values():
        grammar = text_grammar(spelling, stop)
        for tokens, text in sentences(spelling, stop, min(3, longest)):
            state = follow(grammar, tokens)
            assert (text is not None) == (state is not None and grammar.distance(state) == 0)


@given(st.sampled_from(SOME), st.sampled_from(list(SPELLINGS.values())), st.integers(0, 8), st.booleans(), st.data())
@settings(max_examples=200)
def test_a_walk_within_a_length_never_gets_stuck(pattern, spelled, length, whole, data):
    """Whatever is drawn: in time the text is one of the language, with a stop or, where there is none, without."""
    spelling, stop, _ = spelled
    automaton = TokenAutomaton(matching(pattern), spelling, stop)
    inner = Without(automaton, [stop], len(spelling)) if whole else automaton
    finishing = Finishing(inner, length, len(spelling))
    try:
        state = finishing.begin()
    except UsageError:
        assert automaton.distance(0) > length
        return
    tokens = []
    while len(tokens) < length and stop not in tokens:
        allowed_V = finishing.allowed(state)
        choices = range(len(spelling)) if allowed_V is None else np.flatnonzero(allowed_V).tolist()
        if not choices:
            break
        tokens.append(data.draw(st.sampled_from(choices)))
        state = finishing.step(state, tokens[-1])
    assert finishing.distance(state) == 0
    text = b"".join(spelling[each] for each in tokens).decode("utf-8")
    assert matching(pattern).accepts(text)
    assert not (whole and stop in tokens)


@pytest.mark.parametrize("pattern", SOME)
@cases
def test_it_looks_ahead_as_if_it_stepped(pattern, spelling, stop, longest):
    automaton = TokenAutomaton(matching(pattern), spelling, stop)
    assert isinstance(automaton, Lookahead)
    growth = 0
    for tokens, _ in sentences(spelling, stop, 2):
        state = follow(automaton, tokens)
        if state is None or automaton.distance(state) == NEVER:
            continue
        mask_V = automaton.allowed(state)
        for token, distance in enumerate(automaton.distances(state).tolist()):
            if mask_V is not None and not mask_V[token]:
                assert distance == NEVER
                continue
            assert distance == automaton.distance(automaton.step(state, token))
            growth = max(growth, distance - automaton.distance(state))
    assert growth <= automaton.growth


@pytest.mark.parametrize("pattern", SOME)
@cases
def test_its_tables_say_the_same(pattern, spelling, stop, longest):
    automaton = TokenAutomaton(matching(pattern), spelling, stop)
    tables = automaton.tables()
    for tokens, _ in sentences(spelling, stop, longest - 1):
        state, row = follow(automaton, tokens), 0
        for each in tokens:
            row = NOWHERE if row == NOWHERE else int(tables.next_QU[row, tables.column_V[each]])
        if state is None:
            assert row == NOWHERE
            continue
        assert tables.distance_Q[row] == automaton.distance(state)
        if automaton.distance(state) != NEVER:
            assert (tables.next_QU[row, tables.column_V] != NOWHERE).tolist() == (
                automaton.distances(state) != NEVER
            ).tolist()


def test_what_the_vocabulary_cannot_spell_is_unreachable():
    automaton = TokenAutomaton(matching("a*q"), CHARACTERS, 0)
    assert automaton.distance(automaton.begin()) == NEVER
    with pytest.raises(UsageError, match="cannot be finished"):
        Finishing(automaton, 100, len(CHARACTERS)).begin()


def test_what_is_handed_out_cannot_be_written_into():
    automaton = TokenAutomaton(matching("a*"), CHARACTERS, 0)
    with pytest.raises(ValueError, match="read-only"):
        automaton.allowed(0)[0] = False
    with pytest.raises(ValueError, match="read-only"):
        automaton.distances(0)[0] = 0
