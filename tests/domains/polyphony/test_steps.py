from __future__ import annotations

import dataclasses
import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.polyphony.pieces import pieces, sounding_at
from toolkit.core import NEVER, CheckpointError, InputError, UsageError
from toolkit.core.program import NOWHERE, Tabled
from toolkit.domains.polyphony.descending import Descending
from toolkit.domains.polyphony.grid import grid_of, score_of, steps_of
from toolkit.domains.polyphony.steps import StepsCodec
from toolkit.score.notes import Note, Score, Track

CODEC = StepsCodec(grid=4)
TINY = StepsCodec(grid=1, lowest=60, highest=62, low=60, high=62)


@settings(deadline=None)
@given(pieces())
def test_ids_are_what_sounds_in_each_step_from_the_top_down(piece: Score) -> None:
    expected = []
    for tick in range(0, piece.end, 6):
        expected += [*sorted((pitch - 21 for pitch in sounding_at(piece, tick)), reverse=True), CODEC.end_of_step]
    assert CODEC.encode(piece) == expected
    assert CODEC.measure(expected)["step"] == piece.end / 6


@settings(deadline=None)
@given(pieces())
def test_what_sounds_comes_back_and_nothing_is_struck_again_while_it_sounds(piece: Score) -> None:
    decoded = CODEC.decode(CODEC.encode(piece))
    assert decoded.end == piece.end
    assert all(sounding_at(decoded, tick) == sounding_at(piece, tick) for tick in range(piece.end))
    for one, other in itertools.pairwise(sorted(decoded.notes, key=lambda note: (note.pitch, note.start))):
        assert one.pitch != other.pitch or one.end < other.start


def test_a_note_held_and_a_note_struck_again_are_the_same_ids() -> None:
    held = Score((Track((Note(0, 60, 48),)),))
    struck = Score((Track((Note(0, 60, 24), Note(24, 60, 24))),))
    assert CODEC.encode(held) == CODEC.encode(struck)
    assert CODEC.decode(CODEC.encode(struck)) == held


def test_a_chord_and_a_silence_read_as_music() -> None:
    piece = Score((Track((Note(6, 60, 6), Note(6, 67, 12), Note(24, 64, 6))),))
    labels = [CODEC.label(token) for token in CODEC.encode(piece)]
    assert " ".join(labels) == "step G4 C4 step G4 step step E4 step"


def test_drums_and_notes_out_of_range_are_left_out_and_told() -> None:
    drums = Track((Note(0, 40, 200),), drums=True)
    piece = Score((Track((Note(0, 60, 24), Note(0, 120, 96))), drums))
    assert CODEC.encode(piece) == CODEC.encode(Score((Track((Note(0, 60, 24),)),)))
    said = CODEC.warnings_for(piece)
    assert said is not None
    assert "drums" in said and "21 to 108" in said
    assert CODEC.warnings_for(Score((Track((Note(0, 60, 24), Note(6, 61, 12))),))) is None
    assert "1 of 2 notes" in str(CODEC.warnings_for(Score((Track((Note(0, 60, 24), Note(5, 61, 13))),))))
    with pytest.raises(InputError, match="no notes"):
        CODEC.encode(Score((drums, Track((Note(0, 5, 24),)))))


def test_a_step_without_its_end_is_left_out() -> None:
    assert CODEC.decode([40, CODEC.end_of_step, 44, 40]).notes == (Note(0, 61, 6),)
    assert CODEC.decode([]).notes == ()


@pytest.mark.parametrize("tokens", [[3, 3], [3, 5], [89], [3, 88, 88, 89], [-1], [90]])
def test_ids_that_cannot_stand_where_they_do_are_refused(tokens: list[int]) -> None:
    with pytest.raises(InputError, match="cannot stand"):
        CODEC.decode(tokens)


def all_pieces(longest: int) -> set[tuple[int, ...]]:
    """Every spelling of a piece over three pitches in up to so many tokens, from what a piece is."""
    chords = [chord for size in range(4) for chord in itertools.combinations((2, 1, 0), size)]
    found = set()
    for count in range(1, longest):
        for steps in itertools.product(chords, repeat=count):
            spelled = (*(token for chord in steps for token in (*chord, 3)), 4)
            if steps[-1] and len(spelled) <= longest:
                found.add(spelled)
    return found


def test_the_grammar_accepts_the_spellings_of_pieces_and_nothing_else() -> None:
    grammar = TINY.grammar()
    accepted, open_ones = set(), {(): grammar.begin()}
    for _ in range(6):
        longer = {}
        for tokens, state in open_ones.items():
            for token in np.flatnonzero(grammar.allowed(state)).tolist():
                longer[*tokens, token] = grammar.step(state, token)
        accepted |= {tokens for tokens, state in longer.items() if grammar.distance(state) == 0}
        open_ones = longer
    assert accepted == all_pieces(6)


