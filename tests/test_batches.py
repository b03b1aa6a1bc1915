"""Encoding once, and rows that are contiguous, complete, and a function of (seed, step)."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.batches import Encoded, Rows, encode, streams
from toolkit.core import Corpus, Document, InputError
from toolkit.domains.text import DOMAIN

TEXTS = {"train": ["one two three", "four five", "six"], "validation": ["seven"], "test": []}


def corpus(whole: bool = False, sha256: str = "a" * 64) -> Corpus[str]:
    def read(split):
        return [Document(str(number), text) for number, text in enumerate(TEXTS[split])][: 1 if whole else None]

    return Corpus("c", "text", "here", "ours", sha256, read, whole=whole)


def split_of(lengths: list[int]) -> Encoded:
    """Documents whose tokens tell where they stand: stop is 0, token n the n-th of all."""
    tokens, starts, number = [], [], 0
    for length in lengths:
        starts.append(len(tokens))
        tokens += [0, *range(number + 1, number + 1 + length)]
        number += length
    return Encoded(np.asarray([*tokens, 0]), np.asarray(starts), {"byte": number})


def test_documents_stand_between_stops_and_are_measured(tmp_path):
    codec = DOMAIN.codecs["byte"].build([])
    store = encode(corpus(), codec, tmp_path)
    train = store.split("train")
    expected = [codec.stop]
    for text in TEXTS["train"]:
        expected += [*text.encode(), codec.stop]
    assert train.tokens.tolist() == expected
    assert [train.tokens[start] for start in train.starts] == [codec.stop] * 3
    assert train.measure["byte"] == sum(map(len, TEXTS["train"]))
    assert store.split("test").predictions == 0


def test_a_whole_text_has_no_stop(tmp_path):
    codec = DOMAIN.codecs["byte"].build([])
    train = encode(corpus(whole=True), codec, tmp_path).split("train")
    assert train.tokens.tolist() == list(TEXTS["train"][0].encode())


def test_the_cache_is_found_again_and_keyed_by_corpus_and_codec(tmp_path):
    byte, char = (DOMAIN.codecs[name].build(TEXTS["train"] + ["v"]) for name in ("byte", "char"))
    folder = encode(corpus(), byte, tmp_path).folder
    written = (folder / "train.tokens").stat().st_mtime_ns
    assert encode(corpus(), byte, tmp_path).folder == folder
    assert (folder / "train.tokens").stat().st_mtime_ns == written
    assert encode(corpus(), char, tmp_path).folder != folder
    assert encode(corpus(sha256="b" * 64), byte, tmp_path).folder != folder
    assert not list(tmp_path.glob("*tmp*"))


def test_a_damaged_cache_is_refused(tmp_path):
    store = encode(corpus(), DOMAIN.codecs["byte"].build([]), tmp_path)
    (store.folder / "train.tokens").write_bytes(b"odd")
    with pytest.raises(InputError, match="damaged"):
        store.split("train")


def test_an_interrupted_encoding_leaves_nothing_and_the_next_one_succeeds(tmp_path):
    class InterruptedReadingError(Exception):
        pass

    def read(split):
        yield Document("a", "text")
        raise InterruptedReadingError

    broken = Corpus("c", "text", "here", "ours", "a" * 64, read)
    codec = DOMAIN.codecs["byte"].build([])
    with pytest.raises(InterruptedReadingError):
        encode(broken, codec, tmp_path)
    assert encode(corpus(), codec, tmp_path).split("validation").predictions > 0


shapes = {
    "lengths": st.lists(st.integers(1, 40), min_size=1, max_size=9),
    "rows": st.integers(1, 5),
    "chunk": st.integers(1, 20),
    "seed": st.integers(0, 9),
}


@given(**shapes)
def test_every_row_goes_on_where_it_stopped_and_targets_follow_inputs(lengths, rows, chunk, seed):
    data = Rows(split_of(lengths), rows=rows, chunk=chunk, seed=seed)
    for step in range(2 * data.steps_per_epoch):
        batch = data.batch(step)
        assert batch.x_BT.shape == (data.rows, data.chunk)
        assert (batch.x_BT[:, 1:] == batch.y_BT[:, :-1]).all()
        assert (batch.fresh_B == (step % data.steps_per_epoch == 0)).all()
        if not batch.fresh_B.all():
            assert (batch.x_BT[:, 0] == data.batch(step - 1).y_BT[:, -1]).all()


@given(**shapes)
def test_an_epoch_reads_nothing_twice_and_leaves_out_less_than_a_batch(lengths, rows, chunk, seed):
    encoded = split_of(lengths)
    data = Rows(encoded, rows=rows, chunk=chunk, seed=seed)
    for epoch in range(2):
        steps = range(epoch * data.steps_per_epoch, (epoch + 1) * data.steps_per_epoch)
        read = np.concatenate([data.batch(step).x_BT.ravel() for step in steps])
        notes = read[read > 0]
        assert len(set(notes.tolist())) == len(notes)
        assert encoded.predictions - len(read) < data.rows * data.chunk


@given(**shapes)
def test_a_batch_depends_on_seed_and_step_alone(lengths, rows, chunk, seed):
    encoded = split_of(lengths)
    first = Rows(encoded, rows=rows, chunk=chunk, seed=seed)
    second = Rows(encoded, rows=rows, chunk=chunk, seed=seed)
    far = 3 * first.steps_per_epoch
    assert (second.batch(far).x_BT == [first.batch(step) for step in range(far + 1)][-1].x_BT).all()


def test_epochs_differ_from_one_another():
    data = Rows(split_of([30, 20, 10, 40, 25]), rows=2, chunk=8, seed=1)
    assert any((data.batch(0).x_BT != data.batch(epoch * data.steps_per_epoch).x_BT).any() for epoch in (1, 2))


def test_documents_stay_whole_when_shuffled():
    encoded = split_of([5, 6, 7])
    data = Rows(encoded, rows=1, chunk=encoded.predictions, seed=3)
    ring = data.batch(0).x_BT[0].tolist()
    for first, then in itertools.pairwise(ring):
        assert 0 in (first, then) or then == first + 1


def test_too_little_to_train_on_is_said():
    with pytest.raises(InputError, match="too small"):
        Rows(Encoded(np.asarray([0, 1]), np.asarray([0]), {}), rows=1, chunk=4, seed=0)


@given(count=st.integers(1, 7), length=st.integers(8, 60))
def test_streams_predict_every_token_once(count, length):
    parts = streams(np.arange(length), count)
    assert [token for part in parts for token in part[1:]] == list(range(1, length))


def test_rows_begin_afresh_as_often_as_asked_and_the_same_way_each_time():
    encoded = split_of([5000])
    data, again = (Rows(encoded, rows=4, chunk=8, seed=3, fresh_start=0.2) for _ in range(2))
    fresh = np.stack([data.batch(step).fresh_B for step in range(1, data.steps_per_epoch)])
    assert fresh.mean() == pytest.approx(0.2, abs=0.04)
    assert (again.batch(7).fresh_B == data.batch(7).fresh_B).all()


def shifted(ids, rng):
    """A variant that tells itself apart: every id moved by one random thousand."""
    return ids + 1000 * rng.randint(1, 9)


@given(**shapes)
def test_variants_change_what_is_read_and_never_where(lengths, rows, chunk, seed):
    encoded = split_of(lengths)
    plain, varied = (Rows(encoded, rows=rows, chunk=chunk, seed=seed, vary=vary) for vary in (None, shifted))
    assert (plain.rows, plain.chunk, plain.steps_per_epoch) == (varied.rows, varied.chunk, varied.steps_per_epoch)
    for step in range(2 * plain.steps_per_epoch):
        one, other = plain.batch(step), varied.batch(step)
        assert (one.x_BT == other.x_BT % 1000).all()
        assert (one.y_BT == other.y_BT % 1000).all()
        assert (one.fresh_B == other.fresh_B).all()
        assert ((other.x_BT >= 1000) == (one.x_BT > 0)).all()


@given(**shapes)
def test_a_document_has_one_variant_in_an_epoch_decided_by_seed_and_epoch_alone(lengths, rows, chunk, seed):
    encoded = split_of(lengths)
    data = Rows(encoded, rows=rows, chunk=chunk, seed=seed, vary=shifted)
    document_of = np.repeat(np.arange(len(lengths)), lengths)
    for epoch in range(2):
        steps = range(epoch * data.steps_per_epoch, (epoch + 1) * data.steps_per_epoch)
        read = np.concatenate([data.batch(step).x_BT.ravel() for step in steps])
        moved = {(int(document_of[each % 1000 - 1]), int(each // 1000)) for each in read if each}
        assert len(moved) == len({document for document, _ in moved})
    again = Rows(encoded, rows=rows, chunk=chunk, seed=seed, vary=shifted)
    for step in reversed(range(2 * data.steps_per_epoch)):
        assert (again.batch(step).x_BT == data.batch(step).x_BT).all()


def test_epochs_and_seeds_read_other_variants():
    encoded = split_of([20] * 12)

    def variants_of(seed, epoch):
        data = Rows(encoded, rows=1, chunk=encoded.predictions, seed=seed, vary=shifted)
        ids = data.batch(epoch).x_BT[0]
        return {int(each % 1000): int(each // 1000) for each in ids if each}

    readings = [variants_of(0, 0), variants_of(0, 1), variants_of(1, 0)]
    for one, other in itertools.combinations(readings, 2):
        both = one.keys() & other.keys()
        assert any(one[each] != other[each] for each in both)
    assert len(set(readings[0].values())) > 3


def test_a_variant_of_another_length_is_refused():
    with pytest.raises(ValueError, match="variant"):
        Rows(split_of([9, 9]), rows=1, chunk=4, seed=0, vary=lambda ids, rng: ids[:-1]).batch(0)


def test_what_is_settled_is_read_and_not_predicted() -> None:
    """Everything from a 7 to the next stop, in rows that begin in the middle of it as well."""
    tokens = [0, 1, 7, 2, 3, 0, 4, 5, 0, 7, 6, 0]

    def settled(ids: np.ndarray) -> np.ndarray:
        inside, found = False, []
        for each in ids.tolist():
            inside = inside and each != 0
            found.append(inside)
            inside = inside or each == 7
        return np.array(found)

    split = Encoded(np.asarray(tokens, "<u2"), np.asarray([0, 5, 8]), {"note": 9.0}, settled)
    assert split.targets.tolist() == [0, 1, 7, -1, -1, 0, 4, 5, 0, 7, -1, 0]
    assert split.predictions == 11
    pairs = set()
    for step in range(12):
        batch = Rows(split, rows=2, chunk=2, seed=step).batch(step)
        pairs |= set(zip(batch.x_BT.ravel().tolist(), batch.y_BT.ravel().tolist(), strict=True))
    assert {(7, -1), (2, -1), (1, 7), (4, 5)} <= pairs
    assert not {(7, 2), (7, 6), (2, 3)} & pairs
