"""What only this machine's own studio has: trainings in processes of their own, and results kept on disk."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.api import open_run
from toolkit.core import InputError, ToolkitError, UsageError

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def trainings(room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "poem.txt").write_text("the sea and the ship went out to sea\n" * 400)
    (tmp_path / "secret.txt").write_text("a secret " * 100)
    return room("training").Trainings(tmp_path / "runs", tmp_path / "corpora")


def waited(trainings: Any, name: str, *states: str, seconds: float = 90) -> Any:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        standing = trainings.standing(name)
        if standing.state in states:
            return standing
        time.sleep(0.2)
    raise AssertionError(f"still {standing}")


def test_a_corpus_is_looked_at_trained_on_stopped_and_gone_on_with(trainings: Any, room: Any) -> None:
    assert "poem.txt" in trainings.offered()
    facts = trainings.look("poem.txt")
    assert facts["domain"] == "text" and facts["splits"]["train"]["tokens"] > 1000
    assert facts["samples"][0].startswith("the sea and the ship")
    trainings.start("poem.txt", "sea", 3)
    with pytest.raises(UsageError, match="being trained"):
        trainings.start("poem.txt", "other", 1)
    until = time.monotonic() + 60
    while not trainings.standing("sea").steps and time.monotonic() < until:
        time.sleep(0.2)
    # another studio, started later, finds it, and can stop it
    later = room("training").Trainings(trainings.folder, trainings.corpora)
    assert later.training("sea")
    later.stop("sea")
    stopped = waited(trainings, "sea", "stopped", "finished")
    assert str(trainings.folder) not in stopped.said
    if stopped.state == "stopped":  # so small a corpus may be known by heart before it is stopped
        trainings.go_on("sea")
        assert waited(trainings, "sea", "training", "finished").steps
        trainings.stop("sea")
        waited(trainings, "sea", "stopped", "finished")


def test_a_finished_run_tells_its_losses_and_a_sample(trainings: Any) -> None:
    trainings.start("poem.txt", "quick", 0.1)
    done = waited(trainings, "quick", "finished", "failed", "stopped")
    assert done.state == "finished" and done.fraction == 1.0
    assert done.looks and done.counted and done.sample
    assert open_run(trainings.folder / "quick").config.result
    with pytest.raises(UsageError, match="finished"):
        trainings.go_on("quick")
    with pytest.raises(UsageError, match="already"):
        trainings.start("poem.txt", "quick", 1)


@pytest.mark.parametrize("corpus", ["../secret.txt", "/etc/passwd", "secret.txt", ".corpora/../..", "hub:a/b", "", "."])
def test_no_path_is_ever_opened(trainings: Any, corpus: str) -> None:
    for asked in (lambda: trainings.look(corpus), lambda: trainings.start(corpus, "a", 1)):
        with pytest.raises(ToolkitError):
            asked()
    assert not (trainings.folder / "a").exists()


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a b", "x" * 80, "-rf"])
def test_a_run_is_named_by_a_word(trainings: Any, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        trainings.start("poem.txt", name, 1)
    with pytest.raises(ToolkitError):
        trainings.stop(name)


def test_uploads_become_a_corpus_and_others_are_refused(
    trainings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poem, odd = tmp_path / "mine.txt", tmp_path / "mine.exe"
    poem.write_text("some words of mine\n" * 200)
    odd.write_text("MZ")
    corpus = trainings.kept([str(poem)], "mine")
    assert trainings.look(corpus)["domain"] == "text"
    with pytest.raises(InputError, match="none of"):
        trainings.kept([str(odd)], "odd")
    with pytest.raises(UsageError):
        trainings.kept([], "none")
    other, broken = tmp_path / "other.txt", tmp_path / "broken.mid"
    other.write_text("other words\n" * 200)
    broken.write_bytes(b"MThd")
    trainings.kept([str(other)], "mine")  # and nothing of what was only looked at
    assert [each.name for each in (trainings.folder / corpus).iterdir()] == ["other.txt"]
    with pytest.raises(InputError, match="MIDI") as told:
        trainings.kept([str(broken)], "broken")
    assert str(trainings.folder) not in str(told.value)
    monkeypatch.setitem(trainings._processes, "mine", subprocess.Popen(["sleep", "60"]))
    with pytest.raises(UsageError, match="already"):
        trainings.kept([str(poem)], "mine")
    trainings._processes["mine"].kill()
    trainings._processes["mine"].wait()
    (trainings.folder / "mine").mkdir()
    with pytest.raises(UsageError, match="already"):
        trainings.kept([str(poem)], "mine")
    assert [each.name for each in (trainings.folder / corpus).iterdir()] == ["other.txt"]


def test_a_training_that_cannot_begin_says_why(trainings: Any) -> None:
    (trainings.corpora / "empty.txt").write_text("")
    trainings.start("empty.txt", "empty", 1)
    failed = waited(trainings, "empty", "failed")
    assert "empty" in failed.said and "Traceback" not in failed.said


def test_a_curve_is_drawn_of_what_there_is(room: Any) -> None:
    curve = room("chart").curve
    assert curve([], [], None, 0) == ""
    drawn = curve([(t, 4 - t / 100) for t in range(200)], [(50, 2.5), (190, 2.0)], 2.4, 300)
    assert drawn.count("<circle") == 2 and "counting" in drawn and 'aria-label="Validation loss 2.000' in drawn


# --- what is kept ---


@pytest.fixture
def shelf(room: Any, tmp_path: Path) -> Any:
    return room("shelf").Shelf(tmp_path / "results")


def test_results_are_kept_found_opened_and_deleted(shelf: Any, runs: Path) -> None:
    text = open_run(runs / "poem").generate("the river", seed=7, length=40, temperature=1.2)
    tune = open_run(runs / "tunes").generate(seed=3, bars=4)
    names = [shelf.keep(text), shelf.keep(tune)]
    assert {each.name for each in shelf.entries()} == set(names)
    assert [each.run for each in shelf.entries("poem river")] == ["poem"]
    assert [each.seed for each in shelf.entries("tunes")] == [3]
    kept = shelf.open(names[0])
    assert kept.shown == text.text and kept.details == json.loads(json.dumps(text.details))
    music = shelf.open(names[1])
    assert music.export(".mid") == tune.export(".mid")
    assert kept.recipe.seed == 7 and kept.recipe.settings["temperature"] == 1.2
    shelf.delete(names[0])
    assert [each.name for each in shelf.entries()] == [names[1]]
    with pytest.raises(UsageError, match="any more"):
        shelf.open(names[0])


def test_what_is_damaged_is_not_listed_and_names_are_no_paths(shelf: Any, runs: Path, tmp_path: Path) -> None:
    name = shelf.keep(open_run(runs / "poem").generate(seed=1, length=5))
    (shelf.folder / f"{name}.json").write_text("{")
    assert shelf.entries() == []
    with pytest.raises(InputError):
        shelf.open(name)
    (tmp_path / "victim.json").write_text("{}")
    for odd in ("../victim", "", "/etc/passwd", "x"):
        with pytest.raises(UsageError):
            shelf.delete(odd)
    assert (tmp_path / "victim.json").exists()


def test_a_thousand_are_listed_in_a_moment(shelf: Any, runs: Path) -> None:
    name = shelf.keep(open_run(runs / "poem").generate(seed=1, length=5))
    content = (shelf.folder / f"{name}.json").read_text()
    for number in range(1000):
        (shelf.folder / f"20200101-000000-{number:08x}.json").write_text(content)
    assert len(shelf.entries()) == 1001 and len(shelf.entries("nowhere")) == 0


# --- links ---


def test_a_link_says_what_is_needed_to_make_it_again(room: Any, runs: Path) -> None:
    links = room("links")
    run = open_run(runs / "poem")
    made = run.generate("the river & <sea>", seed=7, length=33, temperature=1.25, top_k=9)
    query = links.address("text", made.details, run.knobs)
    from urllib.parse import parse_qsl

    found = links.linked(dict(parse_qsl(query[1:])), run.knobs)
    assert (found.tab, found.run, found.seed, found.prompt) == ("text", "poem", "7", "the river & <sea>")
    assert run.generate(found.prompt, seed=7, **found.settings).text == made.text
    assert "<sea>" not in links.anchor(query)


def test_a_link_that_asks_for_what_cannot_be_is_told_and_the_rest_held(room: Any, runs: Path) -> None:
    run = open_run(runs / "poem")
    asked = {"tab": "text", "temperature": "hot", "top_k": "5", "strange": "1", "seed": "x"}
    found = room("links").linked(asked, run.knobs)
    assert found.refused == ["temperature"] and found.settings == {"top_k": 5} and found.seed == ""


def test_what_is_too_long_for_an_address_has_no_link(room: Any, runs: Path) -> None:
    run = open_run(runs / "poem")
    details = {**run.generate("sea", seed=1, length=5).details, "prompt": "long " * 1000}
    assert room("links").address("text", details, run.knobs) == "" == room("links").anchor("")


def test_every_example_is_what_its_run_can_make(room: Any) -> None:
    from toolkit.core.places import shipped

    links = room("links")
    for tab, shown in room("examples").EXAMPLES.items():
        for each in shown:
            run = open_run(shipped("checkpoints") / each.run)
            found = links.linked({name: str(value) for name, value in each.asked.items()}, run.knobs)
            assert not found.refused, each
            assert {*found.settings, "prompt", "seed"} >= set(each.asked), each
            if tab != "chorale":  # whose voices take a while
                made = run.generate(found.prompt or None, seed=int(found.seed), **{**found.settings, "length": 400})
                assert made.tokens, each


def test_an_example_is_shown_where_its_run_is(room: Any, runs: Path) -> None:
    from toolkit.core.places import shipped

    library = room("library").Library
    assert room("examples").examples("text", "text", library([runs])) == ""
    assert room("examples").examples("text", "text", library([shipped("checkpoints")])).count("<a ") == 3


# --- served to this machine alone ---


def test_a_studio_that_trains_or_keeps_is_for_this_machine_alone(apps: ModuleType, runs: Path, shelf: Any) -> None:
    page = apps.studio.build([runs], shelf=shelf)
    with pytest.raises(UsageError, match="this machine alone"):
        apps.studio.serve(page, host="0.0.0.0", port=0, password="word")
    shared = apps.studio.build([runs])
    tabs = {each["props"].get("label") for each in shared.config["components"] if each["type"] == "tabitem"}
    assert {"Text", "Melody", "Look inside"} <= tabs and not {"Train", "Kept"} & tabs
