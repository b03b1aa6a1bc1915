"""The codec `melody`: one tune as ids that say where in the bar and in the phrase they stand.

Holds what a melody is: monophonic notes on a grid of 32nds and triplet 16ths, in one meter and one key.
Tempo, instrument, velocity and title are not encoded; decoding gives the defaults. Which events there are
is written in `events`, which may follow which in `grammar`, how a bar that comes again is announced in
`announcing`; here notes become events and events notes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, CheckpointError, Constraint, InputError, Measure
from toolkit.domains.music.announcing import announced, announcing, permits, place_of, settled
from toolkit.domains.music.events import FORMAT, Event, Kind, Layout, on_grid
from toolkit.domains.music.grammar import Limits, Place, Stage, closing, grammar_within
from toolkit.domains.music.rules import Rule, melodies_within
from toolkit.score.notes import MODES, TICKS, Key, Meter, Note, Score, Track

if TYPE_CHECKING:
    from random import Random

FILE = "melody.json"
_LARGEST = 1 << 16


@dataclass(frozen=True)
class MelodyHeader:
    """The beginning of a tune: what governs all of its notes."""

    meter: Meter
    key: Key
    tune_type: str = ""


@dataclass(frozen=True)
class MelodyPart:
    """A note that is over, ties joined, and the bar it begins in: 1 is the first full bar, 0 the pickup."""

    note: Note
    bar: int


Part = MelodyHeader | MelodyPart
"""What decoding gives piece by piece, in the order of time."""


class MelodyCodec:
    """A `toolkit.core.Codec` of melodies with a fixed vocabulary.

    Pitches are written relative to the tonic, so a tune differs from its transposition in the TONIC id only and
    needs no augmentation by transposition.
    """

    name: ClassVar[str] = "melody"

    def __init__(self, layout: Layout | None = None) -> None:
        self.layout = layout or Layout()

    @property
    def size(self) -> int:
        return len(self.layout.events)

    @property
    def stop(self) -> int:
        return self.layout.ids[Event(Kind.STOP)]

    @property
    def fingerprint(self) -> str:
        return self.layout.fingerprint

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The same codec for every corpus: the vocabulary is fixed, ``items`` and ``size`` are not looked at."""
        return cls()

    def reason(self, score: Score) -> str | None:
        """Why the codec cannot hold ``score``, or None when it can."""
        return next(self._objections(score), None) or (None if score.notes else "it has no notes")

    def encode(self, item: Score) -> list[int]:
        """The ids of a tune, without the stop token; InputError when the codec cannot hold it.

        Whole bars of silence before the first note are left out.
        """
        reason = self.reason(item)
        if reason is not None:
            raise InputError(f"not a melody that can be encoded: {reason}.")
        return self._written(item.rescaled(TICKS), ended=True)

    def opening(self, score: Score) -> list[int]:
        """The ids that begin a sequence with ``score`` and leave it open after its last note.

        They are those of `encode` up to there, but for the announcement of a last bar that only its end would tell. A
        score without notes opens with its header alone. InputError as from `encode`.
        """
        reason = next(self._objections(score), None)
        if reason is not None:
            raise InputError(f"not a melody that can be continued: {reason}.")
        return self._written(score.rescaled(TICKS), ended=False)

    def decode(self, tokens: Sequence[int]) -> Score:
        """The tune that ids mean, up to a stop token or the last finished note.

        InputError when an id cannot stand where it does.
        """
        decoder = self.decoder()
        parts = [part for token in tokens for part in decoder.push(token)]
        parts.extend(decoder.close())
        header = next((part for part in parts if isinstance(part, MelodyHeader)), None)
        notes = tuple(part.note for part in parts if isinstance(part, MelodyPart))
        if header is None:
            return Score((Track(notes),))
        return Score((Track(notes),), meters=(header.meter,), keys=(header.key,), tune_type=header.tune_type)

    def decoder(self) -> MelodyDecoder:
        return MelodyDecoder(self.layout)

    def grammar(self) -> Constraint[Any]:
        """What a well-formed melody is."""
        return self.within(Limits())

    def within(self, limits: Limits, rules: tuple[Rule, ...] = ()) -> Constraint[Any]:
        """The melodies within ``limits`` that keep to ``rules``; UsageError when there are none."""
        return melodies_within(self.layout, limits, rules)

    def settled(self, tokens: npt.NDArray[Any]) -> BoolArray:
        """Which ids say only what was announced: the sounds of a bar that comes again."""
        return settled(self.layout, tokens)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """Notes, ties counted once, and quarter notes from each tune's first note to its end, rests included."""
        ids = np.asarray(tokens, dtype=np.int64)
        kinds, values = self.layout.kinds[ids], self.layout.values[ids]
        (places,) = np.nonzero((kinds == Kind.BAR) | (kinds == Kind.UNTIL))
        apart, lengths = np.diff(places), np.diff(values[places] * (kinds[places] == Kind.UNTIL))
        starts = (kinds[places[:-1]] == Kind.BAR) & (apart == 1)  # silence before a pickup: no sound lies between
        sounded = lengths[(kinds[places[1:]] == Kind.UNTIL) & ~starts].sum()
        return {"note": float(np.count_nonzero(kinds == Kind.PITCH)), "quarter": float(sounded) / TICKS}

    def units(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """Bar lines; notes are counted by `measure`."""
        kinds = self.layout.kinds[np.asarray(tokens, dtype=np.int64)]
        return {"bar": float(np.count_nonzero(kinds == Kind.BAR))}

    def variants(self, item: Score, rng: Random) -> Score:
        """The tune itself: its transpositions differ in one header id, so they would teach nothing new."""
        return item

    def label(self, token: int) -> str:
        return self.layout.label(self.layout.events[token])

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": FORMAT, "fingerprint": self.fingerprint, "layout": self.layout.data()}
        (folder / FILE).write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The codec that `save` wrote; CheckpointError when the file is damaged or of another format."""
        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["codec"] != cls.name or saved["format"] != FORMAT:
                raise ValueError("it was written by another version")
            codec = cls(Layout.of_data(saved["layout"]))
            if saved["fingerprint"] != codec.fingerprint:
                raise ValueError("its fingerprint does not match its events")
        except (OSError, ValueError, TypeError, KeyError, RecursionError, InputError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    def _objections(self, score: Score) -> Iterator[str]:
        if any(track.drums and track.notes for track in score.tracks):
            yield "it has a drum track"
        if len(score.meters) > 1:
            yield "its meter changes"
        meter = (score.meters[0].numerator, score.meters[0].denominator)
        if meter not in self.layout.meters:
            yield f"its meter is {score.meters[0]}"
        if len(score.keys) != 1:
            yield "its key changes" if score.keys else "it names no key"
            return
        bar = score.meters[0].bar(score.resolution)
        base = self.layout.tonic(score.keys[0].tonic)
        lowest, highest = base + self.layout.lowest, base + self.layout.highest
        quarter, grid = score.resolution, _grid(score.resolution)
        silent = 0
        for note in score.notes:
            start, end = note.start, note.end
            if start < silent:
                yield f"two notes sound at once {_in_bar(start, bar)}"
            if start % quarter not in grid or end % quarter not in grid:
                yield f"a note {_in_bar(start, bar)} lies off the grid of 32nds and triplet 16ths"
            if not lowest <= note.pitch <= highest:
                yield f"a note {_in_bar(start, bar)} is out of reach of its key (MIDI pitch {note.pitch})"
            silent = end

    def _written(self, score: Score, *, ended: bool) -> list[int]:
        return announced(self.layout, list(self._ids(score, ended)))

    def _ids(self, score: Score, ended: bool) -> Iterator[int]:
        """The ids of a score that there is no objection to, unannounced, closing silence included if ``ended``."""
        layout, ids = self.layout, self.layout.by_kind
        meter, key, notes = score.meters[0], score.keys[0], score.notes
        if layout.types:
            yield layout.ids[layout.type_of(score.tune_type)]
        yield ids[Kind.METER][layout.meters.index((meter.numerator, meter.denominator))]
        yield ids[Kind.MODE][MODES.index(key.mode)]
        yield ids[Kind.TONIC][key.tonic]
        if not notes:
            return
        bar, base = meter.bar(TICKS), layout.tonic(key.tonic)
        line, start = divmod(notes[0].start, bar)
        line *= bar
        number = 0 if start else 1
        until, pitch, tie, rest = ids[Kind.UNTIL], ids[Kind.PITCH], ids[Kind.TIE][0], ids[Kind.REST][0]
        yield layout.ids[layout.bar(number)]
        if start:
            yield until[start]
        for height, begin, end in _spans(notes, bar, start, ended):
            at = begin
            while at < end:
                if at == line + bar:
                    line, number = at, number + 1
                    yield layout.ids[layout.bar(number)]
                if height is None:
                    yield rest
                else:
                    yield pitch[height - base] if at == begin else tie
                at = min(end, line + bar)
                yield until[at - line]


class MelodyDecoder:
    """Ids to a header and notes as they come. A note is held back until it is sure that no tie follows it."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._grammar = announcing(layout, grammar_within(layout, Limits()))
        self._state = self._grammar.begin()
        self._type = ""
        self._header: list[int] = []
        self._bar_line = 0
        self._number = 0
        self._held: tuple[int, int, int] | None = None  # pitch, start, bar of the note that may go on
        self._end: int | None = None

    def push(self, token: int) -> tuple[Part, ...]:
        """What ``token`` completes; InputError when it cannot follow. Nothing comes after the stop token."""
        before = self._place
        if before.stage is Stage.DONE:
            return ()
        if not 0 <= token < len(self._layout.events) or not permits(self._grammar, self._state, token):
            raise InputError(f"token {token} cannot stand where it does in a melody.")
        self._state = self._grammar.step(self._state, token)
        kind, value = self._layout.events[token]
        if kind is Kind.UNTIL:
            if before.stage is Stage.UNTIL and before.sounding:
                self._end = self._bar_line + value
        elif kind is Kind.BAR:
            self._cross(before.bar, before.stage is Stage.FIRST_BAR)
        elif kind is Kind.PITCH:
            return self._begin(value)
        elif kind is Kind.REST or kind is Kind.STOP:
            return self.close()
        elif kind is Kind.TYPE:
            self._type = self._layout.types[value - 1] if value else ""
        elif kind in (Kind.METER, Kind.MODE, Kind.TONIC):
            return self._head(value)
        return ()

    def close(self) -> tuple[Part, ...]:
        """The note still held back, if it has an end."""
        held, end = self._held, self._end
        self._held = self._end = None
        if held is None or end is None:
            return ()
        pitch, start, number = held
        return (MelodyPart(Note(start, pitch, end - start), number),)

    @property
    def _place(self) -> Place:
        return place_of(self._state)

    def _begin(self, offset: int) -> tuple[Part, ...]:
        over = self.close()
        pitch = self._layout.tonic(self._header[2]) + offset
        self._held = (pitch, self._bar_line + self._place.tick, self._number)
        return over

    def _cross(self, bar: int, first: bool) -> None:
        if first:
            self._number = self._place.number
        else:
            self._bar_line += bar
            self._number += 1

    def _head(self, value: int) -> tuple[Part, ...]:
        self._header.append(value)
        if len(self._header) < 3:
            return ()
        meter, mode, tonic = self._header
        return (MelodyHeader(Meter(*self._layout.meters[meter]), Key(tonic, MODES[mode]), self._type),)


def _spans(notes: Sequence[Note], bar: int, start: int, ended: bool) -> Iterator[tuple[int | None, int, int]]:
    """Notes and the silences between them as (pitch or None, begin, end), and the silence that ends the tune."""
    at = notes[0].start
    for note in notes:
        begin, end = note.start, note.end
        if begin > at:
            yield None, at, begin
        yield note.pitch, begin, end
        at = end
    close = closing(at % bar, start, bar)
    if ended and close is not None:
        yield None, at, at - at % bar + close


@lru_cache(maxsize=32)
def _grid(resolution: int) -> frozenset[int]:
    """The ticks of a quarter note of ``resolution`` ticks that lie on the grid."""
    points = [tick for tick in range(TICKS) if on_grid(tick)]
    return frozenset(point * resolution // TICKS for point in points if point * resolution % TICKS == 0)


def _in_bar(tick: int, bar: int) -> str:
    return f"in bar {tick // bar + 1}"
