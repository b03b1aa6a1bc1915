"""Which token of a chorale may follow which, and what of that a user narrows: an automaton with exact distances.

Within a step the voices speak from the soprano down; at least one of them strikes or falls silent. A piece ends while
something sounds. `Asked` narrows meter, key and length, keeps voices from crossing, ends on the tonic, and holds voices
to what is given of them. Knows tokens by what they say; no model.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from toolkit.core import NEVER, BoolArray, UsageError
from toolkit.domains.chorales.quartet import HOLD, RANGES, REST, VOICES
from toolkit.domains.chorales.table import Kind, Table, Token
from toolkit.score.notes import MODES, Meter

SILENT = -1


class Stage(IntEnum):
    METER = 0
    MODE = 1
    TONIC = 2
    TIME = 3
    BARRED = 4
    AT = 5
    HELD = 6
    VOICE = 7
    OVER = 8


class Place(NamedTuple):
    """Where a piece stands. ``time`` is that of the newest step in sixteenths from the first full bar's line (a pickup
    lies before 0), ``bar`` the number of the newest bar line (-1 before the first), ``begun`` when the first step was;
    ``sounding`` holds a MIDI pitch, or `SILENT`, for each voice; ``voice`` is the one to speak, ``moved`` whether one
    did something in this step.
    """

    stage: Stage
    meter: int = 0
    mode: int = 0
    tonic: int = 0
    time: int = 0
    bar: int = -1
    begun: int | None = None
    sounding: tuple[int, ...] = (SILENT,) * len(VOICES)
    voice: int = 0
    moved: bool = False


@dataclass(frozen=True)
class Kept:
    """What is given of one voice: ``events`` says what it does at which time, `HOLD` never; but for the stretches
    ``free`` (from, to) it does nothing else.
    """

    events: Mapping[int, int]
    free: tuple[tuple[int, int], ...] = ()

    def binds(self, time: int) -> bool:
        return not any(begin <= time < end for begin, end in self.free)

    def at(self, time: int) -> int | None:
        """What the voice must do then; None where it is free."""
        return self.events.get(time, HOLD) if self.binds(time) else None


@dataclass(frozen=True)
class Asked:
    """What a piece is asked to be. ``kept`` is what is given of each voice, by its place; ``end`` when it all ends, in
    sixteenths, and ``begin`` when it begins; ``bars`` the full bars, the last of which may lack what the pickup has.
    """

    meter: Meter | None = None
    key: int | None = None
    mode: str | None = None
    bars: int | None = None
    crossing: bool = True
    cadence: bool = False
    rests: bool = True
    kept: Mapping[int, Kept] = field(default_factory=dict)
    begin: int | None = None
    end: int | None = None


FREE = Asked()


class ChoraleGrammar:
    """A `toolkit.core.Constraint[Place]` for the tokens of ``table``; UsageError when no piece can be what is asked."""

    growth = 8
    """A step where the piece could have ended, and one more to come to the tonic."""

    def __init__(self, table: Table, asked: Asked = FREE) -> None:
        self._table, self._asked = table, asked
        self._tokens, self._ids = table.tokens, table.ids
        meters = [Meter(*each) for each in table.meters]
        if asked.meter is not None and asked.meter not in meters:
            raise UsageError(f"chorales are in {', '.join(map(str, meters))}, not in {asked.meter}.")
        self._check_close()
        self._events = sorted({time for kept in asked.kept.values() for time in kept.events})
        self._masks = lru_cache(4096)(self._mask)
        self._first_pitch, (_, self._lowest) = next(
            (number, token) for number, token in enumerate(self._tokens) if token.kind is Kind.PITCH
        )
        if self.distance(self.begin()) >= NEVER:
            raise UsageError("no chorale can be all that is asked for.")

    def _check_close(self) -> None:
        """UsageError when a bass that is given to its end does not come to the tonic that is asked for."""
        bass, end, key = self._asked.kept.get(len(VOICES) - 1), self._asked.end, self._asked.key
        if not self._asked.cadence or bass is None or end is None or key is None or not bass.binds(end - 1):
            return
        if not bass.events or (bass.events[max(bass.events)] - key) % 12:
            raise UsageError("the bass that is given does not end on the tonic.")

    def begin(self) -> Place:
        return Place(Stage.METER)

    def allowed(self, state: Place) -> BoolArray:
        """Tokens after which all that is asked can still be had."""
        if state.stage in (Stage.TIME, Stage.BARRED):
            # When the next step comes hangs on what sounds only in so far as the piece may end on it.
            ready = self._ready(state.sounding, state.tonic)
            state = state._replace(sounding=(state.tonic + 12 if ready else SILENT,) * len(VOICES))
        mask_V: BoolArray = self._masks(state)
        return mask_V

    def step(self, state: Place, token: int) -> Place:
        kind, value = self._tokens[token]
        if kind is Kind.METER:
            return state._replace(stage=Stage.MODE, meter=value)
        if kind is Kind.MODE:
            return state._replace(stage=Stage.TONIC, mode=value)
        if kind is Kind.TONIC:
            return state._replace(stage=Stage.TIME, tonic=value)
        if kind is Kind.BAR:
            return state._replace(stage=Stage.BARRED, bar=state.bar + 1)
        if kind is Kind.AT:
            time = state.bar * self._table.bars[state.meter] + value
            begun = time if state.begun is None else state.begun
            return state._replace(stage=Stage.AT, time=time, begun=begun, voice=0, moved=False)
        if kind is Kind.FERMATA:
            return state._replace(stage=Stage.HELD)
        if kind is Kind.STOP:
            return state._replace(stage=Stage.OVER)
        sounding, moved = state.sounding, state.moved
        if kind is not Kind.HOLD:
            pitch = SILENT if kind is Kind.REST else value + self._table.base(state.tonic)
            sounding = (*sounding[: state.voice], pitch, *sounding[state.voice + 1 :])
            moved = True
        last = state.voice + 1 == len(VOICES)
        return state._replace(
            stage=Stage.TIME if last else Stage.VOICE,
            sounding=sounding,
            moved=moved and not last,
            voice=0 if last else state.voice + 1,
        )

    def distance(self, state: Place) -> int:
        stage = state.stage
        if stage is Stage.OVER:
            return 0
        if stage <= Stage.TONIC:
            meters = [state.meter] if stage > Stage.METER else self._meters()
            beginnings = (state._replace(stage=Stage.TIME, meter=meter, tonic=self._tonics()[0]) for meter in meters)
            return min((3 - stage + each for each in map(self._from_time, beginnings) if each < NEVER), default=NEVER)
        if stage is Stage.TIME:
            return self._from_time(state)
        if stage is Stage.BARRED:
            return self._from_time(state)
        if stage is Stage.AT and self._may_stop(state):
            return 1
        after = self._after_step(state)
        return len(VOICES) - state.voice + after if after < NEVER else NEVER

    def _meters(self) -> list[int]:
        asked = self._asked.meter
        return [place for place, each in enumerate(self._table.meters) if asked is None or Meter(*each) == asked]

    def _tonics(self) -> list[int]:
        return list(range(12)) if self._asked.key is None else [self._asked.key]

    def _bar(self, state: Place) -> int:
        return self._table.bars[state.meter]

    def _ends(self, state: Place, begun: int) -> Iterator[int]:
        """When a piece that began then may end; nothing where it may end at any time."""
        if self._asked.end is not None:
            yield self._asked.end
        elif self._asked.bars is not None:
            whole = self._asked.bars * self._bar(state)
            yield whole
            if begun < 0:
                yield whole + begun % self._bar(state) - self._bar(state)

    @property
    def _endless(self) -> bool:
        return self._asked.end is None and self._asked.bars is None

    def _ready(self, sounding: tuple[int, ...], tonic: int) -> bool:
        """Whether a piece may end on what sounds."""
        if self._asked.cadence and (sounding[-1] == SILENT or (sounding[-1] - tonic) % 12):
            return False
        return any(pitch != SILENT for pitch in sounding)

    def _may_stop(self, state: Place) -> bool:
        begun = state.begun
        if begun is None or begun == state.time or not self._ready(state.sounding, state.tonic):
            return False
        return self._endless or state.time in self._ends(state, begun)

    def _next_event(self, time: int) -> int | None:
        """The first time after ``time`` at which a kept voice must do something."""
        place = bisect_right(self._events, time)
        return self._events[place] if place < len(self._events) else None

    def _last_event(self) -> int | None:
        return self._events[-1] if self._events else None

    def _from_time(self, state: Place) -> int:
        """Tokens to the end from where a bar line or a time comes next."""
        if state.begun is None:
            return self._from_beginning(state)
        return self._onward(state, state.time, state.bar, self._ready(state.sounding, state.tonic))

    def _onward(self, state: Place, time: int, bar: int, ready: bool) -> int:
        """Tokens from after a step at ``time``, the bar line of ``bar`` being the newest, to the end."""
        size, begun = self._bar(state), state.begun
        assert begun is not None
        last = len(self._events) if self._asked.end is None else bisect_left(self._events, self._asked.end)
        steps = max(0, last - bisect_right(self._events, time))
        soon = max(time + 1, bar * size)
        ends = [soon] if self._endless else [each for each in self._ends(state, begun) if each > time]
        best = NEVER
        for end in ends:
            if bar * size > end:
                continue
            extra = steps
            if not ready and not self._becomes_ready(time):
                if self._endless:
                    end = soon + 1
                elif soon >= end:
                    continue
                extra += 1
            best = min(best, extra * (1 + len(VOICES)) + end // size - bar + 2)
        return best

    def _becomes_ready(self, time: int) -> bool:
        """Whether what kept voices must still do lets a free voice make the end ready: any later step does."""
        last = self._last_event()
        return last is not None and last > time

    def _from_beginning(self, state: Place) -> int:
        """Tokens from where nothing has been struck yet."""
        best = NEVER
        size = self._bar(state)
        # No other beginning is nearer to an end than these.
        free = [0] if state.bar >= 0 else [-2, -1, 0]
        starts = free if self._asked.begin is None else [self._asked.begin]
        for start in starts:
            bar = start // size
            lines = bar - state.bar
            if lines < 0:
                continue
            after = self._onward(state._replace(begun=start), start, bar, True)
            if after < NEVER:
                best = min(best, lines + 1 + len(VOICES) + after)
        return best

    def _after_step(self, state: Place) -> int:
        """Tokens after the voices of the step under way have spoken."""
        ready = self._ready(state.sounding, state.tonic) or any(
            self._free(state.time, voice) for voice in range(state.voice, len(VOICES))
        )
        return self._onward(state, state.time, state.bar, ready)

    def _free(self, time: int, voice: int) -> bool:
        kept = self._asked.kept.get(voice)
        return kept is None or kept.at(time) is None or kept.at(time) != HOLD

    def _mask(self, state: Place) -> BoolArray:
        mask_V = np.zeros(len(self._tokens), np.bool_)
        for token in self._candidates(state):
            number = self._ids[token]
            mask_V[number] = token.kind is Kind.STOP or self._leads_on(state, number)
        if state.stage in (Stage.AT, Stage.HELD, Stage.VOICE) and not self._only_end(state):
            self._allow_pitches(state, mask_V)
        mask_V.setflags(write=False)
        return mask_V

    def _allow_pitches(self, state: Place, mask_V: BoolArray) -> None:
        """Adds what a free voice may strike: what comes after hangs on whether the bass comes to the tonic, at most."""
        kept = self._asked.kept.get(state.voice)
        if kept is not None and kept.at(state.time) is not None:
            return
        low, high = self._room(state)
        if low > high:
            return
        base = self._table.base(state.tonic)
        tokens = np.arange(low - base, high - base + 1) - self._lowest + self._first_pitch
        if self._asked.cadence and state.voice + 1 == len(VOICES):
            classes = {int(each): self._leads_on(state, int(each)) for each in tokens[:12]}
            mask_V[tokens] = [classes[int(tokens[place % 12])] for place in range(len(tokens))]
        else:
            mask_V[tokens] = self._leads_on(state, int(tokens[0]))

    def _room(self, state: Place) -> tuple[int, int]:
        """The lowest and the highest MIDI pitch that the voice which speaks may strike."""
        low, high = RANGES[state.voice]
        if not self._asked.crossing:
            high = min([high, *(each for each in state.sounding[: state.voice] if each != SILENT)])
            below = (self._bound(state, voice) for voice in range(state.voice + 1, len(VOICES)))
            low = max([low, *(each for each in below if each is not None)])
        return low, high

    def _leads_on(self, state: Place, token: int) -> bool:
        return self.distance(self.step(state, token)) < NEVER

    def _candidates(self, state: Place) -> Iterator[Token]:
        """Tokens that may follow, as far as one looks no further than the next one."""
        stage, asked = state.stage, self._asked
        if stage is Stage.METER:
            yield from (Token(Kind.METER, each) for each in self._meters())
        elif stage is Stage.MODE:
            yield from (Token(Kind.MODE, place) for place, each in enumerate(MODES) if asked.mode in (None, each))
        elif stage is Stage.TONIC:
            yield from (Token(Kind.TONIC, each) for each in self._tonics())
        elif stage in (Stage.TIME, Stage.BARRED):
            yield from self._times(state)
        elif stage is Stage.AT:
            if self._may_stop(state):
                yield Token(Kind.STOP)
            if not self._only_end(state):
                yield Token(Kind.FERMATA)
                yield from self._voices(state)
        elif stage is not Stage.OVER:
            yield from self._voices(state)

    def _only_end(self, state: Place) -> bool:
        """Whether a piece cannot go on from the time that it has come to."""
        return not self._endless and not any(end > state.time for end in self._ends(state, state.begun or 0))

    def _times(self, state: Place) -> Iterator[Token]:
        size = self._bar(state)
        latest = None
        if state.begun is not None:
            latest = self._next_event(state.time)
            if self._asked.end is not None:
                latest = self._asked.end if latest is None else min(latest, self._asked.end)
        elif self._asked.begin is not None:
            latest = self._asked.begin
        line = (state.bar + 1) * size
        after_line = state.bar < 0 and state.begun is None
        if (latest is None or line <= latest) and (after_line or state.begun is not None):
            yield Token(Kind.BAR)
        first = state.bar * size
        if state.begun is not None:
            first = max(first, state.time + 1)
        elif state.bar < 0:
            first += 1  # what fills a bar is no pickup
        for time in range(first, line if latest is None else min(line, latest + 1)):
            if state.begun is None and self._asked.begin not in (None, time):
                continue
            if state.begun is None and state.bar >= 0 and time:
                break  # a piece begins on its first bar line, or before it
            yield Token(Kind.AT, time - state.bar * size)

    def _voices(self, state: Place) -> Iterator[Token]:
        voice, sounding = state.voice, state.sounding
        kept = self._asked.kept.get(voice)
        must = None if kept is None else kept.at(state.time)
        beginning = state.time == state.begun
        if must == HOLD and beginning:
            must = REST
        base = self._table.base(state.tonic)
        if must is not None and must >= 0:
            token = Token(Kind.PITCH, must - base)
            if token in self._ids and self._uncrossed(must, state):
                yield token
            return
        silent = sounding[voice] == SILENT
        may_hold = must in (None, HOLD) and not beginning and (state.moved or self._later(state))
        if may_hold and self._uncrossed(sounding[voice], state):
            yield Token(Kind.HOLD)
        may_rest = must == REST or (must is None and self._asked.rests)
        if may_rest and (beginning or not silent):
            yield Token(Kind.REST)

    def _later(self, state: Place) -> bool:
        """Whether a voice below the one that speaks can still do something in this step."""
        return any(self._free(state.time, voice) for voice in range(state.voice + 1, len(VOICES)))

    def _uncrossed(self, pitch: int, state: Place) -> bool:
        """Whether the voice that speaks stays below those that have spoken; silence crosses nothing."""
        if self._asked.crossing or pitch == SILENT:
            return True
        low, high = self._room(state)
        return low <= pitch <= high

    def _bound(self, state: Place, voice: int) -> int | None:
        """The pitch that a voice below is bound to sound in this step, None where it may choose."""
        kept = self._asked.kept.get(voice)
        must = None if kept is None else kept.at(state.time)
        if must is None:
            # It can move out of the way, but not below its range.
            return RANGES[voice][0]
        if must == HOLD:
            return None if state.sounding[voice] == SILENT else state.sounding[voice]
        return must if must >= 0 else None


@lru_cache(maxsize=8)
def free_grammar(table: Table) -> ChoraleGrammar:
    """The grammar of all chorales, shared so that its masks are made once."""
    return ChoraleGrammar(table)
