"""How far from every place of a melody its end is, within all rules: the fewest tokens, exactly.

Time only moves forward within a bar, so the distances of a bar follow from those of the next bar line, backwards point
by point, for all states of the rules at once. A bar that looks like one computed before (same permits, same distances
behind it but for a constant) is not computed again; a melody of any number of bars is the fixpoint of one bar.
Counts what the form of `toolkit.domains.music.grammar` costs: one token a bar line, two a sound, one the end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import BoolArray, UsageError
from toolkit.domains.music.grammar import closing
from toolkit.domains.music.rules.product import Product
from toolkit.domains.music.rules.rule import Header, Permits

Distances = npt.NDArray[np.int32]

FAR = np.int32(1 << 29)
"""A distance from where no melody can be finished."""

ANYWHERE = -1

MOST_CELLS = 30_000_000
"""The most entries of all tables of a horizon: 120 MB."""


class BarPermits(NamedTuple):
    """`Permits` of all rules together, with nothing left open."""

    strike_TP: BoolArray
    hold_TP: BoolArray
    release_T: BoolArray
    silence_T: BoolArray
    stop_T: BoolArray
    first_T: BoolArray


def together(header: Header, permits: list[Permits]) -> BarPermits:
    """What all of ``permits`` permit."""
    points, pitches = len(header.ticks), len(header.pitches)
    tables = [np.ones((points, pitches), np.bool_) for _ in range(2)] + [np.ones(points, np.bool_) for _ in range(4)]
    for each in permits:
        for table, given in zip(tables, each, strict=True):
            if given is not None:
                table &= given
    return BarPermits(*tables)


class BarDistances(NamedTuple):
    """Distances at each point of a bar, of shape (T, Q + 1), but for ``offset`` to be added.

    ``note_TQ``: a note sounds since this point, its end not yet said; ``rest_TQ``: a silence; ``after_note_TQ`` and
    ``after_rest_TQ``: one has ended here (the first point: before the bar line, the last: no bar line yet);
    ``first_TQ``: the melody's first note must begin here.
    """

    note_TQ: Distances
    rest_TQ: Distances
    after_note_TQ: Distances
    after_rest_TQ: Distances
    first_TQ: Distances
    offset: int = 0

    def far(self, table_TQ: Distances, point: int, state: int) -> int:
        """One distance; `FAR` where there is no way on."""
        return min(int(table_TQ[point, state]) + self.offset, int(FAR))


class Horizon:
    """The distances in every bar of melodies under ``header`` whose pickup begins at tick ``start`` (0: none).

    With `ANYWHERE` a melody may end wherever a pickup might have completed it: a lower bound for every start.
    UsageError when the tables would have more than `MOST_CELLS` entries.
    """

    def __init__(self, header: Header, product: Product, permits: Callable[[int], BarPermits], start: int) -> None:
        self._header, self._product, self._start = header, product, start
        self._permits = permits
        self._known: dict[tuple[bytes, ...], BarDistances] = {}
        self._bars = self._fixpoint() if header.bars is None else self._backwards(header.bars)

    def bar(self, number: int) -> BarDistances:
        """The distances in bar ``number``: 0 is the pickup."""
        return self._bars[0 if len(self._bars) == 1 else number]

    def _backwards(self, bars: int) -> list[BarDistances]:
        found: list[BarDistances] = []
        for number in range(bars, -1, -1):
            found.append(self._before(found[-1] if found else None, number, may_stop=number == bars))
        return found[::-1]

    def _fixpoint(self) -> list[BarDistances]:
        found = self._before(None, 1, may_stop=True)
        while True:
            nearer = self._before(found, 1, may_stop=True)
            if all(np.array_equal(one, other) for one, other in zip(found[:5], nearer[:5], strict=True)):
                return [nearer]
            found = nearer

    def _before(self, following: BarDistances | None, number: int, *, may_stop: bool) -> BarDistances:
        permits = self._permits(number)
        nothing = np.full(len(self._product.final_Q), FAR)
        note_Q = nothing if following is None else following.after_note_TQ[0]
        rest_Q = nothing if following is None else following.after_rest_TQ[0]
        if may_stop:  # a constant cannot be taken out where the end is near
            offset = 0
        else:
            least = int(min(note_Q.min(), rest_Q.min()))
            offset = least if least < FAR else 0
            note_Q, rest_Q = (np.where(each < FAR, each - offset, FAR) for each in (note_Q, rest_Q))
            offset += 0 if following is None else following.offset
        key = (*(table.tobytes() for table in permits), note_Q.tobytes(), rest_Q.tobytes(), bytes([may_stop]))
        if key not in self._known:
            cells = 5 * (len(self._known) + 1) * len(self._header.ticks) * len(note_Q)
            if cells > MOST_CELLS:
                raise UsageError("these rules together take too much memory; ask for fewer of them, or fewer bars.")
            bar = _Bar(self._header, self._product, permits, self._start, may_stop)
            self._known[key] = bar.distances(note_Q.astype(np.int32), rest_Q.astype(np.int32))
        return self._known[key]._replace(offset=offset)


class _Bar:
    """One bar, walked backwards."""

    def __init__(self, header: Header, product: Product, permits: BarPermits, start: int, may_stop: bool) -> None:
        self._ticks = header.ticks
        self._product, self._permits, self._start = product, permits, start
        self._over_Q = np.where(product.final_Q, np.int32(1), FAR) if may_stop else np.full(len(product.final_Q), FAR)
        self._struck: tuple[Distances, BoolArray, Distances] | None = None

    def distances(self, next_note_Q: Distances, next_rest_Q: Distances) -> BarDistances:
        """The bar's distances, given those just after the next bar line."""
        permits, last = self._permits, len(self._ticks) - 1
        note_TQ, rest_TQ, after_note_TQ, after_rest_TQ, first_TQ = (
            np.full((last + 1, len(self._over_Q)), FAR) for _ in range(5)
        )
        after_note_TQ[last] = next_note_Q + 1
        if permits.release_T[last] and permits.stop_T[last]:
            after_note_TQ[last] = np.minimum(after_note_TQ[last], self._over_Q)
        after_rest_TQ[last] = next_rest_Q + 1
        silence_Q = np.full_like(next_rest_Q, FAR)
        for point in range(last - 1, -1, -1):
            note_TQ[point] = self._sounding(point, note_TQ, after_note_TQ)
            silence_Q = self._silent(point, silence_Q, after_rest_TQ)
            rest_TQ[point] = np.minimum(silence_Q, self._closed(point))
            first_TQ[point] = self._strike(point, note_TQ[point])
            after_note_TQ[point] = self._after_note(point, first_TQ, note_TQ, rest_TQ)
            after_rest_TQ[point] = first_TQ[point]
            if point == 0 and permits.silence_T[0]:
                after_rest_TQ[0] = np.minimum(after_rest_TQ[0], rest_TQ[0][self._product.rest_Q] + 1)
        for table_TQ in (note_TQ, rest_TQ, after_note_TQ, after_rest_TQ, first_TQ):
            np.minimum(table_TQ, FAR, out=table_TQ)
        return BarDistances(note_TQ, rest_TQ, after_note_TQ, after_rest_TQ, first_TQ)

    def _sounding(self, point: int, note_TQ: Distances, after_note_TQ: Distances) -> Distances:
        """A note up to the next point: there it ends, or goes on."""
        following, last = point + 1, len(self._ticks) - 1
        ends_Q: Distances = after_note_TQ[following] + 1
        if following < last:
            if not self._permits.release_T[following]:
                ends_Q = np.full_like(ends_Q, FAR)
            ends_Q = np.minimum(ends_Q, self._held(following, note_TQ[following]))
        longer_Q = self._product.longer_Q[self._ticks[following] - self._ticks[point]]
        sounding_Q: Distances = ends_Q[longer_Q]
        return sounding_Q

    def _held(self, point: int, note_Q: Distances) -> Distances:
        hold_P = self._permits.hold_TP[point]
        if hold_P.all():
            return note_Q
        held_Q = np.append(hold_P, hold_P.any())[self._product.pitch_Q]
        return np.where(held_Q, note_Q, FAR)

    def _silent(self, point: int, silence_Q: Distances, after_rest_TQ: Distances) -> Distances:
        """A silence up to the next point: there it ends, or goes on."""
        following, last = point + 1, len(self._ticks) - 1
        ends_Q: Distances = after_rest_TQ[following] + 1
        goes_on = following < last and self._permits.silence_T[following]
        return np.minimum(ends_Q, silence_Q) if goes_on else ends_Q

    def _closed(self, point: int) -> Distances:
        """A silence that begins here and closes the melody."""
        far_Q = np.full_like(self._over_Q, FAR)
        silent = self._permits.silence_T
        if self._start == ANYWHERE:
            return self._over_Q + 1 if silent[point] else far_Q
        end = closing(self._ticks[point], self._start, self._ticks[-1])
        if end is None:
            return far_Q
        reached = self._ticks.index(end)
        return self._over_Q + 1 if silent[point:reached].all() and self._permits.stop_T[reached] else far_Q

    def _strike(self, point: int, note_Q: Distances) -> Distances:
        """The best note that may begin here; computed once where nothing changes from point to point."""
        strike_P = self._permits.strike_TP[point]
        known = self._struck
        if known is not None and np.array_equal(known[0], note_Q) and np.array_equal(known[1], strike_P):
            return known[2]
        if not strike_P.any():
            return np.full_like(note_Q, FAR)
        rows, row_Q = self._product.struck
        best_Q: Distances = (note_Q[rows[:, strike_P]].min(axis=1) + 1)[row_Q]
        self._struck = (note_Q, strike_P, best_Q)
        return best_Q

    def _after_note(self, point: int, first_TQ: Distances, note_TQ: Distances, rest_TQ: Distances) -> Distances:
        permits = self._permits
        best_Q = np.full_like(self._over_Q, FAR)
        if point or permits.release_T[0]:
            best_Q = first_TQ[point]
            if permits.silence_T[point]:
                best_Q = np.minimum(best_Q, rest_TQ[point][self._product.rest_Q] + 1)
        if point == 0:
            return np.minimum(best_Q, self._held(0, note_TQ[0]) + 1)
        if self._start in (self._ticks[point], ANYWHERE) and permits.stop_T[point]:
            best_Q = np.minimum(best_Q, self._over_Q)
        return best_Q
