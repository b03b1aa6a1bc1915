"""Four voices in sixteenths: what each does wherever any of them does something. Scores to quartets and back.

Knows voices, bars and sixteenths; no token. Times are counted in sixteenths from the first full bar's line, so a pickup
begins before 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from toolkit.core import InputError
from toolkit.score.keys import detect_key
from toolkit.score.notes import TICKS, Key, Meter, Note, Score, Track

VOICES = ("soprano", "alto", "tenor", "bass")
RANGES = ((55, 84), (48, 79), (43, 74), (33, 67))
"""The lowest and the highest MIDI pitch of each voice: a little more than Bach's four-part settings ask of them."""

HOLD, REST = -1, -2
"""What a voice may do instead of striking a pitch: go on, or fall silent."""

SIXTEENTH = TICKS // 4
_QUARTER = 4
_LONGEST = 4096


@dataclass(frozen=True, slots=True)
class Step:
    """A time at which some voice does something; ``voices``: a MIDI pitch, `HOLD` or `REST`, from the soprano down."""

    time: int
    voices: tuple[int, int, int, int]
    fermata: bool = False


@dataclass(frozen=True)
class Quartet:
    """A piece in one meter and key, silent before its first step; everything that sounds ends at ``end``."""

    meter: Meter
    key: Key
    steps: tuple[Step, ...]
    end: int

    @property
    def bar(self) -> int:
        """Sixteenths in a bar."""
        return bar_of(self.meter)


def bar_of(meter: Meter) -> int:
    """Sixteenths in a bar of ``meter``."""
    return meter.bar(_QUARTER)


def quartet_of(score: Score) -> Quartet:
    """The four voices of a score, its tracks from the soprano down; InputError, with the reason, where it is none.

    Whole bars of silence at the beginning are left out. A missing key is found from the notes.
    """
    tracks = [track for track in score.tracks if track.notes]
    if len(tracks) != len(VOICES) or any(track.drums for track in tracks):
        raise InputError(f"it has {len(tracks)} voices with notes, and four are needed.")
    meter, key = governing(score)
    bar = bar_of(meter)
    lines = [_events(track.notes, score.resolution, name) for track, name in zip(tracks, VOICES, strict=True)]
    begin = min(line[0][0] for line in lines)
    shift = begin - begin % bar + (bar if begin % bar else 0)
    end = max(line[-1][0] for line in lines) - shift
    if end > _LONGEST:
        raise InputError(f"it is longer than {_LONGEST // _QUARTER:,} quarter notes.")
    held = {round(each / score.resolution * _QUARTER) - shift for each in score.fermatas}
    steps = []
    whole = [dict(line) for line in lines]
    silent = [True] * len(VOICES)
    for time in sorted({time for line in whole for time in line}):
        if time - shift == end:
            break
        does = [line.get(time, REST if silent[place] and time == begin else HOLD) for place, line in enumerate(whole)]
        # A voice that is silent already does not fall silent again, but before anything sounded it must say so.
        does = [HOLD if each == REST and silent[place] and time != begin else each for place, each in enumerate(does)]
        silent = [each == REST or (each == HOLD and silent[place]) for place, each in enumerate(does)]
        if any(each != HOLD for each in does):
            first, second, third, fourth = does
            steps.append(Step(time - shift, (first, second, third, fourth), time - shift in held))
    quartet = Quartet(meter, key, tuple(steps), end)
    for step in steps:
        for place, does_so in enumerate(step.voices):
            low, high = RANGES[place]
            if does_so >= 0 and not low <= does_so <= high:
                raise InputError(f"its {VOICES[place]} has the MIDI pitch {does_so}, outside {low} to {high}.")
    return quartet


def score_of(quartet: Quartet, title: str = "") -> Score:
    """The quartet as a score of four tracks, a pickup at the end of a bar of silence."""
    shift = quartet.bar if quartet.steps and quartet.steps[0].time < 0 else 0
    tracks = []
    for place, name in enumerate(VOICES):
        notes = (
            Note((start + shift) * SIXTEENTH, pitch, (end - start) * SIXTEENTH)
            for start, pitch, end in spans([(step.time, step.voices[place]) for step in quartet.steps], quartet.end)
        )
        tracks.append(Track(tuple(notes), name=name.capitalize()))
    fermatas = tuple((step.time + shift) * SIXTEENTH for step in quartet.steps if step.fermata)
    return Score(tuple(tracks), (quartet.meter,), (quartet.key,), title=title, fermatas=fermatas)


def spans(events: Sequence[tuple[int, int]], end: int) -> Iterator[tuple[int, int, int]]:
    """(Start, pitch, end) of each note in one voice's events."""
    sounding: tuple[int, int] | None = None
    for time, does in events:
        if does == HOLD:
            continue
        if sounding is not None:
            yield *sounding, time
        sounding = (time, does) if does >= 0 else None
    if sounding is not None:
        yield *sounding, end


def line_of(score: Score, name: str) -> list[tuple[int, int]]:
    """What the only voice of a melody does, as (time, pitch or rest), its end a rest; InputError where it is none.

    Times are counted as a quartet counts them.
    """
    tracks = [track for track in score.tracks if track.notes]
    if len(tracks) != 1:
        raise InputError(f"the {name} is one line of notes, and {len(tracks)} are given.")
    bar = bar_of(governing(score)[0])
    events = _events(tracks[0].notes, score.resolution, name)
    begin = events[0][0]
    shift = begin - begin % bar + (bar if begin % bar else 0)
    return [(time - shift, does) for time, does in events]


def governing(score: Score) -> tuple[Meter, Key]:
    """The one meter and key of a score; InputError where there are several meters.

    The key is the first that is told, or else found from the notes.
    """
    if len(score.meters) > 1:
        raise InputError("its meter changes.")
    if bar_of(score.meters[0]) * score.meters[0].denominator != 16 * score.meters[0].numerator:
        raise InputError(f"its meter {score.meters[0]} has bars of no whole number of sixteenths.")
    key = score.keys[0] if score.keys else detect_key(score.notes)
    return Meter(score.meters[0].numerator, score.meters[0].denominator), Key(key.tonic, key.mode)


def _events(notes: Sequence[Note], resolution: int, name: str) -> list[tuple[int, int]]:
    """What a voice does, as (sixteenths from tick 0, pitch or `REST`); its end is a rest."""
    events: list[tuple[int, int]] = []
    at = None
    for note in notes:
        start, end = (tick * _QUARTER / resolution for tick in (note.start, note.end))
        if start != int(start) or end != int(end):
            raise InputError(f"its {name} has notes that do not begin and end on sixteenths.")
        if at is not None and start < at:
            raise InputError(f"its {name} has two notes at once.")
        if at is not None and start > at:
            events.append((at, REST))
        events.append((int(start), note.pitch))
        at = int(end)
    if at is not None:
        events.append((at, REST))
    return events
