"""Melodies as words: names of notes bar by bar, for terminals and text files.

Writes for people, who know the key: notes are spelled with its sharps or flats. Nothing reads this back.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from toolkit.score.notes import Key, Note, Score

_SHARP = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_FLAT = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def pitch_name(pitch: int, key: Key | None = None) -> str:
    """The scientific name of a MIDI pitch, 60 being C4, with flats in keys of flats."""
    names = _FLAT if key is not None and key.fifths < 0 else _SHARP
    return f"{names[pitch % 12]}{pitch // 12 - 1}"


def length_mark(ticks: int, resolution: int) -> str:
    """How a length is written behind a note's name: nothing for a quarter note, ``:1/2`` for half of one."""
    return "" if ticks == resolution else f":{Fraction(ticks, resolution)}"


def headline(score: Score) -> str:
    """Meter, key and number of notes in one line."""
    key = f", {score.keys[0]}" if score.keys else ""
    count = len(score.notes)
    return f"{score.meters[0]}{key}, {count} note{'' if count == 1 else 's'}"


def bars(score: Score) -> list[tuple[int, str]]:
    """(number, what sounds in it) for each bar: 0 is a pickup, 1 the first full bar.

    ``D5`` lasts a quarter note, ``D5:1/2`` half of one, ``z`` is a rest, ``~`` ties a note to the next bar.
    """
    lines = score.bar_lines() if score.notes else ()
    pickup = bool(score.notes) and 0 < score.notes[0].start < (*lines, score.end)[1]
    return [
        (number, " ".join(_sounds(score, begin, end)))
        for number, (begin, end) in enumerate(pairwise(lines), 0 if pickup else 1)
    ]


def show(score: Score, width: int = 96) -> str:
    """The melody for a terminal, as many bars in a line as ``width`` characters hold."""
    lines = [""]
    for _, sounds in bars(score):
        bar = f" {sounds} |"
        if lines[-1] and len(lines[-1]) + len(bar) > width:
            lines.append("")
        lines[-1] = (lines[-1] or "|") + bar
    return "\n".join([headline(score), *lines]).rstrip()


def note_list(score: Score) -> str:
    """The melody as a text file: title, headline, a numbered line for each bar."""
    numbered = [f"{number:4}  {sounds}" for number, sounds in bars(score)]
    return "\n".join([*([score.title] if score.title else []), headline(score), "", *numbered, ""])


def _sounds(score: Score, begin: int, end: int) -> Iterator[str]:
    """What sounds between two bar lines; a silence after the last note is not written."""
    key = score.keys[0] if score.keys else None
    at = begin
    for note in score.notes:
        if note.end <= begin or note.start >= end:
            continue
        if note.start > at:
            yield "z" + length_mark(note.start - at, score.resolution)
        yield _note(note, begin, end, key, score.resolution)
        at = min(note.end, end)
    if at < min(end, score.end):
        yield "z" + length_mark(end - at, score.resolution)


def _note(note: Note, begin: int, end: int, key: Key | None, resolution: int) -> str:
    length = min(note.end, end) - max(note.start, begin)
    return pitch_name(note.pitch, key) + length_mark(length, resolution) + ("~" if note.end > end else "")
