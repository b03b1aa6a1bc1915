"""The laws of a codec, for every codec of polyphonic pieces."""

from __future__ import annotations

from functools import cache
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.domains.polyphony.pieces import pieces
from tests.domains.tunes import walk
from toolkit.core import CheckpointError, Varying
from toolkit.domains.polyphony import DOMAIN
from toolkit.score.notes import Note, Score, Track

NAMES = sorted(name for name in DOMAIN.codecs if not name.startswith("miditok:"))
CHORDS = Score(
    (
        Track(tuple(Note(24 * start, pitch, 24) for start in range(8) for pitch in (48 + start, 64, 72 - start))),
        Track((Note(0, 40, 96), Note(96, 45, 90), Note(6, 90, 6))),
    )
)


@cache
def codec_of(name: str) -> Any:
    return DOMAIN.codecs[name].build([CHORDS])


@pytest.fixture(params=NAMES)
def codec(request: pytest.FixtureRequest) -> Any:
    return codec_of(request.param)


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(pieces(unit=1))
def test_any_piece_encodes_streams_and_obeys_the_grammar(name: str, piece: Score) -> None:
    codec = codec_of(name)
    tokens = codec.encode(piece)
    whole = codec.decode(tokens)
    assert codec.encode(whole) == tokens
    assert codec.decode([*tokens, codec.stop, *tokens]) == whole == codec.decode(np.array(tokens))
    decoder = codec.decoder()
    parts = [part for token in [*tokens, codec.stop] for part in decoder.push(token)]
    assert list(decoder.push(0)) == list(decoder.close()) == []
    assert parts
    grammar = codec.grammar()
    state = grammar.begin()
    for token in [*tokens, codec.stop]:
        assert grammar.allowed(state)[token]
        state = grammar.step(state, token)
    assert grammar.distance(state) == 0
    assert not grammar.allowed(state).any()


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(8, 120))
def test_what_the_grammar_allows_is_the_spelling_of_a_piece(name: str, seed: int, length: int) -> None:
    codec = codec_of(name)
    favour = np.ones(codec.size, np.bool_)
    favour[codec.stop] = False
    tokens = walk(codec.grammar(), length, seed, favour)
    assert tokens[-1] == codec.stop
    assert codec.encode(codec.decode(tokens)) == tokens[:-1]


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(pieces(), pieces())
def test_a_stream_of_pieces_measures_as_they_do(name: str, one: Score, other: Score) -> None:
    codec = codec_of(name)
    first, second = codec.encode(one), codec.encode(other)
    together = codec.measure(np.array([codec.stop, *first, codec.stop, *second, codec.stop]))
    assert together["note"] == sum(len(codec.decode(tokens).notes) for tokens in (first, second))
    for unit, amount in together.items():
        assert amount == codec.measure(first)[unit] + codec.measure(second)[unit]
    assert DOMAIN.unit in together
    assert set(codec.measure([]).values()) == {0.0}


@pytest.mark.parametrize("name", NAMES)
@settings(deadline=None)
@given(pieces(unit=1, low=45, high=80), st.integers(0, 2**64))
def test_variants_of_ids_are_the_ids_of_variants_and_as_many(name: str, piece: Score, seed: int) -> None:
    codec = codec_of(name)
    if not isinstance(codec, Varying):
        pytest.skip("it makes no variants of ids")
    for dtype in ("<u2", np.int64):
        ids = np.array(codec.encode(piece), dtype)
        before = ids.copy()
        varied = codec.variant_ids(ids, Random(seed))
        assert varied.dtype == ids.dtype
        assert len(varied) == len(ids)
        assert (ids == before).all()
        assert varied.tolist() == codec.encode(codec.variants(piece, Random(seed)))
        assert codec.measure(varied) == codec.measure(ids)


def test_variants_differ_from_one_another(codec: Any) -> None:
    if not isinstance(codec, Varying):
        pytest.skip("it makes no variants of ids")
    piece = Score((Track((Note(0, 60, 24), Note(24, 64, 24))),))
    ids = np.array(codec.encode(piece))
    varied = {tuple(codec.variant_ids(ids, Random(seed)).tolist()) for seed in range(200)}
    assert tuple(ids.tolist()) in varied
    assert len(varied) > 10


def test_a_saved_codec_loads_with_the_same_fingerprint(codec: Any, tmp_path: Any) -> None:
    codec.save(tmp_path)
    loaded = type(codec).load(tmp_path)
    assert (loaded.fingerprint, loaded.size, loaded.stop) == (codec.fingerprint, codec.size, codec.stop)
    assert loaded.encode(CHORDS) == codec.encode(CHORDS)
    assert type(codec).build([CHORDS]).fingerprint == codec.fingerprint


def test_a_damaged_codec_is_refused(codec: Any, tmp_path: Any) -> None:
    with pytest.raises(CheckpointError):
        type(codec).load(tmp_path)
    codec.save(tmp_path)
    (saved,) = tmp_path.iterdir()
    for content in (b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"codec": "other", "format": 1}'):
        saved.write_bytes(content)
        with pytest.raises(CheckpointError):
            type(codec).load(tmp_path)


def test_every_id_has_a_label_of_its_own(codec: Any) -> None:
    labels = [codec.label(token) for token in range(codec.size)]
    assert all(label.isprintable() for label in labels)
    assert len(set(labels)) == codec.size
