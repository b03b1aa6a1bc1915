"""Scores to MusicXML: one part for each track, its layers as voices.

Writes what `toolkit.score.notation` finds, with accidentals, beams and triplet brackets, which readers do not work out
themselves. Velocities are not written. Source: MusicXML 4.0 (W3C Music Notation Community Group, 2021).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from toolkit.score.musicxml.drums import place_of
from toolkit.score.notation import Measure, Notation, Part, Symbol, beams, notated
from toolkit.score.notes import TICKS, Meter, Score, Tempo
from toolkit.score.picture import legal
from toolkit.score.spelling import Accidentals, Spelling, spelled
from toolkit.score.values import flags, value_name

_SIGNS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_DOCTYPE = (
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">'
)

Signs = dict[tuple[int, int, int], Spelling]
"""The notes of a measure that need an accidental, by layer, place and pitch."""


def write_musicxml(score: Score) -> bytes:
    """The score as an uncompressed MusicXML file, 24 divisions a quarter note; the same bytes for equal scores."""
    notation = notated(score)
    root = Element("score-partwise", version="4.0")
    if notation.score.title:
        _text(SubElement(root, "work"), "work-title", notation.score.title)
    _text(SubElement(SubElement(root, "identification"), "encoding"), "software", "lstm-toolkit")
    listed = SubElement(root, "part-list")
    for number, part in enumerate(notation.parts, 1):
        listed.append(_listed(part, f"P{number}", number))
    for number, part in enumerate(notation.parts, 1):
        element = SubElement(root, "part", id=f"P{number}")
        for place in range(len(notation.measures)):
            element.append(_measure(notation, part, f"P{number}", place, leads=number == 1))
    indent(root, " ")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{_DOCTYPE}\n{tostring(root, encoding="unicode")}\n'.encode()


def _listed(part: Part, name: str, number: int) -> Element:
    """What a reader must know of a part to play it. Each drum is an instrument of its own."""
    listed = Element("score-part", id=name)
    _text(listed, "part-name", part.track.name)
    track = part.track
    sounds = sorted({note.pitch for note in track.notes}) if track.drums else [0]
    for sound in sounds:
        instrument = SubElement(listed, "score-instrument", id=_instrument(name, sound))
        _text(
            instrument,
            "instrument-name",
            track.name or (f"Drum {sound}" if track.drums else f"Program {track.program + 1}"),
        )
    channels = [channel for channel in range(1, 17) if channel != 10]
    for sound in sounds:
        instrument = SubElement(listed, "midi-instrument", id=_instrument(name, sound))
        _text(instrument, "midi-channel", 10 if track.drums else channels[min(number, len(channels)) - 1])
        if track.drums:
            _text(instrument, "midi-unpitched", sound + 1)
        else:
            _text(instrument, "midi-program", track.program + 1)
    return listed


def _measure(notation: Notation, part: Part, name: str, place: int, *, leads: bool) -> Element:
    measure = notation.measures[place]
    before = notation.measures[place - 1] if place else None
    element = Element("measure", number=str(measure.number))
    if measure.begin != measure.line:
        element.set("implicit", "yes")
    attributes = _attributes(part, measure, before)
    if len(attributes):
        element.append(attributes)
    if leads and measure.tempo is not None:
        element.append(_tempo(measure.tempo, measure.meter))
    layers = [layer[place] for layer in part.layers]
    signs = _signs(layers, measure)
    written = False
    for number, symbols in enumerate(layers, 1):
        if number > 1 and not any(symbol.pitches for symbol in symbols):
            continue
        if written:
            _text(SubElement(element, "backup"), "duration", measure.end - measure.begin)
        written = True
        held = {fermata - measure.line for fermata in notation.score.fermatas} if number == 1 else set()
        element.extend(_Voice(part, name, number, measure, signs, held).notes(symbols))
    if place == len(notation.measures) - 1:
        _text(SubElement(element, "barline", location="right"), "bar-style", "light-heavy")
    return element


def _attributes(part: Part, measure: Measure, before: Measure | None) -> Element:
    attributes = Element("attributes")
    if before is None:
        _text(attributes, "divisions", TICKS)
    keyed = before is None or (measure.key.tonic, measure.key.mode) != (before.key.tonic, before.key.mode)
    if keyed and not part.track.drums:
        key = SubElement(attributes, "key")
        _text(key, "fifths", measure.key.fifths)
        _text(key, "mode", measure.key.mode)
    if before is None or measure.meter != before.meter:
        time = SubElement(attributes, "time")
        _text(time, "beats", measure.meter.numerator)
        _text(time, "beat-type", measure.meter.denominator)
    if before is None:
        clef = SubElement(attributes, "clef")
        if part.track.drums:
            _text(clef, "sign", "percussion")
        else:
            sign, line, octaves = part.clef
            _text(clef, "sign", sign)
            _text(clef, "line", line)
            if octaves:
                _text(clef, "clef-octave-change", octaves)
    return attributes


def _tempo(tempo: Tempo, meter: Meter) -> Element:
    """A metronome mark in felt beats, rounded for people, and the exact tempo for who plays it."""
    units = 2 * meter.beat() // 3 if meter.beat() % 3 == 0 else 16
    unit, dots = value_name(units)
    direction = Element("direction", placement="above")
    mark = SubElement(SubElement(direction, "direction-type"), "metronome")
    _text(mark, "beat-unit", unit)
    for _ in range(dots):
        SubElement(mark, "beat-unit-dot")
    _text(mark, "per-minute", round(16 * tempo.bpm / units))
    SubElement(direction, "sound", tempo=f"{tempo.bpm:.6f}".rstrip("0").rstrip("."))
    return direction


def _signs(layers: Sequence[Sequence[Symbol]], measure: Measure) -> Signs:
    """In the order of time, because the layers share a staff. A note held over from the bar before needs none."""
    accidentals = Accidentals(measure.key)
    places = ((symbol.start, layer, place) for layer, line in enumerate(layers, 1) for place, symbol in enumerate(line))
    signs = {}
    for _, layer, place in sorted(places):
        symbol = layers[layer - 1][place]
        for pitch in symbol.pitches:
            spelling = spelled(pitch, measure.key)
            if not symbol.held and accidentals.needed(spelling):
                signs[layer, place, pitch] = spelling
    return signs


class _Voice:
    """Writes the symbols of one layer of a measure as notes."""

    def __init__(self, part: Part, name: str, number: int, measure: Measure, signs: Signs, fermatas: Set[int]) -> None:
        self._part, self._name, self._number = part, name, number
        self._measure, self._signs, self._fermatas = measure, signs, fermatas

    def notes(self, symbols: Sequence[Symbol]) -> Iterator[Element]:
        full = self._measure.begin == self._measure.line
        if full and not any(symbol.pitches for symbol in symbols):
            yield self._rest_of_a_bar()
            return
        beamed = {place: beam for group in beams(symbols, self._measure) for place, beam in _beams(symbols, group)}
        for place, symbol in enumerate(symbols):
            for pitch in symbol.pitches or (None,):
                first = pitch is None or pitch == symbol.pitches[0]
                yield self._note(symbol, place, pitch, first, beamed.get(place, []) if first else [])

    def _rest_of_a_bar(self) -> Element:
        note = Element("note")
        SubElement(note, "rest", measure="yes")
        _text(note, "duration", self._measure.end - self._measure.begin)
        _text(note, "voice", self._number)
        return note

    def _note(self, symbol: Symbol, place: int, pitch: int | None, first: bool, beam: Sequence[str]) -> Element:
        note = Element("note")
        if not first:
            SubElement(note, "chord")
        if pitch is None:
            SubElement(note, "rest")
            if self._number > 1:
                note.set("print-object", "no")
        elif self._part.track.drums:
            step, octave, _ = place_of(pitch)
            unpitched = SubElement(note, "unpitched")
            _text(unpitched, "display-step", step)
            _text(unpitched, "display-octave", octave)
        else:
            note.append(_pitch(spelled(pitch, self._measure.key)))
        _text(note, "duration", symbol.ticks)
        ties = ["stop"] * symbol.held + ["start"] * symbol.tied
        for kind in ties:
            SubElement(note, "tie", type=kind)
        if pitch is not None and self._part.track.drums:
            SubElement(note, "instrument", id=_instrument(self._name, pitch))
        _text(note, "voice", self._number)
        name, dots = value_name(symbol.units)
        _text(note, "type", name)
        for _ in range(dots):
            SubElement(note, "dot")
        sign = self._signs.get((self._number, place, pitch or 0))
        if sign is not None and not self._part.track.drums:
            _text(note, "accidental", _SIGNS[sign.alter])
        if symbol.tuplet is not None:
            changed = SubElement(note, "time-modification")
            _text(changed, "actual-notes", 3)
            _text(changed, "normal-notes", 2)
        if pitch is not None and self._part.track.drums and place_of(pitch)[2]:
            _text(note, "notehead", "x")
        for level, kind in enumerate(beam, 1):
            _text(SubElement(note, "beam", number=str(level)), None, kind)
        bounds = _bounds(symbol) if first else []
        fermata = first and bool(symbol.pitches) and not symbol.held and symbol.start in self._fermatas
        if ties or bounds or fermata:
            notations = SubElement(note, "notations")
            if fermata:
                SubElement(notations, "fermata", type="upright")
            for kind in ties:
                SubElement(notations, "tied", type=kind)
            for kind in bounds:
                SubElement(notations, "tuplet", type=kind, number="1")
        return note


def _bounds(symbol: Symbol) -> list[str]:
    """Whether a triplet group starts or stops here."""
    if symbol.tuplet is None:
        return []
    place, count = symbol.tuplet
    return ["start"] * (place == 0) + ["stop"] * (place == count - 1)


def _beams(symbols: Sequence[Symbol], group: Sequence[int]) -> Iterator[tuple[int, list[str]]]:
    """(Place, what each beam does at that note from the longest beam on) for the notes of a group."""
    counts = [flags(symbols[place].units) for place in group]
    for index, place in enumerate(group):
        before = counts[index - 1] if index else 0
        after = counts[index + 1] if index + 1 < len(group) else 0
        kinds = []
        for level in range(1, counts[index] + 1):
            if before >= level:
                kinds.append("continue" if after >= level else "end")
            elif after >= level:
                kinds.append("begin")
            else:
                kinds.append("backward hook" if index else "forward hook")
        yield place, kinds


def _pitch(spelling: Spelling) -> Element:
    pitch = Element("pitch")
    _text(pitch, "step", spelling.letter)
    if spelling.alter:
        _text(pitch, "alter", spelling.alter)
    _text(pitch, "octave", spelling.octave)
    return pitch


def _instrument(part: str, sound: int) -> str:
    return f"{part}-I{sound}"


def _text(parent: Element, tag: str | None, value: str | int) -> None:
    element = parent if tag is None else SubElement(parent, tag)
    element.text = legal(str(value))
