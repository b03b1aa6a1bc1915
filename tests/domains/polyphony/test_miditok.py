"""MidiTok's tokenizations behind the protocol: what they promise, and less than other codecs do."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from toolkit.core import CheckpointError, InputError
from toolkit.domains.polyphony.miditok import CODECS, FILE
from toolkit.score import Note, Score, Track

pytest.importorskip("miditok")

SCORE = Score(
    (
        Track(tuple(Note(24 * place, 60 + place % 5, 24) for place in range(16)), 0),
        Track(tuple(Note(48 * place, 40 + place % 3, 48) for place in range(8)), 32),
        Track(tuple(Note(24 * place, 36 if place % 2 else 42, 12) for place in range(16)), drums=True),
    )
)


@pytest.fixture(params=sorted(CODECS))
def codec(request: pytest.FixtureRequest):
    return CODECS[request.param].build([SCORE])


def test_a_piece_comes_back_and_obeys_the_grammar(codec) -> None:
    ids = codec.encode(SCORE)
    grammar = codec.grammar()
    state = grammar.begin()
    for token in [*ids, codec.stop]:
        assert grammar.allowed(state)[token], codec.label(token)
        state = grammar.step(state, token)
    assert grammar.distance(state) == 0
    back = codec.decode([*ids, codec.stop, *ids])
    assert codec.measure(ids)["note"] == len(SCORE.notes)
    wanted = sorted((track.drums, note.pitch, note.start) for track in SCORE.tracks for note in track.notes)
    found = sorted((track.drums, note.pitch, note.start) for track in back.tracks for note in track.notes)
    assert [each[:2] for each in found] == [each[:2] for each in wanted]
    if codec.name != "miditok:Structured":  # which tells times from note to note only, track by track
        assert found == wanted


def test_what_the_grammar_draws_ends_and_is_music(codec) -> None:
    grammar, rng = codec.grammar(), random.Random(1)
    for _ in range(5):
        state, tokens = grammar.begin(), []
        while not state.over:
            may = np.flatnonzero(grammar.allowed(state)).tolist()
            if len(tokens) > 60:
                may = [each for each in may if grammar.distance(grammar.step(state, each)) < grammar.distance(state)]
            tokens.append(rng.choice(may))
            state = grammar.step(state, tokens[-1])
        assert codec.measure(tokens)["note"] > 0
        codec.decode(tokens)


def test_it_is_saved_as_data_and_damage_refused(codec, tmp_path: Path) -> None:
    codec.save(tmp_path)
    loaded = type(codec).load(tmp_path)
    assert (loaded.fingerprint, loaded.size) == (codec.fingerprint, codec.size)
    assert loaded.encode(SCORE) == codec.encode(SCORE)
    for content in ("{", "[]", '{"codec": "miditok:REMI", "parameters": {}}'):
        (tmp_path / FILE).write_text(content)
        with pytest.raises(CheckpointError):
            type(codec).load(tmp_path)


def test_labels_are_distinct_and_silence_is_refused(codec) -> None:
    assert len({codec.label(token) for token in range(codec.size)}) == codec.size
    with pytest.raises(InputError):
        codec.encode(Score((Track(()),)))
