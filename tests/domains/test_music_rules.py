"""What a model that knows nothing draws keeps to everything asked, as an independent reader hears it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.domains import melody_checker as checker
from toolkit import generate
from toolkit.api import open_run
from toolkit.core import FloatArray, UsageError
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import read_prompt
from toolkit.domains.music.rules import Chord
from toolkit.domains.music.scales import pitch_class
from toolkit.domains.music.views import midi
from toolkit.sampling import Sampler
from toolkit.score.notes import MODES, Key, Score

CODEC = MelodyCodec()
LENGTHS = {"1 1/2 1/2 z1 1": [(0, 1), (1, 3 / 2), (3 / 2, 2), (3, 4)], "3/2 1/2": [(0, 3 / 2), (3 / 2, 2)]}
MOTIFS = {"c d e": [72, 74, 76], "G2 c2 G2": [67, 72, 67], "+2 -5": [60, 62, 57]}


class Undecided:
    """An engine whose logits are random, and differ from token to token."""

    name, precision, vocabulary = "undecided", "fp64", CODEC.size

    def __init__(self, seed: int, favour: int | None = None) -> None:
        self._seed, self._favour = seed, favour

    def begin(self) -> int:
        return 0

    def feed(self, tokens: Sequence[int], memory: int) -> tuple[FloatArray, int]:
        logits_V = np.random.default_rng((self._seed, memory)).normal(scale=2.0, size=self.vocabulary)
        return logits_V.astype(np.float32), memory + len(tokens)

    def rows(self, memory: Any, rows: Sequence[int]) -> Any:
        raise NotImplementedError

    def advance(self, tokens: Sequence[int], memory: Any) -> Any:
        raise NotImplementedError


def drawn(controls: MelodyControls, seed: int, length: int = 1024, prompt: Score | None = None) -> Score:
    """A whole melody, through the decode loop that users get; it must end by the stop token."""
    opening = [] if prompt is None else CODEC.opening(prompt)
    steps = generate.tokens(
        Undecided(seed),
        [CODEC.stop, *opening],
        sampler=Sampler(),
        length=length,
        stop=CODEC.stop,
        constraint=constraint(CODEC, controls, prompt),
        seed=seed,
    )
    made = [step.token for step in steps]
    assert made[-1] == CODEC.stop
    assert len(made) <= length
    return CODEC.decode([*opening, *made])


def check(score: Score, controls: MelodyControls) -> None:
    """Every control, on the notes of the exported file."""
    tune, key = checker.heard(midi(score, {})), score.keys[0]
    assert controls.meter in (None, f"{tune.beats}/{tune.unit}")
    assert controls.key is None or key.tonic == Key.parse(controls.key).tonic
    assert controls.mode in (None, key.mode)
    assert controls.bars in (None, tune.bars)
    assert all((controls.low or 0) <= pitch <= (controls.high or 127) for pitch in tune.pitches)
    assert not controls.scale or checker.keeps_to_tones(tune, key.tonic, key.mode)
    assert controls.tones is None or checker.keeps_to_tones(tune, key.tonic, controls.tones)
    assert not controls.cadence or checker.closes(tune, "tonic", key.tonic, key.mode)
    assert controls.close is None or checker.closes(tune, controls.close, key.tonic, key.mode)
    assert controls.repeat_bar is None or checker.most_equal_bars(tune) <= controls.repeat_bar
    assert controls.leap is None or checker.leaps_at_most(tune, controls.leap)
    if controls.chords is not None:
        assert checker.fits_chords(tune, [bar.split() for bar in controls.chords.split("|")])
    if controls.rhythm is not None:
        spans = [(Fraction(begin), Fraction(end)) for begin, end in LENGTHS[controls.rhythm]]
        length = -(-spans[-1][1] // tune.bar) * tune.bar
        times = range(int(tune.bars * tune.bar / length))
        assert checker.has_rhythm(tune, [(b + n * length, e + n * length) for n in times for b, e in spans])
    if controls.notes is not None:
        assert tune.pitches == [note.pitch for note in read_prompt(controls.notes).notes]
    if controls.motif is not None:
        lengths = [note.duration for note in read_prompt(controls.motif).notes] if controls.motif_rhythm else None
        assert checker.contains_motif(
            tune,
            MOTIFS[controls.motif],
            at_pitch=controls.motif_at_pitch,
            lengths=None if lengths is None else [Fraction(each, 24) for each in lengths],
        )


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


CONTROLS = st.builds(
    MelodyControls,
    meter=st.sampled_from(["2/4", "3/4", "4/4", "6/8", "5/8", "9/8", "12/8"]),
    key=maybe(st.sampled_from(["C", "D", "Bb"])),
    mode=maybe(st.sampled_from(MODES)),
    bars=maybe(st.integers(3, 6)),
    low=maybe(st.integers(50, 62)),
    high=maybe(st.integers(70, 84)),
    scale=st.booleans(),
    tones=maybe(st.sampled_from(["major pentatonic", "blues", "harmonic minor", "whole tone"])),
    cadence=st.booleans(),
    close=maybe(st.sampled_from(["tonic", "authentic", "plagal", "half"])),
    chords=maybe(st.sampled_from(["C | G7 | Am", "Dm | F C", "Bbmaj7 | Gsus4 | C"])),
    leap=maybe(st.integers(1, 9)),
    repeat_bar=maybe(st.integers(1, 2)),
    rhythm=maybe(st.sampled_from(list(LENGTHS))),
    motif=maybe(st.sampled_from(list(MOTIFS))),
    motif_rhythm=st.just(False),
)


@settings(max_examples=25, deadline=None)
@given(CONTROLS, st.integers(0, 2**31))
def test_random_combinations_are_kept_to_or_refused_before_the_first_token(controls: MelodyControls, seed: int) -> None:
    try:
        automaton = constraint(CODEC, controls)
    except UsageError as refusal:
        assert str(refusal).endswith(".")
        assume(False)
    shortest = automaton.distance(automaton.begin())
    check(drawn(controls, seed), controls)
    check(drawn(controls, seed, length=shortest), controls)


@pytest.mark.parametrize(
    "controls",
    [
        MelodyControls(chords="C | G | Am | F"),
        MelodyControls(chords="C G | Dm | C", meter="3/4", leap=5, close="authentic"),
        MelodyControls(rhythm="1 1/2 1/2 z1 1", bars=3, leap=3),
        MelodyControls(notes="C D E F G A B c", chords="C | G7 | Am | C", meter="4/4"),
        MelodyControls(motif="G2 c2 G2", motif_rhythm=True, meter="2/4", bars=3),
        MelodyControls(motif="c d e", motif_at_pitch=True, key="C", leap=4, meter="6/8"),
        MelodyControls(tones="minor pentatonic", close="plagal", mode="minor", bars=4),
        MelodyControls(close="half", leap=2, low=60, high=72),
        MelodyControls(repeat_bar=1, bars=12, low=60, high=64, scale=True, meter="2/4"),
        MelodyControls(repeat_bar=2, rhythm="3/2 1/2", meter="2/4", bars=8, low=60, high=61),
    ],
    ids=str,
)
def test_each_control_is_kept_to(controls: MelodyControls) -> None:
    check(drawn(controls, 1), controls)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (MelodyControls(notes="C c", leap=11), "no melody of exactly the 2 notes given and without leaps"),
        (MelodyControls(notes="C D", close="authentic", key="C"), "ends with an authentic cadence"),
        (MelodyControls(motif="C c'", low=60, high=80), "motif of 2 notes appears"),
        (MelodyControls(rhythm="4", notes="C D"), "in exactly the rhythm given"),
        (MelodyControls(chords="C | G | Am", bars=2), "chords for 3 bars, and the melody has 2"),
        (MelodyControls(chords="C | Hx"), "'Hx' is not a known chord"),
        (MelodyControls(chords="C | | G"), "a bar of the chords is empty"),
        (MelodyControls(rhythm="1 1/5"), "off the grid"),
        (MelodyControls(rhythm="1 1", meter="4/4", bars=3, notes="C"), "in exactly the rhythm given"),
        (MelodyControls(rhythm="4 4", bars=3), "cannot be repeated to fill 3 bars"),
        (MelodyControls(rhythm="M:3/4 CDE", meter="4/4"), "the rhythm is in 3/4"),
        (MelodyControls(motif="+2 +2", motif_at_pitch=True), "has neither a pitch nor a rhythm"),
        (MelodyControls(tones="H I"), "no scale is called"),
        (MelodyControls(tones="C D", key="E", cadence=True), "a tonic of C D"),
        (MelodyControls(chords="C G Am F C |", meter="4/4"), "4 beats, too few for 5 chords"),
    ],
    ids=str,
)
def test_what_no_melody_can_be_is_refused_in_a_sentence(controls: MelodyControls, message: str) -> None:
    with pytest.raises(UsageError) as refusal:
        constraint(CODEC, controls)
    assert message in str(refusal.value)
    assert str(refusal.value).endswith(".")


def test_a_melody_to_go_on_from_is_a_part_of_the_whole() -> None:
    controls = MelodyControls(leap=4, bars=4, close="authentic", motif="c d e")
    prompt = read_prompt("K:C | c d e d c2 B2 |")
    for seed in range(3):
        whole = drawn(controls, seed, prompt=prompt)
        assert whole.notes[: len(prompt.notes) - 1] == prompt.notes[:-1]
        check(whole, controls)


@pytest.mark.parametrize(
    ("controls", "message"),
    [
        (MelodyControls(leap=4), "without leaps of more than 4 semitones (it stops at note 5, in bar 2)"),
        (MelodyControls(chords="F | C"), "over the chords F | C (it stops at note 3, in bar 1)"),
        (MelodyControls(meter="3/4"), "the meter asked for"),
        (MelodyControls(high=76), "the highest note asked for (it stops at note 4, in bar 1)"),
        (MelodyControls(notes="c d e f"), "of exactly the 4 notes given"),
    ],
    ids=str,
)
def test_a_melody_to_go_on_from_that_breaks_a_rule_is_refused_with_the_place(
    controls: MelodyControls, message: str
) -> None:
    with pytest.raises(UsageError) as refusal:
        constraint(CODEC, controls, read_prompt("M:4/4 K:C | c2 d2 e2 g2 | c4"))
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("symbol", "tones"),
    [
        ("C", "C E G"),
        ("Am", "A C E"),
        ("F#m7b5", "F# A C E"),
        ("F#ø", "F# A C E"),
        ("Bbmaj7", "Bb D F A"),
        ("BbM7", "Bb D F A"),
        ("G7", "G B D F"),
        ("G7sus4", "G C D F"),
        ("Bdim", "B D F"),
        ("B°7", "B D F Ab"),
        ("C+", "C E G#"),
        ("C/B", "C E G B"),
        ("D-7", "D F A C"),
        ("Ammaj7", "A C E G#"),
        ("A6/9", "A C# E F# B"),
        ("C6/9/E", "C E G A D"),
    ],
)
def test_chord_symbols_mean_their_tones(symbol: str, tones: str) -> None:
    assert Chord.parse(symbol).classes == {pitch_class(name) for name in tones.split()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "controls",
    [
        MelodyControls(chords="C | G7 | Am F | C", key="C", mode="major", close="authentic", leap=7, repeat_bar=1),
        MelodyControls(rhythm="1 1/2 1/2 z1 1", bars=8, leap=4, tones="minor pentatonic", cadence=True),
        MelodyControls(motif="c d e", bars=8, close="half", low=60, high=81, repeat_bar=2),
        MelodyControls(notes="C D E F G A B c", chords="C | G7 | Am | C"),
    ],
    ids=str,
)
def test_the_shipped_model_keeps_to_them_too(controls: MelodyControls) -> None:
    run = open_run("folk")
    values = {name: value for name, value in asdict(controls).items() if value is not None}
    for seed in range(75):
        result = run.generate(seed=seed, **values)
        assert result.ending == "stop"
        check(result.item, controls)
