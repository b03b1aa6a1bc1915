"""No bar more than so many times: the one rule that needs the whole past.

Its states would be all sets of bars, so distances cannot be tabled. Instead every state carries a plan: tokens that
lead to an end within everything asked. A token after which no plan is found is taken back at once, so a melody never
gets stuck and nothing already heard is withdrawn. Finding the shortest plan is a search of paths without repetitions,
and a bounded one: where it grows too large the shortest plan found counts, which is safe but may be longer than need
be, and close to the length limit a token may be refused that a longer search would have let through.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, UsageError
from toolkit.domains.music.events import Event, Kind
from toolkit.domains.music.grammar import Stage
from toolkit.domains.music.rules.rule import Rule
from toolkit.domains.music.rules.ruled import RuledGrammar, RuledPlace

_QUICK, _SHORTENING, _THOROUGH = 400, 80, 20_000
"""How many places a search looks at for a plan of some length, for a shorter one than it has, for one of any length."""

_REMEMBERED = 1 << 13

_LONGER = (0, 1, 2, 4, 6, 10)
"""By how many tokens more than without this rule plans are looked for, before any will do."""

Content = tuple[tuple[int, int, int], ...]
"""(Begin, end, pitch) of what sounds in a bar, in ticks from its line; a begin of -1 says: held from before it."""


@dataclass(frozen=True)
class Repeats(Rule):
    """No full bar comes more than ``times`` times.

    Two bars are equal when the same pitches begin at the same places in them and sound as long, as far as they lie in
    the bar: a note held from the bar before is not one that begins, and what a note does after the bar line does not
    matter. The pickup is not a bar; a last bar that a pickup completes is one, with silence to its end.
    """

    times: int

    @property
    def phrase(self) -> str:
        return f"without any bar more than {'once' if self.times == 1 else f'{self.times} times'}"

    def depends(self, header: object) -> None:
        return None


class Past(NamedTuple):
    """The place, the full bars so far, the bar it is in, the last pitch; and a plan, None if none is found."""

    inner: RuledPlace
    bars: tuple[int, ...] = ()
    content: Content = ()
    pitch: int = 0
    plan: tuple[int, ...] | None = ()


class SparingGrammar:
    """The melodies of ``inner`` in which no bar comes more than ``times`` times: a constraint that withdraws.

    UsageError when no such melody is found.
    """

    def __init__(self, inner: RuledGrammar, times: int) -> None:
        self.inner, self.layout, self._times = inner, inner.layout, times
        self._numbers: dict[Content, int] = {}
        self._nearest = lru_cache(_REMEMBERED)(self._sorted)
        self._moved = lru_cache(4 * _REMEMBERED)(inner.step)
        self._beginning = self._planned(Past(inner.begin()))
        if self._beginning.plan is None:
            raise UsageError(f"no melody {' and '.join(rule.phrase for rule in inner.rules)} was found.")

    def begin(self) -> Past:
        return self._beginning

    def allowed(self, state: Past) -> BoolArray:
        mask_V: BoolArray = self.distances(state) < NEVER
        return mask_V

    def step(self, state: Past, token: int) -> Past:
        after = self._after(state, token)
        if state.plan and state.plan[0] == token:
            return after._replace(plan=state.plan[1:])
        spare = 0 if not state.plan else max(0, len(state.plan) - self.inner.distance(state.inner))
        return self._planned(after, spare)

    def distance(self, state: Past) -> int:
        """The length of the plan; `NEVER` without one."""
        return NEVER if state.plan is None else len(state.plan)

    def distances(self, state: Past) -> npt.NDArray[np.int32]:
        """Lower bounds of the distances after each token, `NEVER` where it would repeat a bar: see `withdraw`."""
        found_V = self.inner.distances(state.inner)
        if state.inner.place.number == 0:
            return found_V
        over = [token for token in self._ends_of_bar(state) if found_V[token] < NEVER and self._repeats(state, token)]
        if over:
            found_V = found_V.copy()
            found_V[over] = NEVER
        return found_V

    def pending(self, state: Past) -> int:
        return 0

    def withdraw(self, state: Past) -> int:
        return 1 if state.plan is None else 0

    # --- bars ----------------------------------------------------------------------------------------------------

    def _ends_of_bar(self, state: Past) -> Iterator[int]:
        """The tokens that would make the bar whole here."""
        place = state.inner.place
        if place.stage is Stage.UNTIL:
            yield self.layout.ids[Event(Kind.UNTIL, place.bar)]
        elif place.stage is Stage.SOUND:
            yield self.layout.ids[Event(Kind.STOP)]

    def _repeats(self, state: Past, token: int) -> bool:
        content = self._sounded(state, token)
        number = self._numbers.get(content)
        return number is not None and state.bars.count(number) >= self._times

    def _sounded(self, state: Past, token: int) -> Content:
        """The bar's content after ``token``: a sound is in it once its end is said."""
        kind, value = self.layout.events[token]
        place = state.inner.place
        if kind is not Kind.UNTIL or place.stage is not Stage.UNTIL or not place.sounding:
            return state.content
        return (*state.content, (-1 if state.pitch < 0 else place.tick, value, abs(state.pitch)))

    def _after(self, state: Past, token: int) -> Past:
        kind, value = self.layout.events[token]
        place = state.inner.place
        inner = self._moved(state.inner, token)
        pitch = state.pitch
        if kind is Kind.PITCH:
            pitch = 1 + value - self.layout.lowest
        elif kind is Kind.TIE:
            pitch = -abs(pitch)
        content = () if kind is Kind.BAR else self._sounded(state, token)
        whole = place.number > 0 and (
            (kind is Kind.UNTIL and value == place.bar) or (kind is Kind.STOP and place.stage is Stage.SOUND)
        )
        if not whole:
            return Past(inner, state.bars, content, pitch)
        return Past(inner, (*state.bars, self._numbers.setdefault(content, len(self._numbers))), content, pitch)

    # --- plans ---------------------------------------------------------------------------------------------------

    def _planned(self, state: Past, spare: int = 0) -> Past:
        if state.inner.place.stage is Stage.DONE:
            return state._replace(plan=())
        if state.inner.place.stage < Stage.FIRST_BAR:
            return state._replace(plan=self._plan_with_header(state))
        return state._replace(plan=self._plan(state, spare))

    def _plan_with_header(self, state: Past) -> tuple[int, ...] | None:
        kinds = (Kind.METER, Kind.MODE, Kind.TONIC)
        grammar, place = self.inner.grammar, state.inner.place
        first = [next(grammar.formed(place))] if place.stage is Stage.TYPE else []
        for header in grammar.headers(*state.inner.header):
            said = len(state.inner.header)
            rest = [Event(*each) for each in zip(kinds[said:], header[said:], strict=True)]
            tokens = [self.layout.ids[event] for event in (*first, *rest)]
            after = state
            for token in tokens:
                after = self._after(after, token)
            if self.inner.distance(after.inner) < NEVER and (plan := self._plan(after)) is not None:
                return (*tokens, *plan)
        return None

    def _plan(self, state: Past, spare: int = 0) -> tuple[int, ...] | None:
        """A plan from ``state``; ``spare`` says by how many tokens the last one was longer than without this rule."""
        least = self.inner.distance(state.inner)
        if least >= NEVER:
            return None
        plan = None
        for longer in (each for each in (spare, *_LONGER) if each >= spare):
            plan = self._search(state, least + longer, _QUICK)
            if plan is not None:
                break
        else:
            plan = self._search(state, NEVER - 1, _THOROUGH)
        while plan is not None and len(plan) > least:
            shorter = self._search(state, len(plan) - 1, _SHORTENING)
            if shorter is None:
                break
            plan = shorter
        return plan

    def _search(self, state: Past, length: int, places: int) -> tuple[int, ...] | None:
        """A plan of at most ``length`` tokens, depth first; None when so many ``places`` show none."""
        path: list[int] = []
        open_: list[Iterator[tuple[int, Past]]] = [self._ways(state, length)]
        while open_:
            following = next(open_[-1], None)
            if following is None:
                open_.pop()
                path = path[: len(open_) - 1]
                continue
            token, after = following
            path = [*path[: len(open_) - 1], token]
            if after.inner.place.stage is Stage.DONE:
                return tuple(path)
            places -= 1
            if not places:
                return None
            open_.append(self._ways(after, length - len(path)))
        return None

    def _ways(self, state: Past, length: int) -> Iterator[tuple[int, Past]]:
        """(Token, state after it) for what may still end within ``length`` tokens, the nearest to an end first."""
        ends = set(self._ends_of_bar(state)) if state.inner.place.number else ()
        for distance, token in self._nearest(state.inner):
            if distance >= length:
                return
            if token not in ends or not self._repeats(state, token):
                yield token, self._after(state, token)

    def _sorted(self, inner: RuledPlace) -> tuple[tuple[int, int], ...]:
        """(Distance, token) of what may follow, the nearest to an end first.

        Of tokens equally near, another comes first in each bar, so that a plan does not run into its own repetitions.
        """
        distance_V = self.inner.distances(inner)
        tokens = np.flatnonzero(distance_V < NEVER)
        turn = (tokens * 7 + inner.place.number * 3) % len(distance_V)
        order = np.lexsort((turn, distance_V[tokens]))
        return tuple((int(distance_V[token]), int(token)) for token in tokens[order])
