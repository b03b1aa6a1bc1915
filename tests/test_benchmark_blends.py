"""The benchmarks of blending and adapting, on runs that learned next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import adapting, blending
from toolkit.api import Plan, Run, fit, open_run
from toolkit.batches import Encoded

WORDS = "one fine day the small brown hen laid an egg as big as the moon\n" * 40


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("blends")


@pytest.fixture(scope="module")
def runs(folder: Path) -> tuple[Run, Run]:
    (folder / "words.txt").write_text(WORDS)
    tiny = {"model": {"width": 12, "embedding": 6}, "training": {"batch": 2, "chunk": 8, "validations": 1}}
    for seed in (0, 1):
        for _ in fit(Plan(corpus=str(folder / "words.txt"), out=folder / f"run{seed}", steps=20, seed=seed, **tiny)):
            pass
    return open_run(folder / "run0"), open_run(folder / "run1")


def test_a_part_of_a_split_is_measured_in_proportion() -> None:
    whole = Encoded(np.arange(101), np.asarray([0, 30, 60, 99]), {"note": 50.0})
    parts = [adapting.part(whole, 0, 41), adapting.part(whole, 40, 101)]
    assert [each.predictions for each in parts] == [40, 60]
    assert [each.measure["note"] for each in parts] == [20, 30]
    assert [each.starts.tolist() for each in parts] == [[0, 30], [0, 20, 59]]


def test_adapting_is_tabled(runs: tuple[Run, Run], folder: Path) -> None:
    corpus = str(folder / "words.txt")
    found = adapting.measure(runs[0], corpus, strengths=dict.fromkeys(adapting.STRENGTHS, (0.0, 1.0)))
    rows = {each["name"]: each["nats"] for each in found["rows"]}
    assert rows["scaled steps, chosen"] < rows["static"]
    assert len({each["nats"] for each in found["tried"] if each["adapt_strength"] == 0}) == 1
    read = adapting.pages(runs[0], corpus, corpus, page=40, pairs=2)
    assert len(read["rows"]) == 1 + len(adapting.READINGS)
    table = adapting.report([found], [read])
    assert "| `run0` | words | static |" in table and "words (2 × 40 tokens)" in table


def test_blends_are_tabled(runs: tuple[Run, Run], folder: Path) -> None:
    corpus = str(folder / "words.txt")
    found = blending.losses(*runs, corpus, limit=100)
    for how in ("product", "mixture"):
        assert len(found[how]) == len(blending.WEIGHTS)
    assert found["product"][0] == found["mixture"][0] != found["product"][-1] == found["mixture"][-1]
    encoded_all = blending.losses(*runs, corpus, limit=10**6)
    assert encoded_all["product"][0] == pytest.approx(runs[0].evaluate(corpus).nats_per("character"), rel=1e-5)
    against = blending.contrasts(*runs, samples=2, length=30)
    assert against[0]["how"] == "alone" and against[0]["repeated"] < 1
    table = blending.report([found], against)
    assert "| `run0` | `run1` | words | product |" in table and "against `run1`, 0.5" in table
