"""Random polyphonic pieces and files of piano rolls, made of musical terms alone: nothing here knows an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from toolkit.score.notes import Note, Score, Track

Steps = Sequence[set[int]]
"""The MIDI pitches that sound in each step."""


@st.composite
def pieces(draw: st.DrawFn, *, unit: int = 6, low: int = 40, high: int = 90) -> Score:
    """One to three tracks of notes that may overlap, whose times are multiples of ``unit`` ticks, 24 a quarter note."""
    note = st.builds(
        lambda start, pitch, length: Note(start * unit, pitch, length * unit),
        st.integers(0, 20),
        st.integers(low, high),
        st.integers(1, 7),
    )
    tracks = draw(st.lists(st.lists(note, min_size=1, max_size=8), min_size=1, max_size=3))
    return Score(tuple(Track(tuple(notes)) for notes in tracks))


def sounding_at(score: Score, tick: int) -> set[int]:
    return {note.pitch for note in score.notes if note.start <= tick < note.end}


def random_steps(rng: np.random.Generator, count: int, low: int = 50, high: int = 70) -> list[set[int]]:
    """Steps of up to four pitches, the last of which sounds."""
    steps = [set(rng.integers(low, high, rng.integers(0, 5)).tolist()) for _ in range(count)]
    return [*steps[:-1], steps[-1] or {low}]


def write_rolls(path: Path, splits: Mapping[str, Sequence[Steps]]) -> Path:
    """A MATLAB file of piano rolls: for each of traindata, validdata and testdata a cell array of 88 columns a step."""
    from scipy.io import savemat

    content = {}
    for name, split in splits.items():
        cells = np.empty((1, len(split)), object)
        for number, steps in enumerate(split):
            roll = np.zeros((len(steps), 88), np.uint8)
            for row, pitches in enumerate(steps):
                roll[row, [pitch - 21 for pitch in pitches]] = 1
            cells[0, number] = roll
        content[name] = cells
    savemat(path, content)
    return path


def some_rolls(path: Path, seed: int = 0, counts: tuple[int, int, int] = (8, 3, 3)) -> dict[str, list[list[set[int]]]]:
    """Writes a small set of random pieces and gives them by the names of its splits."""
    rng = np.random.default_rng(seed)
    splits = {
        name: [random_steps(rng, int(rng.integers(6, 20))) for _ in range(count)]
        for name, count in zip(("traindata", "validdata", "testdata"), counts, strict=True)
    }
    write_rolls(path, splits)
    return splits
