"""Cells compared: resumable, on equal terms, with costs that grow where they must."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.api.comparing import Compared, compare_cells, decoding_costs, recalled, within_chunks
from toolkit.api.comparing.pictures import learning_curves, recall_by_lag, state_growth
from toolkit.api.suited import SUITED
from toolkit.core import UsageError
from toolkit.inspect.recall import Recall
from toolkit.models import CELLS, ModelSettings


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "lines.txt"
    path.write_text("the sea and the ship\n" * 300)
    return str(path)


def compared(corpus: str, out: Path, **asked: object) -> list[Compared]:
    *_, found = compare_cells(corpus, out, **{"steps": 24, "seeds": (0, 1), "parameters": 60_000, **asked})  # type: ignore[arg-type]
    assert isinstance(found, list)
    return found


def test_cells_of_one_size_are_compared_and_runs_are_not_made_twice(corpus: str, tmp_path: Path) -> None:
    cells = ("lstm", "mingru", "transformer")
    found = compared(corpus, tmp_path / "runs", cells=cells, codec="char")
    assert [each.cell for each in found] == list(cells)
    for each in found:
        assert len({trial.loss for trial in each.trials}) == 2, "seeds differ"
        assert each.deviation > 0
        assert abs(each.trials[0].parameters - 60_000) < 15_000
        assert all(trial.curve for trial in each.trials)
    when = (tmp_path / "runs" / "lstm-0" / "config.json").stat().st_mtime_ns
    again = compared(corpus, tmp_path / "runs", cells=cells, codec="char")
    assert [each.mean for each in again] == [each.mean for each in found]
    assert (tmp_path / "runs" / "lstm-0" / "config.json").stat().st_mtime_ns == when
    assert learning_curves(found).startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="another folder"):
        compared(corpus, tmp_path / "runs", cells=cells, codec="char", steps=25)


def test_an_unknown_cell_is_refused_before_anything_is_made(corpus: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="lstm"):
        compared(corpus, tmp_path / "runs", cells=("lstm", "lstn"))
    assert not (tmp_path / "runs").exists()


def test_only_a_transformers_state_grows_with_what_was_read() -> None:
    costs = {}
    for cell in ("lstm", "transformer"):
        settings = ModelSettings(cell=cell, width=16, embedding=8, layers=2)
        costs[cell] = decoding_costs(settings, 9, lengths=(8, 32))
    assert costs["lstm"][0].state_bytes == costs["lstm"][1].state_bytes == 2 * 2 * 16 * 4
    near, far = costs["transformer"]
    assert near.state_bytes == 2 * 8 * (2 * 16 + 1) * 4
    assert far.state_bytes == 4 * near.state_bytes
    assert state_growth([*costs["lstm"], *costs["transformer"]]).startswith(b"\x89PNG")


def test_what_suits_a_cell_are_settings_it_has() -> None:
    from toolkit.core import checked
    from toolkit.train import TrainSettings

    assert SUITED.keys() <= CELLS.keys()
    for cell, suits in SUITED.items():
        assert checked(ModelSettings, {"cell": cell, **suits.model}).cell == cell
        checked(TrainSettings, suits.training)


def test_recalling_by_lag_and_by_chunk() -> None:
    task = Recall(lag=0, steps=3, rows=4)
    found = list(recalled(("gru",), (2, 5), seeds=(0, 1), task=task))
    assert [(each.lag, each.chunk, len(each.accuracies)) for each in found] == [(2, 4, 2), (5, 7, 2)]
    (chunked,) = within_chunks("gru", 5, (2,), seeds=(0,), task=task)
    assert (chunked.lag, chunked.chunk) == (5, 2)
    assert recall_by_lag(found).startswith(b"\x89PNG")
