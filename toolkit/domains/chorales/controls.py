"""What a user may ask of a chorale, as knobs, and what that asks of the grammar. Ids are the codec's business."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, Constraint, Engine, InputError, UsageError, knob
from toolkit.domains.chorales.grammar import FREE, Asked, Kept
from toolkit.domains.chorales.prompt import read_melody, read_prompt
from toolkit.domains.chorales.quartet import HOLD, RANGES, REST, VOICES, Quartet, governing, line_of, quartet_of
from toolkit.domains.chorales.table import Table
from toolkit.domains.music.controls import shared_knob
from toolkit.score.notes import Key, Meter, Score
from toolkit.steer import Indifferent, Potential

_METERS = tuple(f"{beats}/{unit}" for beats, unit in Table().meters)
_VOICES, _ANEW = "Given voices", "Filling a gap"


@dataclass(frozen=True)
class ChoraleControls:
    """None, or False, leaves the choice to the model."""

    meter: str | None = knob(None, "The time signature.", choices=_METERS)
    key: str | None = shared_knob("key")
    mode: str | None = shared_knob("mode")
    bars: int | None = knob(None, "Exactly this many bars, a pickup not counted.", low=1, high=64)
    cadence: bool = knob(False, "The bass ends on the tonic.", group="Harmony and close")
    uncrossed: bool = knob(False, "No voice goes above the one over it.", group="Harmony and close")
    unbroken: bool = knob(False, "No voice falls silent.", group="Harmony and close")
    soprano: str | None = knob(
        None, "A melody to harmonise, kept note for note: ABC notes or a file.", file=True, long=True, group=_VOICES
    )
    bass: str | None = knob(
        None, "A bass to set voices over, kept note for note: ABC notes or a file.", file=True, long=True, group=_VOICES
    )
    rewrite: str | None = knob(
        None, "A chorale (MIDI, MusicXML) of which only a part is made anew.", file=True, group=_ANEW
    )
    anew: str | None = knob(None, "That part: voices, bars or both: 'alto', '3-4', 'tenor bass 5'.", group=_ANEW)
    tempo: int = knob(84, "How fast the result plays.", low=20, high=400, unit="quarter notes a minute")
    instrument: int = knob(19, "The General MIDI program that plays it.", low=0, high=127)
    title: str | None = shared_knob("title")
    swing: float = shared_knob("swing")
    dynamics: bool = shared_knob("dynamics")


@dataclass(frozen=True)
class NoWishes:
    """What is given of a piece is anticipated by particles; nothing else can be wished for."""


@runtime_checkable
class Asking(Protocol):
    """A codec whose grammar can be narrowed to what is asked."""

    def within(self, asked: Asked) -> Constraint[Any]: ...


def constraint(codec: Codec[Score, Any], controls: ChoraleControls, given: Score | None = None) -> Constraint[Any]:
    """The codec's grammar narrowed to what is asked for; UsageError when no chorale can be that."""
    asked = asked_of(controls)
    if asked == FREE:
        return codec.grammar()
    if not isinstance(codec, Asking):
        raise UsageError(f"chorales of the codec {codec.name!r} cannot be asked for by meter, key or voices.")
    if given is not None:
        _check(given, asked)
    return codec.within(asked)


def wished(
    codec: Codec[Score, Any], wishes: NoWishes, controls: ChoraleControls, engine: Engine, opening: Sequence[int]
) -> tuple[Potential[Any], ...]:
    """A reason to keep particles, where it is known what is to come: the voices should lead to it."""
    known = (controls.soprano, controls.bass, controls.rewrite, controls.bars if controls.cadence else None)
    return () if all(each is None for each in known) else (Indifferent(),)


def asked_of(controls: ChoraleControls) -> Asked:
    """What the controls ask, and what they give; UsageError for what contradicts itself."""
    meter = None if controls.meter is None else Meter.parse(controls.meter)
    key = None if controls.key is None else Key.parse(controls.key).tonic
    asked = Asked(
        meter, key, controls.mode, controls.bars, not controls.uncrossed, controls.cadence, not controls.unbroken
    )
    if controls.rewrite is not None:
        if controls.soprano is not None or controls.bass is not None:
            raise UsageError("a chorale is rewritten, or voices are set to a soprano or a bass: ask for one of them.")
        return _rewriting(asked, controls.rewrite, controls.anew)
    if controls.anew is not None:
        raise UsageError("to make a part anew, name the chorale it is a part of with rewrite.")
    lines = {0: controls.soprano, len(VOICES) - 1: controls.bass}
    for place, told in lines.items():
        if told is not None:
            asked = _with_voice(asked, place, _said(VOICES[place], told))
    if controls.uncrossed:
        _check_crossing(asked)
    return asked


def _said(name: str, told: str) -> Score:
    try:
        return read_melody(told)
    except InputError as error:
        raise UsageError(f"the {name}: {error}") from None


