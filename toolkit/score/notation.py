"""A score as it is written down: measures of notes and rests whose values a musician can read.

Cuts what sounds at bar lines, finds triplets, ties pieces together and shows the beat. What it writes adds up to the
score's ticks exactly. Knows no file format: `toolkit.score.abc` and `toolkit.score.musicxml` write what is found here.

Scores of another resolution are moved to 24 ticks a quarter note first. Notes of a track that begin and end together
are a chord; others that overlap go to layers. A key that changes inside a measure is written at the next bar line.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from toolkit.score.keys import detect_key
from toolkit.score.notes import TICKS, Key, Meter, Score, Tempo, Track
from toolkit.score.values import divided, in_beats

_CELLS = ((48, True), (24, True), (12, False), (24, False), (48, False))
"""Ticks of a triplet group, and whether it must be of three equal parts, in order of preference."""

_BASS, _TENOR, _DEEP = 56, 62, 55
"""MIDI pitches: means below which a clef lies low, and what a treble clef has too many ledger lines for."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """A note, chord or rest (no ``pitches``) as written, ``ticks`` long from ``start`` ticks after the bar line.

    ``units`` is the value it is written as, in 64th notes: two thirds of its ticks, or in a triplet as many as its
    ticks. ``tied``: to what follows; ``held``: to what is before; ``tuplet``: its place in a group of how many
    symbols, three written notes in the time of two.
    """

    start: int
    ticks: int
    units: int
    pitches: tuple[int, ...] = ()
    tied: bool = False
    held: bool = False
    tuplet: tuple[int, int] | None = None


@dataclass(frozen=True)
class Measure:
    """The ticks from bar line ``line`` to ``end``; ``begin`` is later than ``line`` in a pickup, whose number is 0.

    ``tempo`` is the one that begins in it, if any does.
    """

    number: int
    line: int
    begin: int
    end: int
    meter: Meter
    key: Key
    tempo: Tempo | None

    @property
    def beats(self) -> tuple[int, ...]:
        """Where each beat begins, in ticks from the bar line, and the end of the last."""
        return beats(self.meter, self.end - self.line)


@dataclass(frozen=True)
class Part:
    """A track and its layers, each with the symbols of every measure."""

    track: Track
    layers: tuple[tuple[tuple[Symbol, ...], ...], ...]

    @property
    def clef(self) -> tuple[str, int, int]:
        """(Sign, line, octaves by which it sounds higher): where the notes lie on average decides.

        Bass below the A under middle C; a treble clef an octave lower, as tenors read, around it and below middle C.
        """
        pitches = [note.pitch for note in self.track.notes]
        mean = sum(pitches) / len(pitches) if pitches else _TENOR
        if mean < _BASS:
            return "F", 4, 0
        return ("G", 2, -1) if mean < _TENOR and min(pitches) < _DEEP else ("G", 2, 0)


@dataclass(frozen=True)
class Notation:
    """``score`` is the one written, at 24 ticks a quarter note."""

    score: Score
    measures: tuple[Measure, ...]
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class _Span:
    """What a layer does from ``start`` to ``end``, in ticks from the bar line."""

    start: int
    end: int
    pitches: tuple[int, ...]
    held: bool = False
    tied: bool = False


def notated(score: Score) -> Notation:
    """The score as written. A first measure that begins with silence is a pickup, if others follow it."""
    score = replace(score, tracks=score.tracks or (Track(()),)).rescaled(TICKS)
    measures = _measures(score)
    lines = [[_spans(layer, measures) for layer in _layers(track)] for track in score.tracks]
    if len(measures) > 1:
        spans = [layer[0] for part in lines for layer in part]
        begin = min((_entry(each, measures[0].end) for each in spans), default=0)
        if 0 < begin < measures[0].end:
            numbered = (replace(each, number=number) for number, each in enumerate(measures[1:], 1))
            measures = (replace(measures[0], number=0, begin=begin), *numbered)
    parts = tuple(
        Part(track, tuple(tuple(map(_symbols, layer, measures)) for layer in layers))
        for track, layers in zip(score.tracks, lines, strict=True)
    )
    return Notation(score, measures, parts)


def beats(meter: Meter, length: int) -> tuple[int, ...]:
    """The edges of the beats of a measure of ``length`` ticks; five and seven eighths are felt as 3+2 and 3+2+2."""
    unit = max(1, meter.bar() // meter.numerator)
    if meter.denominator < 8:
        steps = [unit] * meter.numerator
    elif meter.numerator % 3 == 0:
        steps = [3 * unit] * (meter.numerator // 3)
    else:
        odd = meter.numerator % 2 and meter.numerator > 3
        steps = (
            [3 * unit] * bool(odd)
            + [2 * unit] * ((meter.numerator - 3 * bool(odd)) // 2)
            + [unit] * (meter.numerator == 1)
        )
    edges = [0]
    for step in steps:
        edges.append(edges[-1] + step)
    return (*(edge for edge in edges if edge < length), length)


def beams(symbols: Sequence[Symbol], measure: Measure) -> list[list[int]]:
    """The places in ``symbols`` of notes shorter than a quarter that are joined by beams, group by group.

    A group lies within a beat, or within a half note where that holds nothing but eighth notes. It holds a triplet
    group whole or none of it but its own notes.
    """
    halves = defaultdict(list)
    for symbol in symbols:
        halves[symbol.start // 48].append(symbol)
    plain = {half for half, group in halves.items() if all(_plain_eighth(each) for each in group)}
    paired = measure.meter.denominator == 2 or (measure.meter.denominator == 4 and measure.meter.numerator % 2 == 0)
    edges = measure.beats if measure.meter.denominator >= 8 else tuple(range(0, measure.end - measure.line, TICKS))

    def home(place: int) -> tuple[bool, int]:
        symbol = symbols[place]
        if not symbol.pitches or symbol.units >= 16:
            return False, -1 - place
        half = symbol.start // 48
        return (True, half) if paired and half in plain else (False, bisect_right(edges, symbol.start))

    homes = [home(place) for place in range(len(symbols))]
    broken = _broken_triplets(symbols, homes)
    groups = [list(group) for _, group in groupby(range(len(symbols)), lambda place: (homes[place], broken[place]))]
    return [group for group in groups if len(group) > 1]


def _broken_triplets(symbols: Sequence[Symbol], homes: Sequence[tuple[bool, int]]) -> list[int]:
    """For each symbol the number of its triplet group where that lies in several ``homes``, else 0."""
    numbers = []
    members = defaultdict(set)
    number = 0
    for symbol, home in zip(symbols, homes, strict=True):
        number += symbol.tuplet is not None and symbol.tuplet[0] == 0
        numbers.append(number if symbol.tuplet else 0)
        members[numbers[-1]].add(home)
    return [each if len(members[each]) > 1 else 0 for each in numbers]


def _plain_eighth(symbol: Symbol) -> bool:
    return bool(symbol.pitches) and symbol.units == 8 and symbol.tuplet is None


def _measures(score: Score) -> tuple[Measure, ...]:
    lines = score.bar_lines()
    last = next((place for place, line in enumerate(lines) if line >= max(1, score.end)), None)
    edges = lines[: last + 1] if last is not None else (*lines, lines[-1] + score.meters[-1].bar())
    keys = score.keys or (detect_key(score.notes),)
    measures = []
    for number, (line, end) in enumerate(pairwise(edges), 1):
        meter = [each for each in score.meters if each.start <= line][-1]
        key = [keys[0], *(each for each in keys if each.start <= line)][-1]
        tempos = [each for each in score.tempos if line <= each.start < end]
        measures.append(Measure(number, line, line, end, meter, key, tempos[0] if tempos else None))
    return tuple(measures)


def _layers(track: Track) -> list[list[tuple[int, int, tuple[int, ...]]]]:
    """Chords as (start, end, pitches), laid in as few lines as hold them without overlap; one line at least."""
    chords = defaultdict(set)
    for note in track.notes:
        chords[note.start, note.end].add(note.pitch)
    layers: list[list[tuple[int, int, tuple[int, ...]]]] = [[]]
    for (start, end), pitches in sorted(chords.items(), key=lambda each: (each[0][0], -max(each[1]), each[0][1])):
        free = next((layer for layer in layers if not layer or layer[-1][1] <= start), None)
        if free is None:
            free = []
            layers.append(free)
        free.append((start, end, tuple(sorted(pitches))))
    return layers


def _spans(chords: Sequence[tuple[int, int, tuple[int, ...]]], measures: Sequence[Measure]) -> list[list[_Span]]:
    """What fills each measure: chords cut at the bar lines, and the rests between them."""
    filled = []
    first = 0
    for measure in measures:
        line, length = measure.line, measure.end - measure.line
        spans: list[_Span] = []
        at = 0
        while first < len(chords) and chords[first][1] <= line:
            first += 1
        place = first
        while place < len(chords) and chords[place][0] < measure.end:
            start, end, pitches = chords[place]
            begins, ends = max(0, start - line), min(length, end - line)
            if begins > at:
                spans.append(_Span(at, begins, ()))
            spans.append(_Span(begins, ends, pitches, start < line, end > measure.end))
            at = ends
            place += 1
        if at < length:
            spans.append(_Span(at, length, ()))
        filled.append(spans)
    return filled


def _entry(spans: Sequence[_Span], length: int) -> int:
    """Where what must be written of a measure begins: its first note, or the triplet that this is part of."""
    first = next((span.start for span in spans if span.pitches), length)
    return next((left for left, right in _triplets(spans, 0, length) if left <= first < right), first)


def _symbols(spans: Sequence[_Span], measure: Measure) -> tuple[Symbol, ...]:
    begin, length = measure.begin - measure.line, measure.end - measure.line
    spans = [replace(span, start=max(begin, span.start)) for span in spans if span.end > begin]
    cells = _triplets(spans, begin, length)
    borders = sorted({edge for cell in cells for edge in cell})
    pieces: list[list[Symbol]] = [[] for _ in cells]
    symbols: list[Symbol] = []
    for span in spans:
        cuts = [edge for edge in borders if span.start < edge < span.end]
        for start, end in pairwise((span.start, *cuts, span.end)):
            cell = next((place for place, (left, right) in enumerate(cells) if left <= start < right), None)
            if cell is None:
                values = in_beats(start, end, measure.beats, rest=not span.pitches)
            else:
                values = [(each, each) for each in divided(end - start)]
            at = start
            for ticks, units in values:
                after = at + ticks
                sounds = bool(span.pitches)
                tied, held = sounds and (after < span.end or span.tied), sounds and (at > span.start or span.held)
                symbol = Symbol(at, ticks, units, span.pitches, tied, held)
                (symbols if cell is None else pieces[cell]).append(symbol)
                at = after
    for group in pieces:
        symbols.extend(replace(each, tuplet=(place, len(group))) for place, each in enumerate(group))
    return tuple(sorted(symbols, key=lambda each: each.start))


def _triplets(spans: Sequence[_Span], begin: int, length: int) -> list[tuple[int, int]]:
    """The stretches of a measure to be written in triplets: wherever an edge is no multiple of a 32nd note."""
    edges = sorted({edge for span in spans for edge in (span.start, span.end)})
    cells: list[tuple[int, int]] = []
    for edge in edges:
        floor = cells[-1][1] if cells else begin
        if edge % 3 and edge > floor:
            cells.append(_triplet(edge, edges, spans, floor, length))
    return cells


def _triplet(edge: int, edges: Iterable[int], spans: Sequence[_Span], floor: int, length: int) -> tuple[int, int]:
    """The group around ``edge``: the one that cuts no note in two, else a quarter note or what there is room for."""
    odd = [span for span in spans if span.pitches and (span.start % 3 or span.end % 3)]
    for size, even in _CELLS:
        left, right = _around(edge, size)
        if left < floor or right > length:
            continue
        inside = [each - left for each in edges if left < each < right]
        whole = all(left <= span.start and span.end <= right for span in odd if span.start < right and span.end > left)
        if whole and (not even or all(each % (size // 3) == 0 for each in inside)):
            return left, right
    for size in (24, 12, 6):
        left, right = _around(edge, size)
        if floor <= left and right <= length:
            return left, right
    return _around(edge, 3)[0], min(_around(edge, 3)[1], length)


def _around(edge: int, size: int) -> tuple[int, int]:
    left = (edge - 1) // size * size
    return left, left + size
