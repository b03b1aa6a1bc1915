"""From the words of a user's controls to limits and rules: everything that is read from text or files.

Knows what the words mean and how they settle one another (chords settle the number of bars, a rhythm the meter). Knows
no codec and no token.
"""

from __future__ import annotations

import math
import re
from dataclasses import replace
from itertools import accumulate, pairwise
from typing import Protocol

from toolkit.core import UsageError
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.prompt import read_pitches, read_prompt
from toolkit.domains.music.rules import (
    Close,
    Contour,
    Harmony,
    LastNote,
    Leap,
    Line,
    Motif,
    Progression,
    Repeats,
    Rhythm,
    Rule,
)
from toolkit.domains.music.scales import Tones
from toolkit.score.keys import detect_key
from toolkit.score.notes import TICKS, Key, Meter, Score

_STEPS = re.compile(r"\s*[+-]?\d+(?:[\s,]+[+-]?\d+)*\s*")
_LENGTHS = re.compile(r"[\s,|]*z?[\d./]+(?:[\s,|]+z?[\d./]+)*[\s,|]*")
_SHARE = re.compile(r"(\d{1,3})\s*%")
_MIDDLE = 60


class Asked(Protocol):
    """The controls that limit a melody: `toolkit.domains.music.controls.MelodyControls`."""

    @property
    def meter(self) -> str | None: ...
    @property
    def key(self) -> str | None: ...
    @property
    def mode(self) -> str | None: ...
    @property
    def tune_type(self) -> str | None: ...
    @property
    def bars(self) -> int | None: ...
    @property
    def low(self) -> int | None: ...
    @property
    def high(self) -> int | None: ...
    @property
    def scale(self) -> bool: ...
    @property
    def tones(self) -> str | None: ...
    @property
    def cadence(self) -> bool: ...
    @property
    def close(self) -> str | None: ...
    @property
    def last(self) -> float | None: ...
    @property
    def chords(self) -> str | None: ...
    @property
    def leap(self) -> int | None: ...
    @property
    def repeat_bar(self) -> int | None: ...
    @property
    def rhythm(self) -> str | None: ...
    @property
    def pitches(self) -> str | None: ...
    @property
    def motif(self) -> str | None: ...
    @property
    def motif_rhythm(self) -> bool: ...
    @property
    def motif_at_pitch(self) -> bool: ...
    @property
    def vary(self) -> str | None: ...
    @property
    def of(self) -> str | None: ...


def asked_of(controls: Asked) -> tuple[Limits, tuple[Rule, ...]]:
    """What ``controls`` ask of the notes; UsageError for words that mean nothing or contradict one another."""
    limits = _limits(controls)
    rules: list[Rule] = []
    if controls.vary is not None or controls.of is not None:
        if controls.rhythm is not None or controls.pitches is not None:
            raise UsageError("a variation has its notes from what it varies: leave rhythm and pitches out.")
        limits, rules = _varied(limits, controls.vary, controls.of)
    if controls.rhythm is not None:
        limits, rhythm = _in_rhythm(limits, controls.rhythm)
        rules.append(rhythm)
    if controls.chords is not None:
        limits, harmony = _over_chords(limits, controls.chords)
        rules.append(harmony)
    if controls.pitches is not None:
        rules.append(Line(read_pitches(controls.pitches)))
    if controls.motif is not None:
        rules.append(_motif(controls.motif, controls.motif_rhythm, controls.motif_at_pitch))
    if controls.leap is not None:
        rules.append(Leap(controls.leap))
    if controls.close is not None:
        rules.append(Close(controls.close))
    if controls.last:
        rules.append(LastNote(math.ceil(controls.last * TICKS)))
    if controls.repeat_bar is not None:
        rules.append(Repeats(controls.repeat_bar))
    if rules and limits.cadence:  # a grammar with rules leaves the end to them
        limits = replace(limits, cadence=False)
        rules.append(Close("tonic"))
    return limits, tuple(rules)


def _limits(controls: Asked) -> Limits:
    low = 0 if controls.low is None else controls.low
    high = 127 if controls.high is None else controls.high
    if low > high:
        raise UsageError(f"the lowest note allowed ({low}) is above the highest ({high}).")
    meter = None if controls.meter is None else Meter.parse(controls.meter)
    tones = None if controls.tones is None else Tones.parse(controls.tones)
    return Limits(
        meter=None if meter is None else (meter.numerator, meter.denominator),
        mode=controls.mode or (tones.mode if tones else None),
        tonic=None if controls.key is None else Key.parse(controls.key).tonic,
        bars=controls.bars,
        low=low,
        high=high,
        scale=controls.scale,
        cadence=controls.cadence,
        tones=tones,
        tune_type=controls.tune_type,
    )


