"""The table of what a token of a chorale says, and which id says it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.domains.chorales.quartet import RANGES, bar_of
from toolkit.domains.music.events import TONICS
from toolkit.domains.music.listing import pitch_name
from toolkit.score.notes import MODES, Meter

FORMAT = 1
"""Counted up when the same ids come to mean other notes."""
REFERENCE = 60


class Kind(IntEnum):
    """What a token says."""

    STOP = 0
    METER = 1
    MODE = 2
    TONIC = 3
    BAR = 4
    AT = 5
    FERMATA = 6
    HOLD = 7
    REST = 8
    PITCH = 9


class Token(NamedTuple):
    """METER: its place in the table's meters; MODE: in `toolkit.score.notes.MODES`; TONIC: a pitch class; AT:
    sixteenths since the bar line; PITCH: semitones above the tonic, or a MIDI pitch where pitches are absolute.
    """

    kind: Kind
    value: int = 0


@dataclass(frozen=True)
class Table:
    """What decides the ids. ``relative``: pitches are counted from the tonic in the octave upwards from middle C.

    MIDI pitches, and training on transpositions, do better (benchmarks/results/chorales.md): with so few chorales,
    every one of them in many keys is worth more than all of them in one.
    """

    relative: bool = False
    meters: tuple[tuple[int, int], ...] = ((4, 4), (3, 4), (2, 4), (2, 2), (3, 2), (6, 4), (6, 8))

    def __post_init__(self) -> None:
        if not 1 <= len(set(self.meters)) == len(self.meters) <= 32:
            raise ValueError("its meters are none, too many or not distinct")
        if any(bar > 64 for bar in self.bars):
            raise ValueError("its bars are longer than 64 sixteenths")

    @cached_property
    def bars(self) -> tuple[int, ...]:
        """Sixteenths in a bar, by meter."""
        return tuple(bar_of(Meter(*each)) for each in self.meters)

    @cached_property
    def tokens(self) -> tuple[Token, ...]:
        return tuple(self._listed())

    @cached_property
    def ids(self) -> dict[Token, int]:
        return {token: number for number, token in enumerate(self.tokens)}

    @cached_property
    def kinds(self) -> npt.NDArray[np.int64]:
        return np.array([token.kind for token in self.tokens])

    @cached_property
    def values(self) -> npt.NDArray[np.int64]:
        return np.array([token.value for token in self.tokens])

    @cached_property
    def fingerprint(self) -> str:
        whole = ["chorale", FORMAT, self.relative, self.meters, MODES, [[t.kind.name, t.value] for t in self.tokens]]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    def base(self, tonic: int) -> int:
        """The MIDI pitch that PITCH 0 means in a key on ``tonic``."""
        return REFERENCE + (tonic - REFERENCE) % 12 if self.relative else 0

    def label(self, token: Token) -> str:
        kind, value = token
        if kind is Kind.METER:
            return "/".join(map(str, self.meters[value]))
        if kind is Kind.MODE:
            return MODES[value]
        if kind is Kind.TONIC:
            return f"in {TONICS[value]}"
        if kind is Kind.AT:
            return f"at {value / 4:g}"
        if kind is Kind.PITCH:
            return (f"{value:+d}" if value else "tonic") if self.relative else pitch_name(value)
        return kind.name.lower()

    def data(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of_data(cls, data: Any) -> Self:
        """The table that `data` gave; ValueError, TypeError or KeyError for anything else."""
        meters = tuple((beats, unit) for beats, unit in data["meters"])
        if type(data["relative"]) is not bool or any(type(each) is not int for each in sum(meters, ())):
            raise ValueError("its table holds something else than it should")
        return cls(data["relative"], meters)

    def _listed(self) -> Iterator[Token]:
        yield Token(Kind.STOP)
        yield from (Token(Kind.METER, place) for place in range(len(self.meters)))
        yield from (Token(Kind.MODE, place) for place in range(len(MODES)))
        yield from (Token(Kind.TONIC, tonic) for tonic in range(12))
        yield Token(Kind.BAR)
        yield from (Token(Kind.AT, place) for place in range(max(self.bars)))
        yield Token(Kind.FERMATA)
        yield Token(Kind.HOLD)
        yield Token(Kind.REST)
        lowest, highest = min(low for low, _ in RANGES), max(high for _, high in RANGES)
        if self.relative:
            lowest, highest = lowest - (REFERENCE + 11), highest - REFERENCE
        yield from (Token(Kind.PITCH, pitch) for pitch in range(lowest, highest + 1))
