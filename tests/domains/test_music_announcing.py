"""Bars that come again: announced where they do, nothing permitted is lost by it, and distances stay exact."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.enumerated import exact, melodies
from tests.domains.tunes import tunes, walk
from toolkit import generate
from toolkit.core import Engine, UsageError
from toolkit.domains.music import DOMAIN
from toolkit.domains.music.announcing import LONGEST, Announcing, announced, announcing, permits, settled, unannounced
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.events import Event, Kind, Layout
from toolkit.domains.music.filling import bars_gap, filled
from toolkit.domains.music.form import Form, Formed
from toolkit.domains.music.grammar import Grammar, Limits
from toolkit.domains.music.hearing import heard_from
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.potentials import Density, Return
from toolkit.domains.music.prompt import read_prompt
from toolkit.domains.music.rules import Leap, Repeats, RuledGrammar, SparingGrammar
from toolkit.engine import open_engine
from toolkit.models import ModelSettings, RecurrentLM
from toolkit.sampling import Anything, Both, Sampler, distances
from toolkit.sampling.stages.choice import LogitBias
from toolkit.score.notes import Score
from toolkit.search import SearchSettings, search
from toolkit.steer import SteeringSettings, steer

CODEC = MelodyCodec()
TINY = Layout(meters=((1, 8),), phrase=2, lowest=0, highest=1, again=2, types=("reel",))
AGAIN = {TINY.ids[Event(Kind.AGAIN, back)] for back in (1, 2)}


def labels(tokens: Sequence[int]) -> list[str]:
    return [CODEC.label(token) for token in tokens]


def test_a_bar_that_comes_again_is_announced_by_the_nearest_like_it() -> None:
    tune = read_prompt("M:2/4 L:1/4 K:D\nDE | FG | DE | DE | FG |")
    assert labels(CODEC.encode(tune))[4:] == [
        *("bar 1", "tonic", "until 1", "+2", "until 2"),
        *("bar 2", "+4", "until 1", "+5", "until 2"),
        *("bar 3", "again 2", "tonic", "until 1", "+2", "until 2"),
        *("bar 4", "again 1", "tonic", "until 1", "+2", "until 2"),
        *("bar 5", "again 3", "+4", "until 1", "+5", "until 2"),
    ]


def test_neither_a_pickup_nor_what_lies_too_far_back_is_announced() -> None:
    far = "DE | " + "FG | FA | " * 9 + "DE |"
    tokens = CODEC.encode(read_prompt(f"M:2/4 L:1/4 K:D\n{far}"))
    assert labels(tokens)[-5:] == ["bar 4", "tonic", "until 1", "+2", "until 2"]
    with_pickup = labels(CODEC.encode(read_prompt("M:2/4 L:1/4 K:D\nd | dd | d2 | d2 |")))
    assert [each for each in with_pickup if each.startswith("again")] == ["again 1"]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32), spelled=st.booleans())
def test_asking_for_one_token_is_asking_for_the_mask(seed: int, spelled: bool) -> None:
    layout = replace(TINY, again=0) if spelled else TINY
    grammar = announcing(layout, Grammar(layout))
    state = grammar.begin()
    for token in walk(grammar, 60, seed, layout.kinds == Kind.AGAIN):
        mask_V = grammar.allowed(state)
        assert [permits(grammar, state, each) for each in range(len(mask_V))] == mask_V.tolist()
        state = grammar.step(state, token)


def test_a_bar_of_more_sounds_than_are_announced_is_only_written() -> None:
    bar = "D" * (LONGEST // 2 + 1) + "z15"
    tokens = CODEC.encode(read_prompt(f"M:4/4 L:1/32 K:D\n{bar} | {bar} |"))
    assert not any(each.startswith("again") for each in labels(tokens))


@settings(deadline=None)
@given(tunes(), st.integers(2, 4))
def test_announcing_is_undone_by_leaving_it_out(tune: Score, times: int) -> None:
    layout = CODEC.layout
    tokens = CODEC.encode(tune)
    bars = unannounced(layout, tokens)
    first = next(place for place, token in enumerate(bars) if layout.events[token].kind is Kind.BAR)
    again = [*bars[:first], *bars[first:] * times]  # bars in a wrong order of phrases, but bars all the same
    assert unannounced(layout, announced(layout, again)) == again
    assert announced(layout, bars) == tokens


@settings(deadline=None)
@given(tunes())
def test_what_is_settled_is_what_the_grammar_leaves_no_choice_about(tune: Score) -> None:
    """Of what is announced; where a bar line must follow there is no choice either, and a model soon knows it."""
    tokens = np.array([*CODEC.encode(tune), CODEC.stop])
    grammar, inside = CODEC.grammar(), False
    state = grammar.begin()
    for token, is_settled in zip(tokens.tolist(), settled(CODEC.layout, tokens).tolist(), strict=True):
        mask_V = grammar.allowed(state)
        assert is_settled == inside
        assert not is_settled or mask_V.nonzero()[0].tolist() == [token]
        state = grammar.step(state, token)
        inside = bool(state.settled)


def spelled(tokens: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """A melody with every choice of its bars that come again announced, found without the toolkit's own way."""
    lines = [place for place, token in enumerate(tokens) if TINY.events[token].kind is Kind.BAR]
    edges = [*lines, len(tokens) - 1]
    bars = [tokens[begin + 1 : end] for begin, end in pairwise(edges)]
    ways = []
    for number, bar in enumerate(bars):
        backs = [back for back in (1, 2) if back <= number and bars[number - back] == bar]
        ways.append([(), (TINY.ids[Event(Kind.AGAIN, backs[0])],)] if backs else [()])
    for chosen in product(*ways):
        body = [
            part for line, said, bar in zip(lines, chosen, bars, strict=True) for part in ((tokens[line],), said, bar)
        ]
        yield (*tokens[: lines[0]], *(token for part in body for token in part), tokens[-1])


