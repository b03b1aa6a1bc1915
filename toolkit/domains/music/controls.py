"""What a user may ask of a generated melody, as knobs; `asking` makes limits and rules of them.

The knobs speak of music, and so do the limits and rules they become; ids are the codec's business. Those in
`OF_FILES` are knobs of the result's files and limit nothing.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, Constraint, UsageError, knob
from toolkit.domains.music.announcing import announcing
from toolkit.domains.music.asking import asked_of
from toolkit.domains.music.density import Dense, notes_asked
from toolkit.domains.music.events import TYPES, Layout
from toolkit.domains.music.form import Form, Formed
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.rules import CLOSES, Rule, check_given
from toolkit.domains.music.rules.given import Openable
from toolkit.score.notes import MODES, Score

_KEYS = ("C", "C#", "Db", "D", "D#", "Eb", "E", "F", "F#", "Gb", "G", "G#", "Ab", "A", "A#", "Bb", "B")
_SCALE, _HARMONY, _MOTIF = "Scale and range", "Harmony and close", "Rhythm and motif"
_VARIED, _PLAYED = "Varying", "Playing"
_METERS = tuple(f"{beats}/{unit}" for beats, unit in Layout().meters)


OF_FILES = ("tempo", "instrument", "title", "swing", "dynamics")
"""The knobs that say nothing of the notes, only of how they are called and played."""

OF_GIVEN = ("use", "given_key", "given_meter", "tune_type")
"""The knobs that say how a melody that is given is taken."""


@dataclass(frozen=True)
class MelodyControls:
    """None, or False, leaves the choice to the model."""

    meter: str | None = knob(None, "The time signature.", choices=_METERS)
    key: str | None = knob(None, "The tonic.", choices=_KEYS)
    mode: str | None = knob(None, "The mode of the key.", choices=MODES)
    tune_type: str | None = knob(None, "What kind of tune it is.", choices=TYPES)
    bars: int | None = knob(None, "Exactly this many full bars, a pickup not counted.", low=1, high=256)
    low: int | None = knob(
        None, "The lowest note allowed (60 is middle C).", low=0, high=127, unit="MIDI pitch", group=_SCALE
    )
    high: int | None = knob(None, "The highest note allowed.", low=0, high=127, unit="MIDI pitch", group=_SCALE)
    scale: bool = knob(False, "Only the seven notes of the key.", group=_SCALE)
    tones: str | None = knob(
        None, "Only these: a scale ('minor pentatonic'), notes (C D E G A) or degrees (1 2 b3 5).", group=_SCALE
    )
    cadence: bool = knob(False, "The last note is a tonic.", group=_HARMONY)
    close: str | None = knob(None, "How the melody closes, by its last two notes.", choices=CLOSES, group=_HARMONY)
    last: float | None = knob(
        None, "The last note lasts at least this long.", low=0, high=16, unit="quarter notes", group=_HARMONY
    )
    chords: str | None = knob(
        None, "Chord tones on strong beats: 'C | G7 | Am F | C', bar by bar, repeated.", group=_HARMONY
    )
    leap: int | None = knob(
        None, "The greatest leap from one note to the next.", low=0, high=127, unit="semitones", group=_SCALE
    )
    repeat_bar: int | None = knob(
        None, "No bar comes more often than this.", low=1, high=256, unit="times", group=_MOTIF
    )
    rhythm: str | None = knob(
        None, "Exactly this rhythm: lengths in quarters (1 1/2 1/2 z1), or ABC notes.", file=True, group=_MOTIF
    )
    pitches: str | None = knob(None, "Exactly these pitches, ABC notes, in any rhythm.", file=True, group=_MOTIF)
    motif: str | None = knob(
        None, "A motif that appears, at any pitch: ABC notes, or steps (+2 +2 -4).", file=True, group=_MOTIF
    )
    motif_rhythm: bool = knob(False, "The motif appears in its own rhythm.", group=_MOTIF)
    motif_at_pitch: bool = knob(False, "The motif appears at its own pitch.", group=_MOTIF)
    notes_a_bar: str | None = knob(
        None, "So many notes begin in every full bar: 4-6, or 5; the number of bars must be said.", group=_MOTIF
    )
    vary: str | None = knob(
        None, "A variation: keep the rhythm or the contour, or change so many notes: 30%.", group=_VARIED
    )
    of: str | None = knob(None, "The melody that it is a variation of: ABC notes or a file.", file=True, group=_VARIED)
    form: str | None = knob(
        None, "Parts by letter, as AABB: those of one letter are alike, but for their last bar.", group=_MOTIF
    )
    part: int = knob(8, "How many bars each part of the form has.", low=2, high=32, unit="bars", group=_MOTIF)
    max_copy: int | None = knob(
        None,
        "Share no longer run of notes with a training tune, in whatever key.",
        low=5,
        high=256,
        unit="notes",
        group="Originality",
    )
    use: str | None = knob(
        None, "Only these bars of what is given to go on from: first:8 or last:4.", group="What is given"
    )
    given_key: str | None = knob(
        None, "Its key, where it says or was found to be in another: D dorian.", group="What is given"
    )
    given_meter: str | None = knob(
        None, "Its meter, where it says none or another.", choices=_METERS, group="What is given"
    )
    refill: str | None = knob(
        None, "These bars of the given melody are made anew, the others kept: 5 or 5-8.", group="Filling a gap"
    )
    tempo: int = knob(120, "How fast the result plays.", low=20, high=400, unit="quarter notes a minute")
    instrument: int = knob(0, "The General MIDI program that plays it.", low=0, high=127)
    title: str | None = knob(None, "What the result is called in its files.", group=_PLAYED)
    swing: float = knob(
        0.0,
        "How far off-beat eighths come late in MIDI and sound: 1 is a triplet's 2 to 1.",
        low=0,
        high=1,
        group=_PLAYED,
    )
    dynamics: bool = knob(False, "Louder on strong beats and within a phrase, in MIDI and sound.", group=_PLAYED)


def shared_knob(name: str) -> Any:
    """The knob of that name, for the controls of another domain that means the same by it."""
    declared = next(each for each in dataclasses.fields(MelodyControls) if each.name == name)
    return dataclasses.field(default=declared.default, metadata=declared.metadata)


@runtime_checkable
class Limited(Protocol):
    """A codec whose grammar can be narrowed to the melodies within limits that keep to rules."""

    def within(self, limits: Limits, rules: tuple[Rule, ...] = ()) -> Constraint[Any]: ...


def constraint(codec: Codec[Score, Any], controls: MelodyControls, given: Score | None = None) -> Constraint[Any]:
    """The codec's grammar narrowed to what is asked for; UsageError when no melody can be that.

    A melody ``given`` to go on from is a part of the whole: one that breaks what is asked is a UsageError that says
    where. ``distance`` is exact, so whoever keeps to tokens that leave enough room never gets stuck.
    """
    if not isinstance(codec, Limited):
        raise UsageError(f"melodies of the codec {codec.name!r} cannot be asked for by meter, key, bars or rules.")
    limits, rules = asked_of(controls)
    if controls.form is not None or controls.notes_a_bar is not None:
        return _kept_alone(codec, controls, limits, rules, given)
    found = codec.within(limits, rules)
    if given is not None:
        check_given(codec, limits, rules, given)
    return found


def _kept_alone(
    codec: Codec[Score, Any], controls: MelodyControls, limits: Limits, rules: tuple[Rule, ...], given: Score | None
) -> Constraint[Any]:
    """The melodies of a form, or of so many notes a bar; UsageError for rules beside it, and for another beginning."""
    layout = getattr(codec, "layout", None)
    what = "a form" if controls.form is not None else "a number of notes a bar"
    if rules or not isinstance(layout, Layout) or (controls.form is not None and controls.notes_a_bar is not None):
        raise UsageError(f"{what} goes with meter, key, range, scale, tones and cadence, and with no other rule.")
    if controls.form is not None:
        form = Form.parse(controls.form, controls.part)
        limits = replace(limits, bars=form.bars if limits.bars is None else limits.bars)
        kept: Constraint[Any] = Formed(layout, limits, form)
    else:
        kept = Dense(layout, limits, *notes_asked(controls.notes_a_bar or ""))
    found = announcing(layout, kept)
    if given is not None and isinstance(codec, Openable):
        state = found.begin()
        for token in codec.opening(given):
            allowed_V = found.allowed(state)
            if allowed_V is not None and not allowed_V[token]:
                raise UsageError(f"the melody to go on from is not the beginning of one with {what} as asked.")
            state = found.step(state, token)
    return found
