"""The studio loaded as an installed toolkit loads it, small runs for it to offer, and a served page."""

from __future__ import annotations

import gc
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from toolkit.api import Plan, fit
from toolkit.core.places import shipped
from toolkit.score import Key, Note, Score, Track, write_midi

pytest.importorskip("gradio", reason="the studio needs gradio")

POEM = "the river runs down to the sea,\nand the ship runs down to the river.\nBOOK 1: so say the men & all <sing>.\n\n"
TUNES = "".join(
    f"X:{number}\nM:6/8\nL:1/8\nK:{key}\nd2e fga|g2f e2d|a2g fed|e3 d3|\nd2e fga|b2a g2f|edc d2e|d3 d3|\n\n"
    for number, key in enumerate(["D", "G", "A", "D", "Em"] * 4, 1)
)


@contextmanager
def leaks_of_others() -> Iterator[None]:
    """The server underneath leaves event loops and sockets to the garbage collector, which warns of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@pytest.fixture(scope="session", autouse=True)
def files_of_its_own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A studio that closes deletes what it served, and another process may serve the same file by the same name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(tmp_path_factory.mktemp("served")))
        yield


@pytest.fixture(scope="module", autouse=True)
def swept() -> Iterator[None]:
    """What a module here leaves to the garbage collector is collected here, and warns no test of another."""
    yield
    with leaks_of_others():
        pass


@pytest.hookimpl
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            for old_use in (".*no_silent_downcasting", "The copy keyword is deprecated"):  # of pandas, by the server
                item.add_marker(pytest.mark.filterwarnings(f"ignore:{old_use}"))


@pytest.fixture(scope="session")
def apps() -> ModuleType:
    """The package `apps` by its place on disk, under the name that the command line gives it."""
    root = shipped("apps")
    if "toolkit_apps" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "toolkit_apps", root / "__init__.py", submodule_search_locations=[str(root)]
        )
        assert spec is not None and spec.loader is not None
        package = importlib.util.module_from_spec(spec)
        sys.modules["toolkit_apps"] = package
        spec.loader.exec_module(package)
    for name in ("guard", "studio"):
        importlib.import_module(f"toolkit_apps.{name}")
    return sys.modules["toolkit_apps"]


@pytest.fixture(scope="session")
def room(apps: ModuleType) -> Any:
    """A module of the studio by name."""
    apps.guard.stay_offline()  # before any of them imports gradio

    def module(name: str) -> ModuleType:
        return importlib.import_module(f"toolkit_apps.{name}")

    return module


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that writes and two that play, trained for a second each."""
    base = tmp_path_factory.mktemp("studio")
    (base / "poem.txt").write_text(POEM * 60, encoding="utf-8")
    (base / "tunes.abc").write_text(TUNES, encoding="utf-8")
    small: dict[str, Any] = {
        "steps": 40,
        "model": {"width": 16, "embedding": 8},
        "training": {"batch": 4, "chunk": 32},
    }
    for name, corpus in {"poem": "poem.txt", "tunes": "tunes.abc"}.items():
        list(fit(Plan(corpus=str(base / corpus), out=base / "runs" / name, **small)))
    hymns = base / "hymns"
    hymns.mkdir()
    for number in range(6):
        voices = [
            Track(tuple(Note(24 * at, pitch + (at * (number + 2)) % 5, 24) for at in range(16)))
            for pitch in (67, 60, 55, 43)
        ]
        (hymns / f"{number}.mid").write_bytes(write_midi(Score(tuple(voices), keys=(Key(7, "major"),))))
    list(fit(Plan(corpus=str(hymns), codec="chorale", out=base / "runs" / "hymns", **small)))
    return base / "runs"


@pytest.fixture(scope="session")
def page(apps: ModuleType, runs: Path) -> Any:
    return apps.studio.build([runs])


@pytest.fixture(scope="session")
def address(apps: ModuleType, page: Any) -> Iterator[str]:
    """Where the studio is served while the tests run, on a port that was free."""
    with leaks_of_others():
        served = apps.studio.serve(page, port=0)
    yield served
    with leaks_of_others():
        page.close()


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[Any]:
    import gradio_client

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = gradio_client.Client(address, verbose=False, analytics_enabled=False)
        yield found
        found.close()
