"""The whole domain of drums: laws of its codec and grammar, its files, and a model that learns grooves."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.api import Plan, fit, open_run
from toolkit.cli import main
from toolkit.core import NEVER, CheckpointError, InputError, UsageError
from toolkit.domains.drums import KIT, METERS, DrumCodec, DrumControls, Grooves, constraint, show
from toolkit.models.ngram import NGram
from toolkit.score import Meter, Note, Score, Track, read_midi, write_midi

CODEC = DrumCodec()
DRUMS = [drums[0] for drums in KIT.values()]


@st.composite
def grooves(draw: st.DrawFn) -> Score:
    meter = Meter.parse(draw(st.sampled_from(METERS)))
    steps = draw(st.integers(1, 3)) * meter.bar(4)
    strokes = draw(st.sets(st.tuples(st.integers(0, steps - 1), st.sampled_from(DRUMS)), min_size=1, max_size=30))
    notes = tuple(Note(6 * step, drum, 6) for step, drum in {*strokes, (0, 36)})
    return Score((Track(notes, drums=True),), (meter,))


@settings(deadline=None)
@given(grooves())
def test_a_groove_comes_back_streams_and_obeys_the_grammar(groove: Score) -> None:
    ids = CODEC.encode(groove)
    back = CODEC.decode([*ids, CODEC.stop, *ids])
    assert back.notes == groove.notes
    assert back.meters == groove.meters
    assert CODEC.encode(back) == ids
    decoder = CODEC.decoder()
    assert sorted(note for token in [*ids, CODEC.stop] for note in decoder.push(token)) == list(groove.notes)
    assert CODEC.measure(ids)["note"] == len(groove.notes)


@pytest.mark.parametrize("grammar", [Grooves(), Grooves("3/4"), Grooves(None, 2), Grooves("7/8", 1)])
@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_of_the_best_next_token(grammar: Grooves, seed: int) -> None:
    rng, state, tokens = random.Random(seed), grammar.begin(), []
    for _ in range(120):
        may = np.flatnonzero(grammar.allowed(state)).tolist()
        if not may:
            assert grammar.distance(state) == 0
            break
        after = {token: grammar.distance(grammar.step(state, token)) for token in may}
        assert grammar.distance(state) == 1 + min(after.values()) < NEVER
        token = rng.choice(may)
        tokens.append(token)
        state = grammar.step(state, token)
    assert CODEC.encode(CODEC.decode(tokens)) == tokens[:-1] or state.over is False


def test_drums_of_a_kind_are_one_and_others_left_out() -> None:
    score = Score((Track((Note(0, 35, 24), Note(25, 40, 3), Note(48, 70, 6)), drums=True),))
    assert [note.pitch for note in CODEC.decode(CODEC.encode(score)).notes] == [36, 38]
    with pytest.raises(InputError, match="no drums"):
        CODEC.encode(Score((Track((Note(0, 60, 24),)),)))
    with pytest.raises(InputError, match="meter"):
        CODEC.encode(Score((Track((Note(0, 36, 24),), drums=True),), (Meter(11, 8),)))


def test_it_is_saved_and_damage_refused(tmp_path: Path) -> None:
    CODEC.save(tmp_path)
    assert DrumCodec.load(tmp_path).fingerprint == CODEC.fingerprint
    (tmp_path / "drums.json").write_text("{")
    with pytest.raises(CheckpointError):
        DrumCodec.load(tmp_path)
    assert len({CODEC.label(token) for token in range(CODEC.size)}) == CODEC.size


def written(folder: Path, count: int = 30) -> Path:
    """Grooves on a backbeat, each with its own kicks and fills."""
    folder.mkdir()
    rng = random.Random(3)
    for number in range(count):
        notes = []
        for step in range(64):
            strokes = [42] * (step % 2 == 0) + [38] * (step % 8 == 4) + [36] * (step % 8 == 0 or rng.random() < 0.06)
            strokes += [45] * (step >= 60 and rng.random() < 0.5)
            notes += [Note(6 * step, drum, 6) for drum in strokes]
        (folder / f"{number:02}.mid").write_bytes(write_midi(Score((Track(tuple(notes), drums=True),))))
    return folder


def test_a_model_learns_grooves_better_than_counting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    folder = written(tmp_path / "grooves")
    model, training = {"width": 48, "embedding": 16, "layers": 1}, {"batch": 8, "chunk": 64}
    list(fit(Plan(str(folder), tmp_path / "run", codec="drums", steps=120, model=model, training=training, seed=1)))
    run = open_run(tmp_path / "run")
    loss = run.evaluate(str(folder), "validation").nats_per("note")
    from toolkit.api import open_corpus, prepare

    store = prepare(open_corpus(str(folder), codec="drums"), run.codec)
    held_out = store.split("validation")
    bigram = NGram(store.split("train").tokens, 2, run.codec.size)
    counted = -float(bigram.log_probabilities(held_out.tokens).sum()) / held_out.measure["note"]
    assert loss < counted
    out = tmp_path / "made.mid"
    assert main(["generate", str(tmp_path / "run"), "--bars", "2", "--seed", "4", "--out", str(out)]) == 0
    made = read_midi(out)
    assert made.tracks[0].drums
    assert 0 < made.notes[-1].start < 2 * 96
    assert "kick" in show(made)


def test_what_is_asked_of_a_groove_to_go_on_from() -> None:
    groove = Score((Track((Note(0, 36, 6), Note(100, 38, 6)), drums=True),))
    assert constraint(CODEC, DrumControls(bars=4), groove).distance(Grooves().begin()) < NEVER
    for controls, said in ((DrumControls(meter="3/4"), "in 4/4"), (DrumControls(bars=1), "longer")):
        with pytest.raises(UsageError, match=said):
            constraint(CODEC, controls, groove)
