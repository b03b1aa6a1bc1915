"""SentencePiece vocabularies: training, determinism, and files that are not to be trusted."""

import hashlib
import io
import itertools
import json
import random
import subprocess
import sys

import pytest
import sentencepiece

from toolkit.core import CheckpointError, InputError, UsageError
from toolkit.domains.text.built_in import BUILT_IN
from toolkit.domains.text.pieces import MODEL_FILE, BpeCodec, UnigramCodec, sample
from toolkit.domains.text.storage import write_json

KINDS = [UnigramCodec, BpeCodec]


def prose(words, seed=0):
    rng = random.Random(seed)
    lexicon = [
        "".join(rng.choice("bdklmnrst") + rng.choice("aeiou") for _ in range(rng.randint(1, 4))) for _ in range(900)
    ]
    return "".join(rng.choice(lexicon) + rng.choice([" ", " ", " ", ",\n", ". "]) for _ in range(words))


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.name)
def codec(request):
    return request.param.build([prose(6000)], size=400)


def planted(folder, name, model):
    """A folder whose description agrees with ``model``, whatever that is."""
    (folder / MODEL_FILE).write_bytes(model)
    write_json(folder, {"format": 1, "codec": name, "sha256": hashlib.sha256(model).hexdigest()})
    return folder


def trained(lines, **changes):
    model = io.BytesIO()
    defaults = {"model_type": "bpe", "vocab_size": 300, "hard_vocab_limit": False, "minloglevel": 2}
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=model, **{**defaults, **changes}
    )
    return model.getvalue()


def test_the_size_asked_for_is_the_size_got(codec):
    assert codec.size == 400
    assert codec.remarks == ()


@pytest.mark.parametrize("kind", KINDS)
def test_unseen_prose_takes_half_as_many_pieces_as_characters(kind):
    if not BUILT_IN["python-docs"].available():
        pytest.skip("this Python has no pydoc_data")
    corpus = BUILT_IN["python-docs"].open()
    codec = kind.build((document.item for document in corpus.read("train")), size=1024)
    unseen = "".join(document.item for document in corpus.read("validation"))
    assert len(codec.encode(unseen)) < 0.5 * len(unseen)


def test_lines_encode_alike_alone_and_together(codec):
    lines = prose(300).split("\n")
    newline = codec.encode("\n")
    assert len(newline) == 1
    together = codec.encode("\n".join(lines))
    alone = [token for line in lines for token in [*codec.encode(line), *newline]][:-1]
    assert together == alone


def test_a_line_of_any_length_comes_back(codec):
    text = "ka" * 100_000 + "▁" + "漢" * 70_000
    assert codec.decode(codec.encode_array(text)) == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_small_text_gives_a_small_vocabulary_and_says_so(kind):
    codec = kind.build(["so it goes"])
    assert codec.size < 300
    assert str(codec.size) in codec.remarks[0]
    assert codec.decode(codec.encode("Ça alors, so it goes\n")) == "Ça alors, so it goes\n"


