"""The command as a whole: help, streams, failures, the app."""

from __future__ import annotations

import errno
import importlib.util
import io
import json
import os
import pty
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import QUICK, Toolkit
from toolkit import __version__
from toolkit.api import Finished, Noted, Previewed, Started, Stepped, Validated, generation_knobs
from toolkit.cli import VERBS, main
from toolkit.cli.app import studio
from toolkit.cli.watching import LiveWatch, PlainWatch
from toolkit.core import CheckpointError, DivergedError, InputError
from toolkit.domains import names
from toolkit.train import Progress

HEAVY = ("torch", "gradio", "sentencepiece", "pretty_midi", "music21", "datasets", "symusic")


def _process(*words: str, environment: Mapping[str, str] = {}, **options: Any) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "toolkit", *words]
    return subprocess.run(
        command, capture_output=True, timeout=60, env={**os.environ, **environment}, check=False, **options
    )


def test_help_answers_at_once() -> None:
    _process("--help")
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        assert _process("--help").returncode == 0
        seconds.append(time.perf_counter() - began)
    assert min(seconds) < 0.4


def test_no_help_imports_anything_heavy() -> None:
    script = f"""
import sys
from toolkit.cli import VERBS, main
loaded = {{}}
for words in ([], *([verb] for verb in VERBS)):
    assert main([*words, "--help"]) == 0
    loaded["toolkit " + " ".join(words)] = [each for each in {HEAVY!r} if each in sys.modules]
print(loaded, file=sys.stderr)
assert not any(loaded.values())
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr


def test_help_names_every_verb_and_every_knob(toolkit: Toolkit) -> None:
    listed = toolkit("--help").out
    assert all(f"  {verb} " in listed for verb in VERBS)
    flags = set(toolkit("generate", "--help").out.split())
    for domain in names():
        for each in generation_knobs(domain):
            assert each.flag in flags, each
    for verb in VERBS:
        answer = toolkit(verb, "--help")
        assert (answer.code, answer.err) == (0, "")


def test_version_and_mistyped_verbs(toolkit: Toolkit) -> None:
    assert toolkit("--version").out == f"toolkit {__version__}\n"
    answer = toolkit("genrate")
    assert (answer.code, "'generate'" in answer.err) == (2, True)
    assert toolkit("generate").code == 2


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_scripts_parse(shell: str) -> None:
    if not shutil.which(shell):
        pytest.skip(f"no {shell} here")
    script = _process(environment={"_TOOLKIT_COMPLETE": f"source_{shell}"}).stdout
    assert b"toolkit" in script
    assert subprocess.run([shell, "-n"], input=script, check=False).returncode == 0


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (InputError("the file is empty."), 3, "the file is empty."),
        (CheckpointError("the run is torn."), 4, "the run is torn."),
        (DivergedError("it diverged."), 5, "it diverged."),
        (OSError(errno.ENOSPC, "No space left on device", "/there"), 6, "/there"),
        (PermissionError(errno.EACCES, "Permission denied", "/there"), 1, "Permission denied: /there"),
        (KeyboardInterrupt(), 130, ""),
        (MemoryError(), 1, "memory"),
        (ZeroDivisionError("by zero"), 1, "unexpected ZeroDivisionError: by zero"),
        (RuntimeError("one\nTraceback (most recent call last)\n\x1b[31m"), 1, "unexpected RuntimeError: one"),
    ],
)
def test_every_failure_is_one_sentence_and_a_code(
    toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, said: str
) -> None:
    def failing(*_: object) -> None:
        raise error

    monkeypatch.setattr("toolkit.cli.corpora.built_in", failing)
    answer = toolkit("corpora", "--json")
    assert answer.code == code
    assert said in answer.err
    assert answer.err.count("\n") <= 1
    assert "Traceback" not in answer.err
    assert not answer.out
    monkeypatch.setenv("TOOLKIT_DEBUG", "1")
    assert "Traceback" in toolkit("corpora").err


def test_a_reader_that_leaves_is_no_error(text_run: Path) -> None:
    command = [sys.executable, "-m", "toolkit", "generate", str(text_run), "--length=100000", "--seed=1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout and process.stderr
        assert process.stdout.read(20)
        process.stdout.close()
        assert process.wait(60) == 0
        told = process.stderr.read()
    assert b"Broken" not in told
    assert b"Traceback" not in told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_behind_stdout_ends_with_6() -> None:
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, "-m", "toolkit", "corpora", "--json"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60)
    assert done.returncode == 6
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_every_encoding_of_stdout_can_be_written_to(
    monkeypatch: pytest.MonkeyPatch, cache: Path, text_run: Path, encoding: str
) -> None:
    for words in (["--prompt=ぶん €"], ["--json", "--prompt=ぶん 😀 é"]):
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
        monkeypatch.setattr(sys, "stdout", out)
        monkeypatch.setattr(sys, "stderr", err)
        assert main(["generate", str(text_run), "--length=4", *words]) == 0
        out.flush()
        written = out.buffer.getvalue()  # type: ignore[attr-defined]
        if "--json" in words:
            assert json.loads(written.decode(encoding))["prompt"] == "ぶん 😀 é"


def _on_a_terminal(words: list[str], environment: Mapping[str, str]) -> bytes:
    """What the command writes when both its streams are a terminal."""
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "toolkit", *words]
    environment = {**{k: v for k, v in os.environ.items() if k != "NO_COLOR"}, "TERM": "xterm-256color", **environment}
    with subprocess.Popen(command, stdout=slave, stderr=slave, env=environment) as process:
        os.close(slave)
        written = b""
        while True:
            try:
                block = os.read(master, 65536)
            except OSError:
                break
            if not block:
                break
            written += block
        assert process.wait(60) == 0
    os.close(master)
    return written


@pytest.mark.parametrize("words", [["--help"], ["corpora"]])
def test_escapes_go_to_terminals_alone_and_not_where_no_color_is_set(words: list[str]) -> None:
    assert b"\x1b" in _on_a_terminal(words, {})
    assert b"\x1b" not in _on_a_terminal(words, {"NO_COLOR": "1"})
    assert b"\x1b" not in _process(*words).stdout


def _story(run: Path) -> list[Any]:
    progress = [Progress(step, 3.0 - step / 10, 1e-3, 0.5, 64 * step) for step in range(1, 5)]
    return [
        Noted("Codec: char."),
        Started(run, 1234, 5000, 0, "fp32"),
        *(Stepped(each, each.step / 4, 100.0) for each in progress),
        Validated(4, 2.5, 2.6, "byte", True),
        Previewed(4, "one\n\x1b[31mtwo [bold]three[/bold]"),
        Finished(run, {"steps": 4, "seconds": 1.0}),
    ]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("live", [False, True])
def test_a_training_run_is_told_as_it_goes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, live: bool) -> None:
    screen = _Terminal() if live else io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with LiveWatch() if live else PlainWatch(every=0) as watch:
        for event in _story(tmp_path):
            watch.show(event)
    told = screen.getvalue()
    for each in ("Codec: char.", "1,234 parameters", "loss 2.6", "1:40 left", "2.5000 nats/token", "best so far"):
        assert each in told, each
    assert "[bold]three[/bold]" in told
    assert "\x1b[31m" not in told
    assert ("\x1b" in told) == live


def test_json_is_alone_on_stdout_for_every_verb(toolkit: Toolkit, text_run: Path, poem: Path, tmp_path: Path) -> None:
    lines = [
        ["train", poem, "--out", tmp_path / "run", *QUICK],
        ["train", poem, "--out", tmp_path / "dry", *QUICK, "--dry-run"],
        ["generate", text_run, "--length=5"],
        ["generate", text_run, "--length=5", "-n2", "--out", tmp_path / "a.txt"],
        ["evaluate", text_run, poem],
        ["corpora"],
        ["prepare", poem],
        ["runs", tmp_path],
        ["info", text_run],
        ["originality", text_run],
        ["inspect", text_run, "surprise"],
        ["doctor"],
        ["bench", "decode", "--hidden=8", "--batch=1,2", "--seconds=0.001"],
    ]
    for words in lines:
        answer = toolkit(*words, "--json")
        assert answer.code == 0, words
        assert isinstance(answer.json, dict)
        assert "\x1b" not in answer.out + answer.err
    # These answer with other things, some in files of their own: tests/cli.
    assert VERBS.keys() - {str(words[0]) for words in lines} <= {"app", "compare", "export", "musicality"}


@pytest.fixture
def apps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "apps"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    monkeypatch.setattr("toolkit.cli.app.shipped", lambda part: folder)
    for each in [name for name in sys.modules if name.split(".")[0] == "toolkit_apps"]:
        monkeypatch.delitem(sys.modules, each)
    yield folder  # type: ignore[misc]
    for each in [name for name in sys.modules if name.split(".")[0] == "toolkit_apps"]:
        del sys.modules[each]


needs_gradio = pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="the app is an extra")


@needs_gradio
def test_app_finds_the_studio_where_it_ships(toolkit: Toolkit, apps: Path) -> None:
    answer = toolkit("app")
    assert (answer.code, "studio.py" in answer.err) == (1, True)
    (apps / "beside.py").write_text("GREETING = 'listening'\n")
    (apps / "studio.py").write_text(
        "from . import beside\n\n\ndef main(host, port, password=None):\n"
        "    print(beside.GREETING, host, port, password)\n"
    )
    assert toolkit("app").out == "listening 127.0.0.1 7860 None\n"
    assert toolkit("app", "--host=0.0.0.0", "--port=8000", "--password=x").out == "listening 0.0.0.0 8000 x\n"
    assert studio().__name__ == "toolkit_apps.studio"


def test_app_without_gradio_says_what_to_install(toolkit: Toolkit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    answer = toolkit("app")
    assert (answer.code, "pip install 'lstm-toolkit[app]'" in answer.err) == (1, True)


@needs_gradio
def test_app_refuses_other_addresses_without_a_password(toolkit: Toolkit) -> None:
    assert toolkit("app", "--host=0.0.0.0").code == 2