KEY = Limits(mode="major", tonic=0, tune_type="reel", low=60, high=60, bars=3)
BOTH = Limits(mode="major", tonic=0, tune_type="reel", bars=3)
INNER = {
    "the grammar": Grammar(TINY, KEY),
    "any bars": Grammar(TINY, Limits(mode="major", tonic=0, tune_type="reel", low=60, high=60)),
    "a rule": RuledGrammar(TINY, BOTH, (Leap(0),)),
    "no bar three times": SparingGrammar(RuledGrammar(TINY, KEY, (Repeats(2),)), 2),
    "a form": Formed(TINY, Limits(mode="major", tonic=0, tune_type="reel", low=60, high=60, bars=4), Form("AA", 2)),
}


@pytest.mark.parametrize("name", INNER)
def test_every_melody_may_be_announced_and_no_other_gets_in(name: str) -> None:
    inner = INNER[name]
    room = {"a form": 20, "any bars": 14}.get(name, 16)
    vocabulary = len(TINY.events)
    plain = [tokens for tokens in melodies(inner, room, vocabulary) if not AGAIN & set(tokens)]
    expected = {each for tokens in plain for each in spelled(tokens) if len(each) <= room}
    found = Announcing(TINY, inner)
    assert len(expected) > len(plain) > 10
    assert set(melodies(found, room, vocabulary)) == expected
    least, states = exact(found, expected)
    for beginning, state in states.items():
        ahead_V = distances(found, state, vocabulary)
        after = {tokens[-1]: least[tokens] for tokens in least if tokens and tokens[:-1] == beginning}
        assert all(ahead_V[token] <= distance for token, distance in after.items())
        assert found.growth is None or all(more - least[beginning] <= found.growth for more in after.values())


@pytest.mark.parametrize("seed", range(6))
def test_a_walk_through_announced_bars_never_gets_stuck(seed: int) -> None:
    favour = CODEC.layout.mask([Event(Kind.AGAIN, back) for back in range(1, 17)])
    found = constraint(CODEC, MelodyControls(bars=6, cadence=True, meter="3/8"))
    tokens = walk(found, 60 + 5 * seed, seed, favour)
    assert sum(CODEC.layout.events[token].kind is Kind.AGAIN for token in tokens) >= 2
    score = CODEC.decode(tokens)
    assert (score.notes[-1].pitch - score.keys[0].tonic) % 12 == 0


def test_the_tune_type_is_said_first_and_comes_back() -> None:
    reel = read_prompt("X:1\nR:Reel\nM:4/4\nL:1/4\nK:D\ndefg | a4 |\n")
    assert labels(CODEC.encode(reel))[0] == "reel"
    assert CODEC.decode(CODEC.encode(reel)).tune_type == "reel"
    assert labels(CODEC.encode(read_prompt("X:1\nR:double jig\nM:6/8\nK:D\ndef gab |\n")))[0] == "jig"
    assert labels(CODEC.encode(read_prompt("X:1\nR:gavotte\nM:4/4\nK:D\nd4 |\n")))[0] == "any type"
    asked = constraint(CODEC, MelodyControls(tune_type="slip jig"))
    assert CODEC.decode(walk(asked, 40, 1)).tune_type == "slip jig"
    for layout, said in ((Layout(types=()), "told nothing"), (Layout(types=("polka",)), "are polka, not reel")):
        with pytest.raises(UsageError, match=said):
            constraint(MelodyCodec(layout), MelodyControls(tune_type="reel"))


