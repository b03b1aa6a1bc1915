"""Texts of a grammar parse, and are finished within their length: checked by parsers of a few lines each."""

import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.engines import Hashed
from toolkit.core import ToolkitError, UsageError
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.context_free import ContextFree
from toolkit.domains.text.pieces import BpeCodec
from toolkit.domains.text.raw_bytes import ByteCodec
from toolkit.generate import tokens
from toolkit.sampling import Sampler, Without

pytest.importorskip("llguidance")

SUMS = """start: sum
sum: product (("+" | "-") product)*
product: factor (("*" | "/") factor)*
factor: NUMBER | "(" sum ")"
NUMBER: /0|[1-9][0-9]*/
"""
BRACKETS = 'start: pair+\npair: "(" pair* ")" | "[" pair* "]"\n'
PALINDROME = 'start: "a" start "a" | "b" start "b" | "é"\n'
SPOKEN = 'start: "if " e " then " e\ne: /[0-9]{6}/ | "not " e | "(" start ")"\n'


def is_sum(text):
    """Rewrites what is a number to n until nothing is left but one."""
    text = re.sub(r"(?<![0-9])(?:0|[1-9][0-9]*)(?![0-9])", "n", text)
    while (shorter := re.sub(r"n[-+*/]n|\(n\)", "n", text)) != text:
        text = shorter
    return text == "n"


def is_brackets(text):
    first = text
    while (shorter := first.replace("()", "").replace("[]", "")) != first:
        first = shorter
    return bool(text) and not first


def is_palindrome(text):
    return text == text[::-1] and re.fullmatch("[ab]*é[ab]*", text) is not None


def is_spoken(text):
    e = r"(?:not )*(?:[0-9]{6}|\(n\))"
    while (shorter := re.sub(rf"if {e} then {e}(?=\)|$)", "n", text)) != text:
        text = shorter
    return text == "n"


GRAMMARS = {SUMS: is_sum, BRACKETS: is_brackets, PALINDROME: is_palindrome, SPOKEN: is_spoken}
SAMPLE = "if not (if 123456 then 789012) then 345678 (((1+2)*3-40)/5)[[]()] abébaé" * 9


@cache
def codec_of(name):
    return {"char": lambda: CharCodec("".join(sorted(set(SAMPLE)))), "byte": ByteCodec, "bpe": pieces}[name]()


def pieces():
    return BpeCodec.build([SAMPLE], size=320)


@cache
def constraint_of(grammar, name):
    codec = codec_of(name)
    return ContextFree(grammar, codec.spelling, codec.stop)


def write(constraint, codec, length, seed=0):
    steps = tokens(
        Hashed(codec.size),
        [codec.stop],
        sampler=Sampler(),
        constraint=constraint,
        given=(),
        length=length,
        seed=seed,
        stop=codec.stop,
    )
    return codec.decode([step.token for step in steps])


@settings(max_examples=80)
@given(
    grammar=st.sampled_from(list(GRAMMARS)),
    name=st.sampled_from(["char", "byte", "bpe"]),
    spare=st.sampled_from([0, 1, 2, 3, 7, 40]),
    seed=st.integers(0, 999),
    stops=st.booleans(),
)
def test_every_text_parses_within_any_length_that_can_hold_one(grammar, name, spare, seed, stops):
    codec, constraint = codec_of(name), constraint_of(grammar, name)
    length = constraint.distance(()) + spare
    asked = constraint if stops else Without(constraint, [codec.stop], codec.size)
    text = write(asked, codec, length, seed)
    assert GRAMMARS[grammar](text), text


def test_the_checkers_can_say_no():
    assert is_sum("1+(2*30)") and not is_sum("1+(2*30") and not is_sum("01") and not is_sum("")
    assert is_brackets("([])[]") and not is_brackets("([)]") and not is_brackets("")
    assert is_palindrome("abéba") and not is_palindrome("abéab")
    assert is_spoken("if not (if 123456 then 123456) then 654321") and not is_spoken("if 12345 then 123456")


def test_a_token_that_makes_the_ending_much_longer_is_taken_back_and_the_ending_stays_open():
    grammar = 'start: "(" start ")" | "x" | "y" /[0-9]{30}/\n'
    codec = codec_of("byte")
    constraint = ContextFree(grammar, codec.spelling, codec.stop)
    y, x = codec.encode("yx")
    assert constraint.withdraw((y,)) == 1
    assert constraint.withdraw((x,)) == 0
    assert constraint.distances(())[y] > constraint.distances(())[x] == 0
    assert all(write(constraint, codec, 50, seed).strip("()") == "x" for seed in range(20))


def test_the_state_is_a_value_and_what_is_forgotten_is_found_again(monkeypatch):
    codec = codec_of("char")
    text = tuple(codec.encode("((1+2)*(3"))
    fresh = ContextFree(SUMS, codec.spelling, codec.stop)
    known = constraint_of(SUMS, "char")
    for length in range(len(text) + 1):
        known.distances(text[:length])
    monkeypatch.setattr("toolkit.domains.text.context_free._ENDINGS", 3)
    assert fresh.distance(text) == known.distance(text) == 2
    assert (fresh.allowed(text) == known.allowed(text)).all()
    assert (fresh.distances(text) == known.distances(text)).all()


@pytest.mark.parametrize(
    ("grammar", "says"),
    [
        ("", "no text of the grammar was found|cannot be read"),
        ("start: nothing", "the grammar cannot be read"),
        ("start: /(/", "the grammar cannot be read"),
        ('start: "a" start', "no text of the grammar was found"),
        ('start: "z"', "no text of the grammar was found"),
    ],
)
def test_a_grammar_that_gives_no_text_is_one_sentence(grammar, says):
    codec = codec_of("char")
    with pytest.raises(UsageError, match=says):
        ContextFree(grammar, codec.spelling, codec.stop)


def test_too_short_a_length_is_refused_before_the_first_token():
    with pytest.raises(ToolkitError, match="the shortest result takes 21 tokens, and the length is 20"):
        write(constraint_of(SPOKEN, "char"), codec_of("char"), 20)
