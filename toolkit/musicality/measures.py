"""Measures of one tune, each a number with a unit, and what it can tell.

Sources: pitch-class entropy and groove similarity, Wu and Yang, "The Jazz Transformer on the Front Line" (ISMIR 2020);
scale consistency, Mogren, "C-RNN-GAN" (2016), as MusPy defines it; phrases of a parse, Ziv and Lempel (1978). Others
are plain counts. Groove is compared at sixteenths: at the resolution of a file, where nearly every place is empty, any
two bars come out alike (about 0.999 in MusPy's ``groove_consistency``).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from toolkit.musicality.bars import Bar, bars_of, line_of, steps_of, tonic_of
from toolkit.score.notes import Score

_MOST_PAIRS = 1000
_MAJOR = (0, 2, 4, 5, 7, 9, 11)


@dataclass(frozen=True)
class Measure:
    """``of`` gives the number for a score, nan where it has no meaning for it; ``about`` says in a line what it is."""

    name: str
    unit: str
    about: str
    of: Callable[[Score], float]


def entropy(counts: Iterable[int]) -> float:
    """Of a histogram, in bits."""
    some = [each for each in counts if each]
    total = sum(some)
    return sum(each / total * math.log2(total / each) for each in some)


def pitch_class_entropy(score: Score, bars: int) -> float:
    """The mean over windows of so many bars of the entropy of their pitch classes, each note counted once.

    In bits: 0 for one pitch class, log2(12) = 3.58 for all alike. Windows follow one another and do not overlap; empty
    ones are left out.
    """
    found = bars_of(score)
    windows = [found[place : place + bars] for place in range(0, len(found), bars)]
    counted = [Counter(note.pitch % 12 for bar in window for note in bar.notes) for window in windows]
    return _mean([entropy(each.values()) for each in counted if each])


def scale_consistency(score: Score) -> float:
    """The greatest share of notes that one major or natural minor scale holds."""
    counts = Counter(note.pitch % 12 for note in score.notes)
    total = sum(counts.values())
    if not total:
        return math.nan
    return max(sum(counts[(tonic + step) % 12] for step in _MAJOR) for tonic in range(12)) / total


def _places(bar: Bar, resolution: int) -> tuple[frozenset[int], int]:
    """(The sixteenths of a bar in which a note begins, how many there are)."""
    sixteenth = resolution / 4
    count = max(1, round((bar.end - bar.start) / sixteenth))
    begun = frozenset(min(count - 1, int((note.start - bar.start) / sixteenth)) for note in bar.notes)
    return begun, count


def _groove(pairs: Iterable[tuple[tuple[frozenset[int], int], tuple[frozenset[int], int]]]) -> float:
    alike = [1 - len(one ^ other) / size for (one, size), (other, width) in pairs if size == width]
    return _mean(alike)


def groove_similarity(score: Score) -> float:
    """The mean over pairs of bars, 1000 at most, of the share of sixteenths in which both or neither begin a note."""
    places = [_places(bar, score.resolution) for bar in bars_of(score)]
    pairs = list(combinations(places, 2))
    return _groove(pairs[:: max(1, -(-len(pairs) // _MOST_PAIRS))])


def groove_of_neighbours(score: Score) -> float:
    """The same for pairs of successive bars."""
    return _groove(pairwise(_places(bar, score.resolution) for bar in bars_of(score)))


def complete(score: Score) -> float:
    """1 where the last bar is full, or lacks just what a pickup brought before the first; else 0."""
    bars = bars_of(score)
    if not bars:
        return math.nan
    pickup = (score.notes[0].start - bars[0].start) if score.notes else 0
    size = bars[-1].end - bars[-1].start
    into = (score.end - bars[-1].start) % size
    return float(into in (0, pickup % size))


def closes_on_tonic(score: Score) -> float:
    """1 where the last note of the melody is a tonic; else 0."""
    line = line_of(score)
    return float(line[-1].pitch % 12 == tonic_of(score)) if line else math.nan


def _returning(score: Score, view: Callable[[Bar], object]) -> float:
    """The share of bars with notes that look like an earlier one."""
    seen: set[object] = set()
    again = []
    for bar in bars_of(score):
        if bar.notes:
            again.append(view(bar) in seen)
            seen.add(view(bar))
    return _mean(again)


def _at_lag(score: Score, lag: int) -> float:
    """The share of bars that are as the one so many bars back."""
    bars = bars_of(score)
    return _mean([now.content == then.content for then, now in zip(bars, bars[lag:], strict=False) if now.notes])


def phrases_a_note(score: Score) -> float:
    """Phrases of the parse of Ziv and Lempel (1978) over (interval, time) steps, per step: low where much returns."""
    steps = steps_of(score)
    known: dict[tuple[int, tuple[int, int]], int] = {}
    node, count = 0, 0
    for step in steps:
        following = known.get((node, step))
        if following is None:
            known[node, step] = len(known) + 1
            node, count = 0, count + 1
        else:
            node = following
    return (count + bool(node)) / len(steps) if steps else math.nan


def notes_a_bar(score: Score) -> float:
    bars = bars_of(score)
    return len(score.notes) / len(bars) if bars else math.nan


def pitch_range(score: Score) -> float:
    pitches = [note.pitch for note in score.notes]
    return float(max(pitches) - min(pitches)) if pitches else math.nan


def mean_interval(score: Score) -> float:
    return _mean([abs(semitones) for semitones, _ in steps_of(score)])


def leaps(score: Score) -> float:
    """The share of steps from note to note wider than a fifth."""
    return _mean([abs(semitones) > 7 for semitones, _ in steps_of(score)])


def silence(score: Score) -> float:
    """The share of the time between the first note's beginning and the last one's end in which nothing sounds."""
    notes = score.notes
    if not notes:
        return math.nan
    silent, until = 0, notes[0].start
    for note in notes:
        silent += max(0, note.start - until)
        until = max(until, note.end)
    return silent / (until - notes[0].start)


MEASURES: tuple[Measure, ...] = (
    Measure(
        "pitch-class entropy, 1 bar", "bits", "variety of pitch classes in a bar", lambda s: pitch_class_entropy(s, 1)
    ),
    Measure("pitch-class entropy, 4 bars", "bits", "the same in four bars", lambda s: pitch_class_entropy(s, 4)),
    Measure("scale consistency", "share", "notes within the best fitting scale", scale_consistency),
    Measure("groove similarity", "share", "likeness of rhythm between any two bars", groove_similarity),
    Measure("groove of neighbours", "share", "likeness of rhythm between successive bars", groove_of_neighbours),
    Measure("last bar complete", "share", "tunes whose bars add up at the end", complete),
    Measure("close on the tonic", "share", "tunes that end on the tonic", closes_on_tonic),
    Measure(
        "bars that return",
        "share",
        "bars as an earlier one, note for note",
        lambda s: _returning(s, lambda b: b.content),
    ),
    Measure(
        "rhythms that return",
        "share",
        "bars with the rhythm of an earlier one",
        lambda s: _returning(s, lambda b: b.rhythm),
    ),
    Measure(
        "contours that return",
        "share",
        "bars with rhythm and ups and downs of one",
        lambda s: _returning(s, lambda b: b.contour),
    ),
    Measure("as four bars before", "share", "bars as the one four back", lambda s: _at_lag(s, 4)),
    Measure("as eight bars before", "share", "bars as the one eight back", lambda s: _at_lag(s, 8)),
    Measure("phrases a note", "ratio", "how little of the whole returns", phrases_a_note),
    Measure("notes a bar", "notes", "density", notes_a_bar),
    Measure("range", "semitones", "from the lowest note to the highest", pitch_range),
    Measure("mean interval", "semitones", "from note to note", mean_interval),
    Measure("leaps", "share", "steps wider than a fifth", leaps),
    Measure("silence", "share", "time in which nothing sounds", silence),
)
"""What `toolkit.musicality.compare` measures of each tune."""


def _mean(values: Sequence[float | bool]) -> float:
    return sum(values) / len(values) if values else math.nan
