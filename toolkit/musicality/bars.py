"""A tune bar by bar: what begins where in each, from which measures and comparisons are made."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from typing import NamedTuple

from toolkit.score.keys import detect_key
from toolkit.score.notes import Note, Score


class Bar(NamedTuple):
    """``notes`` that begin in a bar from tick ``start`` to ``end``."""

    start: int
    end: int
    notes: tuple[Note, ...]

    @property
    def rhythm(self) -> tuple[tuple[int, int], ...]:
        """(Ticks after the bar line, ticks long) of each note."""
        return tuple((note.start - self.start, note.duration) for note in self.notes)

    @property
    def content(self) -> tuple[tuple[int, int, int], ...]:
        """Rhythm and pitch."""
        return tuple((note.start - self.start, note.pitch, note.duration) for note in self.notes)

    @property
    def contour(self) -> tuple[object, ...]:
        """Rhythm, and whether each note lies above, at or below the one before."""
        pitches = [note.pitch for note in self.notes]
        ways = tuple((after > before) - (after < before) for before, after in pairwise(pitches))
        return self.rhythm, ways


def bars_of(score: Score) -> list[Bar]:
    """The bars of a score from that of its first note to that of its last."""
    notes = score.notes
    if not notes:
        return []
    lines = score.bar_lines()
    bars: list[list[Note]] = [[] for _ in lines]
    for note in notes:
        bars[bisect_right(lines, note.start) - 1].append(note)
    first = bisect_right(lines, notes[0].start) - 1
    last = bisect_right(lines, notes[-1].start) - 1
    ends = (*lines[1:], lines[-1] + score.meters[-1].bar(score.resolution))
    return [Bar(lines[place], ends[place], tuple(bars[place])) for place in range(first, last + 1)]


def tonic_of(score: Score) -> int:
    """The pitch class of the tonic: the one told, or else the one that the notes speak for."""
    return (score.keys[0] if score.keys else detect_key(score.notes)).tonic


def line_of(score: Score) -> list[Note]:
    """The highest note that begins at each time: the melody, where there is one."""
    highest: dict[int, Note] = {}
    for note in score.notes:
        if note.start not in highest or note.pitch > highest[note.start].pitch:
            highest[note.start] = note
    return [highest[start] for start in sorted(highest)]


def steps_of(score: Score) -> list[tuple[int, int]]:
    """(Semitones, 24ths of a quarter note) from each note of the melody to the next: the same in every key."""
    line = line_of(score)
    return [
        (after.pitch - before.pitch, round(24 * (after.start - before.start) / score.resolution))
        for before, after in pairwise(line)
    ]
