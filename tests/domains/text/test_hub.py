"""Data sets of a hub: their splits, their rows, and what happens where there is no network."""

import json
import socket
import time

import pytest

from toolkit.core import SPLITS, InputError, UsageError
from toolkit.domains.text import hub
from toolkit.domains.text.corpora import read


def rows(word, count):
    return [{"id": number, "text": f"{word} {number}\r\ngoes on"} for number in range(count)]


def parts(corpus):
    return {split: [document.item for document in corpus.read(split)] for split in SPLITS}


def test_local_files_stream_through_the_package(tmp_path):
    datasets = pytest.importorskip("datasets")
    files = {}
    for name, count in (("train", 40), ("validation", 4), ("test", 3)):
        files[name] = str(tmp_path / f"{name}.jsonl")
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(name, count)))
    streams = datasets.load_dataset("json", data_files=files, streaming=True)
    corpus = hub.from_streams("tales", "hub:tales", "cc0-1.0", streams)
    found = parts(corpus)
    assert {split: len(items) for split, items in found.items()} == {"train": 40, "validation": 4, "test": 3}
    assert found["train"][0] == "train 0\ngoes on"
    assert parts(corpus) == found
    assert corpus.licence == "cc0-1.0"


def test_a_data_set_without_validation_is_split_like_any_documents():
    corpus = hub.from_streams("tales", "hub:tales", "none", {"train": rows("a", 100), "test": rows("b", 5)})
    found = parts(corpus)
    assert sum(map(len, found.values())) == 100
    assert all(found.values())


def test_what_stands_in_two_official_splits_stays_in_training():
    streams = {"train": rows("a", 9), "dev": [*rows("a", 2), *rows("b", 2)]}
    corpus = hub.from_streams("tales", "hub:tales", "none", streams)
    assert len(parts(corpus)["validation"]) == 2
    assert len(corpus.findings) == 2


def test_a_large_split_is_cut_with_a_finding(monkeypatch):
    monkeypatch.setattr(hub, "MAX_CHARACTERS", 100)
    corpus = hub.from_streams("tales", "hub:tales", "none", {"train": rows("a", 50)})
    assert sum(len(item) for items in parts(corpus).values() for item in items) <= 100
    assert "100 characters" in corpus.findings[0].reason


def test_a_stream_that_breaks_is_one_sentence():
    class Broken:
        def __iter__(self):
            yield {"text": "one"}
            raise ConnectionError("line one\nline two")

    with pytest.raises(InputError, match=r"cannot be read: line one\.$"):
        hub.from_streams("tales", "hub:tales", "none", {"train": Broken()})


def test_without_a_network_one_sentence_comes_within_five_seconds(monkeypatch):
    pytest.importorskip("datasets")

    def no_network(*args, **kwargs):
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    start = time.monotonic()
    with pytest.raises(InputError, match="cannot be reached") as caught:
        read("hub:nobody/nothing")
    assert time.monotonic() - start < 5 + 3  # and what importing the package takes, once
    assert "\n" not in str(caught.value)


def test_a_name_server_that_does_not_answer_is_not_waited_for(monkeypatch):
    pytest.importorskip("datasets")
    monkeypatch.setattr(hub, "_PATIENCE", 0.2)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: time.sleep(2) or [])
    start = time.monotonic()
    with pytest.raises(InputError, match="no answer"):
        read("hub:nobody/nothing")
    assert time.monotonic() - start < 1.5


def test_a_hub_needs_a_name():
    with pytest.raises(UsageError):
        read("hub:")
