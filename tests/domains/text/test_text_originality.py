"""Text compared with the training text, and the promise that no more than so much of it is copied."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.copying import Copyist
from tests.originality.brute import matches
from toolkit.core import UsageError
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.originality import TextCopyLimit, TextView
from toolkit.domains.text.pieces import BpeCodec
from toolkit.domains.text.raw_bytes import ByteCodec
from toolkit.generate import parts, tokens
from toolkit.originality import NgramIndex
from toolkit.sampling import Both, Sampler

WORDS = [
    "the",
    "of",
    "and",
    "sea",
    "grey",
    "stone",
    "bird",
    "rain",
    "old",
    "who",
    "Über",
    "naïve",
    "漢字",
    "—",
    "never",
]
VIEW = TextView()


def corpus_of(seed, words=120):
    rng = random.Random(seed)
    return "".join(rng.choice(WORDS) + rng.choice([" ", " ", "\n", ", ", ".\n\n"]) for _ in range(words))


def index_of(text, rates=None):
    return NgramIndex.build([VIEW.look(text).symbols], rates or VIEW.rates, "words", "0" * 64)


TEXT = corpus_of(1)
INDEX = index_of(TEXT)
CODECS = {
    "char": CharCodec.build([TEXT]),
    "byte": ByteCodec(),
    "bpe": BpeCodec.build([TEXT], size=340),
}


def longest_copy(made, text=TEXT):
    return max(matches(VIEW.look(made).symbols.tolist(), [VIEW.look(text).symbols.tolist()]), default=0)


@given(st.text(alphabet="aBß İ\n\t\u2003é漢", max_size=20))
def test_what_is_compared_is_the_text_without_its_capitals_and_breaks(text):
    seen = VIEW.look(text)
    symbols = [chr(each - 1) for each in seen.symbols.tolist()]
    assert "  " not in "".join(symbols)
    assert "".join(symbols).split() == [
        "".join(c.lower() if len(c.lower()) == 1 else c for c in word) for word in text.split()
    ]
    assert all(
        text[start].isspace() if symbol == " " else (text[start] == symbol or text[start].lower() == symbol)
        for symbol, start in zip(symbols, seen.starts.tolist(), strict=True)
    )


@given(st.text(max_size=10), st.text(max_size=30))
def test_what_was_given_is_not_looked_at(given, made):
    seen, alone = VIEW.look(given + made, given), VIEW.look(made)
    assert seen.symbols.tolist() == alone.symbols.tolist()
    assert (seen.starts - len(given)).tolist() == alone.starts.tolist()


@pytest.mark.parametrize("name", CODECS)
@pytest.mark.parametrize("most", [11, 15, 30])
def test_an_engine_that_only_copies_never_copies_too_much(name, most):
    codec = CODECS[name]
    sequences = [codec.encode(TEXT)]
    for seed in range(2):
        engine = Copyist(sequences, codec.size, seed)
        limit = Both(codec.grammar(), TextCopyLimit(codec, INDEX, most))
        prompt = codec.encode(TEXT[40:60])
        steps = tokens(
            engine, prompt, given=(), sampler=Sampler(), constraint=limit, length=90, stop=codec.stop, seed=seed
        )
        made = codec.decode([step.token for step in steps])
        assert len(made) > 30
        assert most - 5 <= longest_copy(made) <= most  # it copies as far as it may, and no further


def test_without_a_limit_the_engine_does_copy():
    codec = CODECS["char"]
    steps = tokens(
        Copyist([codec.encode(TEXT)], codec.size),
        [],
        sampler=Sampler(),
        length=100,
        stop=codec.stop,
        constraint=codec.grammar(),
    )
    assert longest_copy(codec.decode([step.token for step in steps])) > 60


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(11, 26), st.sampled_from(sorted(CODECS)))
def test_a_mask_leaves_just_what_may_be_stepped_to(seed, most, name):
    """Along a copied text each allowed token keeps the promise, and each forbidden one would break it."""
    codec, rng = CODECS[name], random.Random(seed)
    limit, grammar = TextCopyLimit(codec, INDEX, most), codec.grammar()
    at = rng.randrange(len(TEXT) - 80)
    state, place = limit.begin(), grammar.begin()
    for token in codec.encode(TEXT[at : at + 40]):
        mask_V, formed_V = limit.allowed(state), grammar.allowed(place)
        sampled = [token, *(each for each in rng.sample(range(codec.size), 6))]
        for each in sampled:
            if (formed_V is None or formed_V[each]) and each != codec.stop:
                over = limit._limit.room(limit.step(state, each).trace) < 0
                assert (mask_V is None or mask_V[each]) or over or len(codec.spelling[each]) > 1
                assert not over or not mask_V[each]
        if mask_V is not None and not mask_V[token]:
            return
        state, place = limit.step(state, token), grammar.step(place, token)


def test_dead_ends_are_left_by_taking_tokens_back():
    """Of two letters every run of twelve is in the corpus but few: only going back finds one that is not."""
    rng = random.Random(3)
    text = "".join(rng.choice("ab") for _ in range(9_000))
    codec = CharCodec.build([text])
    index = index_of(text, {12: 1e-4})
    limit = TextCopyLimit(codec, index, 12)
    engine = Copyist([codec.encode(text[:200])], codec.size)
    constraint = Both(codec.grammar(), limit)
    steps = list(tokens(engine, [], sampler=Sampler(), constraint=constraint, length=40, stop=codec.stop))
    made = codec.decode([step.token for step in steps])
    assert longest_copy(made, text) <= 12


def test_streaming_gives_what_the_whole_has_and_holds_little_back():
    codec = CODECS["char"]
    constraint = Both(codec.grammar(), TextCopyLimit(codec, INDEX, 15))
    engine = Copyist([codec.encode(TEXT)], codec.size)
    steps = list(tokens(engine, [], sampler=Sampler(), constraint=constraint, length=80, stop=codec.stop))
    assert [step.position for step in steps] == list(range(len(steps)))
    assert "".join(parts(codec.decoder(), steps)) == codec.decode([step.token for step in steps])


def test_copies_too_short_to_be_known_are_refused_in_characters():
    with pytest.raises(UsageError, match="11 characters at the least, not 10"):
        DOMAIN.copy_limit(CODECS["char"], INDEX, 10, None)