@pytest.mark.parametrize("kind", KINDS)
def test_more_characters_than_room_leaves_the_rarest_as_bytes(kind):
    text = "".join(chr(0x4E00 + each) * (1 + 3000 // (1 + each)) for each in range(3000))
    codec = kind.build([text], size=512)
    assert codec.size <= 512
    assert len(codec.encode("\u4e00\u4e00")) <= 2
    assert len(codec.encode(chr(0x4E00 + 2999))) == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("text", ["\t\t\n", "<unk> <0x41> <s>" * 50, "▅ a ▅ b\0" * 20, "a" * 5000, " ", "▁ ▁"])
def test_odd_texts_still_give_a_lossless_codec(kind, text):
    codec = kind.build([text])
    assert codec.decode(codec.encode(text + " ok")) == text + " ok"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("items", [[], ["", "\n\n"], ["\0\0"], ["▁"]])
def test_a_text_without_pieces_is_refused_in_a_sentence(kind, items):
    with pytest.raises(InputError):
        kind.build(items)


@pytest.mark.parametrize("size", [0, 299, 65_537, -5])
def test_sizes_have_bounds(size):
    with pytest.raises(UsageError, match="300 to 65,536"):
        UnigramCodec.build(["abc"], size=size)


def test_a_sample_is_spread_over_the_whole_corpus_and_holds_to_its_budget():
    items = [f"line {number:05}\n" * 10 for number in range(3000)]
    kept = sample(items, budget=20_000)
    numbers = [int(line.split()[1]) for line in kept]
    assert 8_000 < sum(map(len, kept)) <= 20_000
    assert numbers == sorted(numbers)
    assert numbers[0] == 0
    assert numbers[-1] > 2900
    assert max(second - first for first, second in itertools.pairwise(numbers)) < 10
    assert sample(items, budget=20_000) == kept
    assert sample(items, budget=10**9) == [line for item in items for line in item.splitlines()]


def test_training_is_silent(capfd):
    BpeCodec.build([prose(500)], size=300)
    assert capfd.readouterr() == ("", "")


def test_a_model_that_its_description_does_not_know_is_refused(codec, tmp_path):
    codec.save(tmp_path)
    model = bytearray((tmp_path / MODEL_FILE).read_bytes())
    model[200] ^= 1
    (tmp_path / MODEL_FILE).write_bytes(model)
    with pytest.raises(CheckpointError, match="sha256"):
        type(codec).load(tmp_path)


def test_one_algorithm_does_not_load_the_others_folder(codec, tmp_path):
    codec.save(tmp_path)
    other = BpeCodec if type(codec) is UnigramCodec else UnigramCodec
    with pytest.raises(CheckpointError, match="belongs to the codec"):
        other.load(tmp_path)


@pytest.mark.parametrize(
    "model",
    [b"", b"\0" * 50, b"not a model", b"\xff" * 1000, json.dumps({"a": 1}).encode()],
    ids=["empty", "zeros", "words", "ones", "json"],
)
def test_what_is_no_model_is_refused(model, tmp_path):
    with pytest.raises(CheckpointError):
        BpeCodec.load(planted(tmp_path, "bpe", model))


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"byte_fallback": True},
        {"byte_fallback": True, "normalization_rule_name": "identity", "bos_id": -1, "eos_id": -1},
        {"byte_fallback": True, "unk_id": 2, "bos_id": 0, "eos_id": 1},
    ],
    ids=["no bytes", "normalising", "trimming", "other order"],
)
def test_a_foreign_model_that_would_change_a_text_is_refused(changes, tmp_path):
    with pytest.raises(CheckpointError):
        BpeCodec.load(planted(tmp_path, "bpe", trained([prose(300)], **changes)))


def test_mutated_models_are_refused_or_work_and_never_crash(codec, tmp_path):
    """In a process of its own, so that a crash would be seen: a signal is a return code below zero."""
    codec.save(tmp_path)
    program = f"""
import hashlib, random, sys
from pathlib import Path
from toolkit.core import CheckpointError
from toolkit.domains.text.built_in import BUILT_IN
from toolkit.domains.text.pieces import {type(codec).__name__} as Kind
from toolkit.domains.text.storage import write_json
folder = Path(sys.argv[1])
whole = (folder / "pieces.model").read_bytes()
rng, loaded = random.Random(5), 0
for _ in range(150):
    model = bytearray(whole)
    for _ in range(rng.choice([1, 3, 30])):
        model[rng.randrange(len(model))] = rng.randrange(256)
    model = bytes(model[: rng.choice([len(model), len(model), rng.randrange(len(model))])])
    (folder / "pieces.model").write_bytes(model)
    write_json(folder, {{"format": 1, "codec": Kind.name, "sha256": hashlib.sha256(model).hexdigest()}})
    try:
        codec = Kind.load(folder)
    except CheckpointError as error:
        assert "\\n" not in str(error)
        continue
    loaded += 1
    codec.decode(codec.encode("any text at all ▁\\n é\\0"))
print(loaded)
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150
