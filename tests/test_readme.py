"""What the README promises exists: its commands, flags, files and pictures."""

import re
import shlex
from pathlib import Path

import pytest

from toolkit.cli import main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    shlex.split(line.partition(" #")[0])
    for block in re.findall(r"```sh\n(.*?)```", README, flags=re.DOTALL)
    for line in block.splitlines()
]
TOOLKIT = [words[1:] for words in COMMANDS if words and words[0].endswith("toolkit")]
MAKE = [words[1:] for words in COMMANDS if words and words[0] == "make"]


@pytest.mark.parametrize("words", TOOLKIT, ids=" ".join)
def test_every_command_and_flag_exists(words, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    assert main([words[0], "--help"]) == 0
    text = capsys.readouterr().out
    for word in words[1:]:
        if word.startswith("--"):
            assert re.search(rf"{word}\b", text), f"{words[0]} has no {word}"


@pytest.mark.parametrize("words", MAKE, ids=" ".join)
def test_every_make_target_exists(words):
    assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_there_are_commands_to_check():
    assert len(TOOLKIT) > 5
    assert {"app", "test", "lint"} <= {words[0] for words in MAKE}


@pytest.mark.parametrize("target", re.findall(r"\]\(([^)#]+)\)", README))
def test_every_link_leads_somewhere(target):
    assert target.startswith("http") or (ROOT / target).exists()


def test_ci_runs_the_test_command_that_the_readme_names():
    assert "make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text()
