from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.tunes import METERS, walk
from toolkit.core import Constraint, UsageError, checked, knobs_of
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.melody import MelodyCodec
from toolkit.sampling.constraints import Finishing
from toolkit.score.notes import MODES, Key, Meter, Score

CODEC = MelodyCodec()
HEADER = 4


def bars_of(score: Score) -> int:
    """Full bars, from the notes alone: a tune that begins inside a bar has a pickup, which is not one."""
    bar = score.meters[0].bar()
    return -(-score.end // bar) - (score.notes[0].start > 0)


def satisfies(score: Score, controls: MelodyControls) -> bool:
    """Checked on the notes, with nothing of the grammar."""
    key, pitches = score.keys[0], [note.pitch for note in score.notes]
    return (
        (controls.meter is None or score.meters == (Meter.parse(controls.meter),))
        and (controls.key is None or key.tonic == Key.parse(controls.key).tonic)
        and (controls.mode is None or key.mode == controls.mode)
        and (controls.bars is None or bars_of(score) == controls.bars)
        and (controls.low is None or min(pitches) >= controls.low)
        and (controls.high is None or max(pitches) <= controls.high)
        and (not controls.cadence or pitches[-1] % 12 == key.tonic)
        and (not controls.scale or {pitch % 12 for pitch in pitches} <= set(key.pitch_classes))
    )


asked = st.builds(
    MelodyControls,
    meter=st.none() | st.sampled_from(METERS),
    key=st.none() | st.sampled_from(["C", "D", "Bb", "F#", "B"]),
    mode=st.none() | st.sampled_from(MODES),
    bars=st.none() | st.integers(1, 20),
    low=st.none() | st.integers(50, 70),
    high=st.none() | st.integers(81, 90),
    scale=st.booleans(),
    cadence=st.booleans(),
)


@settings(max_examples=120, deadline=None)
@given(asked, st.integers(0, 2**32), st.integers(0, 200))
def test_whatever_is_asked_for_is_kept_within_the_length(controls: MelodyControls, seed: int, room: int) -> None:
    automaton = constraint(CODEC, controls)
    score = CODEC.decode(walk(automaton, automaton.distance(automaton.begin()) + room, seed))
    assert satisfies(score, controls)


@pytest.mark.parametrize("bars", [1, 2, 9])
@pytest.mark.parametrize("meter", METERS)
def test_tight_limits_never_dead_end(meter: str, bars: int) -> None:
    """One to nine bars and three semitones, in every meter and mode, at every spare length up to two bars' worth."""
    for seed, mode in enumerate(MODES):
        controls = MelodyControls(meter=meter, mode=mode, bars=bars, low=66, high=68, scale=True, cadence=True)
        automaton = constraint(CODEC, controls)
        for room in range(7):
            score = CODEC.decode(walk(automaton, HEADER + 3 * bars + 1 + room, 100 * seed + room))
            assert satisfies(score, controls)


@pytest.mark.parametrize("length", [8, 9, 10, 11, 12, 13, 14, 40])
def test_every_length_that_holds_a_tune_is_enough(length: int) -> None:
    automaton = constraint(CODEC, MelodyControls())
    assert automaton.distance(automaton.begin()) == HEADER + 4
    for seed in range(30):
        assert len(walk(automaton, length, seed)) <= length


def test_it_finishes_under_the_samplers_own_length_limit() -> None:
    controls = MelodyControls(bars=3, low=60, high=63)
    for seed in range(20):
        automaton: Constraint[object] = Finishing(constraint(CODEC, controls), 20, CODEC.size)
        score = CODEC.decode(walk(automaton, 20, seed))
        assert satisfies(score, controls)


@pytest.mark.parametrize("seed", range(10))
def test_a_prompt_is_continued_to_the_bars_asked_for(seed: int) -> None:
    given = CODEC.decode(walk(constraint(CODEC, MelodyControls(meter="6/8", bars=3)), 60, seed))
    opening = CODEC.opening(given)
    whole = [*opening, *walk(constraint(CODEC, MelodyControls(meter="6/8", bars=8)), 200, seed, prompt=opening)]
    continued = CODEC.decode(whole)
    assert bars_of(continued) == 8
    assert continued.notes[: len(given.notes) - 1] == given.notes[:-1]


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (MelodyControls(low=70, high=60), "above the highest"),
        (MelodyControls(low=0, high=20), "no melody in any key has a note from 0 to 20"),
        (MelodyControls(key="D", low=120), "no melody in D"),
        (MelodyControls(key="C", cadence=True, low=61, high=71), "no melody in C has a tonic from 61 to 71"),
        (MelodyControls(key="C", mode="major", scale=True, low=61, high=61), "no melody in C"),
    ],
)
def test_what_no_melody_can_be_is_refused(controls: MelodyControls, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        constraint(CODEC, controls)


def test_a_range_that_few_keys_reach_leaves_only_those() -> None:
    automaton = constraint(CODEC, MelodyControls(low=105, high=107))
    keys = {CODEC.decode(walk(automaton, 60, seed)).keys[0].tonic for seed in range(20)}
    assert keys <= {9, 10, 11}


def test_neutral_controls_are_the_grammar() -> None:
    neutral = MelodyControls(tempo=90, instrument=40, title="Evening", swing=0.5, dynamics=True)
    assert constraint(CODEC, neutral) is CODEC.grammar()
    assert constraint(CODEC, replace(neutral, bars=4)) is not CODEC.grammar()


def test_the_knobs_declare_what_they_take() -> None:
    assert {each.name for each in knobs_of(MelodyControls)} >= {"meter", "key", "mode", "bars", "low", "high"}
    assert checked(MelodyControls, {"meter": "6/8", "key": "Bb"}) == MelodyControls(meter="6/8", key="Bb")
    with pytest.raises(UsageError, match="did you mean"):
        checked(MelodyControls, {"mode": "dorain"})
