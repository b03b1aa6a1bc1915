"""The whole studio in a browser: every tab, what is made there, a telephone, a reload, two pages at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import mido
import pytest

from tests.apps.watched import Watched, a_browser, slowly
from toolkit.api import open_run
from toolkit.core.places import shipped

HOSTILE = '<img src=x onerror="alert(1)"><script>alert(2)</script>'


@pytest.fixture(scope="module")
def offered(room: Any, runs: Path) -> Path:
    """The shipped checkpoints when they are of both kinds, else the small runs."""
    library = room("library").Library([shipped("checkpoints")])
    return shipped("checkpoints") if library.names("text") and library.names("music") else runs


@pytest.fixture(scope="module")
def studio(apps: ModuleType, offered: Path) -> Iterator[str]:
    page = apps.studio.build([offered])
    yield apps.studio.serve(page, port=0)
    page.close()


@pytest.fixture(scope="module")
def browser(room: Any) -> Iterator[Any]:
    yield from a_browser(room)


@pytest.mark.browser
def test_the_golden_path(
    browser: Any, studio: str, offered: Path, room: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = room("library").Library([offered])
    writer, player = library.names("text")[-1], library.names("music")[-1]
    writes, plays = library.open("text", writer), library.open("music", player)
    watched = Watched(browser, studio, viewport={"width": 1280, "height": 900})
    page = watched.page

    # choose a run, write with it, and find what Python writes
    page.locator("#text-run input").click()
    page.get_by_role("option", name=writer).click()
    prompt = "the river" if offered.name == "runs" else "The "
    page.locator("#text-prompt textarea").fill(prompt)
    page.locator("#text-seed input").fill("7")
    watched.number("text", "length", 120)
    watched.generated("text")
    first = watched.text
    assert first == writes.generate(prompt, seed=7, length=120).text and len(first) > len(prompt)

    # a new seed each time, the last one again, and the same text
    page.locator("#text-seed-new").click()
    page.wait_for_function("document.querySelector('#text-seed input').value === ''")
    made = watched.generated("text")
    another = watched.text
    assert another != first
    page.locator("#text-seed-again").click()
    page.wait_for_function("document.querySelector('#text-seed input').value !== ''")
    watched.shows("#text-seed input").to_have_value(str(made["seed"]))
    page.locator("#text-seed input").fill("7")
    watched.generated("text")
    watched.shows("#text-output textarea").to_have_value(first)

    # go on from it; stop a long one and keep what there is
    watched.generated("text", "continue")
    watched.shows("#text-output textarea").to_have_value(writes.generate(first, seed=8, length=120).text)
    watched.number("text", "length", 4096)
    slowly(monkeypatch)
    page.locator("#text-generate").click()
    page.wait_for_function("document.querySelector('#text-output textarea').value.length > 20")
    page.keyboard.press("Escape")
    page.locator("#text-line").get_by_text("stopped").wait_for(timeout=15_000)
    assert len(watched.text) >= len(prompt) and first[:20].startswith(watched.text[:20])  # however soon it stopped
    page.locator("#text-download-txt:not([disabled])").wait_for()
    monkeypatch.undo()

    # what is hostile stays text
    page.locator("#text-prompt textarea").fill(HOSTILE)
    page.locator("#text-generate").click()
    page.locator("#text-generate:not([disabled])").wait_for()
    page.wait_for_timeout(500)
    watched.all("img[src=x]").to_have_count(0)

    # a melody is seen, heard and taken away
    page.get_by_role("tab", name="Melody").click()
    page.locator("#music-run input").click()
    page.get_by_role("option", name=player).click()
    page.locator("#music-seed input").fill("3")
    watched.number("music", "bars", 4)
    watched.generated("music")
    made_there = plays.generate(seed=3, bars=4)
    watched.all("#music-roll svg .note").to_have_count(len(made_there.item.notes))
    page.locator("#music-audio audio[src]").wait_for()
    heard = page.locator("#music-audio audio")
    assert heard.evaluate("each => fetch(each.src).then(got => got.text()).then(got => got.slice(0, 4))") == "RIFF"
    heard.evaluate("each => { each.muted = true; return each.play(); }")
    page.wait_for_function("document.querySelector('#music-audio audio').currentTime > 0")
    with page.expect_download() as downloading:
        page.locator("#music-download-mid").click()
    assert downloading.value.suggested_filename == f"{player}-3.mid"
    taken = tmp_path / downloading.value.suggested_filename
    downloading.value.save_as(taken)
    assert taken.read_bytes() == made_there.export(".mid")
    sounding = [each for track in mido.MidiFile(taken).tracks for each in track if each.type == "note_on"]
    assert sum(each.velocity > 0 for each in sounding) == len(made_there.item.notes)

    # and is the beginning of the next
    page.locator("#music-upload input[type=file]").set_input_files(taken)
    page.locator("#music-upload").get_by_text(taken.stem[:8]).first.wait_for()
    watched.number("music", "bars", 8)
    watched.generated("music")
    page.locator("#music-roll svg .note").nth(len(made_there.item.notes)).wait_for(state="attached")

    assert watched.wrong == []
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_telephone_shows_it_without_scrolling_sideways(browser: Any, studio: str, look: str) -> None:
    watched = Watched(browser, f"{studio}?__theme={look}", viewport={"width": 375, "height": 812})
    for tab, button in (("Text", "text-generate"), ("Melody", "music-generate"), ("Look inside", "inside-look")):
        if tab == "Look inside":  # there is no room for so many tabs: the last ones are in a menu
            watched.page.locator(".overflow-menu > button").click()
            watched.page.locator(".overflow-dropdown button").get_by_text(tab).click()
        else:
            watched.page.get_by_role("tab", name=tab).click()
        button = watched.page.locator(f"#{button}")
        button.wait_for()
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= 375
        box = button.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 375 and box["height"] >= 32
    assert watched.wrong == []
    watched.page.close()


@pytest.mark.browser
def test_one_looks_inside(browser: Any, studio: str) -> None:
    watched = Watched(browser, studio, viewport={"width": 1280, "height": 900})
    watched.page.get_by_role("tab", name="Look inside").click()
    watched.page.locator("#inside-look").click()
    watched.page.locator("#inside-picture img").wait_for(timeout=60_000)
    assert watched.page.locator("#inside-picture img").evaluate("each => each.naturalWidth") > 600
    watched.page.locator("#inside-table tbody tr").nth(2).wait_for()
    watched.shows("#inside-said p").to_contain_text(re.compile("^While it read"))
    assert watched.wrong == []
    watched.page.close()


@pytest.mark.browser
def test_a_run_that_came_later_is_there_after_a_reload(
    browser: Any, apps: ModuleType, runs: Path, tmp_path: Path
) -> None:
    import shutil

    page = apps.studio.build([tmp_path])
    address = apps.studio.serve(page, port=0)
    seen = browser.new_page()
    seen.goto(address, wait_until="domcontentloaded")
    seen.get_by_text("No text model yet").wait_for()
    shutil.copytree(runs / "poem", tmp_path / "poem")
    seen.reload(wait_until="domcontentloaded")
    seen.locator("#text-generate").wait_for()
    seen.locator("#text-seed input").fill("7")
    seen.locator("#text-generate").click()
    seen.locator("#text-download-txt:not([disabled])").wait_for()
    expected = open_run(runs / "poem").generate(seed=7).text
    seen.wait_for_function("text => document.querySelector('#text-output textarea').value === text", arg=expected)
    seen.close()
    page.close()


@pytest.mark.browser
def test_two_sessions_do_not_meet(browser: Any, studio: str, offered: Path, room: Any) -> None:
    """Each of two pages that generate at once gets what it asked for, and one's Stop leaves the other alone."""
    run = room("library").Library([offered]).open("text", room("library").Library([offered]).names("text")[0])
    pages = [Watched(browser, studio), Watched(browser, studio)]
    for seed, watched in enumerate(pages, 1):
        watched.page.locator("#text-seed input").fill(str(seed))
        watched.number("text", "length", 300)
        watched.page.locator("#text-generate").click()
    pages[0].page.keyboard.press("Escape")
    pages[1].page.locator("#text-download-txt:not([disabled])").wait_for()
    assert pages[1].text == run.generate(seed=2, length=300).text
    for watched in pages:
        watched.page.close()
