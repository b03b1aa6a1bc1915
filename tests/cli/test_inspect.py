"""`toolkit inspect` and `toolkit compare`, as they are typed."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tests.cli.conftest import Toolkit


def test_a_topic_is_printed_as_json_and_drawn(toolkit: Toolkit, text_run: Path, poem: Path, tmp_path: Path) -> None:
    printed = toolkit("inspect", text_run, "gates", "--corpus", poem, "-o", tmp_path / "gates.png")
    assert printed.code == 0
    assert "half-life" in printed.out and "layer" in printed.out
    assert (tmp_path / "gates.png").read_bytes().startswith(b"\x89PNG")
    told = toolkit("inspect", text_run, "gates", "--corpus", poem, "--json").json
    assert told["topic"] == "gates"
    assert " ".join(printed.out.split()).find(" ".join(told["said"].split())) > 0


def test_it_moves_where_time_is_the_point(toolkit: Toolkit, text_run: Path, tmp_path: Path) -> None:
    assert toolkit("inspect", text_run, "unrolled", "--out", tmp_path / "state.gif").code == 0
    assert (tmp_path / "state.gif").read_bytes().startswith(b"GIF89a")
    refused = toolkit("inspect", text_run, "gates", "--out", tmp_path / "gates.gif")
    assert refused.code == 2 and "no .gif" in refused.err


def test_a_tune_is_looked_at_as_a_text_is(toolkit: Toolkit, music_run: Path, tunes: Path) -> None:
    assert "position in the bar" in toolkit("inspect", music_run, "units", "--corpus", tunes).out
    notes = tunes.parent / "notes.abc"
    notes.write_text("X:1\nM:4/4\nL:1/8\nK:D\nDEFG ABcd|d8|]\n")
    assert toolkit("inspect", music_run, "surprise", "--prompt-file", notes).code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gatez"], "gates"),
        (["odd"], "--files"),
        (["probe"], "--labels"),
        (["clamp"], "--unit"),
        (["gates", "--prompt=a", "--prompt-file=b"], "not both"),
        (["gates", "--out=a.svg"], ".png"),
        (["gates", "--corpus=nowhere.txt"], "nowhere.txt"),
        (["gates", "--split=tset"], ""),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(toolkit: Toolkit, text_run: Path, words: list[str], said: str) -> None:
    answer = toolkit("inspect", text_run, *words)
    if words[-1] == "--split=tset":
        assert answer.code == 0, "without a corpus there is no split"
        return
    assert answer.code in (2, 3) and said in answer.err and "Traceback" not in answer.err


def test_cells_are_compared(toolkit: Toolkit, poem: Path, tmp_path: Path) -> None:
    words = ["compare", poem, "--codec=char", "--cells=rnn,minlstm", "--steps=6", "--seeds=1", "--parameters=9000"]
    answer = toolkit(*words, "--out", tmp_path / "runs")
    assert answer.code == 0, answer.err
    assert answer.out.count("±") == 2 and "nats per byte" in answer.out
    assert all((tmp_path / "runs" / name).exists() for name in ("learning.png", "decoding.png", "rnn-0", "minlstm-0"))
    told = toolkit(*words, "--out", tmp_path / "runs", "--json").json
    assert {each["cell"] for each in told["cells"]} == {"rnn", "minlstm"}
    assert toolkit(*words).code == 2
    assert toolkit("compare", poem, "--out", tmp_path / "more").code == 2
    assert "transformer" in toolkit("compare", poem, "--cells=transfromer", "--steps=1", "--out", tmp_path / "m").err


def test_recall_is_compared(toolkit: Toolkit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from toolkit.api.comparing import recalling

    monkeypatch.setattr(recalling, "Recall", lambda lag: recalling_task(lag))
    answer = toolkit("compare", "recall", "--cells=gru", "--lags=2,3", "--seeds=1", "--out", tmp_path)
    assert answer.code == 0 and "lag 3" in answer.out
    assert (tmp_path / "recall.png").exists()
    assert toolkit("compare", "recall", "--lags=2,x").code == 2
    assert toolkit("compare", "recall", "--lags=0").code == 2


def recalling_task(lag: int):
    from toolkit.inspect.recall import Recall

    return Recall(lag, steps=2, rows=4)


def test_numbers_in_time_from_a_table_to_a_forecast(toolkit: Toolkit, tmp_path: Path) -> None:
    table = tmp_path / "waves.csv"
    table.write_text("value\n" + "".join(f"{math.sin(step / 3):.3f}\n" for step in range(1200)))
    run = tmp_path / "run"
    sizes = ["--set=model.width=16", "--set=train.validations=1", "--set=train.batch=4"]
    assert toolkit("train", table, "--codec=levels", "--steps=8", "--out", run, *sizes).code == 0
    assert toolkit("prepare", table, "--codec=levels").code == 0
    made = toolkit("generate", run, "--prompt=0.1 0.4 0.7", "--length=5", "--out", tmp_path / "next.csv")
    assert made.code == 0, made.err
    assert len((tmp_path / "next.csv").read_text().splitlines()) == 9
    forecast = toolkit("inspect", run, "forecast", "--corpus", table, "--split=test", "--json").json
    assert len(forecast["median"]) == 48
    assert toolkit("evaluate", run, table, "--json").json["val_nats_per_value"] > 0


def test_the_help_lists_every_topic() -> None:
    from toolkit.api.inspecting import TOPICS as KNOWN
    from toolkit.cli.inspect import TOPICS

    assert set(TOPICS) == set(KNOWN)
