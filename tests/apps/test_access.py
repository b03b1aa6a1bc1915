"""Whoever cannot see the page can use it: axe-core finds nothing serious in any tab, by day or night."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.apps.watched import Watched, a_browser

pytestmark = pytest.mark.browser
TABS = ("Text", "Melody", "Harmony", "Look inside", "Train", "Kept")
THEIRS = frozenset({"aria-prohibited-attr"})
"""Of a component of gradio that holds nothing yet: nothing here can mend it."""


@pytest.fixture(scope="module")
def browser(room: Any) -> Iterator[Any]:
    yield from a_browser(room)


@pytest.fixture(scope="module")
def studio(apps: ModuleType, room: Any, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("access")
    trainings = room("training").Trainings(folder / "runs", folder / "corpora")
    page = apps.studio.build([runs], trainings=trainings, shelf=room("shelf").Shelf(folder / "results"))
    yield apps.studio.serve(page, port=0)
    page.close()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_nothing_serious_is_found_in_any_tab(browser: Any, studio: str, look: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core comes with the extra dev")
    watched = Watched(browser, f"{studio}?__theme={look}", viewport={"width": 1280, "height": 900})
    found = []
    for tab in TABS:
        watched.page.get_by_role("tab", name=tab, exact=True).click()
        watched.page.wait_for_timeout(400)
        found += [
            (tab, each["id"], [node["html"][:140] for node in each["nodes"]][:3])
            for each in axe.Axe().run(watched.page).response["violations"]
            if each["impact"] in ("serious", "critical") and each["id"] not in THEIRS
        ]
    assert found == []
    watched.page.close()
