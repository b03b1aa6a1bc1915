"""What is built and installed elsewhere works without the checkout: the command, the checkpoints, the studio."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from toolkit.runs import shipped_runs

ROOT = Path(__file__).parent.parent
pytest.importorskip("hatchling", reason="building a wheel needs hatchling, from the extra dev")


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(folder / "site")
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "data/", "docs/"))]
    assert "toolkit/py.typed" in names
    return folder / "site"


def run(installed: Path, cwd: Path, *arguments: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment |= {"PYTHONPATH": str(installed), "TOOLKIT_CACHE": str(cwd / "cache")}
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_shipped_checkpoints_are_inside_and_generate(installed, tmp_path):
    where = run(installed, tmp_path, "-c", "import toolkit; print(toolkit.__file__)")
    assert str(installed) in where
    known = run(installed, tmp_path, "-m", "toolkit", "runs", "--json")
    assert all(name in known for name in shipped_runs())
    text = run(
        installed, tmp_path, "-m", "toolkit", "generate", "shakespeare", "--length", "30", "--seed", "1", "--json"
    )
    assert json.loads(text)["seed"] == 1
    run(installed, tmp_path, "-m", "toolkit", "generate", "folk", "--bars", "4", "--seed", "1", "--out", "tune.mid")
    assert (tmp_path / "tune.mid").read_bytes().startswith(b"MThd")


def test_the_studio_is_inside_and_builds(installed, tmp_path):
    pytest.importorskip("gradio")
    code = "from toolkit.cli import app; studio = app.studio(); print(studio.__file__); studio.build()"
    assert str(installed) in run(installed, tmp_path, "-c", code)
