"""A shipped run is the run without what only resuming needs."""

import pytest

from toolkit.api import Plan, fit, open_run, ship
from toolkit.core import UsageError

TINY = {"model": {"width": 12, "embedding": 6}, "training": {"batch": 2, "chunk": 8}}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ship")
    (folder / "words.txt").write_text("one fine day the small brown hen laid an egg as big as the moon\n" * 20)
    for _ in fit(Plan(corpus=str(folder / "words.txt"), out=folder / "run", steps=20, **TINY)):
        pass
    return folder / "run"


def test_it_generates_the_same_and_weighs_less(run, tmp_path):
    shipped = ship(run, tmp_path / "shipped")
    assert not (shipped / "last").exists()
    assert open_run(shipped).generate(seed=3, length=40).text == open_run(run).generate(seed=3, length=40).text
    assert open_run(shipped).checkpoint == open_run(run).checkpoint
    assert "toolkit train" in (shipped / "README.md").read_text()


def test_half_precision_halves_the_weights_and_changes_little(run, tmp_path):
    shipped = ship(run, tmp_path / "shipped", half=True)
    full, half = (folder / "model.safetensors" for folder in (run, shipped))
    assert half.stat().st_size < 0.6 * full.stat().st_size
    assert open_run(shipped).config.result["stored"] == "fp16"
    before, after = (open_run(folder).model.state_dict() for folder in (run, shipped))
    assert all((before[name] - after[name]).abs().max() < 2e-3 for name in before)


def test_only_a_finished_run_is_shipped(run, tmp_path):
    from toolkit.api import fitting

    with pytest.raises(fitting.Stopped):
        for _ in fit(
            Plan(corpus=str(run.parent / "words.txt"), out=tmp_path / "cut", steps=20, **TINY), stopping=lambda: True
        ):
            pass
    with pytest.raises(UsageError, match="not finished"):
        ship(tmp_path / "cut", tmp_path / "shipped")
    assert not (tmp_path / "shipped").exists()
