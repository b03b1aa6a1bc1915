"""What was asked of a melody, checked on the notes of an exported MIDI file: an oracle for the rules.

Reads with mido alone. Written from the definitions in docs/guide/melody-constraints.md and from nothing in the
toolkit: no rule, grammar, scale table or chord table of it is used here.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import mido

SCALES = {
    "major": "101011010101",
    "minor": "101101011010",
    "dorian": "101101010110",
    "phrygian": "110101011010",
    "lydian": "101010110101",
    "mixolydian": "101011010110",
    "locrian": "110101101010",
    "major pentatonic": "101010010100",
    "minor pentatonic": "100101010010",
    "blues": "100101110010",
    "harmonic minor": "101101011001",
    "whole tone": "101010101010",
}
CHORDS = {"": "047", "m": "037", "7": "047A", "m7": "037A", "maj7": "047B", "dim": "036", "sus4": "057"}
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(frozen=True)
class Heard:
    """A melody in quarter notes from the first bar line; ``notes`` are (begin, end, pitch)."""

    beats: int
    unit: int
    notes: tuple[tuple[Fraction, Fraction, int], ...]

    @property
    def bar(self) -> Fraction:
        return Fraction(4 * self.beats, self.unit)

    @property
    def pitches(self) -> list[int]:
        return [pitch for _, _, pitch in self.notes]

    @property
    def pickup(self) -> bool:
        return self.notes[0][0] > 0

    @property
    def bars(self) -> int:
        return -(-self.notes[-1][1] // self.bar) - self.pickup


def heard(midi: bytes) -> Heard:
    file = mido.MidiFile(file=io.BytesIO(midi))
    beats, unit, notes, sounding = 4, 4, [], {}
    for track in file.tracks:
        at = 0
        for message in track:
            at += message.time
            if message.type == "time_signature":
                beats, unit = message.numerator, message.denominator
            elif message.type == "note_on" and message.velocity:
                sounding[message.note] = at
            elif message.type in ("note_on", "note_off"):
                begin = sounding.pop(message.note)
                notes.append((Fraction(begin, file.ticks_per_beat), Fraction(at, file.ticks_per_beat), message.note))
    assert not sounding
    return Heard(beats, unit, tuple(sorted(notes)))


def keeps_to_tones(tune: Heard, tonic: int, scale: str) -> bool:
    return all(SCALES[scale][(pitch - tonic) % 12] == "1" for pitch in tune.pitches)


def leaps_at_most(tune: Heard, semitones: int) -> bool:
    return all(abs(b - a) <= semitones for a, b in pairwise(tune.pitches))


def closes(tune: Heard, kind: str, tonic: int, mode: str) -> bool:
    degrees = [step for step in range(12) if SCALES[mode][step] == "1"]
    last = [(pitch - tonic) % 12 for pitch in tune.pitches[-2:]]
    dominant = {degrees[1], degrees[4], degrees[6], 11}
    if kind == "half":
        return last[-1] in dominant
    before = {"tonic": set(range(12)), "authentic": dominant, "plagal": {degrees[3], degrees[5]}}[kind]
    return last[-1] == 0 and (kind == "tonic" or (len(last) == 2 and last[0] in before))


def chord_classes(symbol: str) -> set[int]:
    letters = 2 if symbol[1:2] in ("#", "b") else 1
    root = LETTERS[symbol[0]] + {"#": 1, "b": -1}.get(symbol[1:2], 0)
    return {(root + int(step, 16)) % 12 for step in CHORDS[symbol[letters:]]}


def fits_chords(tune: Heard, bars: list[list[str]]) -> bool:
    """Every strong beat of every full bar: what sounds there belongs to the chord there."""
    felt = Fraction(12 if tune.unit >= 8 and tune.beats > 3 and tune.beats % 3 == 0 else 4, tune.unit)
    for number in range(tune.bars + 1):
        line = (number + tune.pickup) * tune.bar
        chords = bars[number % len(bars)]
        beats = tune.bar / felt
        begins = [felt * -(-index * beats // len(chords)) for index in range(len(chords))]
        strong = {Fraction(0), *begins}
        if tune.beats in (4, 6, 8, 10, 12):
            strong.add(tune.bar / 2)
        for beat in strong:
            chord = [chord for begin, chord in zip(begins, chords, strict=True) if begin <= beat][-1]
            for begin, end, pitch in tune.notes:
                if begin <= line + beat < end and pitch % 12 not in chord_classes(chord):
                    return False
    return True


def has_rhythm(tune: Heard, spans: list[tuple[Fraction, Fraction]]) -> bool:
    """``spans`` from the first full bar line."""
    line = tune.bar if tune.pickup else 0
    return [(begin - line, end - line) for begin, end, _ in tune.notes] == spans


def contains_motif(tune: Heard, pitches: list[int], *, at_pitch: bool, lengths: list[Fraction] | None) -> bool:
    for first in range(len(tune.notes) - len(pitches) + 1):
        part = tune.notes[first : first + len(pitches)]
        moved = part[0][2] - pitches[0]
        if [pitch - moved for _, _, pitch in part] != pitches or (at_pitch and moved):
            continue
        legato = all(a[1] == b[0] for a, b in pairwise(part))
        if lengths is None or (legato and [end - begin for begin, end, _ in part] == lengths):
            return True
    return False


def most_equal_bars(tune: Heard) -> int:
    """How often the commonest full bar comes: what begins and sounds in it, each note cut off at the bar's end."""
    counts: dict[tuple[object, ...], int] = {}
    for number in range(tune.bars):
        line = (number + tune.pickup) * tune.bar
        content = tuple(
            (max(begin - line, Fraction(-1)), min(end - line, tune.bar), pitch)
            if begin >= line
            else (Fraction(-1), min(end - line, tune.bar), pitch)
            for begin, end, pitch in tune.notes
            if begin < line + tune.bar and end > line
        )
        counts[content] = counts.get(content, 0) + 1
    return max(counts.values(), default=0)