def _with_voice(asked: Asked, place: int, score: Score) -> Asked:
    """``asked`` with a voice given note for note, and with its meter, key, beginning and end."""
    name = VOICES[place]
    try:
        meter, key = governing(score)
        line = line_of(score, name)
    except InputError as error:
        raise UsageError(f"the {name} cannot be set: {error}") from None
    low, high = RANGES[place]
    outside = [pitch for _, pitch in line if pitch >= 0 and not low <= pitch <= high]
    if outside:
        raise UsageError(f"the {name} has the MIDI pitch {outside[0]}, outside {low} to {high}: transpose it first.")
    begin, end = line[0][0], line[-1][0]
    if asked.kept and (asked.begin, asked.end, asked.meter) != (begin, end, meter):
        raise UsageError("the soprano and the bass do not begin and end together in one meter.")
    if asked.meter not in (None, meter):
        raise UsageError(f"the {name} is in {meter}, not in {asked.meter}.")
    if asked.bars is not None:
        raise UsageError(f"the {name} says how many bars there are: leave bars out.")
    return replace(
        asked,
        meter=meter,
        key=key.tonic if asked.key is None else asked.key,
        mode=key.mode if asked.mode is None else asked.mode,
        kept={**asked.kept, place: Kept({time: does for time, does in line if time < end})},
        begin=begin,
        end=end,
    )


_PART = re.compile(r"(?P<first>\d+)\s*(?:-\s*(?P<last>\d+))?")


def _rewriting(asked: Asked, told: str, anew: str | None) -> Asked:
    """``asked`` with everything given of a chorale but what is made ``anew``."""
    if anew is None:
        raise UsageError("say what of the chorale is made anew, such as 'alto', '3-4' or 'tenor bass 5'.")
    try:
        quartet = quartet_of(read_prompt(told))
    except InputError as error:
        raise UsageError(f"the chorale to rewrite: {error}") from None
    if asked.meter not in (None, quartet.meter) or asked.bars is not None:
        raise UsageError("a chorale that is rewritten keeps its meter and its bars.")
    voices, begin, end = _part(anew, quartet)
    kept = {place: _kept(quartet, place, begin, end, free=place in voices) for place in range(len(VOICES))}
    return replace(
        asked,
        meter=quartet.meter,
        key=quartet.key.tonic,
        mode=quartet.key.mode,
        kept=kept,
        begin=quartet.steps[0].time,
        end=quartet.end,
    )


def _part(anew: str, quartet: Quartet) -> tuple[frozenset[int], int, int]:
    """(The voices, the first sixteenth, the one after the last) that are made anew; UsageError where none is meant."""
    words = anew.lower().replace(",", " ")
    named = frozenset(place for place, name in enumerate(VOICES) if name in words.split())
    rest = " ".join(word for word in words.split() if word not in VOICES)
    bars = _PART.fullmatch(rest)
    if rest and bars is None:
        raise UsageError(f"{anew!r} names no voices and bars: write such as 'alto', '3-4' or 'tenor bass 5'.")
    if bars is None:
        return named, min(0, quartet.steps[0].time), quartet.end
    first, last = int(bars["first"]), int(bars["last"] or bars["first"])
    count = -(-quartet.end // quartet.bar)
    if not (0 if quartet.steps[0].time < 0 else 1) <= first <= last <= count:
        raise UsageError(f"there are no bars {rest} in a chorale of {count} bars.")
    begin = quartet.steps[0].time if not first else (first - 1) * quartet.bar
    return named or frozenset(range(len(VOICES))), begin, min(quartet.end, last * quartet.bar)


def _kept(quartet: Quartet, place: int, begin: int, end: int, *, free: bool) -> Kept:
    """What stays of a voice. After a stretch made anew it strikes again what it was holding there."""
    events: dict[int, int] = {}
    sounding = REST
    for step in quartet.steps:
        does = step.voices[place]
        sounding = sounding if does == HOLD else does
        if does != HOLD and not (free and begin <= step.time < end):
            events[step.time] = does
        if step.time < end:
            going = sounding
    if free and end < quartet.end:
        events.setdefault(end, going)
    return Kept(events, ((begin, end),) if free else ())


def _check(given: Score, asked: Asked) -> None:
    """UsageError when a beginning is given besides voices that say how all begins, or in another meter or key."""
    if asked.kept:
        raise UsageError("voices that are given say how the chorale begins: leave the prompt out.")
    meter, key = governing(given)
    for what, one, other in (
        ("meter", asked.meter, meter),
        ("key", asked.key, key.tonic),
        ("mode", asked.mode, key.mode),
    ):
        if one not in (None, other):
            raise UsageError(f"the chorale to go on from is in {meter}, {key}: another {what} is asked for.")


def _check_crossing(asked: Asked) -> None:
    """UsageError when voices that are given cross each other."""
    lines: Mapping[int, Kept] = asked.kept
    if len(lines) < 2 or asked.end is None:
        return
    sounding = dict.fromkeys(lines, REST)
    for time in sorted({time for kept in lines.values() for time in kept.events}):
        for place, kept in lines.items():
            sounding[place] = kept.events.get(time, sounding[place])
        heard = [sounding[place] for place in sorted(lines) if sounding[place] >= 0]
        if heard != sorted(heard, reverse=True):
            raise UsageError("the voices that are given cross each other.")
