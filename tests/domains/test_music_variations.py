"""Variations keep what they say, note for note, checked on what comes of random walks through their grammar."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest

from toolkit.core import UsageError
from toolkit.domains.music.asking import _spread
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import read_prompt
from toolkit.score import Score

CODEC = MelodyCodec()
SOURCE = "M:6/8 L:1/8 K:G\nD | G2B d2B | c2A A2B | c2A FGA | G3 G2 |"
GIVEN = read_prompt(SOURCE)


def varied(seed: int, **asked) -> Score:
    found = constraint(CODEC, MelodyControls(of=SOURCE, **asked))
    rng, state, tokens = random.Random(seed), found.begin(), []
    while True:
        may = np.flatnonzero(found.allowed(state)).tolist()
        if not may:
            return CODEC.decode(tokens)
        assert found.distance(state) == 1 + min(found.distance(found.step(state, token)) for token in may)
        tokens.append(rng.choice(may))
        state = found.step(state, tokens[-1])


def ways(score: Score) -> list[int]:
    pitches = [note.pitch for note in score.notes]
    return [int(np.sign(after - before)) for before, after in pairwise(pitches)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("vary", ["rhythm", "contour", "30%", "100%", "1%"])
def test_a_variation_keeps_what_it_says(seed: int, vary: str) -> None:
    made = varied(seed, vary=vary, low=55, high=80)
    assert (made.meters, made.keys) == (GIVEN.meters, GIVEN.keys)
    assert [(note.start, note.duration) for note in made.notes] == [(n.start, n.duration) for n in GIVEN.notes]
    if vary == "contour":
        assert ways(made) == ways(GIVEN)
    if vary.endswith("%"):
        free = _spread(len(GIVEN.notes), int(vary[:-1]))
        kept = [
            (new.pitch, old.pitch) for new, old, each in zip(made.notes, GIVEN.notes, free, strict=True) if not each
        ]
        assert all(new == old for new, old in kept)
        assert len(GIVEN.notes) - len(kept) == max(1, len(GIVEN.notes) * int(vary[:-1]) // 100)


def test_another_key_may_be_asked_for() -> None:
    assert varied(1, vary="contour", key="D", mode="dorian", scale=True).keys[0].name == "D dorian"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"vary": "rhythm"}, "needs both"),
        ({"of": SOURCE}, "needs both"),
        ({"vary": "melody", "of": SOURCE}, "such as 30%"),
        ({"vary": "0%", "of": SOURCE}, "such as 30%"),
        ({"vary": "rhythm", "of": SOURCE, "meter": "4/4"}, "in 6/8"),
        ({"vary": "rhythm", "of": SOURCE, "bars": 8}, "4 bars"),
        ({"vary": "rhythm", "of": SOURCE, "rhythm": "1 1"}, "leave rhythm"),
    ],
)
def test_what_cannot_be_is_one_sentence(asked, said) -> None:
    with pytest.raises(UsageError, match=said):
        constraint(CODEC, MelodyControls(**asked))
