"""A given rhythm as a rule: notes begin and end exactly where it says, at any pitch.

Knows no token, and of a score only where its notes begin and end.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

import numpy as np

from toolkit.core import UsageError
from toolkit.domains.music.events import on_grid
from toolkit.domains.music.rules.rule import Header, Permits, Rule, at_each_tick
from toolkit.score.notes import TICKS, Meter, Score

_LENGTH = re.compile(r"(z?)(\d+(?:/\d+)?|\d*\.\d+)")


@dataclass(frozen=True)
class Rhythm(Rule):
    """Notes sound in exactly these ``spans``: (begin, end) in ticks from the first full bar line, in order.

    A pickup's begin is negative. The melody has no other notes, and is over after the last.
    """

    meter: Meter
    spans: tuple[tuple[int, int], ...]

    @property
    def phrase(self) -> str:
        return f"in exactly the rhythm given ({len(self.spans)} notes in {self.meter})"

    @property
    def fewest_notes(self) -> int:
        return len(self.spans)

    @property
    def bars(self) -> int:
        """The full bars that the rhythm reaches into."""
        return -(-self.spans[-1][1] // self.meter.bar(TICKS))

    def repeated(self, bars: int) -> Rhythm:
        """The rhythm over and over until it fills ``bars`` bars; UsageError where that takes a part of it."""
        if bars == self.bars:
            return self
        if bars % self.bars or bars < self.bars or self.spans[0][0] < 0:
            pickup = " and begins with a pickup" if self.spans[0][0] < 0 else ""
            raise UsageError(
                f"the rhythm fills {_bars(self.bars)}{pickup}; it cannot be repeated to fill {_bars(bars)}."
            )
        length = self.bars * self.meter.bar(TICKS)
        return Rhythm(
            self.meter,
            tuple((b + at, e + at) for at in range(0, bars // self.bars * length, length) for b, e in self.spans),
        )

    def depends(self, header: Header) -> Hashable:
        return len(header.pitches)

    def permits(self, header: Header, bar: int) -> Permits:
        at = (bar - 1) * header.bar
        begins, ends = {begin for begin, _ in self.spans}, {end for _, end in self.spans}
        times = [at + tick for tick in header.ticks]
        inside = [any(begin < time < end for begin, end in self.spans) for time in times]
        sounding = [any(begin <= time < end for begin, end in self.spans) for time in times]
        return Permits(
            strike_TP=at_each_tick(header, [time in begins for time in times]),
            hold_TP=at_each_tick(header, inside),
            release_T=np.array([time in ends for time in times]),
            silence_T=~np.array(sounding),
            stop_T=np.array([time >= self.spans[-1][1] for time in times]),
            first_T=np.array([time == self.spans[0][0] for time in times]),
        )

    @classmethod
    def of_lengths(cls, text: str, meter: Meter) -> Rhythm:
        """The rhythm of note lengths in quarter notes from a bar line on, such as ``1 1/2 1/2 z1 1``; z is a rest."""
        at, spans = Fraction(0), []
        for word in re.split(r"[\s,|]+", text.strip(" |,")):
            found = _LENGTH.fullmatch(word)
            length = Fraction(found[2]) * TICKS if found else Fraction(0)
            if found is None or length <= 0:
                raise UsageError(f"{word!r} is not a length; a rhythm is written like 1 1/2 z1, in quarters.")
            if not found[1]:
                spans.append((at, at + length))
            at += length
        return cls._on_grid(meter, spans)

    @classmethod
    def of_score(cls, score: Score) -> Rhythm:
        """The rhythm of a melody, silent bars before it left out; UsageError where it has no notes."""
        if not score.notes:
            raise UsageError("there are no notes to take a rhythm from.")
        meter, resolution = score.meters[0], score.resolution
        bar = meter.bar(resolution)
        first = score.notes[0].start
        line = first - first % bar + (bar if first % bar else 0)
        if score.end <= line:  # less than a bar by itself is a beginning, not a pickup
            line = first
        spans = [
            (Fraction((n.start - line) * TICKS, resolution), Fraction((n.end - line) * TICKS, resolution))
            for n in score.notes
        ]
        return cls._on_grid(meter, spans)

    @classmethod
    def _on_grid(cls, meter: Meter, spans: list[tuple[Fraction, Fraction]]) -> Rhythm:
        if not spans:
            raise UsageError("a rhythm has at least one note.")
        for begin, end in spans:
            for time in (begin, end):
                if time.denominator != 1 or not on_grid(int(time) % 12):
                    raise UsageError(
                        f"the rhythm is off the grid of 32nds and triplet 16ths at {float(time / TICKS):g} quarters."
                    )
        if spans[0][0] > 0:
            raise UsageError("a rhythm begins with a note, not with a rest.")
        if any(end > begin for (_, end), (begin, _) in pairwise(spans)):
            raise UsageError("two notes of the rhythm sound at once.")
        return cls(meter, tuple((int(begin), int(end)) for begin, end in spans))


def _bars(count: int) -> str:
    return f"{count} bar{'' if count == 1 else 's'}"
