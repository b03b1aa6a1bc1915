"""The laws of the codec `chorale` and of its grammar, and every constraint checked on what comes of it."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.api import open_corpus
from toolkit.core import NEVER, CheckpointError, InputError, UsageError
from toolkit.domains.chorales.chorale import ChoraleCodec
from toolkit.domains.chorales.controls import ChoraleControls, asked_of, constraint
from toolkit.domains.chorales.grammar import FREE, Asked, ChoraleGrammar, Kept
from toolkit.domains.chorales.prompt import read_prompt
from toolkit.domains.chorales.quartet import HOLD, RANGES, REST, VOICES, Quartet, Step, quartet_of, score_of
from toolkit.domains.chorales.table import Kind, Table
from toolkit.score import Key, Meter, Note, Score, Track, write_midi, write_musicxml

CODEC = ChoraleCodec()


@st.composite
def quartets(draw: st.DrawFn) -> Quartet:
    meter = Meter(*draw(st.sampled_from(CODEC.table.meters)))
    key = Key(draw(st.integers(0, 11)), draw(st.sampled_from(("major", "minor", "dorian"))))
    size = meter.bar(4)
    time = draw(st.sampled_from([0, -1, -4])) if size > 4 else 0
    steps, silent = [], [True] * 4
    for number in range(draw(st.integers(1, 10))):
        voices = []
        for place, (low, high) in enumerate(RANGES):
            may = [REST] if not number or not silent[place] else []
            may += [HOLD] if number and (place < 3 or any(each != HOLD for each in voices)) else []
            pitch = draw(st.integers(low, high))
            does = draw(st.sampled_from([pitch, pitch, *may]))
            voices.append(does)
            silent[place] = does == REST or (does == HOLD and silent[place])
        if number == 0 and voices[0] < 0:
            voices[0], silent[0] = RANGES[0][0], False
        steps.append(Step(time, (voices[0], voices[1], voices[2], voices[3]), draw(st.booleans())))
        time += draw(st.sampled_from([1, 2, 4, 3, 20]))
    if all(silent):
        steps[-1] = replace(steps[-1], voices=(72, 65, 60, 48))
    return Quartet(meter, key, tuple(steps), time)


@settings(max_examples=150, deadline=None)
@given(quartets())
def test_a_quartet_is_a_score_and_comes_back(quartet: Quartet) -> None:
    score = score_of(quartet)
    if all(track.notes for track in score.tracks):
        assert quartet_of(score) == quartet
        ids = CODEC.encode(score)
        assert CODEC.decode([*ids, CODEC.stop]) == score
        assert CODEC.encode(CODEC.decode(ids)) == ids


@settings(max_examples=60, deadline=None)
@given(quartets())
def test_every_beginning_is_decoded_and_streams_the_same_notes(quartet: Quartet) -> None:
    score = score_of(quartet)
    if not all(track.notes for track in score.tracks):
        return
    ids = [*CODEC.encode(score), CODEC.stop]
    decoder = CODEC.decoder()
    sung = [each for token in ids for each in decoder.push(token)]
    for voice, track in enumerate(score.tracks):
        assert sorted(each.note for each in sung if each.voice == voice) == list(track.notes)
    for length in range(len(ids)):
        notes = set(CODEC.decode(ids[:length]).notes)
        starts = {(note.start, note.pitch) for note in score.notes}
        assert {(note.start, note.pitch) for note in notes} <= starts


@settings(max_examples=60, deadline=None)
@given(quartets(), st.integers(0, 1000))
def test_variants_are_transpositions_in_range_of_the_same_length(quartet: Quartet, seed: int) -> None:
    score = score_of(quartet)
    if not all(track.notes for track in score.tracks):
        return
    for codec in (CODEC, ChoraleCodec(Table(relative=True))):
        ids = codec.encode(score)
        varied = codec.variants(score, random.Random(seed))
        assert codec.encode(varied) == codec.variant_ids(np.array(ids), random.Random(seed)).tolist()
        (shift,) = {after.pitch - before.pitch for after, before in zip(varied.notes, score.notes, strict=True)}
        assert -6 <= shift <= 6


def test_a_measure_counts_what_is_there() -> None:
    score = score_of(
        Quartet(
            Meter(4, 4),
            Key(0, "major"),
            (Step(-4, (72, 67, 60, 48)), Step(0, (74, HOLD, HOLD, 50)), Step(8, (HOLD, 65, 62, REST))),
            12,
        )
    )
    assert CODEC.measure([*CODEC.encode(score), CODEC.stop]) == {"note": 8.0, "step": 3.0, "quarter": 4.0}
    twice = [*CODEC.encode(score), CODEC.stop] * 2
    assert CODEC.measure(twice) == {"note": 16.0, "step": 6.0, "quarter": 8.0}


def test_the_codec_is_saved_and_read_again(tmp_path) -> None:
    codec = ChoraleCodec(Table(relative=True))
    codec.save(tmp_path)
    assert ChoraleCodec.load(tmp_path).fingerprint == codec.fingerprint != CODEC.fingerprint
    (tmp_path / "chorale.json").write_text('{"codec": "chorale"}')
    with pytest.raises(CheckpointError):
        ChoraleCodec.load(tmp_path)


KEPT = {
    0: Kept({-4: 72, 0: 74, 4: 76, 8: 74, 12: REST, 14: 72}),
    3: Kept({-4: 48, 0: 50, 6: 52, 8: 55}, free=((4, 8),)),
}
ASKED = (
    FREE,
    Asked(Meter(3, 4), 7, "minor", bars=2),
    Asked(bars=3, cadence=True, rests=False),
    Asked(cadence=True, crossing=False),
    Asked(Meter(4, 4), 0, "major", kept=KEPT, begin=-4, end=16),
    Asked(Meter(4, 4), 7, "major", kept=KEPT, begin=-4, end=16, crossing=False, cadence=True),
)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("seed", range(3))
def test_distances_are_those_of_the_best_next_token_on_every_walk(asked: Asked, seed: int) -> None:
    grammar, rng = ChoraleGrammar(CODEC.table, asked), random.Random(seed)
    state, tokens = grammar.begin(), []
    for _ in range(160):
        distance = grammar.distance(state)
        may = np.flatnonzero(grammar.allowed(state)).tolist()
        if not may:
            assert distance == 0
            break
        after = {token: grammar.distance(grammar.step(state, token)) for token in may}
        assert distance == 1 + min(after.values()) < NEVER
        assert max(after.values()) - distance <= grammar.growth
        token = rng.choice(may)
        tokens.append(token)
        state = grammar.step(state, token)
    CODEC.decode(tokens)


def walked(grammar: ChoraleGrammar, seed: int, length: int = 400) -> Score:
    """A random piece that keeps to the grammar, ended in the shortest way once it is ``length`` tokens long."""
    rng, state, tokens = random.Random(seed), grammar.begin(), []
    while True:
        may = np.flatnonzero(grammar.allowed(state)).tolist()
        if not may:
            return CODEC.decode(tokens)
        if len(tokens) > length:
            may = [each for each in may if grammar.distance(grammar.step(state, each)) < grammar.distance(state)]
        token = rng.choice(may)
        tokens.append(token)
        state = grammar.step(state, token)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_asked_is_kept(seed: int) -> None:
    controls = ChoraleControls(meter="3/4", key="G", mode="minor", bars=3, cadence=True, uncrossed=True, unbroken=True)
    grammar = constraint(CODEC, controls)
    assert isinstance(grammar, ChoraleGrammar)
    score = walked(grammar, seed)
    assert (str(score.meters[0]), score.keys[0].name) == ("3/4", "G minor")
    assert score.tracks[-1].notes[-1].pitch % 12 == 7
    bar = score.meters[0].bar()
    first = score.notes[0].start
    pickup = bar - first if first else 0
    assert score.end - (bar if pickup else 0) in (3 * bar, 3 * bar - pickup)
    sounding = [
        tuple(note.pitch for track in score.tracks for note in track.notes if note.start <= tick < note.end)
        for tick in range(first, score.end, 6)
    ]
    assert all(len(pitches) == 4 and list(pitches) == sorted(pitches, reverse=True) for pitches in sounding)


MELODY = "M:4/4 L:1/4 K:G\nG | G A B G | d2 c B | A3"


@pytest.mark.parametrize("seed", range(8))
def test_a_soprano_is_kept_note_for_note(seed: int) -> None:
    grammar = constraint(CODEC, ChoraleControls(soprano=MELODY + "\n", unbroken=True))
    score = walked(grammar, seed, 0)
    assert [(note.pitch, note.duration) for note in score.tracks[0].notes] == [
        (67, 24), (67, 24), (69, 24), (71, 24), (67, 24), (74, 48), (72, 24), (71, 24), (69, 72)
    ]  # fmt: skip
    assert score.keys[0] == Key(7, "major")
    assert all(track.notes for track in score.tracks)


def a_chorale() -> Score:
    steps = [
        Step(time, (67 + time % 5, 62, HOLD if time else 59, 43 + time % 3) if time % 8 else (67, 64, 60, 48))
        for time in range(0, 64, 4)
    ]
    return score_of(Quartet(Meter(4, 4), Key(0, "major"), tuple(steps), 64))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("anew", "voices", "first", "last"), [
    ("alto", {1}, 0, 384), ("2-3", {0, 1, 2, 3}, 96, 288), ("tenor bass 2", {2, 3}, 96, 192)
])  # fmt: skip
def test_only_the_part_named_is_made_anew(tmp_path, seed, anew, voices, first, last) -> None:
    given = a_chorale()
    path = tmp_path / "chorale.mid"
    path.write_bytes(write_midi(given))
    score = walked(constraint(CODEC, ChoraleControls(rewrite=str(path), anew=anew)), seed, 0)
    for voice, (before, after) in enumerate(zip(given.tracks, score.tracks, strict=True)):
        for tick in range(0, 384, 6):
            if voice in voices and first <= tick < last:
                continue
            (old,) = [note for note in before.notes if note.start <= tick < note.end]
            (new,) = [note for note in after.notes if note.start <= tick < note.end]
            assert new.pitch == old.pitch
            if voice not in voices or new.start >= last or new.end <= first:
                assert new == old or (new.start == last and old.start < last and new.end == old.end)
    assert score.end == given.end


def test_musicxml_is_a_chorale_too(tmp_path) -> None:
    path = tmp_path / "chorale.musicxml"
    path.write_bytes(write_musicxml(a_chorale()))
    asked = asked_of(ChoraleControls(rewrite=str(path), anew="bass"))
    assert sorted(asked.kept) == [0, 1, 2, 3]


def test_four_voices_of_abc_are_a_chorale(tmp_path) -> None:
    book = tmp_path / "hymn.abc"
    lines = ("cdec|g4|", "GGGG|d4|", "EFEE|B4|", "C,D,E,C,|G,4|")
    book.write_text("X:1\nM:4/4\nL:1/4\nK:C\n" + "".join(f"V:{n}\n{line}\n" for n, line in enumerate(lines)))
    quartet = quartet_of(read_prompt(str(book)))
    assert [[step.voices[place] for step in quartet.steps] for place in (0, 3)] == [
        [72, 74, 76, 72, 79],
        [48, 50, 52, 48, 55],
    ]
    assert len(open_corpus(str(book), codec="chorale").read("train")) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"soprano": "C,, D,,\n"}, "outside 55 to 84"),
        ({"soprano": "K:C | c4 e4 | a8 |\n", "meter": "3/4"}, "in 4/4, not in 3/4"),
        ({"soprano": "K:C | c4 d4 |\n", "bars": 4}, "leave bars out"),
        ({"soprano": "K:C | c4 d4 |\n", "bass": "K:C | C,4 |\n"}, "begin and end together"),
        ({"rewrite": "nothing.mid", "anew": "alto"}, "is none"),
        ({"anew": "alto"}, "rewrite"),
        ({"rewrite": "nothing.mid"}, "say what"),
        ({"soprano": "K:C | C4 G4 |\n", "bass": "K:C | E4 G,4 |\n", "uncrossed": True}, "cross"),
        ({"bass": "K:C | C,4 G,4 |\n", "cadence": True}, "tonic"),
    ],
)
def test_what_cannot_be_is_one_sentence(asked, said) -> None:
    with pytest.raises((UsageError, InputError)) as refused:
        constraint(CODEC, ChoraleControls(**asked))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_scores_that_are_no_quartets_are_refused() -> None:
    notes = (Note(0, 60, 96),)
    assert "voices" in str(CODEC.reason(Score((Track(notes),) * 3)))
    assert "outside" in str(CODEC.reason(Score((Track(notes),) * 3 + (Track((Note(0, 90, 96),)),))))
    assert "sixteenths" in str(CODEC.reason(Score((Track((Note(0, 60, 8), Note(8, 62, 8))),) + (Track(notes),) * 3)))
    assert "two notes" in str(CODEC.reason(Score((Track((Note(0, 60, 48), Note(24, 62, 48))),) + (Track(notes),) * 3)))


def test_labels_are_distinct() -> None:
    for relative in (True, False):
        codec = ChoraleCodec(Table(relative))
        labels = [codec.label(token) for token in range(codec.size)]
        assert len(set(labels)) == codec.size
        assert sum(token.kind is Kind.AT for token in codec.table.tokens) == 24
    assert len(VOICES) == 4
