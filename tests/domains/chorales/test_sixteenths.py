"""The laws of the codec `sixteenths`, and the published set as it is read from a file."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.api import open_corpus
from toolkit.core import CheckpointError, InputError
from toolkit.domains.chorales.sixteenths import SixteenthsCodec
from toolkit.score import Score, Track

CODEC = SixteenthsCodec()
STEPS = st.lists(st.lists(st.sampled_from([0, 1, 20, 33, 34, 61]), min_size=4, max_size=4), min_size=1, max_size=12)


@settings(deadline=None)
@given(STEPS, st.sampled_from(["<u2", "<i8"]), st.integers(0, 99))
def test_its_laws(steps: list[list[int]], dtype: str, seed: int) -> None:
    ids = [token for step in steps for token in step]
    score = CODEC.decode([*ids, CODEC.stop])
    if not score.notes:
        return
    begins = next(place for place, step in enumerate(steps) if any(step))
    ends = max(place for place, step in enumerate(steps) if any(step)) + 1
    assert CODEC.encode(score) == ids[4 * begins : 4 * ends]
    grammar, decoder = CODEC.grammar(), CODEC.decoder()
    state, sung = grammar.begin(), []
    for token in [*ids, CODEC.stop]:
        assert grammar.allowed(state)[token]
        after = grammar.step(state, token)
        assert grammar.distance(state) <= 1 + grammar.distance(after)
        assert grammar.distances(state)[token] == grammar.distance(after)
        sung += decoder.push(token)
        state = after
    assert sorted(note for note, _ in sung) == list(score.notes)
    assert CODEC.measure(ids) == {"step": len(steps), "note": len(score.notes)}
    array = np.array(CODEC.encode(score), dtype)
    varied = CODEC.variant_ids(array, random.Random(seed))
    assert varied.dtype == array.dtype
    assert varied.tolist() == CODEC.encode(CODEC.variants(score, random.Random(seed)))


def test_it_is_saved_and_damage_refused(tmp_path: Path) -> None:
    SixteenthsCodec(40, 80).save(tmp_path)
    assert SixteenthsCodec.load(tmp_path) == SixteenthsCodec(40, 80)
    (tmp_path / "sixteenths.json").write_text("[]")
    with pytest.raises(CheckpointError):
        SixteenthsCodec.load(tmp_path)
    with pytest.raises(InputError, match="voices"):
        CODEC.encode(Score((Track(()),)))


def test_the_published_set_keeps_its_splits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    piece = [[74, 70, 65, 58]] * 4 + [[-1, 70, 65, 57]] * 2
    content = {"train": [piece, piece[2:]], "valid": [piece[1:]], "test": [piece[:5]]}
    (tmp_path / "Jsb16thSeparated.json").write_text(json.dumps(content))
    monkeypatch.setenv("TOOLKIT_POLYPHONIC", str(tmp_path))
    corpus = open_corpus("jsb16")
    assert [len(list(corpus.read(split))) for split in ("train", "validation", "test")] == [2, 1, 1]
    (first, *_) = corpus.read("train")
    assert [len(track.notes) for track in first.item.tracks] == [1, 1, 1, 2]
    (tmp_path / "Jsb16thSeparated.json").write_text('{"train": [[1]]}')
    with pytest.raises(InputError, match="cannot be read"):
        open_corpus("jsb16")
    monkeypatch.setenv("TOOLKIT_POLYPHONIC", str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match="does not come with"):
        open_corpus("jsb16")