def test_what_is_gone_on_from_is_of_the_type_asked_for() -> None:
    given = read_prompt("M:6/8 K:D | d2e fga |")
    controls = MelodyControls(tune_type="jig", bars=4)
    used = DOMAIN.used(given, controls)
    assert labels(CODEC.opening(used))[0] == "jig"
    constraint(CODEC, controls, used)
    with pytest.raises(UsageError, match="type of tune"):
        constraint(CODEC, controls, given)


def test_a_return_that_is_steered_towards_may_be_announced() -> None:
    tune = read_prompt("M:6/8 L:1/8 K:D\ndef gag | f6 | e6 |")
    wish = Return(CODEC, 5, notes=5, within=2)
    state = heard_from(CODEC.layout, [*CODEC.opening(tune), CODEC.layout.ids[CODEC.layout.bar(4)]])
    factors_V = wish.guide(state, 40)
    assert factors_V is not None
    back = CODEC.layout.ids[Event(Kind.AGAIN, 3)]
    others = [CODEC.layout.ids[Event(Kind.AGAIN, other)] for other in (1, 2, 4)]
    assert factors_V[back] > max(factors_V[other] for other in others)


@pytest.fixture(scope="module")
def engine() -> Engine:
    """A network that never learned, so what is settled is nothing it would have thought of."""
    torch.manual_seed(5)
    return open_engine(RecurrentLM(CODEC.size, ModelSettings(width=24, embedding=12)))


LIKES_AGAIN = LogitBias.of({CODEC.layout.ids[Event(Kind.AGAIN, back)]: 8.0 for back in range(1, 17)})


def test_what_is_settled_is_certain_whatever_the_model_thinks(engine: Engine) -> None:
    sampler = Sampler([LIKES_AGAIN])
    grammar = constraint(CODEC, MelodyControls(bars=6, meter="3/8"))
    asked = {"sampler": sampler, "length": 200, "stop": CODEC.stop, "constraint": grammar}
    steps = list(generate.tokens(engine, [CODEC.stop], seed=1, **asked))
    tokens = np.array([step.token for step in steps])
    known = settled(CODEC.layout, tokens)
    assert known.sum() > 5
    assert [step.log_probability == 0 for step in steps] == known.tolist()
    both = Both(Anything(), grammar)
    again = generate.tokens(engine, [CODEC.stop], seed=1, **{**asked, "constraint": both})
    assert list(again) == steps
    for found in search(
        engine, [CODEC.stop], settings=SearchSettings(search="beam", beams=3), count=2, seed=0, **asked
    ):
        sure = settled(CODEC.layout, np.array(found.tokens))
        assert all(own == 0 for own, each in zip(found.log_probabilities, sure, strict=True) if each)
    made = steer(
        engine, [CODEC.stop], potential=Density(CODEC, 2), settings=SteeringSettings(particles=8), seed=0, **asked
    )
    for each in made.particles:
        sure = settled(CODEC.layout, np.array(each.tokens))
        assert all(own == 0 for own, one in zip(each.log_probabilities, sure, strict=True) if one)


def test_bars_after_a_gap_are_announced_as_the_middle_makes_them() -> None:
    tune = read_prompt("M:2/4 L:1/4 K:D\nDE | FG | AB | DE | FG |")
    gap = bars_gap(CODEC, tune, 1, 1)
    assert not any(each.startswith("again") for each in labels(gap.right))
    own = tuple(CODEC.layout.ids[Event(*each)] for each in ((Kind.PITCH, 0), (Kind.UNTIL, 24), (Kind.PITCH, 2)))
    own = (*own, CODEC.layout.ids[Event(Kind.UNTIL, 48)])
    after = labels(gap.after(own))
    assert [each for each in after if each.startswith("again")] == ["again 3", "again 3"]
    other = (CODEC.layout.ids[Event(Kind.PITCH, 7)], CODEC.layout.ids[Event(Kind.UNTIL, 48)])
    after = labels(gap.after(other))
    assert [each for each in after if each.startswith("again")] == ["again 3"]
    assert gap.settled is not None
    assert gap.settled(np.array(gap.after(own))).sum() == 8
    assert filled(CODEC, gap, own) == CODEC.decode(CODEC.encode(tune))
