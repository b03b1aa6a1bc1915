"""Ways to write a melody: each gives every melody back, and what is called forced is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import melody_ways_measured as measured
from benchmarks import streams
from benchmarks.melody_ways import WAYS, Symbols, Writing, forced, transposed
from toolkit.core import Corpus, Document
from toolkit.domains.music.grammar import Limits
from toolkit.domains.music.melody import MelodyCodec
from toolkit.score import Score

CODEC = MelodyCodec(measured.BARE)


def melody(seed: int, bars: int) -> Score:
    """A random melody some of whose bars come again, in a key the octave of whose notes leaves room to move."""
    rng = np.random.default_rng(seed)
    grammar = CODEC.within(Limits(bars=bars, low=55, high=80))
    state, ids, lines = grammar.begin(), [], []
    while not ids or ids[-1] != CODEC.stop:
        allowed = np.flatnonzero(grammar.allowed(state))
        places = [token for token in allowed if CODEC.layout.label(CODEC.layout.events[token]).startswith("until")]
        token = int(rng.choice(places[-2:] if places else allowed))
        if CODEC.layout.label(CODEC.layout.events[token]).startswith("bar"):
            lines.append((len(ids), state))
        ids.append(token)
        state = grammar.step(state, token)
    return CODEC.decode(ids)


@pytest.mark.parametrize("names", [*WAYS, *(each for each in measured.MEASURED if "+" in each)])
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), bars=st.integers(1, 12))
def test_every_way_gives_every_melody_back(names: str, seed: int, bars: int) -> None:
    writing = Writing(tuple(each for each in names.split("+") if each in WAYS))
    symbols = measured.symbols_of(CODEC, melody(seed, bars))
    assert writing.read(writing.write(symbols)) == symbols


BAR = [("PITCH", 0), ("UNTIL", 48), ("PITCH", 4), ("UNTIL", 96)]
OTHER = [("PITCH", 2), ("UNTIL", 96)]
HEAD: Symbols = [("METER", 4, 4), ("MODE", 0), ("TONIC", 2)]


def tune(*bars: Symbols) -> Symbols:
    return [*HEAD, *(each for number, bar in enumerate(bars) for each in [("BAR", number), *bar])]


def test_a_bar_that_comes_again_is_one_symbol_or_announced() -> None:
    whole = tune(BAR, OTHER, BAR, BAR)
    assert WAYS["again"].write(whole) == tune(BAR, OTHER, [("AGAIN", 2)], [("AGAIN", 1)])
    told = WAYS["announced"].write(whole)
    assert told == tune(BAR, OTHER, [("AGAIN", 2), *BAR], [("AGAIN", 1), *BAR])
    assert [each for each, inside in zip(told, forced(told), strict=True) if inside] == [*BAR, *BAR]


def test_each_way_says_what_it_is_called() -> None:
    whole = tune(BAR, OTHER)
    assert WAYS["lengths"].write(whole)[5:8:2] == [("LENGTH", 48), ("LENGTH", 48)]
    assert WAYS["contour"].write(whole)[4:7:2] == [("PITCH", 0), ("STEP", 4)]
    assert WAYS["absolute"].write(whole)[4] == ("PITCH", 62)
    assert WAYS["joined"].write(whole)[4] == ("PITCH", 0, "UNTIL", 48)
    assert WAYS["units"].write([("METER", 2, 2), ("BAR", 0), ("UNTIL", 48)])[-1] == ("UNTIL", 24)
    assert transposed(WAYS["absolute"].write(whole), 3)[2:5] == [("TONIC", 5), ("BAR", 0), ("PITCH", 65)]


def test_streams_are_prepared_with_every_note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = [melody(seed, 8) for seed in range(6)]
    corpus = Corpus(
        "tiny", "music", "", "", "0" * 64, read=lambda split: [Document(str(n), s) for n, s in enumerate(scores)]
    )
    monkeypatch.setattr("toolkit.api.open_corpus", lambda name: corpus)
    measured.prepare(tmp_path)
    for name in measured.MEASURED:
        stream = streams.read(tmp_path, name)
        copies = measured.COPIES if measured.AUGMENTED in name else 1
        train = stream.splits["train"]
        assert train.measure["note"] == copies * sum(len(each.notes) for each in scores)
        assert len(train.starts) == copies * len(scores)
        mask = np.load(tmp_path / name / "train.forced.npy")
        assert len(mask) == len(train.tokens)
        assert mask.any() <= ("announced" in name)
    found = measured.measure(
        measured.argparse.Namespace(
            data=tmp_path, way="again", seed=0, minutes=0.01, set=["model.width=16", "train.batch=2", "train.chunk=16"]
        )
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "again.json").write_text(measured.json.dumps(found))
    assert WAYS["again"].about in measured.report(tmp_path / "out")
