"""What the README and the guide promise exists, and what they print is what comes out: commands, flags, links."""

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from tests.pages import PAGES, README, ROOT, agrees, blocks, printed, shown, whole_commands
from toolkit.cli import main

LINKING = (*PAGES, *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("docs/decisions/*.md")))


def typed(page: Path) -> list[list[str]]:
    """The words of every command in a page's `sh` blocks."""
    texts = [text for language, text in blocks(page) if language == "sh"]
    commands = [each for text in texts for each in whole_commands(iter(text.splitlines()))]
    return [words for each in commands if (words := shlex.split(each.replace("\\\n", " "), comments=True))]


TYPED = [(page.name, words) for page in PAGES for words in typed(page)]
SHOWN = [(page.name, *each) for page in PAGES for each in shown(page)]
TOOLKIT = [words[1:] for _, words in TYPED if words[0].endswith("toolkit")]
TOOLKIT += [shlex.split(command.replace("\\\n", " "))[1:] for _, command, _ in SHOWN if command.startswith("toolkit")]
MAKE = [words[1:] for _, words in TYPED if words[0] == "make"]


@cache
def help_of(verb: str) -> str:
    out = io.StringIO()
    with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(out):
        patch.setenv("COLUMNS", "200")
        assert main([verb, "--help"]) == 0
    return out.getvalue()


@pytest.mark.parametrize("words", TOOLKIT, ids=" ".join)
def test_every_command_and_flag_exists(words):
    for word in words[1:]:
        if word.startswith("--"):
            assert re.search(rf"{word}\b", help_of(words[0])), f"{words[0]} has no {word}"


@pytest.mark.parametrize("words", MAKE, ids=" ".join)
def test_every_make_target_exists(words):
    assert re.search(rf"^{words[0]}:", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)


def test_there_are_commands_to_check():
    assert len(TOOLKIT) > 40
    assert {"app", "test", "lint"} <= {words[0] for words in MAKE}
    assert {name for name, *_ in SHOWN} > {"README.md", "samplers.md", "steering.md"}


@pytest.mark.parametrize(
    ("page", "target"),
    [
        (page, target)
        for page in LINKING
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8"))
    ],
    ids=lambda each: each.name if isinstance(each, Path) else each,
)
def test_every_link_leads_somewhere(page, target):
    assert target.startswith("http") or (page.parent / target).exists()


def test_every_page_of_the_guide_is_in_its_index():
    index = (ROOT / "docs/guide/README.md").read_text(encoding="utf-8")
    for page in ROOT.glob("docs/guide/*.md"):
        assert page.name == "README.md" or f"({page.name})" in index


def test_ci_runs_the_test_command_that_the_readme_names():
    assert "make test" in README.read_text(encoding="utf-8")
    assert "make test" in (ROOT / ".ci" / "run").read_text()


# --- What is printed ----------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if shown(page)], ids=lambda page: page.name)
def test_what_is_shown_is_what_is_printed(page, tmp_path, monkeypatch):
    """In a folder and with a cache of its own, one command after another: some go on from what others wrote."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path / "cache"))
    for command, answer in shown(page):
        out = printed(command)
        assert agrees(answer, out), f"{command}\nprints\n{out}"
