"""How a written score is played: swing, and louder and softer notes. Scores to scores; nothing here is notation.

Knows meters and phrases. Knows no randomness: the same score is played the same way each time.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from toolkit.core import UsageError
from toolkit.score.notes import Meter, Note, Score

_FINE = 480
"""Ticks a quarter note, at least, in which a delay is told."""
_PHRASE_BARS = 4
_DOWNBEAT, _STRONG, _BEAT, _OFFBEAT, _BETWEEN = 12, 6, 2, -4, -8
"""What the place in the bar adds to a velocity."""
_ARCH = 8
"""What the middle of a phrase has more, and its ends less, than the velocity written."""


def swung(score: Score, amount: float) -> Score:
    """The score with its off-beat eighths delayed by ``amount``, 0 to 1, of a sixth of a quarter note.

    At 1 the two eighths of a quarter note last 2 to 1, as in a triplet. What lies between is moved in proportion, so no
    note overlaps another that it did not overlap before. Quarters that hold anything off the grid of 32nds, such as
    triplets, are played as written, and so are meters that count in eighths or less. The result has at least 480
    ticks a quarter note.
    """
    if not 0 <= amount <= 1:
        raise UsageError(f"swing lies between 0 and 1, and is not {amount:g}.")
    if not amount or not score.notes:
        return score
    fine = score.rescaled(score.resolution * math.ceil(_FINE / score.resolution))
    quarter = fine.resolution
    edges = {edge for note in fine.notes for edge in (note.start, note.end)}
    uneven = {beat for edge in edges if (beat := _quarter(fine, edge)) is not None and (edge - beat) * 8 % quarter}
    middle = quarter / 2 + amount * quarter / 6

    def moved(tick: int) -> int:
        beat = _quarter(fine, tick)
        if beat is None or beat in uneven:
            return tick
        into = tick - beat
        if 2 * into <= quarter:
            return beat + round(into * 2 * middle / quarter)
        return beat + quarter - round((quarter - into) * 2 * (quarter - middle) / quarter)

    def played(note: Note) -> Note:
        start = moved(note.start)
        return replace(note, start=start, duration=max(1, moved(note.end) - start))

    return replace(fine, tracks=tuple(replace(each, notes=tuple(map(played, each.notes))) for each in fine.tracks))


def shaped(score: Score) -> Score:
    """The score with velocities shaped by the meter and by phrases, around those it has.

    A downbeat is louder than a middle of the bar, this than another beat, and this than what lies between. A phrase,
    which ends at a rest of a beat or when four bars are over, rises to its middle and falls to its end. Drums have no
    phrases.
    """
    tracks = []
    for track in score.tracks:
        notes = []
        for phrase in _phrases(score, track.notes):
            begin, end = phrase[0].start, max(note.start for note in phrase)
            for note in phrase:
                way = (note.start - begin) / (end - begin) if end > begin else 0.5
                arch = 0.0 if track.drums else _ARCH * (2 * math.sin(math.pi * way) - 1)
                velocity = round(note.velocity + _accent(score, note.start) + arch)
                notes.append(replace(note, velocity=min(127, max(1, velocity))))
        tracks.append(replace(track, notes=tuple(notes)))
    return replace(score, tracks=tuple(tracks))


def _quarter(score: Score, tick: int) -> int | None:
    """Where the quarter note around ``tick`` begins; None where the meter does not count in whole ones."""
    place = bisect_right([meter.start for meter in score.meters], tick) - 1
    meter = score.meters[place]
    if meter.denominator > 4:
        return None
    beat = tick - (tick - meter.start) % score.resolution
    following = score.meters[place + 1 :]
    return None if following and following[0].start < beat + score.resolution else beat


def _meter(score: Score, tick: int) -> Meter:
    return score.meters[bisect_right([meter.start for meter in score.meters], tick) - 1]


def _accent(score: Score, tick: int) -> int:
    meter = _meter(score, tick)
    bar, beat = meter.bar(score.resolution), meter.beat(score.resolution)
    into = (tick - meter.start) % bar
    if not into:
        return _DOWNBEAT
    if into % beat:
        part = beat // 3 if beat % 3 == 0 and meter.numerator % 3 == 0 and meter.denominator >= 8 else beat // 2
        return _BETWEEN if into % max(1, part) else _OFFBEAT
    return _STRONG if bar // beat % 2 == 0 and 2 * into == bar else _BEAT


def _phrases(score: Score, notes: Iterable[Note]) -> Iterator[Sequence[Note]]:
    phrase: list[Note] = []
    last = 0
    for note in notes:
        if phrase:
            first = _meter(score, phrase[0].start)
            bar = first.bar(score.resolution)
            # A pickup belongs to the bars after it: they are counted from the first bar line at or after its start.
            begin = phrase[0].start + (first.start - phrase[0].start) % bar
            rest = note.start - last >= _meter(score, last).beat(score.resolution)
            if rest or note.start >= begin + _PHRASE_BARS * bar:
                yield phrase
                phrase = []
        phrase.append(note)
        last = max(last, note.end)
    if phrase:
        yield phrase
