"""Which engine answers when none is named: the compiled one as soon as it can begin at once, and till then another."""

import subprocess
import sys
import time

import pytest

from toolkit.core import UsageError
from toolkit.engine import AUTOMATIC, ENGINES, engine_called, readiness
from toolkit.engine.scalar.compiling import COMPILED


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, nothing settled, and nobody who compiles: only who was asked to."""
    asked = []
    monkeypatch.delenv("TOOLKIT_ENGINE", raising=False)
    monkeypatch.setattr(readiness, "cache", lambda: tmp_path / "scalar")
    monkeypatch.setattr(readiness, "COMPILED", True)
    monkeypatch.setattr(readiness.importlib.metadata, "version", lambda name: "1")
    monkeypatch.setattr(subprocess, "Popen", lambda command, **how: asked.append(command))
    return asked


def test_while_nothing_is_compiled_torch_answers_and_one_process_compiles(cache):
    assert [engine_called(AUTOMATIC) for _ in range(3)] == ["torch"] * 3
    assert cache == [[sys.executable, "-m", "toolkit.engine.readiness"]]


def test_what_is_compiled_answers(cache):
    assert not readiness.ready()
    readiness.begin_compiling()
    readiness._marker("ready").touch()
    assert engine_called(AUTOMATIC) == "compiled"
    assert len(cache) == 1


def test_a_process_that_died_is_replaced(cache, monkeypatch):
    assert readiness.begin_compiling()
    assert not readiness.begin_compiling()
    now = time.time()
    monkeypatch.setattr(readiness.time, "time", lambda: now + 3600)
    assert readiness.begin_compiling()


def test_a_cache_that_cannot_be_written_costs_nothing(cache, monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setattr(readiness, "cache", lambda: tmp_path / "file")
    assert engine_called(AUTOMATIC) == "torch"
    assert not cache


def test_another_processor_has_code_of_its_own(cache, monkeypatch):
    readiness.begin_compiling()
    readiness._marker("ready").touch()
    monkeypatch.setattr(readiness, "_processor", lambda: "another")
    assert not readiness.ready()


def test_without_numba_and_on_a_gpu_it_is_torch(cache, monkeypatch):
    assert engine_called(AUTOMATIC, "cuda") == "torch"
    monkeypatch.setattr(readiness, "COMPILED", False)
    assert engine_called(AUTOMATIC) == "torch"
    assert not cache


def test_a_name_is_itself_and_the_environment_settles_the_choice(cache, monkeypatch):
    assert [engine_called(name) for name in ENGINES] == list(ENGINES)
    monkeypatch.setenv("TOOLKIT_ENGINE", "compiled-int8")
    assert engine_called(AUTOMATIC) == "compiled-int8"
    monkeypatch.setenv("TOOLKIT_ENGINE", "fastest")
    with pytest.raises(UsageError, match="fastest"):
        engine_called(AUTOMATIC)


@pytest.mark.skipif(not COMPILED, reason="there is no compiler without the extra 'fast'")
@pytest.mark.slow
def test_the_process_leaves_everything_compiled(tmp_path, monkeypatch):
    """In an empty cache of its own; afterwards nothing that generates compiles any more."""
    monkeypatch.setenv("TOOLKIT_CACHE", str(tmp_path))
    subprocess.run([sys.executable, "-m", "toolkit.engine.readiness"], check=True)
    compiled = sorted(tmp_path.rglob("*.nbc"))
    assert compiled
    assert [each.name.split("-")[0] for each in tmp_path.rglob("*-*") if not each.suffix] == ["ready"]
    script = "from toolkit.engine.readiness import compile_everything, ready; assert ready(); compile_everything()"
    subprocess.run([sys.executable, "-c", script], check=True)
    assert sorted(tmp_path.rglob("*.nbc")) == compiled
