"""Melodies compared with the training tunes, and the promise that no more than so many notes are copied."""

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.domains.copying import Copyist
from tests.domains.tunes import tunes
from tests.originality.brute import matches
from toolkit.core import Document, UsageError
from toolkit.domains.music import DOMAIN
from toolkit.domains.music.controls import MelodyControls
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.originality import MelodyView
from toolkit.generate import tokens
from toolkit.originality import BREAK, NgramIndex
from toolkit.sampling import Both, Sampler
from toolkit.score.notes import Key, Meter, Note, Score, Tempo, Track

VIEW, CODEC = MelodyView(), MelodyCodec()


def tune(seed, notes=60):
    rng, at, made = random.Random(seed), 0, []
    for _ in range(notes):
        length = rng.choice([12, 12, 12, 24])
        made.append(Note(at, rng.choice([60, 62, 64, 65, 67, 69, 71, 72]), length))
        at += length
    return Score((Track(tuple(made)),), meters=(Meter(4, 4),), keys=(Key(0, "major"),), title=f"Tune {seed}")


TUNES = [tune(seed) for seed in range(8)]
INDEX = NgramIndex.build([VIEW.look(each).symbols for each in TUNES], VIEW.rates, "tunes", "0" * 64)


def longest_copy(made, given_score=None, corpus=TUNES):
    """In notes."""
    seen = VIEW.look(made, given_score).symbols.tolist()
    return max(matches(dense(seen), [dense(VIEW.look(each).symbols.tolist()) for each in corpus]), default=0) + 1


def dense(symbols):
    return [1 + each % 50_000 for each in symbols]  # steps of these tunes are few and small


@given(tunes(), st.integers(-12, 12), st.integers(30, 200))
def test_key_tempo_and_instrument_do_not_matter(score, semitones, bpm):
    other = replace(score, tempos=(Tempo.from_bpm(bpm),), tracks=(replace(score.tracks[0], program=40),))
    low, high = (edge(note.pitch for note in score.notes) for edge in (min, max))
    moved = other.transposed(max(-low, min(127 - high, semitones)))
    assert VIEW.look(moved).symbols.tolist() == VIEW.look(score).symbols.tolist()
    assert VIEW.look(score.rescaled(480)).symbols.tolist() == VIEW.look(score).symbols.tolist()


@given(tunes())
def test_a_step_is_an_interval_and_the_time_to_the_next_note(score):
    seen = VIEW.look(score)
    steps = [(b.pitch - a.pitch, b.start - a.start) for a, b in zip(score.notes, score.notes[1:], strict=False)]
    assert len(seen.symbols) == len(steps)
    assert len(set(zip(seen.symbols.tolist(), steps, strict=True))) == len(set(steps))
    shortened = replace(score, tracks=(Track(tuple(replace(note, duration=1) for note in score.notes)),))
    assert VIEW.look(shortened).symbols.tolist() == seen.symbols.tolist()
    assert seen.ends.tolist() == [at + 2 for at in seen.starts.tolist()]


@given(tunes(), st.data())
def test_notes_that_were_given_do_not_count(score, data):
    count = data.draw(st.integers(1, len(score.notes)))
    given_score = replace(score, tracks=(Track(score.notes[:count]),))
    rest = replace(score, tracks=(Track(score.notes[count:]),))
    seen = VIEW.look(score, given_score)
    assert seen.symbols.tolist() == VIEW.look(rest).symbols.tolist()
    assert seen.starts.tolist() == list(range(count, len(score.notes) - 1))


def test_tracks_are_lines_of_their_own():
    two = Score((Track((Note(0, 60, 24), Note(24, 62, 24))), Track((Note(0, 40, 24), Note(48, 41, 24)))))
    seen = VIEW.look(two)
    assert [each == BREAK for each in seen.symbols.tolist()] == [False, True, False]
    assert seen.starts.tolist() == [0, 1, 2]
    assert VIEW.excerpt(two, 2, 4) == "E2 F2"
    assert VIEW.label(Document("a/1", TUNES[0])) == "Tune 0 (a/1)"


@pytest.mark.parametrize("most", [6, 9, 14])
@pytest.mark.parametrize("asked", [{}, {"scale": True, "bars": 8, "key": "G", "cadence": True}])
def test_an_engine_that_only_copies_never_copies_too_much(most, asked):
    sequences = [[CODEC.stop, *CODEC.encode(each), CODEC.stop] for each in TUNES]
    for seed in range(2):
        made = drawn(Copyist(sequences, CODEC.size, seed), most, asked, seed)
        if "bars" in asked:
            assert made.end <= 9 * made.meters[0].bar()
        assert len(made.notes) > 8
        assert longest_copy(made) <= most


def drawn(engine, most, asked, seed, prompt=None):
    controls = MelodyControls(**asked)
    constraint = DOMAIN.constraint(CODEC, controls, prompt)
    limit = DOMAIN.copy_limit(CODEC, INDEX, most, prompt)
    ids = [] if prompt is None else CODEC.opening(prompt)
    steps = tokens(
        engine,
        [CODEC.stop, *ids],
        sampler=Sampler(),
        constraint=Both(constraint, limit),
        length=220,
        stop=CODEC.stop,
        seed=seed,
    )
    return CODEC.decode([*ids, *(step.token for step in steps)])


def test_without_a_limit_the_engine_does_copy():
    sequences = [[CODEC.stop, *CODEC.encode(each), CODEC.stop] for each in TUNES]
    assert longest_copy(drawn(Copyist(sequences, CODEC.size, 1), 200, {}, 1)) > 40


def test_a_copied_prompt_is_not_held_against_what_follows():
    prompt = replace(TUNES[2], tracks=(Track(TUNES[2].notes[:20]),))
    sequences = [[CODEC.stop, *CODEC.encode(each), CODEC.stop] for each in TUNES]
    made = drawn(Copyist(sequences, CODEC.size, 4), 7, {}, 4, prompt)
    assert made.notes[:19] == prompt.notes[:19]
    assert len(made.notes) > 30
    assert longest_copy(made, prompt) <= 7
    assert longest_copy(made) > 20


@given(st.integers(0, 7), st.integers(0, 40), st.integers(6, 14))
def test_only_a_pitch_is_ever_forbidden_and_only_one_that_copies(which, start, most):
    score = TUNES[which]
    first = score.notes[start].start
    rest = tuple(replace(note, start=note.start - first) for note in score.notes[start:])
    cut = replace(score, tracks=(Track(rest),))
    limit = DOMAIN.copy_limit(CODEC, INDEX, most, None)
    state, struck = limit.begin(), 0
    for token in CODEC.encode(cut):
        mask_V = limit.allowed(state)
        pitch = CODEC.layout.events[token].kind.name == "PITCH"
        if mask_V is not None:
            assert {CODEC.layout.events[each].kind.name for each in np.flatnonzero(~mask_V)} <= {"PITCH"}
        if pitch and struck == most:
            assert not mask_V[token]
            return
        assert mask_V is None or mask_V[token] or struck < most
        if mask_V is not None and not mask_V[token]:
            return  # a false alarm
        struck += pitch
        state = limit.step(state, token)


def test_copies_too_short_to_be_known_are_refused_in_notes():
    with pytest.raises(UsageError, match="5 notes at the least, not 4"):
        DOMAIN.copy_limit(CODEC, INDEX, 4, None)
