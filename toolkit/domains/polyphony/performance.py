"""The codec `polyphonic`: any MIDI music as notes in time, with instruments, drums, velocities and lengths.

A note is its pitch and its length; the instrument and the velocity are told where they change, time passes by shifts.
Which token may follow which is `playing`. Meters, keys and tempos are not encoded.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError, InputError, Measure
from toolkit.domains.music.listing import pitch_name
from toolkit.domains.polyphony.playing import DRUMS, Kind, Playing, State, Token, playing
from toolkit.score.notes import Note, Score, Track

if TYPE_CHECKING:
    from random import Random

FILE = "polyphonic.json"
FORMAT = 1
"""Counted up when the same ids come to mean other notes."""
_LARGEST = 1 << 18
_SHIFTS = 96
_LENGTHS = (*range(1, 49), 54, 60, 66, 72, 84, 96, 120, 144, 168, 192, 240, 288, 384)
_SECONDS = 50
"""Ticks a quarter note where time is told in seconds: at 120 quarters a minute one is 10 milliseconds."""


class Played(NamedTuple):
    """A note, and the instrument it is on: a General MIDI program, or `DRUMS`."""

    note: Note
    program: int


@dataclass(frozen=True)
class PolyphonicCodec:
    """A `toolkit.core.Codec` of scores with several tracks.

    Time is counted in ticks, ``grid`` a quarter note, or with ``grid`` 0 in hundredths of a second, as it was played.
    ``programs`` are the instruments there are ids for, `DRUMS` among them; ``velocities`` the MIDI velocities: others
    become the nearest. Notes of one instrument that begin together on one pitch are one. Lengths go to the nearest of
    a table, 16 quarter notes (or 3.84 seconds) at most.

    Variants are transpositions by up to half an octave that keep all notes but drums between ``low`` and ``high``, the
    range of the training pieces.
    """

    name: ClassVar[str] = "polyphonic"

    grid: int = 24
    programs: tuple[int, ...] = (0, DRUMS)
    velocities: tuple[int, ...] = (80,)
    low: int = 21
    high: int = 108

    def __post_init__(self) -> None:
        numbers = (self.grid, self.low, self.high, *self.programs, *self.velocities)
        if any(type(each) is not int for each in numbers):
            raise ValueError("it holds something else than whole numbers")
        if not 0 <= self.grid <= 96 or not 0 <= self.low <= self.high <= 127:
            raise ValueError("its grid or its range is none")
        if not self.programs or list(self.programs) != sorted(set(self.programs)) or self.programs[-1] > DRUMS:
            raise ValueError("its programs are none, or not in order")
        if not self.velocities or list(self.velocities) != sorted(set(self.velocities)) or self.velocities[-1] > 127:
            raise ValueError("its velocities are none, or not in order")

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        """What each id says."""
        return (
            Token(Kind.STOP),
            *(Token(Kind.SHIFT, ticks) for ticks in range(1, _SHIFTS + 1)),
            *(Token(Kind.PROGRAM, program) for program in self.programs),
            *(Token(Kind.VELOCITY, velocity) for velocity in self.velocities),
            *(Token(Kind.PITCH, pitch) for pitch in range(128)),
            *(Token(Kind.LENGTH, ticks) for ticks in _LENGTHS),
        )

    @cached_property
    def ids(self) -> dict[Token, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    @property
    def size(self) -> int:
        return len(self.tokens)

    @property
    def stop(self) -> int:
        return 0

    @property
    def fingerprint(self) -> str:
        whole = [self.name, FORMAT, self.grid, self.programs, self.velocities, _SHIFTS, _LENGTHS]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The codec of the training pieces' instruments and of eight velocities at most; ``size`` is not looked at."""
        programs: set[int] = set()
        velocities: set[int] = set()
        pitches = {60}
        for item in items:
            for track in item.tracks:
                if track.notes:
                    programs.add(DRUMS if track.drums else track.program)
                    velocities.update(note.velocity for note in track.notes)
                    if not track.drums:
                        pitches.update(note.pitch for note in track.notes)
        kept = sorted(velocities or {80})
        if len(kept) > 8:
            kept = sorted({16 * place + 15 for place in range(8)})
        return cls(24, tuple(sorted(programs or {0})), tuple(kept), min(pitches), max(pitches))

    def encode(self, item: Score) -> list[int]:
        """The ids of a piece, from its first note on; InputError for an instrument that has no id, or no note."""
        played = self._played(item)
        if not played:
            raise InputError("it has no notes.")
        ids: list[int] = []
        at, program, velocity = played[0].note.start, None, None
        for note, instrument in played:
            ids.extend(self._shifts(note.start - at))
            at = note.start
            if instrument != program:
                ids.append(self.ids[Token(Kind.PROGRAM, instrument)])
            if note.velocity != velocity:
                ids.append(self.ids[Token(Kind.VELOCITY, note.velocity)])
            program, velocity = instrument, note.velocity
            ids += [self.ids[Token(Kind.PITCH, note.pitch)], self.ids[Token(Kind.LENGTH, note.duration)]]
        return ids

    def decode(self, tokens: Sequence[int]) -> Score:
        """The piece that ids mean, up to a stop token or the last whole note; InputError where one cannot stand."""
        decoder = self.decoder()
        played = [each for token in tokens for each in decoder.push(int(token))]
        tracks = []
        for program in self.programs:
            notes = tuple(note for note, instrument in played if instrument == program)
            if notes:
                tracks.append(Track(notes, 0 if program == DRUMS else program, program == DRUMS))
        return Score(tuple(tracks), resolution=self.grid or _SECONDS)

    def decoder(self) -> PolyphonicDecoder:
        return PolyphonicDecoder(self)

    def grammar(self) -> Playing:
        """What a well-formed piece is."""
        return playing(self.tokens)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        ids = np.asarray(tokens, dtype=np.int64)
        first, last = self.ids[Token(Kind.PITCH, 0)], self.ids[Token(Kind.PITCH, 127)]
        return {"note": float(np.count_nonzero((ids >= first) & (ids <= last)))}

    def variants(self, item: Score, rng: Random) -> Score:
        """A transposition in which all but the drums stays in the range of the training pieces."""
        pitches = [note.pitch for track in item.tracks if not track.drums for note in track.notes]
        return item.transposed(self._shift(min(pitches), max(pitches), rng)) if pitches else item

    def variant_ids(self, ids: npt.NDArray[Any], rng: Random) -> npt.NDArray[Any]:
        """The ids of a transposition: what `variants` gives, without decoding anything."""
        varied = ids.copy()
        drummed, places = False, []
        for place, number in enumerate(ids.tolist()):
            kind, value = self.tokens[number]
            if kind is Kind.PROGRAM:
                drummed = value == DRUMS
            elif kind is Kind.PITCH and not drummed:
                places.append(place)
        if places:
            first = self.ids[Token(Kind.PITCH, 0)]
            pitches = ids[places].astype(np.int64) - first
            moved = pitches + self._shift(int(pitches.min()), int(pitches.max()), rng)
            varied[places] = (moved + first).astype(ids.dtype)
        return varied

    def warnings_for(self, item: Score) -> str | None:
        """One sentence on what of a piece is changed; None when nothing is."""
        plain = self._moved(item)
        longer = sum(note.duration not in _LENGTHS for track in plain for note in track.notes)
        ticks = [tick for note in item.notes for tick in (note.start, note.end)] if self.grid else []
        moved = sum(tick * self.grid % item.resolution > 0 for tick in ticks)
        said = []
        if moved:
            said.append(f"{moved:,} beginnings and ends are moved to the grid of {self.grid} ticks a quarter note")
        if longer:
            said.append(f"{longer:,} notes get the nearest length that there is")
        return "; ".join(said).capitalize() + "." if said else None

    def label(self, token: int) -> str:
        kind, value = self.tokens[token]
        if kind is Kind.PITCH:
            return pitch_name(value)
        if kind is Kind.PROGRAM:
            return "drums" if value == DRUMS else f"program {value}"
        return kind.name.lower() + ("" if kind is Kind.STOP else f" {value}")

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": FORMAT, "fingerprint": self.fingerprint, "fields": asdict(self)}
        (folder / FILE).write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The codec that `save` wrote; CheckpointError when the file is damaged or of another format."""
        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            saved = json.loads(path.read_text(encoding="utf-8"))
            fields: dict[str, Any] = saved["fields"]
            fields |= {name: tuple(fields[name]) for name in ("programs", "velocities")}
            codec = cls(**fields)
            if (saved["codec"], saved["format"], saved["fingerprint"]) != (cls.name, FORMAT, codec.fingerprint):
                raise ValueError("it was written by another version")
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    def _moved(self, item: Score) -> list[Track]:
        """The tracks with times in the codec's ticks."""
        if self.grid:
            return list(item.rescaled(self.grid).tracks)

        def tick(at: int) -> int:
            return round(100 * item.seconds_at(at))

        return [
            replace(
                track,
                notes=tuple(
                    replace(note, start=tick(note.start), duration=max(1, tick(note.end) - tick(note.start)))
                    for note in track.notes
                ),
            )
            for track in item.tracks
        ]

    def _played(self, item: Score) -> list[Played]:
        """The notes in the order of time, instrument and pitch, as the codec holds them."""
        longest: dict[tuple[int, int, int], Note] = {}
        for track in self._moved(item):
            program = DRUMS if track.drums else track.program
            if track.notes and program not in self.programs:
                name = "drums" if track.drums else f"the General MIDI program {program}"
                raise InputError(f"it has {name}, which the codec was built without.")
            for note in track.notes:
                held = replace(
                    note, duration=_nearest(note.duration, _LENGTHS), velocity=_nearest(note.velocity, self.velocities)
                )
                place = (note.start, program, note.pitch)
                if place not in longest or longest[place].duration < held.duration:
                    longest[place] = held
        return [Played(longest[place], place[1]) for place in sorted(longest)]

    def _shifts(self, ticks: int) -> Iterator[int]:
        whole, rest = divmod(ticks, _SHIFTS)
        yield from [self.ids[Token(Kind.SHIFT, _SHIFTS)]] * whole
        if rest:
            yield self.ids[Token(Kind.SHIFT, rest)]

    def _shift(self, lowest: int, highest: int, rng: Random) -> int:
        return rng.randint(min(0, max(-6, self.low - lowest)), max(0, min(6, self.high - highest)))


