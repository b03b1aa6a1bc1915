"""Forms: what is repeated is repeated note for note, nothing permitted is lost, and no walk gets stuck."""

from __future__ import annotations

import random

import numpy as np
import pytest

from toolkit.core import Constraint, UsageError
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.form import Form
from toolkit.domains.music.grammar import UNREACHABLE
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import read_prompt
from toolkit.score import Score

CODEC = MelodyCodec()


def formed(**asked) -> Constraint:
    return constraint(CODEC, MelodyControls(**asked))


def walked(found: Constraint, seed: int, after: int) -> list[int]:
    rng, state, tokens = random.Random(seed), found.begin(), []
    while True:
        may = np.flatnonzero(found.allowed(state)).tolist()
        if not may:
            return tokens[:-1]
        if len(tokens) > after:
            may = [each for each in may if found.distance(found.step(state, each)) < found.distance(state)]
        tokens.append(rng.choice(may))
        state = found.step(state, tokens[-1])


def bars_of(score: Score) -> list[list[tuple[int, int, int]]]:
    """The sound of each full bar, ticks after the bar line, notes held over the line cut there."""
    bar = score.meters[0].bar()
    begin = bar if 0 < score.notes[0].start < bar else 0
    count = -(-(score.end - begin) // bar)
    found: list[list[tuple[int, int, int]]] = [[] for _ in range(count)]
    for note in score.notes:
        for number in range(count):
            line = begin + number * bar
            start, end = max(note.start, line), min(note.end, line + bar)
            if start < end:
                found[number].append((start - line, note.pitch, end - start))
    return found


@pytest.mark.parametrize(("form", "part"), [("AABB", 4), ("ABA", 3), ("AABA", 2), ("AAAA", 2)])
@pytest.mark.parametrize("seed", range(5))
def test_parts_of_one_letter_are_alike_but_for_their_last_bar(form: str, part: int, seed: int) -> None:
    score = CODEC.decode(walked(formed(form=form, part=part, cadence=True, scale=True), seed, 5000))
    bars = bars_of(score)
    assert len(bars) == part * len(form)
    for place, letter in enumerate(form):
        first = form.index(letter)
        for within in range(part - 1):
            assert bars[place * part + within] == bars[first * part + within]
    assert (score.notes[-1].pitch - score.keys[0].tonic) % 12 == 0


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_of_the_best_next_token(seed: int) -> None:
    found, rng = formed(form="AABA", part=3, low=60, high=72), random.Random(seed)
    state = found.begin()
    for _ in range(400):
        may = np.flatnonzero(found.allowed(state)).tolist()
        if not may:
            break
        after = [found.distance(found.step(state, token)) for token in may]
        assert found.distance(state) == 1 + min(after) < UNREACHABLE
        assert max(after) - found.distance(state) <= found.growth
        state = found.step(state, rng.choice(may))


def test_whatever_follows_the_form_is_allowed() -> None:
    # A tune repeated by hand, with another end, and a pickup.
    tune = read_prompt("M:2/4 L:1/8 K:D\nA | d2fd | e2ge | d2fd | A3 A | d2fd | e2ge | d2fd | d3 |")
    found = formed(form="AA", part=4)
    state = found.begin()
    for token in [*CODEC.encode(tune), CODEC.stop]:
        assert found.allowed(state)[token]
        state = found.step(state, token)
    other = read_prompt("M:2/4 L:1/8 K:D\nA | d2fd | e2ge | d2fd | A3 A | d2fd | e2gf | d2fd | d3 |")
    state = found.begin()
    with pytest.raises(AssertionError):
        for token in CODEC.encode(other):
            assert found.allowed(state)[token]
            state = found.step(state, token)


def test_a_walk_can_always_be_ended_in_time() -> None:
    for seed in range(10):
        found = formed(form="AABB", part=4)
        tokens = walked(found, seed, 40)
        assert len(CODEC.decode(tokens).notes) > 0


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        ({"form": "A1"}, None, "letters"),
        ({"form": "AABB", "bars": 30}, None, "32 bars"),
        ({"form": "AA", "leap": 5}, None, "no other rule"),
        ({"form": "AA", "part": 2}, "M:2/4 L:1/8 K:D\nd2fd | e2ge | d2fe | d4 |", "beginning"),
    ],
)
def test_what_cannot_be_is_one_sentence(asked, given, said) -> None:
    with pytest.raises(UsageError, match=said):
        constraint(CODEC, MelodyControls(**asked), None if given is None else read_prompt(given))
    assert Form.parse("a a b", 8).parts == "AAB"
