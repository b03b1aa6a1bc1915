"""Wishes for a whole melody: a real cadence, the return of the opening, a shape, a density.

Written over notes and bars as `hearing` gives them, so a changed codec changes none of them. Guesses of what is still
to come are rough and need not be right: they decide how many particles a wish takes, not what comes out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import numpy as np

from toolkit.core import UsageError
from toolkit.domains.music.events import Event, Kind
from toolkit.domains.music.hearing import Heard, Sounded, hear, heard_from
from toolkit.domains.music.melody import MelodyCodec
from toolkit.steer.potentials import Factors

_LEADING = frozenset({2, 5, 7, 10, 11})
"""Semitones above the tonic of what leads home: the second, fourth, fifth and both seventh degrees."""


class Listening(ABC):
    """A potential whose state is what was heard."""

    def __init__(self, codec: MelodyCodec) -> None:
        self.layout = codec.layout

    def begin(self, prompt: Sequence[int]) -> Heard:
        return heard_from(self.layout, prompt)

    def step(self, state: Heard, token: int) -> Heard:
        return hear(self.layout, state, token)

    @abstractmethod
    def log_weight(self, state: Heard) -> float: ...


class Cadence(Listening):
    """The melody comes home: it ends with a tonic that stands on a beat for at least two thirds of one, led to.

    What leads there is the last note before it that is no tonic: the second or seventh degree, the dominant or the
    subdominant. Other endings weigh 0. ``bars`` is the number of full bars asked for; the guess begins in the last.
    """

    _THERE, _NOT_YET = math.log(0.6), math.log(0.2)

    def __init__(self, codec: MelodyCodec, bars: int) -> None:
        super().__init__(codec)
        self._bars = bars

    def log_weight(self, state: Heard) -> float:
        return 0.0 if self._closed(state) else -math.inf

    def log_twist(self, state: Heard, left: int) -> float:
        if state.number < self._bars:
            return self._NOT_YET
        if state.tick == state.bar:  # no note can come any more
            return self.log_weight(state)
        return self._THERE if self._closed(state) else self._NOT_YET

    def guide(self, state: Heard, left: int) -> Factors | None:
        """Only against ending too early: the stop token alone has a factor of its own."""
        return np.full(len(self.layout.events), self._NOT_YET) if state.number >= self._bars else None

    def _closed(self, state: Heard) -> bool:
        led = next((note.pitch % 12 for note in reversed(state.notes) if note.pitch % 12), None)
        if led not in _LEADING:
            return False
        last = state.notes[-1]
        return last.pitch % 12 == 0 and last.tick % state.beat == 0 and 3 * last.length >= 2 * state.beat


class Return(Listening):
    """The first ``notes`` notes come again, rhythm and pitches alike, beginning at their place in one of the last bars.

    ``within`` says how many bars are the last. Other melodies weigh 0. ``transposed`` lets the notes come back at
    another height. The melody has ``bars`` full bars.
    UsageError when there is no bar left to return in.
    """

    # A model that announces bars seldom comes back to one note by note: guessing more loses the search in dead ends.
    _NOTE, _START = math.log(0.03), math.log(0.05)

    def __init__(
        self, codec: MelodyCodec, bars: int, *, notes: int = 5, within: int = 2, transposed: bool = False
    ) -> None:
        super().__init__(codec)
        if not 0 < within < bars:
            raise UsageError(f"of {bars} bars, the opening can return in the last 1 to {bars - 1}, not {within}.")
        if notes < 2:
            raise UsageError(f"an opening that returns has at least 2 notes, not {notes}.")
        self._bars, self._notes, self._transposed = bars, notes, transposed
        self._from = bars - within + 1

    def log_weight(self, state: Heard) -> float:
        return 0.0 if self._progress(state) == self._notes else -math.inf

    def log_twist(self, state: Heard, left: int) -> float:
        done = self._progress(state)
        if done == self._notes:
            return 0.0
        starts = min(self._bars - max(state.number, self._from - 1), self._bars)
        later = self._START + self._notes * self._NOTE + math.log(starts + 0.01)
        return float(np.logaddexp((self._notes - done) * self._NOTE, later)) if done else later

    def guide(self, state: Heard, left: int) -> Factors | None:
        """The tokens that go on with a return begun, or begin one, against all others."""
        if state.number < self._from - 1 or len(state.notes) < self._notes:
            return None
        stays = self._without(state, left)
        factors_V = np.full(len(self.layout.events), stays)
        for event, progress in (*self._expected(state), *self._announced(state)):
            token = self.layout.ids.get(event)
            if token is not None:
                hope = float(np.logaddexp((self._notes - progress) * self._NOTE, stays))
                factors_V[token] = max(factors_V[token], hope)
        return factors_V

    def _announced(self, state: Heard) -> Iterator[tuple[Event, float]]:
        """(event, progress after its bar) for each announcement that begins a return or goes on with one."""
        if state.tick or state.sounding is not None or state.number < self._from:
            return
        for back in range(1, min(self.layout.again, state.number - 1) + 1):
            event = Event(Kind.AGAIN, back)
            progress = self._progress(hear(self.layout, state, self.layout.ids[event]))
            if progress > self._progress(state):
                yield event, progress

    def _without(self, state: Heard, left: int) -> float:
        """The guess if what is begun breaks off."""
        if self._progress(state) == self._notes:
            return 0.0
        return self.log_twist(state._replace(notes=state.notes[: self._notes], sounding=None), left)

    def _progress(self, state: Heard) -> float:
        """The notes of a return that have been said: all, or those of one under way, half a note for a pitch."""
        motif = state.notes[: self._notes]
        if len(motif) < self._notes:
            return 0
        best = 0.0
        for start, said in self._begun(state, motif):
            if said == self._notes:
                return said
            if start + said == len(state.notes):
                best = max(best, said + self._half(state, motif, start, said))
        return best

    def _begun(self, state: Heard, motif: Sequence[Sounded]) -> Iterator[tuple[int, int]]:
        """(number of its first note, notes said) for each place where a return may have begun."""
        for start in range(len(state.notes), self._notes - 1, -1):
            first = state.notes[start] if start < len(state.notes) else None
            if first is not None and first.bar < self._from:
                return
            if first is None or first.tick == motif[0].tick:
                yield start, self._agreeing(state, motif, start)

    def _agreeing(self, state: Heard, motif: Sequence[Sounded], start: int) -> int:
        """How many notes from ``start`` on are those of the motif."""
        said = 0
        for one, other in zip(motif, state.notes[start:], strict=False):
            if one.length != other.length or not self._falls(
                state, motif, start, said, state.onset(other), other.pitch
            ):
                break
            said += 1
        return said

    def _falls(self, state: Heard, motif: Sequence[Sounded], start: int, said: int, onset: int, pitch: int) -> bool:
        """Whether a note at ``onset`` is note number ``said`` of the return that begins with note ``start``."""
        if said == 0:
            return (onset - motif[0].tick) % state.bar == 0 and (self._transposed or pitch == motif[0].pitch)
        begun = state.notes[start]
        later = state.onset(motif[said]) - state.onset(motif[0])
        higher = motif[said].pitch - motif[0].pitch
        return onset - state.onset(begun) == later and pitch - begun.pitch == higher

    def _half(self, state: Heard, motif: Sequence[Sounded], start: int, said: int) -> float:
        """Half a note when the pitch that sounds is the next one."""
        if state.sounding is None or state.sounding[0] is not Kind.PITCH or state.number < self._from:
            return 0.0
        return 0.5 * self._falls(state, motif, start, said, state.at, state.sounding[1])

    def _expected(self, state: Heard) -> Iterator[tuple[Event, float]]:
        """(event, progress after it) for each event that begins a return or goes on with one."""
        motif = state.notes[: self._notes]
        for start, said in self._begun(state, motif):
            if start + said != len(state.notes) or said == self._notes:
                continue
            if state.sounding is None:
                pitch = motif[said].pitch + (state.notes[start].pitch - motif[0].pitch if said else 0)
                if state.number >= self._from and self._falls(state, motif, start, said, state.at, pitch):
                    yield Event(Kind.PITCH, pitch), said + 0.5
            elif self._half(state, motif, start, said):
                yield Event(Kind.UNTIL, min(state.bar, state.tick + motif[said].length)), said + 1.0


class Density(Listening):
    """About ``per_bar`` notes in a bar: a normal distribution around it, ``tolerance`` its standard deviation."""

    def __init__(self, codec: MelodyCodec, per_bar: float, tolerance: float = 0.5) -> None:
        super().__init__(codec)
        if per_bar <= 0 or tolerance <= 0:
            raise UsageError("the notes in a bar, and how far from it is tolerable, must be above 0.")
        self._per_bar, self._tolerance = per_bar, tolerance

    def log_weight(self, state: Heard) -> float:
        bars = state.at / state.bar if state.bar else 0.0
        if bars <= 0:
            return 0.0
        return -0.5 * ((len(state.notes) / bars - self._per_bar) / self._tolerance) ** 2

    def log_twist(self, state: Heard, left: int) -> float:
        """The same of what there is, trusted the more the more bars there are."""
        bars = max(0.0, state.at / state.bar) if state.bar else 0.0
        return self.log_weight(state) * bars / (bars + 2)


class Contour(Listening):
    """Pitches near a line: ``heights``, in semitones above the tonic, evenly spaced from the beginning to the end.

    The weight falls with the square of the distance over ``tolerance``, each quarter note of sound counting once. The
    melody has ``bars`` full bars.
    """

    def __init__(self, codec: MelodyCodec, heights: Sequence[float], bars: int, tolerance: float = 4.0) -> None:
        super().__init__(codec)
        if len(heights) < 2 or tolerance <= 0:
            raise UsageError("a contour has at least two heights, and a tolerance above 0.")
        self._heights, self._bars, self._tolerance = tuple(heights), bars, tolerance

    def log_weight(self, state: Heard) -> float:
        if not state.notes:
            return 0.0
        notes = np.array(state.notes)
        places = (notes[:, 0] - 1 + notes[:, 1] / state.bar) / self._bars
        aims = np.interp(places, np.linspace(0, 1, len(self._heights)), self._heights)
        return float(-0.5 * (((notes[:, 2] - aims) / self._tolerance) ** 2 @ (notes[:, 3] / 24)))

    def log_twist(self, state: Heard, left: int) -> float:
        return self.log_weight(state)
