"""A run knows what it learned from: the index that fit leaves beside the weights, asked, trusted and obeyed."""

import json
import random
import shutil
from pathlib import Path

import pytest

from tests.originality.brute import matches
from toolkit.api import Plan, fit, open_corpus, open_run, ship
from toolkit.api.originality import FACTS, FILTERS, FOLDER, training_corpus
from toolkit.core import CheckpointError, UsageError
from toolkit.domains.text.originality import TextView

TINY = {"model": {"width": 12, "embedding": 6}, "training": {"batch": 2, "chunk": 8}}
WORDS = [
    "one",
    "fine",
    "day",
    "the",
    "small",
    "brown",
    "hen",
    "laid",
    "an",
    "egg",
    "as",
    "big",
    "as",
    "moon",
    "and",
    "sun",
]


def words(seed, count=800):
    rng = random.Random(seed)
    return "".join(rng.choice(WORDS) + rng.choice([" ", " ", "\n"]) for _ in range(count))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("originality")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        (folder / "words.txt").write_text(words(1))
        for _ in fit(Plan(corpus=str(folder / "words.txt"), out=folder / "run", steps=20, **TINY)):
            pass
        yield folder / "run"


def copied(folder, run):
    shutil.copytree(run, folder / "run")
    return folder / "run"


def test_fit_leaves_an_index_of_what_it_learned_from(run):
    index = open_run(run).index
    corpus = open_corpus(str(run.parent / "words.txt"))
    (learnt,) = corpus.read("train")
    assert index.layers[0].learned.sha256 == corpus.sha256
    assert index.layers[0].learned.symbols == len(TextView().look(learnt.item).symbols)
    assert [each.length for each in index.held_out] == []  # a tenth of so short a text is too little
    assert sorted(each.name for each in (run / FOLDER).iterdir()) == [FACTS, FILTERS]


def test_a_result_says_how_much_of_it_is_copied(run):
    result = open_run(run).generate("one fine", seed=1, length=40)
    told = json.loads(result.export(".json"))["originality"]
    assert told["unit"] == "character"
    assert told["length"] <= 40
    assert told == json.loads(json.dumps(result.originality.data()))


def test_what_was_given_does_not_count(run):
    opened = open_run(run)
    (learnt,) = training_corpus(opened.config).read("train")
    result = opened.generate(learnt.item[:200], seed=1, length=20)
    assert result.originality.length <= 20
    assert all(span.start >= 200 for span in result.originality.spans)
    assert opened.originality(learnt.item[:200], exact=False).longest.length >= 150


def test_with_the_corpus_at_hand_the_report_is_exact(run):
    opened = open_run(run)
    (learnt,) = training_corpus(opened.config).read("train")
    text = "zzz " + learnt.item[100:150] + " zzz"
    hashed, exact = opened.originality(text), opened.originality(text, exact=True)
    assert (hashed.exact, exact.exact) == (False, True)
    view = TextView()
    true = max(matches(view.look(text).symbols.tolist(), [view.look(learnt.item).symbols.tolist()]))
    assert exact.longest.length == true <= hashed.longest.length
    assert exact.longest.source == exact.nearest.document == "words.txt"
    assert text[exact.longest.start : exact.longest.end] == exact.longest.excerpt
    assert opened.originality(text).exact  # what was made is used from now on
    assert not opened.originality(text, exact=False).exact


def test_another_corpus_is_not_taken_for_it(run, tmp_path, monkeypatch):
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "other.txt").write_text(words(2))
    with pytest.raises(UsageError, match="not the corpus"):
        open_run(run).originality("x", exact=True, corpus=str(tmp_path / "other.txt"))


def test_max_copy_is_kept_and_streamed(run):
    opened = open_run(run)
    (learnt,) = training_corpus(opened.config).read("train")
    view = TextView()
    corpus = [view.look(learnt.item).symbols.tolist()]
    for seed in range(3):
        stream = opened.stream("one fine", seed=seed, length=60, max_copy=11)
        parts = "".join(stream)
        result = stream.result()
        assert result.item == "one fine" + parts
        seen = view.look(result.item, "one fine").symbols.tolist()
        assert max(matches(seen, corpus), default=0) <= 11
        assert result.settings["max_copy"] == 11


