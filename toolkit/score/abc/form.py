"""Bars to a score: repeats written once or played out, and every note put into the meter.

Knows repeats, endings, pickups and ties. Does not know how music is written down. A bar that does not fill its
meter is mended only where a section ends and only by a rest or by the last note's length, and it is said; any
other is an error that names the bar.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from toolkit.score import TICKS, Key, Meter, Note, Score, Tempo, Track, in_order
from toolkit.score.abc.body import Bar, Sound
from toolkit.score.abc.fields import COMMON_METERS, WHOLE, AbcError, bar_length, spelled

_TICK = WHOLE // (4 * TICKS)
_ON_GRID = frozenset(tick for tick in range(TICKS) if tick % 3 == 0 or tick % 4 == 0)
_MOST_BARS = 10_000
_DOUBLE = frozenset({"||", "|]", "[|", "[|]"})


@dataclass(frozen=True)
class Arrangement:
    """A tune as a score, and what had to be changed to make it one, a sentence each."""

    score: Score
    changes: tuple[str, ...] = ()


def written_once(bars: Sequence[Bar]) -> list[Bar]:
    """The bars without repetition: of several endings the last, because the music leads on from it."""
    kept: list[Bar] = []
    ending_from: int | None = None
    passes: frozenset[int] = frozenset()
    for bar in bars:
        if bar.ending:
            if ending_from is not None and min(bar.ending) > min(passes):
                del kept[ending_from:]
            ending_from, passes = len(kept), bar.ending
        elif bar.starts_repeat:
            ending_from = None
        kept.append(bar)
    return kept


def as_played(bars: Sequence[Bar]) -> list[Bar]:
    """The bars in the order they sound. A repeat without a beginning goes back to where its section starts."""
    played: list[Bar] = []
    start, turn, index = 0, 1, 0
    while index < len(bars) and len(played) < _MOST_BARS:
        bar = bars[index]
        if index != start and bar.starts_repeat:
            start, turn = index, 1
        endings = _endings(bars, start)
        foreseen = turn > 1 or any(turn in passes for passes in endings.values())
        if foreseen and index in endings and turn not in bar.ending:
            index = next((later for later in endings if later > index), _over(bars, index))
            continue
        played.append(bar)
        index += 1
        passes = max(bar.plays, *(max(each) for each in endings.values()), 0)
        if bar.plays and turn < passes:
            index, turn = start, turn + 1
        elif bar.plays or bar.closes in _DOUBLE:
            while index in endings:
                index = _over(bars, index)
            start, turn = index, 1
    return played


def _endings(bars: Sequence[Bar], start: int) -> dict[int, frozenset[int]]:
    """Where the endings of the repeat that begins at ``start`` are, and in which passes each is played."""
    endings: dict[int, frozenset[int]] = {}
    for index in range(start, len(bars)):
        bar = bars[index]
        over = index > start and (bars[index - 1].plays or bars[index - 1].closes in _DOUBLE)
        if index > start and (bar.starts_repeat or (over and not (bar.ending and endings))):
            break
        if bar.ending:
            endings[index] = bar.ending
    return endings


def _over(bars: Sequence[Bar], index: int) -> int:
    """The bar after the ending that begins at ``index``."""
    while index < len(bars) and not bars[index].plays and bars[index].closes not in _DOUBLE:
        index += 1
    return index + 1


def cut_at_lines(bars: Iterable[Bar]) -> list[Bar]:
    """The full bars, and the rest, of bars whose lines were left out; what sounds across a line is tied."""
    cut: list[Bar] = []
    for bar in bars:
        parts: list[list[Sound]] = []
        room = 0
        for sound in bar.sounds:
            left = sound.duration
            while left:
                if not room:
                    parts.append([])
                    room = _full(bar)
                piece = min(left, room)
                left, room = left - piece, room - piece
                tied = sound.tied if not left else sound.pitch is not None
                parts[-1].append(replace(sound, duration=piece, tied=tied))
        for place, part in enumerate(parts):
            opens, closes = bar.opens if not place else "|", bar.closes if place == len(parts) - 1 else "|"
            number = len(cut) + 1
            cut.append(replace(bar, number=number, sounds=tuple(part), opens=opens, closes=closes))
    return cut


def chords_of(sounds: Sequence[Sound]) -> Iterator[tuple[int, int, int]]:
    """(pitch, onset, duration) in grains of every note, those of chords too, tied notes joined."""
    held: dict[int, tuple[int, int]] = {}
    onset, tied = 0, False
    for sound in sounds:
        struck = () if sound.pitch is None else (*sound.below, sound.pitch)
        going_on = set(struck) & set(held) if tied else set()
        for pitch in set(held) - going_on:
            yield (pitch, *held.pop(pitch))
        for pitch in struck:
            begin, lasted = held.get(pitch, (onset, 0))
            held[pitch] = (begin, lasted + sound.duration)
        tied = sound.tied
        onset += sound.duration
    for pitch, (begin, lasted) in held.items():
        yield pitch, begin, lasted


def notes_of(sounds: Iterable[Sound]) -> Iterator[tuple[int, int, int]]:
    """(pitch, onset, duration) in grains of the highest notes, tied ones joined; a tie to another pitch is a slur."""
    onset = 0
    held: tuple[int, int, int] | None = None
    tied = False
    for sound in sounds:
        if held is not None and tied and sound.pitch == held[0]:
            held = (held[0], held[1], held[2] + sound.duration)
        else:
            if held is not None:
                yield held
            held = None if sound.pitch is None else (sound.pitch, onset, sound.duration)
        tied = sound.tied
        onset += sound.duration
    if held is not None:
        yield held


def arrange(
    bars: Sequence[Bar],
    *,
    unfold: bool = False,
    chords: bool = False,
    tempo: Tempo | None = None,
    title: str = "",
    tune_type: str = "",
) -> Arrangement:
    """The score of a tune's bars. A jig's type decides for 6/8 where the header's meter must be corrected.

    Of a chord the highest note is kept, or with ``chords`` every one.

    AbcError when there is no note, no meter, a bar that does not add up, or a rhythm off the grid of 24 ticks a
    quarter (multiples of 3 or 4 from the beat).
    """
    if not any(sound.pitch is not None for bar in bars for sound in bar.sounds):
        raise AbcError("the tune has no notes.")
    if any(bar.meter is None for bar in bars):
        raise AbcError("the tune has no meter.")
    order = as_played(bars) if unfold else written_once(bars)
    order, changes = _metered(order, "jig" in tune_type and "slip" not in tune_type)
    filled = _fill(order)
    sounding = sorted(chords_of(filled.sounds), key=_by_onset) if chords else notes_of(filled.sounds)
    notes = tuple(_on_grid(sounding))
    if not notes:
        raise AbcError("the tune has no notes.")
    score = Score(
        (Track(notes),),
        in_order(Meter(meter.numerator, meter.denominator, _tick(at)) for at, meter in filled.meters),
        in_order(replace(key, start=_tick(at)) for at, key in filled.keys),
        (tempo or Tempo(500_000),),
        TICKS,
        title,
        tune_type,
    )
    if filled.unlined:
        changes = (*changes, f"bar lines were missing in written bar {', '.join(map(str, filled.unlined))}.")
    return Arrangement(score, (*changes, *filled.changes))


def _metered(bars: list[Bar], jig: bool) -> tuple[list[Bar], tuple[str, ...]]:
    """The bars under the meter they keep: the header's, or another when all of them agree on it."""
    meters = {bar.meter for bar in bars}
    meter = bars[0].meter
    if len(meters) > 1 or meter is None:
        return bars, ()
    length, times = Counter(bar.length for bar in bars).most_common(1)[0]
    if length == bar_length(meter) or 2 * times <= len(bars):
        return bars, ()
    other = _meter_of(length, meter, jig)
    if other is None:
        return bars, ()
    corrected = [replace(bar, meter=other) for bar in bars]
    try:
        filled = _fill(corrected)
    except AbcError:
        return bars, ()
    if filled.joined or filled.unlined:
        return bars, ()
    return corrected, (f"the header says {meter}, the bars are {other}.",)


