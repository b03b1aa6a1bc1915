"""Scores as steps of equal length, and steps as scores: which pitches sound in each, no more.

A step does not say whether a pitch is struck or held, so a pitch in successive steps is one held note. Knows notes and
steps; no token and no file.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import replace

from toolkit.score.notes import TICKS, Note, Score, Track

FINEST = 8
"""Steps in a quarter note, at most, where a grid is found from scores; what lies on none so coarse is played freely."""
USUAL = 4
"""The grid of music that lies on none: sixteenth notes."""


def sounding(score: Score, low: int = 0, high: int = 127) -> Score:
    """``score`` without drums, and without notes below ``low`` or above ``high`` (MIDI pitches)."""
    tracks = (
        replace(track, notes=tuple(note for note in track.notes if low <= note.pitch <= high))
        for track in score.tracks
        if not track.drums
    )
    return replace(score, tracks=tuple(tracks))


def steps_of(score: Score, grid: int) -> list[set[int]]:
    """The MIDI pitches that sound in each step, ``grid`` steps a quarter note, from tick 0 to the last note's end.

    Times go to the nearest step, and a note lasts one at least. Drums must have been left out (`sounding`).
    """
    score = score.rescaled(grid)
    steps: list[set[int]] = [set() for _ in range(score.end)]
    for track in score.tracks:
        for note in track.notes:
            for step in range(note.start, note.end):
                steps[step].add(note.pitch)
    return steps


def score_of(steps: Iterable[Set[int]], grid: int, title: str = "") -> Score:
    """The score in which each pitch lasts as long as it sounds without a gap; silence at the end is lost."""
    notes = tuple(note for ended in _ended(steps, ticks_in(grid)) for note in ended)
    return Score((Track(notes),), resolution=ticks_in(grid) * grid, title=title)


def ticks_in(grid: int) -> int:
    """Ticks in a step: as many as make the quarter note a multiple of `toolkit.score.TICKS`."""
    return math.lcm(TICKS, grid) // grid


class Held:
    """The pitches that go on from step to step, and when each began: how steps become notes, one step at a time."""

    def __init__(self, ticks: int) -> None:
        self._ticks, self._at = ticks, 0
        self._since: dict[int, int] = {}

    def step(self, pitches: Set[int]) -> tuple[Note, ...]:
        """The notes that ended where this step begins, from the top down."""
        over = self._over(set(self._since) - pitches)
        for pitch in pitches:
            self._since.setdefault(pitch, self._at)
        self._at += 1
        return over

    def close(self) -> tuple[Note, ...]:
        """The notes that lasted to the end."""
        return self._over(set(self._since))

    def _over(self, pitches: Set[int]) -> tuple[Note, ...]:
        spans = ((pitch, self._since.pop(pitch)) for pitch in sorted(pitches, reverse=True))
        return tuple(Note(since * self._ticks, pitch, (self._at - since) * self._ticks) for pitch, since in spans)


def _ended(steps: Iterable[Set[int]], ticks: int) -> Iterator[Sequence[Note]]:
    held = Held(ticks)
    for pitches in steps:
        yield held.step(pitches)
    yield held.close()


def grid_of(scores: Iterable[Score]) -> int | None:
    """The coarsest grid, in steps a quarter note, on which every note begins and ends; None above `FINEST`."""
    grid = 1
    for score in scores:
        common = math.gcd(score.resolution, *(time for note in score.notes for time in (note.start, note.end)))
        grid = math.lcm(grid, score.resolution // common)
        if grid > FINEST:
            return None
    return grid
