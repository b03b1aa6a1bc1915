"""`toolkit originality`: what an index holds, and how much of a file a run's corpus holds already."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cli.conftest import Toolkit


def test_it_says_what_the_index_holds(toolkit: Toolkit, text_run: Path) -> None:
    answer = toolkit("originality", text_run)
    assert answer.code == 0
    assert "learned from" in answer.out
    assert "false alarms" in answer.out
    assert "compares by" in answer.out


def test_a_file_is_compared_and_its_copies_listed(toolkit: Toolkit, text_run: Path, poem: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("qqq " + poem.read_text()[50:120] + " qqq")
    told = toolkit("originality", text_run, mine, "--json").json
    assert not told["exact"]
    assert told["longest"]["length"] >= 65
    exact = toolkit("originality", text_run, mine, "--exact", "--json").json
    assert exact["exact"]
    assert exact["longest"]["source"] == "poem.txt"
    plain = toolkit("originality", text_run, mine, "--threshold", "30")
    assert "Longest run shared with the training corpus" in plain.out
    assert any(line.startswith("4-") or line.startswith("3-") for line in plain.out.splitlines())


def test_tunes_are_compared_in_notes(toolkit: Toolkit, music_run: Path, tunes: Path, tmp_path: Path) -> None:
    told = []
    for number, tune in enumerate(tunes.read_text().strip().split("\n\n")[:4], start=1):
        (tmp_path / f"{number}.abc").write_text(tune + "\n")
        told.append(toolkit("originality", music_run, tmp_path / f"{number}.abc", "--exact", "--json").json)
    assert {each["unit"] for each in told} == {"note"}
    learned = [each for each in told if each["longest"] and each["longest"]["length"] == each["length"] == 64]
    assert learned, "of four tunes one at least is in the training split"
    for each in learned:
        assert each["nearest"]["document"].startswith("Tune ")
        assert each["nearest_by_share"]["share"] == 1


def test_max_copy_is_a_flag_of_generate(toolkit: Toolkit, music_run: Path) -> None:
    told = toolkit("generate", music_run, "--max-copy", "6", "--seed", "1", "--length", "60", "--json").json
    longest = told["originality"]["longest"]
    assert longest is None or longest["length"] <= 6
    assert toolkit("generate", music_run, "--max-copy", "2").code == 2


def test_what_cannot_be_compared_is_one_sentence(toolkit: Toolkit, text_run: Path, poem: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(text_run, bare)
    shutil.rmtree(bare / "originality")
    answer = toolkit("originality", bare, poem)
    if answer.code:  # a cache that another test made may know the corpus
        assert (answer.code, "no index" in answer.err) == (2, True)
    assert toolkit("originality", bare, "--build").code == 0
    assert (bare / "originality" / "index.json").is_file()
    assert toolkit("originality", text_run, "--exact").code == 2
    assert toolkit("originality", text_run, "--build", "--corpus", "python-docs").code == 2
    assert toolkit("originality", text_run, tmp_path / "nothing.txt").code == 3
