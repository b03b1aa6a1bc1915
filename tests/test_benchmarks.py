from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks import decode, melody_codecs, melody_quality, originality, sampler, steering, streams, text
from toolkit.batches import Encoded
from toolkit.core import Corpus, Document, InputError, ToolkitError, UsageError
from toolkit.domains.music.melody import MelodyCodec
from toolkit.models import ModelSettings, RecurrentLM, parameters
from toolkit.models.ngram import NGram
from toolkit.score import Key, Meter, Note, Score, Track
from toolkit.train import TrainSettings


def tune(first: int = 0, meter: Meter = Meter(6, 8), key: Key = Key(2, "dorian")) -> Score:  # noqa: B008
    lengths = (12, 12, 12, 24, 12, 6, 6, 8, 8, 8, 24, 48, 12, 24)
    starts = np.cumsum([first, *lengths[:-1]])
    pitches = (62, 64, 65, 69, 67, 65, 64, 62, 60, 62, 65, 69, 64, 62)
    notes = [Note(int(start), pitch, each) for start, pitch, each in zip(starts, pitches, lengths, strict=True)]
    return Score((Track(tuple(notes)),), meters=(meter,), keys=(key,))


TUNES = [tune(), tune(60), tune(24, Meter(3, 4), Key(9, "minor")), tune(0, Meter(2, 2), Key(7, "major"))]


def stream(name: str = "ours", size: int = 20, length: int = 600) -> streams.Stream:
    ids = np.random.default_rng(0).integers(0, size, length)
    encoded = Encoded(ids, np.asarray([0]), {"note": length / 2})
    return streams.Stream(name, size, {"train": encoded, "validation": encoded, "test": encoded})


@pytest.mark.parametrize(
    ("key", "lean"), [("none", False), ("written", False), ("relative", False), ("relative", True)]
)
def test_remi_gives_the_notes_back(key: str, lean: bool, tmp_path: Path) -> None:
    pytest.importorskip("miditok")
    from benchmarks.remi import RemiCodec

    codec = RemiCodec.build(TUNES, key=key, lean=lean)
    codec.save(tmp_path)
    assert RemiCodec.load(tmp_path).fingerprint == codec.fingerprint
    for each in TUNES:
        ids = codec.encode(each)
        assert max(ids) < codec.size and codec.stop not in ids
        back = codec.decode([*ids, codec.stop])
        assert melody_codecs._content(back) == melody_codecs._content(each)
        assert back.keys == (each.keys if key != "none" else ())
        assert codec.measure(ids)["note"] == len(each.notes)


def test_a_transposed_tune_differs_in_its_tonic_alone() -> None:
    pytest.importorskip("miditok")
    from benchmarks.remi import RemiCodec

    codec = RemiCodec.build(TUNES, key="relative")
    one, other = codec.encode(TUNES[0]), codec.encode(TUNES[0].transposed(3))
    assert [place for place, (a, b) in enumerate(zip(one, other, strict=True)) if a != b] == [1]


def test_prepared_streams_hold_the_same_notes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("miditok")
    documents = [Document(str(number), each) for number, each in enumerate(TUNES)]
    corpus = Corpus("tiny", "music", "", "", "0" * 64, read=lambda split: documents)
    monkeypatch.setattr("toolkit.api.open_corpus", lambda name: corpus)
    melody_codecs.prepare(tmp_path)
    facts = json.loads((tmp_path / "corpus.json").read_text())
    assert facts["left_out"] == {} and facts["tunes"]["train"] == len(TUNES)
    for name in melody_codecs.ABOUT:
        found = streams.read(tmp_path, name)
        assert found.splits["train"].measure["note"] == sum(len(each.notes) for each in TUNES)
        assert found.splits["train"].tokens.max() < found.size
    counted, uncounted = streams.read(tmp_path, "ours-bare"), streams.read(tmp_path, "ours-1")
    assert uncounted.size == counted.size - 7
    assert uncounted.tokens_per_note == counted.tokens_per_note
    with pytest.raises(InputError, match="remi"):
        streams.read(tmp_path, "absent")


def test_equal_parameters_are_counted_as_the_model_counts_them() -> None:
    for cell, layers, norm in (("lstm", 1, False), ("gru", 2, True)):
        settings = ModelSettings(cell=cell, layers=layers, width=512, embedding=128, norm=norm)
        found = melody_codecs.equal_parameters(settings, 170, 221)
        sizes = [parameters(RecurrentLM(size, each)) for size, each in ((170, found), (221, settings))]
        assert sizes[0] == melody_codecs._count(170, found)
        assert sizes[0] == pytest.approx(sizes[1], rel=0.01)
        assert found.embedding > settings.embedding
        assert found.embedding % 8 == 0
    with pytest.raises(ToolkitError, match="1 %"):
        melody_codecs.equal_parameters(ModelSettings(width=512), 9000, 30)


def test_a_network_learns_and_is_measured_in_notes(tmp_path: Path) -> None:
    ids = np.tile(np.arange(20), 30)
    encoded = Encoded(ids, np.asarray([0]), {"note": 150.0})
    easy = streams.Stream("ours", 20, {"train": encoded, "validation": encoded, "test": encoded})
    model, training = ModelSettings(width=16, embedding=8, dropout=0.0), TrainSettings(batch=4, chunk=16)
    found = melody_codecs.network(easy, model, training, seed=0, final=True, steps=60)
    assert found["steps"] == 60 and len(found["curve"]) == training.validations
    assert found["validation"] == found["test"] < 0.9 * np.log(20) * 599 / 150
    assert found["validation"] < 1.02 * min(loss for _, loss in found["curve"])  # the rate falls to the very end


