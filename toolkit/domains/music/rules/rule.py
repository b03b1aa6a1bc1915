"""What a rule about melodies is: written over notes, bars and places in the bar, never over tokens.

A rule says two kinds of things. What depends on the place alone (a chord, a given rhythm) it says as `Permits`, bar by
bar. What depends on the notes before (a leap, a motif) it says as a `Machine`, a finite automaton that every new note
moves. Both are plain arrays, so that rules combine without knowing of one another. Knows no codec and no token.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray
from toolkit.domains.music.events import on_grid
from toolkit.score.notes import TICKS, Key, Meter

IntArray = npt.NDArray[np.int64]

FORBIDDEN = -1
"""The state after a note that a machine does not permit."""


@dataclass(frozen=True)
class Header:
    """What a melody begins by saying, and the MIDI ``pitches`` it may use, in order; ``bars`` are its full ones."""

    meter: Meter
    key: Key
    pitches: tuple[int, ...]
    bars: int | None

    @property
    def bar(self) -> int:
        """The length of a bar in ticks."""
        return self.meter.bar(TICKS)

    @property
    def shape(self) -> tuple[int, ...]:
        """The pitches as semitones above the lowest."""
        return tuple(pitch - self.pitches[0] for pitch in self.pitches)

    @cached_property
    def ticks(self) -> tuple[int, ...]:
        """The points of a bar at which something may begin or end, both bar lines included: T of them."""
        return tuple(tick for tick in range(self.bar + 1) if on_grid(tick))


class Permits(NamedTuple):
    """What may happen at each of the T points of a bar, for each of P pitches; None permits everything.

    ``strike_TP``: a note may begin; ``hold_TP``: a note that sounds may go on through the point; ``release_T``: one may
    end; ``silence_T``: silence may begin or go on; ``stop_T``: the melody may be over; ``first_T``: its first note may
    begin. The last point is the bar line
    that is also the first point of the next bar, and what is said there must agree.
    """

    strike_TP: BoolArray | None = None
    hold_TP: BoolArray | None = None
    release_T: BoolArray | None = None
    silence_T: BoolArray | None = None
    stop_T: BoolArray | None = None
    first_T: BoolArray | None = None


@dataclass(frozen=True)
class Machine:
    """A finite automaton over the notes of a melody; its states are numbered from 0, which is the first.

    ``strike`` of shape (states, 1 or P + 1, P) is the state when a pitch begins, by the state, by the pitch before (the
    last index: there is none; an axis of 1: it does not matter) and by the pitch, or `FORBIDDEN`. ``rest`` of shape
    (states,) is the state when silence begins, and ``longer`` of shape (4, states) when a note has gone on by 1, 2 or 3
    ticks; None where nothing changes. A melody may end in a state that is ``final``.
    """

    strike: IntArray
    final: BoolArray
    rest: IntArray | None = None
    longer: IntArray | None = None

    @property
    def size(self) -> int:
        return len(self.final)


class Rule:
    """One thing asked of a melody. Rules are values: frozen dataclasses that compare by what they ask.

    ``phrase`` completes "a melody with …" in messages. ``remembers_pitch`` says that ``hold_TP`` depends on the pitch
    that sounds. A rule that permits nothing under a header gives a machine without a way on.
    """

    remembers_pitch: ClassVar[bool] = False

    @property
    def phrase(self) -> str:
        raise NotImplementedError

    @property
    def fewest_notes(self) -> int:
        """No melody within the rule has fewer notes."""
        return 1

    def depends(self, header: Header) -> Hashable:
        """What of the header the rule looks at besides meter and bars: where it is equal, so are its arrays."""
        return header.pitches, header.key

    def machine(self, header: Header) -> Machine | None:
        """What the rule remembers; None when it remembers nothing."""
        return None

    def permits(self, header: Header, bar: int) -> Permits | None:
        """What the rule permits in a bar (1 is the first full one, 0 the pickup); None where it permits everything."""
        return None


def at_each_tick(header: Header, chosen: Sequence[bool]) -> BoolArray:
    """A condition on the T points of a bar as the (T, P) table that holds for every pitch."""
    return np.repeat(np.array(chosen, np.bool_)[:, None], len(header.pitches), axis=1)
