"""So many notes in every bar: kept on every walk, and no walk gets stuck."""

from __future__ import annotations

import random

import numpy as np
import pytest

from toolkit.core import UsageError
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.grammar import UNREACHABLE
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import read_prompt
from toolkit.score import Score

CODEC = MelodyCodec()
ASKED = (
    {"meter": "6/8", "bars": 3},
    {"meter": "2/4", "bars": 2, "cadence": True},
    {"bars": 2, "low": 60, "high": 72, "cadence": True},
    {"meter": "3/8", "bars": 4},
)


def begun(score: Score) -> list[int]:
    """How many notes begin in each full bar."""
    bar, first = score.meters[0].bar(), score.notes[0].start
    line = bar if 0 < first < bar else 0
    counts = [0] * -(-(score.end - line) // bar)
    for note in score.notes:
        if note.start >= line:
            counts[(note.start - line) // bar] += 1
    return counts


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("notes", ["0-2", "1", "2-4", "5-6", "3"])
@pytest.mark.parametrize("seed", range(3))
def test_every_bar_has_so_many_notes_and_distances_are_exact(asked, notes: str, seed: int) -> None:
    found = constraint(CODEC, MelodyControls(notes_a_bar=notes, **asked))
    rng, state, tokens = random.Random(seed), found.begin(), []
    while True:
        may = np.flatnonzero(found.allowed(state)).tolist()
        if not may:
            break
        after = [found.distance(found.step(state, token)) for token in may]
        assert found.distance(state) == 1 + min(after) < UNREACHABLE
        assert max(after) - found.distance(state) <= found.growth
        tokens.append(rng.choice(may))
        state = found.step(state, tokens[-1])
    score = CODEC.decode(tokens)
    low, _, high = notes.partition("-")
    counts = begun(score)
    assert len(counts) <= asked["bars"]
    counts += [0] * (asked["bars"] - len(counts))  # bars of silence at the end, where none need sound
    assert all(int(low) <= count <= int(high or low) for count in counts)
    if asked.get("cadence"):
        assert (score.notes[-1].pitch - score.keys[0].tonic) % 12 == 0


@pytest.mark.parametrize(
    ("asked", "given", "said"),
    [
        ({"notes_a_bar": "4"}, None, "how many bars"),
        ({"notes_a_bar": "6-4", "bars": 2}, None, "written like"),
        ({"notes_a_bar": "0", "bars": 2}, None, "written like"),
        ({"notes_a_bar": "60", "bars": 2}, None, "no room"),
        ({"notes_a_bar": "4", "bars": 2, "leap": 3}, None, "no other rule"),
        ({"notes_a_bar": "4", "form": "AA"}, None, "no other rule"),
        ({"notes_a_bar": "3", "bars": 4}, "M:2/4 L:1/8 K:D\nd2fd | e2 |", None),
        ({"notes_a_bar": "2", "bars": 4}, "M:2/4 L:1/8 K:D\nd2fd | e2 |", "beginning"),
    ],
)
def test_what_cannot_be_is_one_sentence(asked, given, said) -> None:
    prompt = None if given is None else read_prompt(given)
    if said is None:
        constraint(CODEC, MelodyControls(**asked), prompt)
        return
    with pytest.raises(UsageError, match=said):
        constraint(CODEC, MelodyControls(**asked), prompt)
