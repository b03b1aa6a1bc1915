"""Random tunes for property tests, built from musical terms alone: nothing here knows an id or an event."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from toolkit.core import BoolArray, Constraint
from toolkit.score.notes import MODES, Key, Meter, Note, Score, Track

METERS = ["2/4", "3/4", "4/4", "5/4", "6/4", "9/4", "2/2", "3/2", "3/8", "5/8", "6/8", "7/8", "9/8", "12/8"]
LENGTHS = [3, 6, 9, 12, 18, 24, 36, 48, 72, 96, 4, 8, 16, 20, 1, 2, 200]


def grid_at_or_after(tick: int) -> int:
    while tick % 3 and tick % 4:
        tick += 1
    return tick


@st.composite
def tunes(draw: st.DrawFn) -> Score:
    """Monophonic tunes in every meter and mode, with pickups, rests, triplets and notes over bar lines."""
    meter = Meter.parse(draw(st.sampled_from(METERS)))
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(MODES)))
    bar = meter.bar()
    at = grid_at_or_after(draw(st.sampled_from([0, 0, bar - 12, bar - 24, bar - 4, bar - 3, 6])) % bar) % bar
    notes = []
    for length, rest, pitch in draw(
        st.lists(
            st.tuples(st.sampled_from(LENGTHS), st.booleans(), st.integers(60 - 24 + 11, 60 + 36)),
            min_size=1,
            max_size=24,
        )
    ):
        end = grid_at_or_after(at + length)
        if notes and rest:
            at, end = end, grid_at_or_after(end + length)
        notes.append(Note(at, pitch, end - at))
        at = end
    return Score((Track(tuple(notes)),), meters=(meter,), keys=(key,))


def walk(
    automaton: Constraint[Any], length: int, seed: int, favour: BoolArray | None = None, prompt: Sequence[int] = ()
) -> list[int]:
    """What an undecided model draws after ``prompt``: random logits, the mask, the length limit kept."""
    rng = np.random.default_rng(seed)
    state = automaton.begin()
    for token in prompt:
        assert automaton.allowed(state)[token]
        state = automaton.step(state, token)
    assert automaton.distance(state) <= length
    tokens: list[int] = []
    while automaton.distance(state):
        left = length - len(tokens) - 1
        choices = np.flatnonzero(automaton.allowed(state))
        rng.shuffle(choices)
        if favour is not None:
            choices = np.concatenate([choices[favour[choices]], choices[~favour[choices]]])
        finishing = (int(each) for each in choices if automaton.distance(automaton.step(state, int(each))) <= left)
        token = next(finishing, None)
        assert token is not None, "stuck before the length limit"
        tokens.append(token)
        state = automaton.step(state, token)
    assert len(tokens) <= length
    return tokens