@pytest.mark.parametrize("grammar", [TINY.grammar(), Descending(5, 1, 3)])
def test_distances_are_those_to_the_nearest_end_and_tables_say_the_same(grammar: Descending) -> None:
    assert isinstance(grammar, Tabled)
    written = grammar.tables()
    size = len(written.column_V)
    reached, waiting = {grammar.begin()}, [grammar.begin()]
    while waiting:
        state = waiting.pop()
        allowed = np.flatnonzero(grammar.allowed(state)).tolist()
        after = {token: grammar.step(state, token) for token in allowed}
        row = written.next_QU[state, written.column_V]
        assert row.tolist() == [after.get(token, NOWHERE) for token in range(size)]
        distances = [grammar.distance(after[token]) if token in after else NEVER for token in range(size)]
        assert grammar.distances(state).tolist() == distances
        assert written.distance_Q[state] == grammar.distance(state)
        if after:
            assert grammar.distance(state) == 1 + min(distances)
            assert max(map(grammar.distance, after.values())) <= grammar.distance(state) + grammar.growth
        waiting += set(after.values()) - reached
        reached |= set(after.values())
    with pytest.raises(ValueError, match="may not follow"):
        grammar.step(grammar.begin(), size - 1)


def test_pieces_are_kept_within_a_range() -> None:
    grammar = CODEC.within(60, 72)
    allowed = np.flatnonzero(grammar.allowed(grammar.begin()))
    assert allowed.tolist() == [*range(39, 52), CODEC.end_of_step]
    with pytest.raises(UsageError, match="no pitch"):
        CODEC.within(72, 60)


@settings(deadline=None)
@given(pieces(low=40, high=100), st.integers(-30, 30))
def test_a_transposition_is_a_map_of_ids(piece: Score, semitones: int) -> None:
    map_V = CODEC.transposition(semitones)
    kept = map_V[map_V >= 0]
    assert len(set(kept.tolist())) == len(kept)
    moved = [int(map_V[token]) for token in CODEC.encode(piece)]
    pitches = [note.pitch + semitones for note in piece.notes]
    inside = all(21 <= pitch <= 108 for pitch in pitches)
    assert (-1 not in moved) == inside
    if inside:
        assert moved == CODEC.encode(piece.transposed(semitones))


def test_variants_stay_in_the_range_of_the_training_pieces_and_use_all_of_it() -> None:
    codec = StepsCodec.build([Score((Track((Note(0, 50, 24), Note(0, 70, 24))),))])
    assert (codec.low, codec.high) == (50, 70)
    ids = np.array(codec.encode(Score((Track((Note(0, 55, 24), Note(0, 62, 24))),))))
    import random

    lowest = {int(codec.variant_ids(ids, random.Random(seed))[1]) + 21 for seed in range(300)}
    assert lowest == set(range(50, 64))
    beyond = np.array(codec.encode(Score((Track((Note(0, 40, 24), Note(0, 80, 24))),))))
    assert codec.variant_ids(beyond, random.Random(1)).tolist() == beyond.tolist()


@pytest.mark.parametrize(
    ("times", "resolution", "grid"),
    [((0, 24, 48), 24, 1), ((0, 12, 24), 24, 2), ((0, 8, 24), 24, 3), ((0, 1, 2), 2, 2), ((0, 1, 24), 24, 4)],
)
def test_the_grid_is_that_of_the_pieces_or_sixteenths(times: tuple[int, ...], resolution: int, grid: int) -> None:
    notes = tuple(Note(start, 60, end - start) for start, end in itertools.pairwise(times))
    assert StepsCodec.build([Score((Track(notes),), resolution=resolution)]).grid == grid


def test_pieces_beyond_a_piano_get_all_pitches() -> None:
    codec = StepsCodec.build([Score((Track((Note(0, 12, 24), Note(0, 70, 24))),))])
    assert (codec.lowest, codec.highest, codec.size) == (0, 127, 130)
    assert StepsCodec.build([]).size == 90


def test_only_what_ids_mean_is_in_the_fingerprint() -> None:
    same = dataclasses.replace(CODEC, low=50, high=60)
    assert same.fingerprint == CODEC.fingerprint
    others = [dataclasses.replace(CODEC, grid=2), dataclasses.replace(CODEC, lowest=20)]
    assert len({each.fingerprint for each in (CODEC, *others)}) == 3


def test_the_grid_and_the_range_are_saved(tmp_path) -> None:
    codec = StepsCodec(grid=2, lowest=0, highest=127, low=30, high=90)
    codec.save(tmp_path)
    assert StepsCodec.load(tmp_path) == codec
    saved = json.loads((tmp_path / "steps.json").read_text())
    for fields in ({"grid": 0}, {"grid": 2.0}, {"low": 100}, {"highest": 128}, {"odd": 1}):
        (tmp_path / "steps.json").write_text(json.dumps({**saved, "fields": {**saved["fields"], **fields}}))
        with pytest.raises(CheckpointError):
            StepsCodec.load(tmp_path)


@settings(deadline=None)
@given(st.lists(st.sets(st.integers(30, 40), max_size=4), min_size=1, max_size=12), st.sampled_from([1, 2, 4, 5]))
def test_steps_and_scores_are_two_ways_to_say_one_thing(steps: list[set[int]], grid: int) -> None:
    score = score_of(steps, grid)
    while steps and not steps[-1]:
        steps = steps[:-1]
    assert steps_of(score, grid) == steps
    assert score.resolution % 24 == 0
    if steps:
        assert grid % (grid_of([score]) or 1) == 0