class PolyphonicDecoder:
    """Ids to notes as they come: a note is known once its length is."""

    def __init__(self, codec: PolyphonicCodec) -> None:
        self._codec, self._grammar = codec, codec.grammar()
        self._state: State = self._grammar.begin()
        self._at = self._pitch = 0

    def push(self, token: int) -> tuple[Played, ...]:
        """The note that ``token`` completes; InputError when it cannot follow. Nothing comes after the stop token."""
        if self._state.over:
            return ()
        if not 0 <= token < self._codec.size or not self._grammar.allowed(self._state)[token]:
            raise InputError(f"token {token} cannot stand where it does in a piece.")
        self._state = self._grammar.step(self._state, token)
        kind, value = self._codec.tokens[token]
        if kind is Kind.SHIFT:
            self._at += value
        elif kind is Kind.PITCH:
            self._pitch = value
        elif kind is Kind.LENGTH:
            return (Played(Note(self._at, self._pitch, value, self._state.velocity), self._state.program),)
        return ()

    def close(self) -> tuple[Played, ...]:
        """Nothing: a note without a length is none."""
        self._state = self._state._replace(over=True)
        return ()


def _nearest(value: int, table: Sequence[int]) -> int:
    """The entry of a rising table nearest to a value, the lower of two."""
    place = bisect_left(table, value)
    around = table[max(0, place - 1) : place + 1] or table[-1:]
    return min(around, key=lambda each: (abs(each - value), each))
