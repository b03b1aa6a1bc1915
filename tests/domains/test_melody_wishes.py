"""Wishes for melodies: what is heard is what is decoded, guesses guide well, and a gap keeps what is around it."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.tunes import tunes, walk
from toolkit.api import open_run
from toolkit.core import UsageError, checked
from toolkit.domains.music.filling import bars_gap, filled
from toolkit.domains.music.hearing import heard_from
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.potentials import Cadence, Contour, Density, Return
from toolkit.domains.music.prompt import read_prompt
from toolkit.infill import infill
from toolkit.sampling import Sampler
from toolkit.steer import SteeringSettings, steer

CODEC = MelodyCodec()
JIG = "M:6/8 K:D | d2e fga | {} | d2e fed | {}"


def state_of(potential, text):
    return potential.begin(CODEC.encode(read_prompt(text)))


@given(tunes())
def test_what_is_heard_is_what_is_decoded(score):
    tokens = CODEC.encode(score)
    heard = heard_from(CODEC.layout, tokens)
    base = CODEC.layout.tonic(score.keys[0].tonic)
    first = heard.onset(heard.notes[0]) - CODEC.decode(tokens).notes[0].start
    assert [(heard.onset(note) - first, note.pitch + base, note.length) for note in heard.notes] == [
        (note.start, note.pitch, note.duration) for note in CODEC.decode(tokens).notes
    ]


@pytest.mark.parametrize(
    ("ending", "closes"),
    [
        ("edc d3", True),
        ("edc d2", True),
        ("Add d3", True),
        ("edB d3", False),  # from the sixth degree
        ("edc e3", False),
        ("edcd e2", False),
        ("ecA Bcd", False),  # too short, and off the beat
    ],
)
def test_a_cadence_is_a_tonic_on_a_beat_that_is_led_to(ending, closes):
    wish = Cadence(CODEC, 4)
    state = state_of(wish, JIG.format("a2f def", ending))
    assert wish.log_weight(state) == (0.0 if closes else -math.inf)


@pytest.mark.parametrize(
    ("third", "transposed", "returns"),
    [("d2e fga", False, True), ("d2e fgb", False, False), ("d2e f2a", False, False), ("e2^f ^gab", True, True)],
)
def test_the_opening_returns_note_for_note(third, transposed, returns):
    wish = Return(CODEC, 4, notes=5, transposed=transposed)
    state = state_of(wish, f"M:6/8 K:D | d2e fga | b2a g2e | {third} | edc d3")
    assert wish.log_weight(state) == (0.0 if returns else -math.inf)


def test_a_return_begun_is_hoped_for_more_and_more():
    wish = Return(CODEC, 4, notes=5)
    tokens = CODEC.encode(read_prompt("M:6/8 K:D | d2e fga | b2a g2e | d2e fga | edc d3"))
    state, hopes, seen = wish.begin(tokens[:4]), [], []
    for token in tokens[4:]:
        guided = wish.guide(state, 50)
        if guided is not None and wish.log_weight(state) == -math.inf:
            seen.append(guided[token] >= guided.max() - 1e-9)
        state = wish.step(state, token)
        hopes.append(wish.log_twist(state, 50))
    assert hopes[-1] == wish.log_weight(state) == 0
    assert len(seen) >= 8
    assert seen[-8:] == [True] * 8, "guidance points at the notes of the return"
    within = hopes[next(i for i, hope in enumerate(hopes) if hope > hopes[0] + 0.5) :]
    assert within[: within.index(0.0)] == sorted(within[: within.index(0.0)])


def test_density_and_contour_prefer_what_is_near():
    few, many = "M:4/4 K:C | c4 e4 | g4 c4", "M:4/4 K:C | cdefgfed | cdefgfec"
    sparse = Density(CODEC, 2)
    assert sparse.log_weight(state_of(sparse, few)) == 0
    assert sparse.log_weight(state_of(sparse, many)) < -10
    rising = Contour(CODEC, (0, 12), 2, tolerance=3)
    up, down = (
        rising.log_weight(state_of(rising, f"M:4/4 K:C | {text}")) for text in ("c4 e4 | g4 c'4", "c'4 g4 | e4 c4")
    )
    assert up > down + 3


@pytest.mark.parametrize(
    "make", [lambda: Return(CODEC, 4, within=4), lambda: Return(CODEC, 8, notes=1), lambda: Density(CODEC, 0)]
)
def test_a_wish_that_cannot_be_meant_is_refused(make):
    with pytest.raises(UsageError):
        make()


@given(tunes(), st.integers(0, 1000), st.data())
@settings(max_examples=60)
def test_whatever_grows_in_a_gap_fits_its_frame(score, seed, data):
    """A random middle, ended where the gap lets it, decodes with both contexts; the frame sounds as before."""
    tokens = CODEC.encode(score)
    bars = heard_from(CODEC.layout, tokens).number
    if bars < 2:
        return
    first = data.draw(st.integers(1, bars - 1))
    last = data.draw(st.integers(first, bars - 1))
    gap = bars_gap(CODEC, score, first, last)
    grown = walk(gap.constraint, 400, seed, prompt=gap.left[1:])
    place = gap.constraint.begin()
    for token in gap.left[1:]:
        place = gap.constraint.step(place, token)
    length = 0
    while gap.fit(place, length).name == "NOT_YET":
        place = gap.constraint.step(place, grown[length])
        length += 1
    whole = filled(CODEC, gap, grown[:length])
    old = CODEC.decode(tokens)
    bar = old.meters[0].bar()
    begin = (first - 1) * bar + (bar if old.notes[0].start else 0)
    end = begin + (last - first + 1) * bar
    assert sounding(whole, 0, begin) == sounding(old, 0, begin)
    assert sounding(whole, end, old.end) == sounding(old, end, old.end)
    assert whole.end == old.end


def sounding(score, begin, end):
    """The pitch at each tick, None in silence."""
    pitches = [None] * (end - begin)
    for note in score.notes:
        for tick in range(max(note.start, begin), min(note.end, end)):
            pitches[tick - begin] = note.pitch
    return pitches


@pytest.mark.parametrize(("first", "last"), [(0, 1), (3, 2), (2, 4), (4, 4)])
def test_bars_that_are_not_between_others_are_no_gap(first, last):
    with pytest.raises(UsageError, match="bars 1 to 3"):
        bars_gap(CODEC, read_prompt(JIG.format("a2f def", "edc d3")), first, last)


@pytest.fixture(scope="module")
def folk():
    return open_run("folk")


def test_a_trained_model_comes_home_and_returns(folk):
    controls = checked(folk.domain.controls, {"meter": "6/8", "key": "D", "bars": 8})
    for wish in (Cadence(folk.codec, 8), Return(folk.codec, 8)):
        found = steer(
            folk.engine,
            [folk.codec.stop],
            sampler=Sampler(),
            length=300,
            stop=folk.codec.stop,
            constraint=folk.constraint(controls),
            potential=wish,
            settings=SteeringSettings(particles=48),
        )
        for each in found.particles:
            assert wish.log_weight(wish.begin(each.tokens[:-1])) == 0
            assert len(folk.codec.decode(each.tokens).notes) > 8


def test_a_trained_model_fills_bars(folk):
    old = read_prompt(JIG.format("a2f def", "edc d3"))
    gap = bars_gap(folk.codec, old, 2, 3)
    found = infill(folk.engine, gap, sampler=Sampler(), settings=SteeringSettings(particles=24), count=3)
    made = [filled(folk.codec, gap, each.tokens) for each in found.alternatives]
    assert len(set(made)) == 3
    bar = old.meters[0].bar()
    for each in made:
        assert sounding(each, 0, bar) == sounding(old, 0, bar)
        assert sounding(each, 3 * bar, old.end) == sounding(old, 3 * bar, old.end)
    assert np.isfinite(found.log_evidence)
