"""Looking inside through the studio: what Python sees, of files and corpora too, refused in a sentence, stopped."""

from __future__ import annotations

import html
import json
from pathlib import Path
from typing import Any

import pytest

from tests.apps.refused import refusal
from toolkit.api import open_run


def test_what_is_seen_inside_is_what_python_sees(client: Any, runs: Path) -> None:
    from toolkit.api.inspecting import inspect

    asked = {"text": "", "layer": 0, "unit": 3, "seed": "1", "api_name": "/look_inside"}
    said, picture, table, data = client.predict(run="text: poem", topic="gates", **asked)
    found = inspect(open_run(runs / "poem"), "gates", seed=1)
    assert html.escape(found.said) in said and data == json.loads(json.dumps(found.data))
    assert "data:image/png;base64," in picture and table.count("<tr>") == len(found.rows) + 1
    for kind in ("music: tunes", "chorales: hymns"):
        assert "nats" in client.predict(run=kind, topic="surprise", **asked)[0]
    read = client.predict(run="text: poem", topic="surprise", **{**asked, "text": "the <sea>,"})
    assert "&lt;" in read[2] and "<sea>" not in read[0] + read[2]


def test_uploaded_files_are_judged(client: Any, tmp_path: Path) -> None:
    from gradio_client import handle_file

    for number, letters in enumerate(("the river runs down\n" * 9, "and the ship runs\n" * 9, "zxq zxq vvv\n" * 9)):
        (tmp_path / f"{number}.txt").write_text(letters)
    files = [handle_file(tmp_path / f"{number}.txt") for number in range(3)]
    asked = {"run": "text: poem", "topic": "odd", "text": "", "layer": 0, "unit": 0, "seed": "1"}
    said, picture, _, data = client.predict(**asked, files=files, api_name="/look_inside")
    assert "3 items of your files" in said and data["items"][0]["name"].startswith("2")
    assert "data:image/png;base64," in picture
    planted = [handle_file(tmp_path / "2.txt")]
    told, _, _, found = client.predict(**asked, files=files[:2], planted=planted, api_name="/look_inside")
    assert "were planted" in told and found["area_under_curve"] == 1.0
    (tmp_path / "bad.mid").write_bytes(b"MThd")
    told = refusal(
        client, **{**asked, "run": "music: tunes"}, files=[handle_file(tmp_path / "bad.mid")], api_name="/look_inside"
    )
    assert "MIDI header" in told and "/" not in told


def test_a_corpus_is_read_and_its_labels_are_told(client: Any, tmp_path: Path) -> None:
    from gradio_client import handle_file

    asked = {"run": "text: poem", "text": "", "layer": 0, "unit": 0, "seed": "", "api_name": "/look_inside"}
    said, *_ = client.predict(**asked, topic="surprise", corpus="python-docs", split="test")
    assert "the test split of python-docs" in said
    lines = [f"the river runs {number},down" for number in range(12)] + [
        f"and a ship {number},up" for number in range(12)
    ]
    (tmp_path / "table.csv").write_text("text,label\n" + "\n".join(lines))
    (tmp_path / "files.csv").write_text("file,label\n/etc/passwd,down\n")
    (tmp_path / "torn.csv").write_bytes(("\ufefftext,label\n" + "\n".join(lines * 300)).encode() + b"\n\xff,up\n")
    said, picture, _, found = client.predict(**asked, topic="probe", table=handle_file(tmp_path / "table.csv"))
    assert found["labels"] == ["down", "up"] and "24 items" in said and "data:image/png" in picture
    told = refusal(client, **asked, topic="probe", table=handle_file(tmp_path / "files.csv"))
    assert "a column called text" in told and "passwd" not in told
    torn = refusal(client, **asked, topic="probe", table=handle_file(tmp_path / "torn.csv"))
    assert torn.startswith("Torn.csv cannot be read as a table"), "a byte-order mark is fine, what follows is not"
    music = {**asked, "run": "music: tunes"}
    assert "table" in refusal(client, **music, topic="probe", table=handle_file(tmp_path / "table.csv"))
    for corpus in ("folk", "../poem", "/etc/passwd", "hub:owner/name"):
        told = refusal(client, **asked, topic="surprise", corpus=corpus)
        assert "of the domain music" in told if corpus == "folk" else "not in the list" in told
    assert "label" in refusal(client, **music, topic="probe", labels="speaker", corpus="folk")


def test_a_look_can_be_stopped(room: Any, runs: Path) -> None:
    from toolkit.api.inspecting import TOPICS, inspect

    pacing = room("pacing")
    stops = pacing.Stops()
    paced = pacing.Paced(stops, "me")
    stops.ask("me")
    run = open_run(runs / "poem")
    for topic in TOPICS:
        with pytest.raises(pacing.StoppedError, match="stopped"):
            inspect(run, topic, watch=paced.watch, corpus="python-docs", folder="python-docs")


def test_every_topic_can_be_looked_at(room: Any) -> None:
    from toolkit.api.inspecting import TOPICS

    parts = room("inside_parts")
    assert set(parts.TITLES) == set(TOPICS)
    assert all(len(parts.about(each)) > 20 and "`" not in parts.about(each) for each in TOPICS)


def test_a_look_is_stopped_on_its_way(runs: Path) -> None:
    from toolkit.api.inspecting import inspect

    class EnoughError(Exception):
        pass

    def after(looks: int) -> Any:
        left = iter(range(looks))

        def watch() -> None:
            if next(left, None) is None:
                raise EnoughError

        return watch

    run = open_run(runs / "poem")
    table = {"probe": {"labels": "speaker", "corpus": "python-docs"}, "odd": {"folder": "python-docs"}}
    for topic in ("context", "odd", "units", "gradient"):
        with pytest.raises(EnoughError):
            inspect(run, topic, watch=after(2), **{"corpus": "python-docs", **table.get(topic, {})})


def test_looking_inside_refuses_in_a_sentence(client: Any) -> None:
    asked = {
        "run": "text: poem",
        "topic": "gates",
        "text": "",
        "layer": 0,
        "unit": 0,
        "seed": "",
        "api_name": "/look_inside",
    }
    for odd in (
        {"run": "text: nobody"},
        {"run": "../poem"},
        {"topic": "odd"},
        {"topic": "forecast"},
        {"topic": "probe"},
        {"topic": "clamp", "unit": 999},
        {"unit": -1},
    ):
        assert refusal(client, **{**asked, **odd})