def test_a_run_without_an_index_works_and_says_so_once_asked(run, tmp_path):
    folder = copied(tmp_path, run)
    shutil.rmtree(folder / FOLDER)
    opened = open_run(folder)
    result = opened.generate(seed=1, length=10)
    assert result.originality is None
    assert "originality" not in result.details
    with pytest.raises(UsageError, match="no index of its training corpus"):
        opened.originality("x", exact=False)
    with pytest.raises(UsageError, match="no index of its training corpus"):
        opened.generate(seed=1, length=10, max_copy=20)
    opened.build_index()
    again = open_run(folder)
    assert (again.folder / FOLDER / FILTERS).read_bytes() == (run / FOLDER / FILTERS).read_bytes()
    assert again.generate(seed=1, length=10, max_copy=20).originality is not None


def test_a_shipped_run_keeps_its_index(run, tmp_path):
    shipped = ship(run, tmp_path / "shipped")
    assert (shipped / FOLDER / FILTERS).read_bytes() == (run / FOLDER / FILTERS).read_bytes()


def test_a_run_that_started_from_another_knows_what_both_learned(run, tmp_path):
    (tmp_path / "more.txt").write_text(words(3))
    plan = Plan(corpus=str(tmp_path / "more.txt"), out=tmp_path / "tuned", steps=3, start_from=run, **TINY)
    for _ in fit(plan):
        pass
    tuned = open_run(tmp_path / "tuned")
    assert [each.learned.name for each in tuned.index.layers] == ["more", "words"]
    for text in (words(1)[200:260], words(3)[200:260]):
        assert tuned.originality(text, exact=False).longest.length >= 50


HOSTILE = {
    "facts are no JSON": lambda folder: (folder / FACTS).write_text("{"),
    "facts are missing": lambda folder: (folder / FACTS).unlink(),
    "filters are missing": lambda folder: (folder / FILTERS).unlink(),
    "filters are cut short": lambda folder: (folder / FILTERS).write_bytes((folder / FILTERS).read_bytes()[:-1]),
    "a bit is flipped": lambda folder: flip(folder / FILTERS),
    "filters are a pickle": lambda folder: (folder / FILTERS).write_bytes(b"\x80\x04K\x01."),
    "a filter is larger than said": lambda folder: edited(folder, bits=10**6),
    "a filter is gigantic": lambda folder: edited(folder, bits=2**50),
    "probes are no number": lambda folder: edited(folder, probes="many"),
}


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def edited(folder: Path, **changes) -> None:
    facts = json.loads((folder / FACTS).read_text())
    facts["layers"][0]["filters"][0].update(changes)
    (folder / FACTS).write_text(json.dumps(facts))


@pytest.mark.parametrize("damage", HOSTILE)
def test_an_index_that_cannot_be_trusted_is_refused(run, tmp_path, damage):
    folder = copied(tmp_path, run)
    HOSTILE[damage](folder / FOLDER)
    with pytest.raises(CheckpointError):
        _ = open_run(folder).index


@pytest.mark.slow
@pytest.mark.parametrize(("name", "most"), [("shakespeare", 16), ("kjv", 24), ("folk", 8)])
def test_shipped_checkpoints_copy_no_further_than_they_may(name, most, tmp_path, monkeypatch):
    """By the corpus itself, not by the hashes that the limit goes by."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path))
    opened = open_run(name)
    shared = Path("../shared/data/text/tinyshakespeare.txt")
    corpus = str(shared) if name == "shakespeare" else None
    if corpus and not shared.is_file():
        pytest.skip("tinyshakespeare is not here")
    for seed in range(10):
        result = opened.generate(seed=seed, max_copy=most, length=400, temperature=0.3)
        told = opened.originality(result, exact=True, corpus=corpus)
        assert told.exact
        assert told.longest is None or told.longest.length <= most
        free = opened.generate(seed=seed, length=400, temperature=0.3)
        hashed, exact = free.originality, opened.originality(free, corpus=corpus, exact=True)
        if exact.longest:
            assert hashed.longest.length >= exact.longest.length
        assert all(hashed.novel[size] <= exact.novel[size] for size in exact.novel)
