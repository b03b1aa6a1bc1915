"""Pieces as words: the notes that begin together, bar by bar, for terminals and text files. Nothing reads this back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from toolkit.domains.music.listing import headline, length_mark, pitch_name
from toolkit.domains.music.views import written
from toolkit.score.notes import Note, Score


def show(score: Score) -> str:
    """The piece for a terminal, a line for each bar: notes from the top down, joined by ``+``.

    ``D5+F4:2`` is a quarter note above a half note, ``z`` a quarter in which nothing begins; a bar where nothing does
    is empty.
    """
    return "\n".join([headline(score), *(f"{number:4}  {' '.join(sounds)}" for number, sounds in _bars(score))])


def note_list(score: Score, details: Mapping[str, Any]) -> bytes:
    """The piece as a text file."""
    score = written(score, details)
    return ((f"{score.title}\n" if score.title else "") + show(score) + "\n").encode()


def _bars(score: Score) -> Iterator[tuple[int, list[str]]]:
    begun: dict[int, list[Note]] = defaultdict(list)
    for note in score.notes:
        begun[note.start].append(note)
    key = score.keys[0] if score.keys else None
    lines = score.bar_lines() if score.notes else ()
    for number, (line, following) in enumerate(pairwise((*lines, score.end)), start=1):
        starts = sorted(start for start in begun if line <= start < following)
        sounds = []
        if starts and starts[0] > line:
            sounds.append("z" + length_mark(starts[0] - line, score.resolution))
        for start in starts:
            chord = sorted(begun[start], key=lambda note: -note.pitch)
            sounds.append(
                "+".join(pitch_name(note.pitch, key) + length_mark(note.duration, score.resolution) for note in chord)
            )
        if sounds or line < score.end:
            yield number, sounds
