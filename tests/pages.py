"""The pages that show commands with what they print, and how a command is run to compare.

    python -m tests.pages README.md docs/guide/steering.md

writes into these pages (all without any) what their commands print now, wherever it is something else. An answer that
leaves something out as […] is only touched where it no longer agrees, and then stands there whole, to be cut by hand.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from toolkit.cli import main

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = (README, *sorted(ROOT.glob("docs/guide/*.md")), ROOT / "benchmarks/README.md")


def blocks(page: Path) -> list[tuple[str, str]]:
    """The language and the text of every fenced block of a page."""
    return re.findall(r"```(\w*)\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def whole_commands(lines: Iterator[str]) -> Iterator[str]:
    """Commands as a shell reads them: over several lines where a quotation or a backslash says so."""
    for line in lines:
        command = line
        while command.endswith("\\") or _open(command):
            command += "\n" + next(lines)
        yield command


def _open(command: str) -> bool:
    try:
        shlex.split(command, comments=True)
    except ValueError:
        return True
    return False


def shown(page: Path) -> list[tuple[str, str]]:
    """Every command that a page shows with what it prints, and that."""
    found = []
    for language, text in blocks(page):
        if language or not text.startswith("$ "):
            continue
        for example in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
            lines = iter(example.splitlines())
            found.append((next(whole_commands(lines)), "\n".join(lines)))
    return found


def agrees(answer: str, out: str) -> bool:
    """Whether an answer on a page is what was printed, but for white space and what it leaves out as […]."""
    pieces = [re.escape(" ".join(piece.split())) for piece in answer.split("[…]")]
    return re.fullmatch(r"\s*" + ".*".join(pieces) + r"\s*", " ".join(out.split())) is not None


def printed(command: str) -> str:
    """What the command prints, run in this process if it is `toolkit`; its refusal when it refuses."""
    as_words = "toolkit() { printf '%s\\0' \"$@\"; }\n" + command
    out = subprocess.run(["bash", "-c", as_words], check=True, capture_output=True, text=True).stdout
    if not command.startswith("toolkit"):
        return out
    said, refused = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(refused):
        code = main(out.split("\0")[:-1])
    return refused.getvalue() if code else said.getvalue()


def rewrite(page: Path) -> list[str]:
    """Brings a page's answers up to date, run in an empty folder with a cache of its own; which commands changed."""
    changed = []
    text = page.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as empty, contextlib.chdir(empty):
        os.environ["TOOLKIT_CACHE"] = str(Path(empty) / "cache")
        for command, answer in shown(page):
            out = printed(command)
            if not agrees(answer, out):
                old, new = (
                    f"$ {command}\n" + "".join(f"{line}\n" for line in each.splitlines()) for each in (answer, out)
                )
                assert text.count(old) == 1, command
                text = text.replace(old, new)
                changed.append(command)
    page.write_text(text, encoding="utf-8")
    return changed


def rewrite_all(names: Sequence[str]) -> None:
    """Brings these pages up to date, or all, and tells which commands print something else now."""
    for page in [Path(name).resolve() for name in names] or PAGES:
        for command in rewrite(page):
            print(f"{page.name}: {command}")


if __name__ == "__main__":
    rewrite_all(sys.argv[1:])
