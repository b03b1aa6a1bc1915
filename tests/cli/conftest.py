from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from toolkit.cli import main

TEXT = "the sea was calm and grey morning light fell on old stone walls where birds sang softly about rain"
TINY = ["--set=model.width=16", "--set=model.embedding=8", "--set=train.batch=4", "--set=train.chunk=16"]
QUICK = [*TINY, "--set=train.validations=1", "--steps=6"]


@dataclass(frozen=True)
class Answer:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


Toolkit = Callable[..., Answer]


@pytest.fixture
def toolkit(capsys: pytest.CaptureFixture[str], cache: Path) -> Toolkit:
    """The command, run in this process."""

    def run(*arguments: str | Path) -> Answer:
        capsys.readouterr()
        code = main([str(each) for each in arguments])
        caught = capsys.readouterr()
        return Answer(code, caught.out, caught.err)

    return run


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("TOOLKIT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def poem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng, words = random.Random(1), TEXT.split()
    lines = (" ".join(rng.choice(words) for _ in range(7)).capitalize() + ".\n" for _ in range(60))
    path = tmp_path_factory.mktemp("own words") / "poem.txt"
    path.write_text("".join(lines))
    return path


@pytest.fixture(scope="session")
def tunes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rng = random.Random(2)
    path = tmp_path_factory.mktemp("own tunes") / "tunes.abc"
    with path.open("w") as file:
        for number in range(1, 13):
            bars = "|".join("".join(rng.choice("DEFGABcd") for _ in range(8)) for _ in range(8))
            file.write(f"X:{number}\nT:Tune {number}\nM:4/4\nL:1/8\nK:D\n{bars}|]\n\n")
    return path


@pytest.fixture(scope="session")
def text_run(poem: Path, cache: Path) -> Path:
    run = poem.parent / "text run"
    assert main(["train", str(poem), "--out", str(run), *QUICK, "--steps=40"]) == 0
    return run


@pytest.fixture(scope="session")
def music_run(tunes: Path, cache: Path) -> Path:
    run = tunes.parent / "music run"
    assert main(["train", str(tunes), "--out", str(run), *QUICK]) == 0
    return run