def _meter_of(length: int, meter: Meter, jig: bool) -> Meter | None:
    """The common meter with bars of ``length``; three eighths go together where the header or the dance says so."""
    compound = jig or (meter.denominator == 8 and meter.numerator % 3 == 0)
    unit = 4 if length % (WHOLE // 4) == 0 and not (compound and length % (3 * WHOLE // 8) == 0) else 8
    name = f"{length * unit // WHOLE}/{unit}"
    return Meter.parse(name) if name in COMMON_METERS and length % (WHOLE // unit) == 0 else None


class _Filling:
    """Lays bars end to end so that each full one begins on a bar line. ``lacking`` is what the open bar needs."""

    def __init__(self) -> None:
        self.sounds: list[Sound] = []
        self.meters: list[tuple[int, Meter]] = []
        self.keys: list[tuple[int, Key]] = []
        self.changes: list[str] = []
        self.at = 0
        self.lacking = 0
        self.unlined: list[int] = []
        self.joined = False

    def rest(self, duration: int) -> None:
        self.sounds.append(Sound(None, duration))
        self.at += duration

    def shorten(self, by: int, bar: Bar) -> None:
        """Takes ``by`` from the end of what has sounded, rests first, so that a pickup has room."""
        self.at -= by
        while by and self.sounds:
            last = self.sounds[-1]
            if last.pitch is None and last.duration <= by:
                by -= self.sounds.pop().duration
                continue
            if last.duration <= by:
                break
            if last.pitch is not None:
                self.changes.append(f"the note before bar {bar.number} gives {spelled(by)} to the pickup.")
            self.sounds[-1] = replace(last, duration=last.duration - by)
            return
        if by:
            raise AbcError(f"bar {bar.number} is a pickup for which the bar before it has no room.")

    def join(self, before: Bar, bar: Bar, following: Bar | None) -> None:
        """Makes the boundary between two bars fit where a section or an ending begins."""
        full, length = _full(bar), bar.length
        after = following.length if following is not None else 0
        if not self.lacking:
            pickup = length < full and following is not None and bar.closes in {"", "|"}
            if pickup and length + after != full:
                self.shorten(length, bar)
                self.lacking = length
        elif length >= full:
            self.changes.append(f"bar {before.number} was short by {spelled(self.lacking)}: a rest fills it.")
            self.rest(self.lacking)
            self.lacking = 0
        elif length < self.lacking and length + after != self.lacking:
            self.changes.append(f"bar {before.number} was short by {spelled(self.lacking - length)}: a rest fills it.")
            self.rest(self.lacking - length)
            self.lacking = length
        elif length > self.lacking:
            self.shorten(length - self.lacking, bar)
            self.lacking = length

    def lay(self, bar: Bar) -> None:
        full, length = _full(bar), bar.length
        if self.lacking and length > self.lacking:
            raise AbcError(
                f"bar {bar.number - 1} lasts {spelled(full - self.lacking)} where the meter asks for {spelled(full)}."
            )
        if not self.lacking:
            self.change(bar)
        self.joined |= bool(self.lacking) and bar.opens == "|"
        if length > full:
            self.over(bar)
        self.sounds.extend(bar.sounds)
        self.at += length
        self.lacking = (self.lacking or full) - length % full if length % full else 0

    def over(self, bar: Bar) -> None:
        """A bar longer than its meter passes if it is several bars whose lines were left out, the last maybe short."""
        full, length, at = _full(bar), bar.length, 0
        starts = set()
        for sound in bar.sounds:
            starts.add(at)
            at += sound.duration
        lines = range(full, length, full)
        short_end = length % full and (self.lacking or bar.closes in {"", "|"})
        if short_end or any(line not in starts for line in lines):
            raise AbcError(f"bar {bar.number} lasts {spelled(length)} where the meter asks for {spelled(full)}.")
        self.unlined.append(bar.number)

    def change(self, bar: Bar) -> None:
        meter = bar.meter
        if meter is not None and (not self.meters or self.meters[-1][1] != meter):
            self.meters.append((self.at, meter))
        if not self.keys or self.keys[-1][1] != bar.key:
            self.keys.append((self.at, bar.key))


def _fill(bars: Sequence[Bar]) -> _Filling:
    filling = _Filling()
    for index, bar in enumerate(bars):
        following = bars[index + 1] if index + 1 < len(bars) else None
        if not index:
            filling.change(bar)
            if bar.length < _full(bar):
                filling.rest(_full(bar) - bar.length)
                filling.lacking = bar.length
        elif _section(bars[index - 1], bar):
            filling.join(bars[index - 1], bar, following)
        filling.lay(bar)
    return filling


def _section(before: Bar, bar: Bar) -> bool:
    """Whether a section, or a jump, lies between two bars as they follow each other."""
    return bar.starts_section or before.closes not in {"", "|"} or bar.number != before.number + 1


def _full(bar: Bar) -> int:
    if bar.meter is None:
        raise AbcError("the tune has no meter.")
    return bar_length(bar.meter)


def _by_onset(sounding: tuple[int, int, int]) -> tuple[int, int]:
    pitch, onset, _ = sounding
    return onset, pitch


def _on_grid(sounding: Iterable[tuple[int, int, int]]) -> Iterator[Note]:
    for pitch, onset, duration in sounding:
        start, end = _tick(onset), _tick(onset + duration)
        if start % TICKS not in _ON_GRID or end % TICKS not in _ON_GRID:
            bad = start if start % TICKS not in _ON_GRID else end
            raise AbcError(f"its rhythm leaves the grid of 32nds and triplet 16ths in quarter {bad // TICKS + 1}.")
        yield Note(start, pitch, end - start)


def _tick(at: int) -> int:
    tick, rest = divmod(at, _TICK)
    if rest:
        raise AbcError("its rhythm is finer than 32nds and triplet 16ths.")
    return tick
