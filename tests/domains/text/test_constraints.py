"""What is asked of a text is what every result is, whatever the model would rather say."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.test_grammar import follow
from toolkit.core import ToolkitError, UsageError, checked
from toolkit.domains.text import DOMAIN
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.constraints import automaton, constraint
from toolkit.domains.text.controls import TextControls
from toolkit.domains.text.regex import literal, matching
from toolkit.domains.text.wording import avoiding
from toolkit.generate import parts, tokens
from toolkit.sampling import Finishing, Sampler, Without

VERSE = "The wind has a ladder, the rain has a stair,\nand both of them climb.\n\nOù? Là-bas! LOVE ends here.\n" * 4


class Spelled(TextCodec):
    """A codec that is its spellings and nothing else."""

    name = "spelled"
    fingerprint = "none"
    build = load = encode_array = save = None


CODECS = {
    "char": DOMAIN.codecs["char"].build([VERSE]),
    "unigram": DOMAIN.codecs["unigram"].build([VERSE], size=300),
    "spelled": Spelled([b"", b"a", b"b", b"ab", b"bba", b"\xc3", b"\xa9", b"\n", b"c a", b"A"], 0),
}


class Hashed:
    """An engine whose logits are a fixed random function of the last tokens fed, the more even the ``flatter``."""

    name, precision = "hashed", "fp32"

    def __init__(self, vocabulary, spread=2.0):
        self.vocabulary = vocabulary
        self.spread = spread

    def begin(self):
        return ()

    def feed(self, fed, memory):
        memory = (*memory, *fed)[-2:]
        return np.random.default_rng([3, *memory]).normal(0, self.spread, self.vocabulary).astype(np.float32), memory


def generated(name, *, prompt=None, seed=0, length=120, whole=False, spread=2.0, **asked):
    """The text that comes, and the ids."""
    codec = CODECS[name]
    wished = constraint(codec, checked(TextControls, asked), prompt)
    wished = Without(wished, [codec.stop], codec.size) if whole else wished
    engine = Hashed(codec.size, spread)
    steps = list(tokens(engine, [], sampler=Sampler(), length=length, stop=codec.stop, constraint=wished, seed=seed))
    ids = [step.token for step in steps]
    return codec.decode(ids), ids


def lengths(text):
    return [len(each) for each in text.split("\n")]


def initials(text):
    return [each[:1] for each in text.split("\n")]


def stanzas(text):
    """The lines of each stanza; none where one is empty."""
    found = [each.split("\n") for each in text.split("\n\n")]
    return [] if any("" in each for each in found) else [len(each) for each in found]


KEPT = [
    ({"regex": r"(?:\w+ ){3}\w+\."}, lambda text: re.fullmatch(r"(?:\w+ ){3}\w+\.", text)),
    ({"characters": r"a-m \n"}, lambda text: set(text) <= set("abcdefghijklm \n")),
    ({"contain": r"rain|the"}, lambda text: "rain" in text and "the" in text),
    ({"contain": r"a\n", "begin": "the ", "end": "stair"}, lambda text: re.fullmatch("(?s)the .*a\n.*stair", text)),
    ({"avoid": "e|a|O"}, lambda text: not re.search("[eao]", text, re.IGNORECASE)),
    ({"lines": "3"}, lambda text: len(lengths(text)) == 3),
    ({"lines": "2-4", "line_length": "5-9"}, lambda text: re.fullmatch("[^\n]{5,9}(\n[^\n]{5,9}){1,3}", text)),
    ({"line_length": "7"}, lambda text: set(lengths(text)) == {7}),
    ({"stanzas": "2,1"}, lambda text: stanzas(text) == [2, 1]),
    ({"stanzas": "1,2", "line_length": "4", "lines": "3"}, lambda text: lengths(text) == [4, 0, 4, 4]),
    ({"acrostic": "Oe L", "line_length": "2-9"}, lambda text: initials(text) == ["O", "e", "", "L"]),
    ({"acrostic": "LOVE", "stanzas": "2,2"}, lambda text: initials(text) == ["L", "O", "", "V", "E"]),
]


@pytest.mark.parametrize(("asked", "kept"), KEPT, ids=[" ".join(asked) for asked, _ in KEPT])
@pytest.mark.parametrize("whole", [False, True], ids=["stop", "whole"])
@pytest.mark.parametrize("name", ["char", "unigram"])
def test_every_result_is_what_was_asked_for(name, whole, asked, kept):
    for seed in range(5):
        text, ids = generated(name, seed=seed, whole=whole, length=60, **asked)
        assert kept(text), text
        assert not (whole and CODECS[name].stop in ids)


def test_nothing_asked_is_the_plain_grammar():
    for codec in CODECS.values():
        assert constraint(codec, TextControls()) is codec.grammar()
        assert constraint(codec, TextControls(stop_at="x")) is codec.grammar()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"regex": "[^\\s\\S]"}, "asked for by regex"),
        ({"lines": "3", "acrostic": "LOVE"}, "asked for by lines and acrostic"),
        ({"contain": "love", "avoid": "LOVE"}, "asked for by contain and avoid"),
        ({"lines": "fourteen"}, "lines is written as a number or a range"),
        ({"lines": "0"}, "counts from 1"),
        ({"line_length": "60-20"}, "from the lower number to the higher"),
        ({"stanzas": "4,,6"}, "numbers of lines"),
        ({"stanzas": "4,0"}, "at least one line"),
        ({"acrostic": " "}, "at least one letter"),
        ({"regex": "("}, "cannot be read"),
        ({"characters": "a]b"}, "class of characters"),
        ({"contain": "q"}, "cannot be finished"),
        ({"lines": "3", "line_length": "200"}, "the shortest result takes 602 tokens, and the length is 120"),
        ({"avoid_by": "magic"}, "magic"),
    ],
)
def test_what_cannot_be_is_refused_before_the_first_token(asked, says):
    with pytest.raises(UsageError, match=says):
        generated("char", whole=True, **asked)


def test_a_constraint_is_made_once():
    controls = TextControls(lines="2")
    assert constraint(CODECS["char"], controls, "a") is constraint(CODECS["char"], controls, "a")


def test_languages_compose_and_become_a_constraint():
    language = (literal("a").repeated(1) + matching("b|é")) & ~literal("ab")
    wished = automaton(CODECS["spelled"], language)
    assert follow(wished, [3]) is None or wished.distance(follow(wished, [3])) != 0
    assert wished.distance(follow(wished, [1, 3])) == 0
    assert wished.distance(follow(wished, [1, 5, 6])) == 0


# Banned strings, by mask and by going back

BANNED = ["ab", "ab|ba", "é", "abba|a\n", "aa", "b", "Ca"]


def sequences(codec, longest):
    others = [each for each in range(codec.size) if each != codec.stop]
    return [each for count in range(longest + 1) for each in itertools.product(others, repeat=count)]


def clean(codec, banned, given, ids):
    """Whether ``ids`` spell a text in which nothing banned is completed."""
    try:
        text = b"".join(codec.spelling[each] for each in ids).decode("utf-8")
    except UnicodeDecodeError:
        return False
    found = (re.finditer(f"(?={re.escape(each)})", given + text, re.IGNORECASE) for each in banned)
    return not any(
        match.start() + len(each) > len(given) for each, matches in zip(banned, found, strict=True) for match in matches
    )


@pytest.mark.parametrize("given_text", ["", "b", "ca", "xaB", "é ", "ab"])
@pytest.mark.parametrize("banned", BANNED)
def test_the_mask_forbids_just_what_is_banned(banned, given_text):
    codec, longest = CODECS["spelled"], 4
    wished = constraint(codec, TextControls(avoid=banned), given_text)
    for ids in sequences(codec, longest - 1):
        state = follow(wished, ids)
        may_end = state is not None and wished.distance(state) == 0
        assert may_end == clean(codec, banned.split("|"), given_text, ids), ids


@pytest.mark.parametrize("given_text", ["", "cA", "b"])
@pytest.mark.parametrize("banned", BANNED)
def test_going_back_says_the_same_texts_as_a_filter(banned, given_text):
    """With even logits every text that a filter would let through comes up in time, and no other ever does."""
    codec, length = CODECS["spelled"], 2
    wished = constraint(codec, TextControls(avoid=banned, avoid_by="rewind"), given_text)
    wished = Without(wished, [codec.stop], codec.size)
    engine = Hashed(codec.size, spread=0.1)
    said = {
        tuple(
            step.token
            for step in tokens(engine, [], sampler=Sampler(), length=length, stop=0, constraint=wished, seed=seed)
        )
        for seed in range(1200)
    }
    expected = {each for each in sequences(codec, length) if len(each) == length}
    assert said == {each for each in expected if clean(codec, banned.split("|"), given_text, each)}


@given(
    banned=st.lists(st.sampled_from(["a", "e", "th", "he ", "ra", "in", "has a", ", ", "\n", "Où", " l"]), min_size=1),
    prompt=st.sampled_from([None, "t", "The rai", "ha", "\n"]),
    seed=st.integers(0, 50),
    name=st.sampled_from(["char", "unigram"]),
    end=st.sampled_from([None, "d"]),
)
@settings(max_examples=60)
def test_going_back_keeps_to_everything_else_too(banned, prompt, seed, name, end):
    asked = {"avoid": "|".join(each.replace("\n", "\\n") for each in banned), "avoid_by": "rewind"}
    text, ids = generated(name, prompt=prompt, seed=seed, length=40, lines="1-3", end=end, **asked)
    assert clean(CODECS[name], banned, prompt or "", [each for each in ids if each != CODECS[name].stop])
    assert text.endswith(end or "") and 1 <= len(lengths(text)) <= 3


def test_going_back_changes_nothing_until_a_banned_string_began():
    free, _ = generated("char", seed=4, whole=True)
    banned = free[20:23]
    kept, _ = generated("char", seed=4, whole=True, avoid=banned.replace("\n", "\\n"), avoid_by="rewind")
    assert banned.lower() not in kept.lower()
    apart = next(at for at in range(len(free)) if free[at] != kept[at])
    assert apart <= free.lower().index(banned.lower())
    masked, _ = generated("char", seed=4, whole=True, avoid=banned.replace("\n", "\\n"))
    assert masked != kept


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("avoid_by", ["mask", "rewind"])
def test_a_stream_never_shows_what_is_banned_and_ends_as_the_whole(seed, avoid_by):
    codec = CODECS["unigram"]
    asked = {"avoid": "th|a |é|in", "avoid_by": avoid_by, "lines": "2-5"}
    whole, _ = generated("unigram", seed=seed, **asked)
    wished = constraint(codec, checked(TextControls, asked))
    engine = Hashed(codec.size)
    steps = tokens(engine, [], sampler=Sampler(), length=120, stop=codec.stop, constraint=wished, seed=seed)
    shown = ""
    for part in parts(codec.decoder(), steps):
        shown += part
        assert whole.startswith(shown) and not re.search("th|a |é|in", shown, re.IGNORECASE)
    assert shown == whole


def test_what_contradicts_a_ban_is_refused_or_said():
    with pytest.raises(UsageError, match="contain and avoid"):
        generated("char", contain="rain", avoid="RAI", avoid_by="rewind")
    with pytest.raises((UsageError, ToolkitError)):
        generated("spelled", regex="a{5}", avoid="aa", avoid_by="rewind")


def test_a_state_is_a_value():
    codec = CODECS["char"]
    wished = constraint(codec, TextControls(avoid="rain", avoid_by="rewind"))
    state = wished.begin()
    for token in codec.encode("the rai"):
        before = hash(state)
        state, old = wished.step(state, token), state
        assert hash(old) == before
    assert wished.pending(state) == 3
    assert wished.withdraw(wished.step(state, codec.encode("n")[0])) == 4
    finishing = Finishing(wished, 10, codec.size)
    assert finishing.distance((state, 10)) == wished.distance(state)


def test_avoiding_counts_what_the_prompt_began():
    assert not avoiding(("love", "hate"), "I lo").accepts("ve")
    assert not avoiding(("love",), "I lo").accepts("VE")
    assert avoiding(("love",), "I lo").accepts("ng")
    assert avoiding(("love",), "I love").accepts(" you")
    assert not avoiding(("aab",), "aa").accepts("b")
    assert not avoiding(("a", "xab"), "xa").accepts("b")
