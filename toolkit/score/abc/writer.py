"""Scores to ABC: a tune that any program which knows the notation reads.

Writes what `toolkit.score.notation` finds: values a musician can read, tied where one is not enough, triplets as
``(3``, beams as notes without blanks between them. Velocities and what happens inside a bar to key, meter or tempo are
not written. Source: the abc music standard 2.1 (2011).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from toolkit.score.notation import Measure, Notation, Part, Symbol, beams, notated
from toolkit.score.notes import Key, Meter, Score, Tempo
from toolkit.score.spelling import Accidentals, Spelling, spelled

_SIGNS = {-2: "__", -1: "_", 0: "=", 1: "^", 2: "^^"}
_UNIT = 8
"""64th notes in the unit length, an eighth."""
_BARS_IN_LINE = 4
_MOST_IN_TUPLET = 9
"""What one digit can count; a longer group is written as several."""

Voice = tuple[int, Part, tuple[tuple[Symbol, ...], ...], bool]


def write_abc(score: Score) -> str:
    """The score as an ABC tune; the same text for equal scores.

    Reading it again with `read_tunes` gives a melody's notes, meters and keys. Several tracks, or notes of one track
    that overlap without being a chord, become voices.
    """
    notation = notated(score)
    voices = [
        (number, part, layer, not place)
        for number, (part, place, layer) in enumerate(
            ((part, place, layer) for part in notation.parts for place, layer in enumerate(part.layers)), 1
        )
    ]
    lines = [*_header(notation, voices)]
    for number, part, layer, leads in voices:
        if len(voices) > 1:
            lines.append(f"V:{number}")
        lines.extend(_instrument(part))
        lines.extend(_body(notation, layer, first=number == 1, leads=leads))
    return "\n".join(lines) + "\n"


def _header(notation: Notation, voices: Sequence[Voice]) -> Iterator[str]:
    score, opening = notation.score, notation.measures[0]
    yield "X:1"
    yield f"T:{_text(score.title)}"
    if score.tune_type:
        yield f"R:{_text(score.tune_type)}"
    yield f"M:{opening.meter}"
    yield f"L:1/{64 // _UNIT}"
    yield f"Q:{_tempo(score.tempos[0], opening.meter)}"
    if len(voices) > 1:
        yield f"%%score {_staves(notation)}"
        for number, part, _, leads in voices:
            name = f' name="{_text(part.track.name)}"' if part.track.name and leads else ""
            yield f"V:{number} clef={_clef(part)}" + name.replace("\\", "")
    yield f"K:{_key(opening.key)}" + ("" if len(voices) != 1 else _own_clef(voices[0][1]))


def _staves(notation: Notation) -> str:
    """The voices of each part in brackets of their own, for they share a staff."""
    staves, number = [], 1
    for part in notation.parts:
        inside = " ".join(str(number + place) for place in range(len(part.layers)))
        staves.append(f"({inside})" if len(part.layers) > 1 else inside)
        number += len(part.layers)
    return " ".join(staves)


def _body(notation: Notation, layer: Sequence[Sequence[Symbol]], *, first: bool, leads: bool) -> Iterator[str]:
    bars = []
    before = notation.measures[0]
    for measure, symbols in zip(notation.measures, layer, strict=True):
        bars.append(_changes(before, measure, tempo=first) + _bar(symbols, measure, "z" if leads else "x"))
        before = measure
    start = 0
    while start < len(bars):
        end = start + _BARS_IN_LINE + (not start and notation.measures[0].number == 0)
        yield " | ".join(bars[start:end]) + (" |]" if end >= len(bars) else " |")
        start = end


def _changes(before: Measure, measure: Measure, *, tempo: bool) -> str:
    """The fields that a measure begins with, a tempo in the first voice only; the first measure's are the header's."""
    fields = ""
    if measure.meter != before.meter:
        fields += f"[M:{measure.meter}]"
    if (measure.key.tonic, measure.key.mode) != (before.key.tonic, before.key.mode):
        fields += f"[K:{_key(measure.key)}]"
    if tempo and measure.tempo is not None and measure is not before:
        fields += f"[Q:{_tempo(measure.tempo, measure.meter)}]"
    return fields


def _bar(symbols: Sequence[Symbol], measure: Measure, rest: str) -> str:
    accidentals = Accidentals(measure.key)
    joined = {place for group in beams(symbols, measure) for place in group[1:]}
    text = ""
    for place, symbol in enumerate(symbols):
        text += "" if place in joined or not place else " "
        if symbol.tuplet is not None and symbol.tuplet[0] % _MOST_IN_TUPLET == 0:
            count = min(_MOST_IN_TUPLET, symbol.tuplet[1] - symbol.tuplet[0])
            text += "(3" if count == 3 else f"(3:2:{count}"
        text += _symbol(symbol, measure.key, accidentals, rest)
    return text


def _symbol(symbol: Symbol, key: Key, accidentals: Accidentals, rest: str) -> str:
    length = _length(symbol.units)
    if not symbol.pitches:
        return rest + length
    notes = []
    for pitch in symbol.pitches:
        spelling = spelled(pitch, key)
        notes.append((_SIGNS[spelling.alter] if accidentals.needed(spelling) else "") + _letter(spelling))
    chord = notes[0] if len(notes) == 1 else f"[{''.join(notes)}]"
    return chord + length + ("-" if symbol.tied else "")


def _letter(note: Spelling) -> str:
    if note.octave >= 5:
        return note.letter.lower() + "'" * (note.octave - 5)
    return note.letter + "," * (4 - note.octave)


def _length(units: int) -> str:
    length = Fraction(units, _UNIT)
    over = "" if length.numerator == 1 else str(length.numerator)
    return over if length.denominator == 1 else f"{over}/{'' if length.denominator == 2 else length.denominator}"


def _key(key: Key) -> str:
    short = {"major": "", "minor": "m"}.get(key.mode, key.mode[:3])
    return key.tonic_name + short


def _tempo(tempo: Tempo, meter: Meter) -> str:
    """Felt beats a minute, to as many decimals as say the tempo exactly, if six do."""
    beat = Fraction(meter.beat(), 24)
    bpm = tempo.bpm / float(beat)
    exact = (
        f"{bpm:.{digits}f}"
        for digits in range(7)
        if bpm >= 1 and Tempo.from_bpm(float(f"{bpm:.{digits}f}") * float(beat)) == Tempo(tempo.microseconds)
    )
    return f"{beat / 4}={next(exact, f'{bpm:.6f}')}"


def _instrument(part: Part) -> Iterator[str]:
    if part.track.drums:
        yield "%%MIDI channel 10"
    elif part.track.program:
        yield f"%%MIDI program {part.track.program}"


def _own_clef(part: Part) -> str:
    return "" if _clef(part) == "treble" else f" clef={_clef(part)}"


def _clef(part: Part) -> str:
    if part.track.drums:
        return "perc"
    return "bass" if part.clef[0] == "F" else "treble"


def _text(text: str) -> str:
    """A field's text: one line, its signs with a meaning to ABC escaped."""
    return re.sub(r"[\\%]|&(?=[#\w]+;)", r"\\\g<0>", " ".join(text.split()))
