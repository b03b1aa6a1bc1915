"""How a melody that is given is taken: some bars of it, in another key or meter than it says or was found to be in."""

from __future__ import annotations

import re
from dataclasses import replace

from toolkit.core import UsageError
from toolkit.score.notes import Key, Meter, Score, Track

_ASKED = re.compile(r"(first|last):(\d{1,4})")


def excerpt(score: Score, asked: str) -> Score:
    """The bars of a melody that ``asked`` names: ``first:8`` or ``last:4``, counted in full bars.

    A note that goes on beyond them ends with them, one that began before them is left out, and the last ones begin on a
    bar line. UsageError for other words, and where no note is left.
    """
    found = _ASKED.fullmatch(asked.strip())
    if found is None or not int(found[2]):
        raise UsageError(f"use is written like first:8 or last:4, not {asked!r}.")
    if not score.notes:
        return score
    bar, first = score.meters[0].bar(score.resolution), score.notes[0].start
    begin = first - first % bar + (bar if first % bar else 0)
    begin = first if score.end <= begin else begin  # less than a bar by itself is a beginning, not a pickup
    count = -(-(score.end - begin) // bar)
    bars = min(int(found[2]), count)
    if found[1] == "first":
        left, right, shift = 0, begin + bars * bar, 0
    else:
        left, right = begin + (count - bars) * bar, score.end
        shift = left if bars < count else 0
        left = left if bars < count else 0
    notes = tuple(
        replace(note, start=note.start - shift, duration=min(note.end, right) - note.start)
        for note in score.notes
        if left <= note.start < right
    )
    if not notes:
        raise UsageError(f"no note begins in the {found[1]} {bars} bars of what is given.")
    return replace(score, tracks=(Track(notes, score.tracks[0].program),))


def taken_in(score: Score, key: str | None, meter: str | None) -> Score:
    """The same notes read in ``key`` (as ``D dorian``) and ``meter`` (as ``6/8``); None leaves what it is in.

    Nothing is transposed or lengthened. A pickup stays as long as it is, and the bars after it are counted anew.
    UsageError for a pickup that is no shorter than the new bar; InputError for other words.
    """
    if key is not None:
        score = replace(score, keys=(Key.parse(key),))
    if meter is None:
        return score
    old, new = score.meters[0].bar(score.resolution), Meter.parse(meter)
    bar = new.bar(score.resolution)
    pickup = -score.notes[0].start % old if score.notes else 0
    if pickup >= bar:
        raise UsageError(f"what is given begins with a pickup that fills a bar of {new}.")
    moved = -(-score.notes[0].start // old) * bar - pickup - score.notes[0].start if score.notes else 0
    tracks = tuple(
        replace(track, notes=tuple(replace(note, start=note.start + moved) for note in track.notes))
        for track in score.tracks
    )
    return replace(score, tracks=tracks, meters=(new,))
