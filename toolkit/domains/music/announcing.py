"""Bars that come again: an AGAIN before them says how many bars back the same bar stands, and then they are written.

So a model says in one token what tunes do all the time, and everything that reads notes still finds every note. After
an AGAIN nothing of the bar is left to choose: those tokens are settled, cost nothing in a loss and are forced in
generation. A bar is announced by the nearest bar of equal tokens, of those that are full and no longer than `LONGEST`;
one that is not announced may turn out to be equal all the same, so only what the codec writes is spelled in one way.

Knows events, and any constraint on melodies without AGAIN, which it makes into one with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Generic, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, Constraint
from toolkit.core.protocols import S
from toolkit.domains.music.events import OF_BARS, Kind, Layout
from toolkit.domains.music.grammar import Place
from toolkit.sampling import distances, growth, pending, withdraw

LONGEST = 32
"""The most tokens in a bar that is announced: sixteen sounds. How near an end is then never changes by much more."""

Bars = tuple[tuple[int, ...], ...]


class Announced(NamedTuple, Generic[S]):
    """Where a melody stands in the ``inner`` constraint, and the tokens of its last ``bars``, the newest under way.

    ``settled`` are the tokens still to come of a bar that was announced, ``after`` the inner state behind them.
    """

    inner: S
    bars: Bars = ()
    settled: tuple[int, ...] = ()
    after: S | None = None


class Announcing(Generic[S]):
    """A `toolkit.core.Constraint[Announced]`: the melodies of ``inner``, in which bars that come again are announced.

    An AGAIN may stand where ``inner`` permits the whole bar that it announces. It costs one token more than the bar
    alone, so distances are those of ``inner`` but within a bar that was announced.
    """

    def __init__(self, layout: Layout, inner: Constraint[S]) -> None:
        self.layout, self.inner = layout, inner
        self._kinds = [event.kind for event in layout.events]
        self._any_V = layout.kinds != Kind.AGAIN
        more = growth(inner)
        self.growth = None if more is None else LONGEST * (1 + more)
        self._offers = lru_cache(256)(self._offered)

    def begin(self) -> Announced[S]:
        return Announced(self.inner.begin())

    def allowed(self, state: Announced[S]) -> BoolArray:
        if state.settled:
            mask_V = np.zeros(len(self._kinds), np.bool_)
            mask_V[state.settled[0]] = True
            return mask_V
        inner_V = self.inner.allowed(state.inner)
        offers = self._offers(state.inner, state.bars)
        if inner_V is None:
            inner_V = self._any_V
        if not offers:
            return inner_V
        mask_V = inner_V.copy()
        mask_V[list(offers)] = True
        return mask_V

    def permits(self, state: Announced[S], token: int) -> bool:
        """What ``allowed`` says of one token, without asking for the others."""
        if state.settled:
            return token == state.settled[0]
        if self._kinds[token] is Kind.AGAIN:
            return token in self._offers(state.inner, state.bars)
        return permits(self.inner, state.inner, token)

    def step(self, state: Announced[S], token: int) -> Announced[S]:
        kind, bars = self._kinds[token], state.bars
        if kind is Kind.AGAIN:
            return state._replace(settled=self._meant(bars, token), after=self._offers(state.inner, bars)[token])
        if kind is Kind.BAR:
            bars = (*bars, ())[-1 - self.layout.again :]
        elif bars and kind in OF_BARS:
            bars = (*bars[:-1], (*bars[-1], token))
        settled = state.settled[1:]
        return Announced(self.inner.step(state.inner, token), bars, settled, state.after if settled else None)

    def distance(self, state: Announced[S]) -> int:
        if state.after is None:
            return self.inner.distance(state.inner)
        return _further(len(state.settled), self.inner.distance(state.after))

    def distances(self, state: Announced[S]) -> npt.NDArray[np.int32]:
        if state.settled:
            found_V: npt.NDArray[np.int32] = np.full(len(self._kinds), NEVER, np.int32)
            found_V[state.settled[0]] = self.distance(state) - 1
            return found_V
        found_V = distances(self.inner, state.inner, len(self._kinds))
        offers = self._offers(state.inner, state.bars)
        if offers:
            found_V = found_V.copy()
        for token, after in offers.items():
            found_V[token] = _further(len(self._meant(state.bars, token)), self.inner.distance(after))
        return found_V

    def pending(self, state: Announced[S]) -> int:
        return pending(self.inner, state.inner)

    def withdraw(self, state: Announced[S]) -> int:
        return withdraw(self.inner, state.inner)

    def settles(self, state: Announced[S]) -> bool:
        return bool(state.settled)

    def _meant(self, bars: Bars, token: int) -> tuple[int, ...]:
        """The bar that an AGAIN announces."""
        return bars[-1 - self.layout.events[token].value]

    def _offered(self, inner: S, bars: Bars) -> dict[int, S]:
        """Each AGAIN that may stand at the beginning of a bar, and the inner state behind the bar it announces."""
        if len(bars) < 2 or bars[-1]:
            return {}
        found, tokens = {}, self.layout.by_kind[Kind.AGAIN]
        for back, again in _distinct(bars[-2::-1]):
            if self._kinds[again[0]] is not Kind.UNTIL and len(again) <= LONGEST:  # UNTIL begins a pickup
                after = self._behind(inner, again)
                if after is not None:
                    found[tokens[back]] = after
        return found

    def _behind(self, inner: S, again: Sequence[int]) -> S | None:
        """The inner state after these tokens; None where it does not permit them."""
        for token in again:
            allowed_V = self.inner.allowed(inner)
            if allowed_V is not None and not allowed_V[token]:
                return None
            inner = self.inner.step(inner, token)
            if withdraw(self.inner, inner):
                return None
        return inner if self.inner.distance(inner) < NEVER else None


def announcing(layout: Layout, inner: Constraint[Any]) -> Constraint[Any]:
    """``inner`` as the layout asks for it: with announcements, or as it is."""
    return Announcing(layout, inner) if layout.again else inner


def permits(grammar: Constraint[S], state: S, token: int) -> bool:
    """Whether ``token`` may come next."""
    if isinstance(grammar, Announcing):
        return grammar.permits(state, token)
    allowed_V = grammar.allowed(state)
    return allowed_V is None or bool(allowed_V[token])


def place_of(state: Any) -> Place:
    """The place in the form of a melody that a state of a grammar holds, announcing or not."""
    place: Place = state.inner if isinstance(state, Announced) else state
    return place


def announced(layout: Layout, tokens: Sequence[int]) -> list[int]:
    """Tokens without announcements, with one before every bar that comes again; the last bar may be unfinished."""
    found: list[int] = []
    newest: dict[tuple[int, ...], int] = {}  # the number of the last bar that held these tokens
    again = layout.by_kind[Kind.AGAIN]
    for number, (head, bar) in enumerate(_bars(layout, tokens)):
        found.extend(head)
        back = number - newest.get(bar, number)
        if back in again and 0 < len(bar) <= LONGEST:
            found.append(again[back])
        found.extend(bar)
        newest[bar] = number
    return found


def unannounced(layout: Layout, tokens: Sequence[int]) -> list[int]:
    """The same bars without a word about which comes again."""
    return [token for token in tokens if layout.events[token].kind is not Kind.AGAIN]


def settled(layout: Layout, tokens: npt.NDArray[Any]) -> BoolArray:
    """Which tokens of a sequence of tunes an announcement leaves no choice about, of shape (T,)."""
    kinds = layout.kinds[tokens]
    return between(kinds == Kind.AGAIN, (kinds == Kind.BAR) | (kinds == Kind.STOP))


def between(opens_T: BoolArray, closes_T: BoolArray) -> BoolArray:
    """Which places lie behind one that opens, up to the next that closes, both left out."""
    place = np.arange(len(opens_T))
    opened = np.maximum.accumulate(np.where(opens_T, place, -1))
    closed = np.maximum.accumulate(np.where(closes_T, place, 0))
    inside: BoolArray = (opened > closed) & (opened < place)
    return inside


def _bars(layout: Layout, tokens: Sequence[int]) -> Iterator[tuple[Sequence[int], tuple[int, ...]]]:
    """(What stands before a bar's first sound, the tokens of its sounds) for each bar."""
    opening = set(layout.by_kind[Kind.BAR].values())
    lines = [place for place, token in enumerate(tokens) if token in opening]
    edges = [*lines, len(tokens)]
    begin = 0
    for line, following in zip(lines, edges[1:], strict=True):
        yield tokens[begin : line + 1], tuple(tokens[line + 1 : following])
        begin = following
    if begin < len(tokens):
        yield tokens[begin:], ()


def _distinct(bars: Sequence[tuple[int, ...]]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(How many bars back, its tokens) for ``bars`` from the newest, but for those that a nearer one equals."""
    seen = set()
    for back, bar in enumerate(bars, 1):
        if bar and bar not in seen:
            seen.add(bar)
            yield back, bar


def _further(tokens: int, distance: int) -> int:
    return min(NEVER, tokens + distance)