def _in_rhythm(limits: Limits, text: str) -> tuple[Limits, Rhythm]:
    """The rhythm, and limits with its meter and its bars; lengths alone are in 4/4 unless a meter is asked for."""
    asked = None if limits.meter is None else Meter(*limits.meter)
    if _LENGTHS.fullmatch(text):
        rhythm = Rhythm.of_lengths(text, asked or Meter(4, 4))
    else:
        rhythm = Rhythm.of_score(_read(text, asked))
    if asked not in (None, rhythm.meter):
        raise UsageError(f"the rhythm is in {rhythm.meter}, and the meter asked for is {asked}.")
    if limits.bars is not None:
        rhythm = rhythm.repeated(limits.bars)
    meter = (rhythm.meter.numerator, rhythm.meter.denominator)
    return replace(limits, meter=meter, bars=rhythm.bars), rhythm


def _varied(limits: Limits, vary: str | None, of: str | None) -> tuple[Limits, list[Rule]]:
    """What a variation keeps as rules, and limits with the meter, the bars and, unless it is asked for, the key."""
    if vary is None or of is None:
        raise UsageError("a variation needs both: what to keep or change (vary), and the melody that it is of (of).")
    share = _SHARE.fullmatch(vary.strip())
    if vary not in ("rhythm", "contour") and (share is None or not 0 < int(share[1]) <= 100):
        raise UsageError(f"vary is rhythm, contour, or how many notes change, such as 30%, not {vary!r}.")
    score = _read(of)
    rhythm = Rhythm.of_score(score)
    meter = (rhythm.meter.numerator, rhythm.meter.denominator)
    if limits.meter not in (None, meter):
        raise UsageError(f"the melody to vary is in {rhythm.meter}, and the meter asked for is {Meter(*limits.meter)}.")
    if limits.bars not in (None, rhythm.bars):
        raise UsageError(f"the melody to vary has {rhythm.bars} bars, and {limits.bars} are asked for.")
    key = score.keys[0] if score.keys else detect_key(score.notes)
    limits = replace(
        limits,
        meter=meter,
        bars=rhythm.bars,
        tonic=key.tonic if limits.tonic is None else limits.tonic,
        mode=limits.mode or key.mode,
    )
    pitches = [note.pitch for note in score.notes]
    if vary == "rhythm":
        return limits, [rhythm]
    if share is None:
        ways = tuple((after > before) - (after < before) for before, after in pairwise(pitches))
        return limits, [rhythm, Contour(ways)]
    free = _spread(len(pitches), int(share[1]))
    return limits, [rhythm, Line(tuple(None if each else pitch for pitch, each in zip(pitches, free, strict=True)))]


def _spread(count: int, percent: int) -> list[bool]:
    """Which of so many notes are free: about ``percent`` in a hundred, evenly spread, at least one."""
    free = [(place + 1) * percent // 100 > place * percent // 100 for place in range(count)]
    return free if any(free) else [place == count // 2 for place in range(count)]


def _over_chords(limits: Limits, text: str) -> tuple[Limits, Harmony]:
    """The chords, and limits with as many bars as there are chords for, if no number was asked for."""
    harmony = Harmony(Progression.parse(text))
    bars = len(harmony.progression.bars)
    if limits.bars is not None and limits.bars < bars:
        raise UsageError(f"there are chords for {bars} bars, and the melody has {limits.bars}.")
    return replace(limits, bars=limits.bars or bars), harmony


def _motif(text: str, rhythm: bool, at_pitch: bool) -> Motif:
    if _STEPS.fullmatch(text):
        if rhythm or at_pitch:
            raise UsageError(
                "a motif given by its steps in semitones has neither a pitch nor a rhythm; give its notes."
            )
        steps = [int(step) for step in re.split(r"[\s,]+", text.strip())]
        return Motif(tuple(accumulate(steps, initial=_MIDDLE)))
    if not rhythm:
        return Motif(read_pitches(text), transposed=not at_pitch)
    score = _read(text).rescaled(TICKS)
    if not score.notes:
        raise UsageError("there are no notes in the motif.")
    if any(one.end != other.start for one, other in pairwise(score.notes)):
        raise UsageError("a motif that appears in its own rhythm has no rests within it.")
    pitches, durations = zip(*((note.pitch, note.duration) for note in score.notes), strict=True)
    return Motif(pitches, transposed=not at_pitch, durations=durations)


def _read(text: str, meter: Meter | None = None) -> Score:
    """The melody that ``text`` spells, in ``meter`` unless it says its own, or that the file it names holds."""
    if meter is not None and "\n" not in text and "M:" not in text and not re.search(r"\.\w{2,4}\s*$", text):
        text = f"M:{meter} {text}"
    return read_prompt(text)