def test_one_row_after_another_becomes_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    streams.write(stream(), data)
    streams.write(stream("remi", length=800), data)
    small = ["--steps", "2", "--set", "model.width=64", "model.embedding=16", "train.batch=2", "train.chunk=8"]
    for model in ("ours", "remi"):
        melody_codecs.main(
            ["--data", str(data), "--model", model, *small, "--seeds", "2", "--json", str(out / f"{model}.json")]
        )
    melody_codecs.main(["--data", str(data), "--model", "ngram:remi", "--final", "--json", str(out / "ngram.json")])
    assert len(list(out.glob("*.json"))) == 5
    rows = [line for line in melody_codecs.report(out).splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    assert sum("LSTM, embedding" in row and row.endswith("| 2 |") for row in rows) == 2
    capsys.readouterr()


def test_settings_that_cannot_be_meant() -> None:
    with pytest.raises(UsageError, match="width"):
        melody_codecs._settings(ModelSettings, "model", ["model.widht=3"])
    with pytest.raises(UsageError, match="not a setting"):
        melody_codecs._settings(ModelSettings, "model", ["width=3"])
    with pytest.raises(UsageError, match="minutes or steps"):
        melody_codecs._Clock(None, None)


def test_sampled_tunes_are_checked_against_their_files() -> None:
    pytest.importorskip("symusic")
    codec = MelodyCodec()
    ids = [codec.stop, *(token for each in TUNES for token in (*codec.encode(each), codec.stop))]
    engine = NGram(np.asarray(ids), 5, codec.size)
    for made in melody_quality.sample(engine, codec, tunes=3, length=200):
        assert melody_quality.faults(made, codec, codec.layout) == []


def test_faults_are_found() -> None:
    codec = MelodyCodec()
    whole = codec.encode(TUNES[0])
    assert melody_quality.full_bars(whole, codec.layout)
    last = max(place for place, token in enumerate(whole) if codec.label(token).startswith("bar"))
    assert not melody_quality.full_bars([*whole[: last - 1], *whole[last:]], codec.layout)
    assert melody_quality.faults(whole[1:], codec, codec.layout) == ["parse"]


def test_distances_order_what_differs() -> None:
    near, far = ([tune(start) for start in starts] for starts in ((0, 60, 0), (5, 5, 9)))
    held_out = melody_quality.histograms([tune(), tune(60)])
    found = melody_quality.table(
        {"near": melody_quality.histograms(near), "far": melody_quality.histograms(far)}, held_out
    )
    assert found["near"]["interval"]["bits"] == pytest.approx(0)
    assert found["near"]["place in the bar"]["bits"] < 0.1 < found["far"]["place in the bar"]["bits"]
    apart = melody_quality.divergence(np.asarray([1.0, 0.0]), np.asarray([0.0, 5.0]))
    assert float(apart) == pytest.approx(1)


def test_text_line_of_a_small_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.api import open_corpus

    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "rhyme.txt").write_text("the cat sat on the mat and the rat sat on the hat\n" * 60)
    found = text.n_gram_line(open_corpus(str(tmp_path / "rhyme.txt")), "validation")
    assert 0 < found["bits_per_byte"] < 1
    assert found["nats_per_character"] == pytest.approx(found["bits_per_byte"] * np.log(2))


def test_every_way_of_decoding_is_timed() -> None:
    pytest.importorskip("numba")
    found = decode.measure(decode.of_shape(1, 8), tokens=4, rounds=1, threads=1)
    ours = {"loop", "compiled", "compiled-int8", "engine"}
    assert set(found["tokens_per_second"]) == ours | {"nn.LSTM", "nn.LSTM, drawing"}
    assert all(speed > 0 for speed in found["tokens_per_second"].values())
    assert "| 1 × 8, 65 ids | 1 |" in decode.report([found])


def test_steering_is_compared_with_rejection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "PARTICLES", {8: 1})
    monkeypatch.setattr(steering, "TRIES", 128)
    task = steering.tasks()["cadence"]()
    rejection, mask, steered = steering.steering(task, quick=True)
    assert rejection["of"] == mask["of"] == 16
    assert steered["way"] == "8 particles"
    assert steered["rejection"] == pytest.approx(1 - (1 - rejection["share"]) ** 8)
    assert "| 8 particles | " in steering.report({"steering": {task.name: [rejection, mask, steered]}})


def test_drawing_is_measured_the_same_way_for_chain_and_program() -> None:
    pytest.importorskip("numba")
    spent = sampler.measure(sampler.FULL, sampler.grammar(66), 66, tokens=5, rounds=1)
    assert list(spent) == ["readable", "program, one by one", "program, block"]
    assert min(spent.values()) > 0
    written = sampler.report([("full", 66, spent)], {66: (1.0, 0.5)})
    assert "| full | 66 |" in written and "| 66 | 1.00 | 0.50 |" in written


def test_copies_are_scored_by_the_corpus_itself() -> None:
    from toolkit.api import open_run
    from toolkit.originality import NgramIndex
    from toolkit.originality.corpus import indexed

    run, learnt = open_run("folk"), np.arange(1, 101, dtype=np.uint64)
    found = indexed([("a", learnt)])
    own = np.arange(1000, 1100, dtype=np.uint64)
    half = np.concatenate([learnt[:20], own[:80]])
    score = originality._score(run, found, [learnt, own, half])
    assert score["longest"] == [21.0, 93.0, 101.0]  # in notes, one more than steps
    assert score["novel"][12] == pytest.approx((0 + 1 + 80 / 90) / 3)
    index = NgramIndex.build([learnt], {5: 0.01, 11: 0.01}, "a", "0" * 64)
    alarms = originality._alarms(index, found, [learnt, own], 5)
    assert (alarms["missed"], alarms["strangers"]) == (0, 96)
