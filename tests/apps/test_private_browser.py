"""The private studio in a browser: trainings watched, results put back, tokens clicked, links followed, keys."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.apps.watched import Watched, a_browser
from toolkit.api import open_run

HOSTILE = '<img src=x onerror="alert(1)">'
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def browser(room: Any) -> Iterator[Any]:
    yield from a_browser(room)


@pytest.fixture(scope="module")
def studio(apps: ModuleType, room: Any, runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    folder = tmp_path_factory.mktemp("private")
    (folder / "corpora").mkdir()
    (folder / "corpora" / "sea.txt").write_text("the sea and the ship went out to sea\n" * 300)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        trainings = room("training").Trainings(folder / "runs", folder / "corpora")
        shelf = room("shelf").Shelf(folder / "results")
        page = apps.studio.build([runs, folder / "runs"], trainings=trainings, shelf=shelf)
        yield apps.studio.serve(page, port=0), trainings, shelf
        page.close()


def test_a_training_is_watched_and_its_run_writes(browser: Any, studio: Any) -> None:
    address, trainings, _ = studio
    watched = Watched(browser, address)
    page = watched.page
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-corpus input").click()
    page.get_by_role("option", name="sea.txt").click()
    page.locator("#train-look").click()
    page.locator("#train-told").get_by_text("documents").first.wait_for()
    page.locator("#train-name input, #train-name textarea").first.fill("seaside")
    minutes = page.locator("#train-minutes input[type=number]")
    minutes.fill("0.5")
    minutes.press("Tab")
    page.locator("#train-start").click()
    page.locator("#train-curve svg.curve polyline.batches").wait_for(timeout=60_000)
    watched.reload()  # which changes nothing for the training
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-curve").get_by_text("Finished", exact=True).wait_for(timeout=90_000)
    watched.shows("#train-curve .sample").not_to_be_empty()
    watched.reload()
    page.locator("#text-run input").click()
    page.get_by_role("option", name="seaside").wait_for()
    assert watched.wrong == []
    page.close()
    assert trainings.standing("seaside").state == "finished"


def test_a_result_is_kept_and_put_back(browser: Any, studio: Any) -> None:
    address, _, shelf = studio
    watched = Watched(browser, address)
    page = watched.page
    page.locator("#text-prompt textarea").fill(f"the river {HOSTILE}")
    page.locator("#text-seed input").fill("11")
    watched.number("text", "length", 40)
    watched.generated("text")
    first = watched.text
    assert any(each.seed == 11 for each in shelf.entries())
    page.locator("#text-prompt textarea").fill("")
    page.locator("#text-seed input").fill("")
    watched.number("text", "length", 77)
    page.get_by_role("tab", name="Kept").click()
    page.locator("#kept-list label").filter(has_text="the river").first.click()
    page.locator("#kept-seen .written").wait_for()
    watched.shows("#kept-seen").to_contain_text("the river <img")
    page.locator("#kept-restore").click()
    page.wait_for_function("document.querySelector('#text-seed input').value === '11'")
    page.locator("#text-generate").wait_for()
    watched.generated("text")
    watched.shows("#text-output textarea").to_have_value(first)
    page.get_by_role("tab", name="Kept").click()
    page.locator("#kept-list label").filter(has_text="the river").first.click()
    before = len(shelf.entries())
    page.locator("#kept-delete:not([disabled])").click()
    page.wait_for_function("document.querySelector('#kept-seen').innerText.includes('shown here')")
    assert len(shelf.entries()) == before - 1
    assert watched.wrong == []
    page.close()


def test_a_token_is_clicked_and_another_put_in_its_place(browser: Any, studio: Any) -> None:
    address, *_ = studio
    watched = Watched(browser, address)
    page = watched.page
    page.locator("#text-prompt textarea").fill("the ")
    page.locator("#text-seed input").fill("5")
    watched.number("text", "length", 30)
    watched.generated("text")
    text = watched.text
    page.get_by_role("button", name="Token by token").click()
    page.locator("#text-tokens .token.highlighted").nth(6).click()
    page.locator("#text-others table tbody tr").first.wait_for()
    watched.all("#text-others tr.came").to_have_count(1)
    page.locator("#text-branch").click()
    page.wait_for_function("text => document.querySelector('#text-output textarea').value !== text", arg=text)
    page.locator("#text-generate:not([disabled])").wait_for()
    watched.shows("#text-output textarea").to_have_value(re.compile(f"^{re.escape(text[:10])}"))
    assert watched.wrong == []
    page.close()


def test_a_link_brings_everything_back(browser: Any, studio: Any) -> None:
    address, *_ = studio
    asked = "tab=text&run=poem&seed=21&prompt=the+ship&temperature=1.3&length=44&nonsense=1"
    watched = Watched(browser, f"{address}?{asked}")
    page = watched.page
    page.wait_for_function("document.querySelector('#text-seed input').value === '21'")
    page.wait_for_function("document.querySelector('#text-temperature input').value === '1.3'")
    watched.shows("#text-prompt textarea").to_have_value("the ship")
    watched.generated("text")
    watched.shows("#text-line").to_contain_text("44 tokens")
    link = page.locator("#text-line a.link").get_attribute("href")
    assert "temperature=1.3" in link and "seed=21" in link
    assert watched.wrong == []
    page.close()


def test_keys_are_told_and_do_what_they_say(browser: Any, studio: Any) -> None:
    address, *_ = studio
    watched = Watched(browser, address)
    page = watched.page
    page.locator("#show-keys").click()
    watched.shows("#keys").to_be_visible()
    page.keyboard.press("Escape")
    watched.shows("#keys").not_to_be_visible()
    page.locator("#text-prompt textarea").fill("the ")
    watched.number("text", "length", 20)
    watched.generated("text")
    first = watched.text
    page.locator("#text-prompt textarea").press("Alt+Enter")
    watched.shows("#text-output textarea").to_have_value(re.compile(f"^{re.escape(first)}.+", re.DOTALL))
    page.locator("#text-generate:not([disabled])").wait_for()
    page.get_by_role("tab", name="Melody").click()
    watched.number("music", "bars", 4)
    page.keyboard.press("Control+Enter")
    page.locator("#music-audio audio[src]").wait_for()
    page.locator("h1").click()
    page.evaluate("document.activeElement.blur(); document.querySelector('#music-audio audio').muted = true")
    page.keyboard.press("l")
    assert page.locator("#music-audio audio").evaluate("each => each.loop")
    page.keyboard.press(" ")
    page.wait_for_function("!document.querySelector('#music-audio audio').paused")
    assert watched.wrong == []
    page.close()


def test_one_of_eight_is_taken(browser: Any, studio: Any, runs: Path) -> None:
    address, *_ = studio
    watched = Watched(browser, address)
    page = watched.page
    page.locator("#text-prompt textarea").fill("the ")
    page.locator("#text-seed input").fill("40")
    watched.number("text", "length", 25)
    page.get_by_role("button", name="Variations").first.click()
    page.locator("#text-count").get_by_text("8", exact=True).click()
    page.locator("#text-vary").click()
    page.locator("#text-cards .take").nth(7).wait_for()
    cards = page.locator("#text-cards .card-of").all_inner_texts()
    seeds = [int(each.split("seed ")[1].split(",")[0]) for each in cards]
    assert sorted(seeds) == list(range(40, 48))
    nats = [float(each.split(" nats")[0].split(" ")[-1]) for each in cards]
    assert nats == sorted(nats), "the likeliest first"
    page.locator("#text-cards .take").nth(1).click()
    page.wait_for_function(
        "seed => document.querySelector('#text-line').innerText.includes(`seed ${seed}`)", arg=seeds[1]
    )
    page.locator("#text-generate:not([disabled])").wait_for()
    watched.shows("#text-output textarea").to_have_value(
        open_run(runs / "poem").generate("the ", seed=seeds[1], length=25).text
    )
    assert watched.wrong == []
    page.close()


def test_a_phrase_is_played_and_answered(browser: Any, studio: Any) -> None:
    address, *_ = studio
    watched = Watched(browser, address)
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    page.get_by_role("button", name="Play a phrase").click()
    piano = page.locator(".piano:visible")
    piano.locator("[data-pitch='60']").click(delay=260)  # about an eighth at 120, and a quarter
    piano.locator("[data-pitch='63']").click(delay=520)
    piano.focus()
    for letter in "gl":  # G and D; elsewhere L plays in a loop
        page.keyboard.down(letter)
        page.wait_for_timeout(250)
        page.keyboard.up(letter)
    box = page.locator("#music-prompt textarea")
    written = box.input_value()
    assert written.startswith("M:4/4 L:1/8 K:C | C")
    assert "^D" in written and " G" in written and written.endswith(" d")
    page.locator(".piano-undo:visible").click()
    watched.shows("#music-prompt textarea").not_to_have_value(re.compile(" d$"))
    watched.number("music", "bars", 4)
    page.locator("#music-seed input").fill("5")
    watched.generated("music")
    page.locator("#music-roll svg .note").nth(3).wait_for(state="attached")
    page.locator(".piano-clear:visible").click()
    watched.shows("#music-prompt textarea").to_have_value("")
    assert watched.wrong == []
    page.close()


def test_what_was_there_before_comes_back_and_goes_again(browser: Any, studio: Any) -> None:
    address, *_ = studio
    watched = Watched(browser, address)
    page = watched.page
    watched.number("text", "length", 20)
    texts = []
    for seed in (1, 2, 3):
        page.locator("#text-seed input").fill(str(seed))
        watched.generated("text")
        texts.append(watched.text)
    assert len(set(texts)) == 3

    def shows(button: str, text: str, seed: int) -> None:
        page.locator(f"#text-{button}").click()
        page.wait_for_function("text => document.querySelector('#text-output textarea').value === text", arg=text)
        watched.shows("#text-line").to_contain_text(f"seed {seed}")

    shows("undo", texts[1], 2)
    shows("undo", texts[0], 1)
    shows("undo", texts[0], 1)
    shows("redo", texts[1], 2)
    page.locator("#text-seed input").fill("9")
    watched.generated("text")
    shows("redo", watched.text, 9)
    shows("undo", texts[1], 2)
    assert watched.wrong == []
    page.close()


def test_every_tab_fits_a_telephone(browser: Any, studio: Any) -> None:
    address, *_ = studio
    watched = Watched(browser, address, viewport={"width": 375, "height": 812})
    page = watched.page
    for tab, shown in (("Look inside", "#inside-look"), ("Train", "#train-start"), ("Kept", "#kept-query")):
        page.locator(".overflow-menu > button").click()
        page.locator(".overflow-dropdown button").get_by_text(tab).click()
        page.locator(shown).wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 375, tab
    assert watched.wrong == []
    page.close()


def test_a_run_with_a_hostile_name_is_only_a_name(browser: Any, apps: ModuleType, runs: Path, tmp_path: Path) -> None:
    name = "<img src=x onerror=alert(1)>"
    shutil.copytree(runs / "poem", tmp_path / name)
    served = apps.studio.build([tmp_path])
    watched = Watched(browser, apps.studio.serve(served, port=0))
    page = watched.page
    page.locator("#text-seed input").fill("3")
    watched.number("text", "length", 20)
    watched.generated("text")
    watched.shows("#text-run input").to_have_value(name)
    page.get_by_role("tab", name="Look inside").click()
    page.locator("#inside-topic input").click()
    page.get_by_role("option", name="What surprises it").click()
    page.locator("#inside-look").click()
    page.locator("#inside-said h2").wait_for(timeout=60_000)
    watched.shows("#inside-said h2").to_contain_text(name)
    watched.all("img[src=x]").to_have_count(0)
    assert watched.wrong == []
    page.close()
    served.close()


def test_what_was_made_is_there_after_the_server_began_anew(
    browser: Any, apps: ModuleType, room: Any, runs: Path, tmp_path: Path
) -> None:
    shelf = room("shelf").Shelf(tmp_path / "results")
    first = apps.studio.build([runs], shelf=shelf)
    address = apps.studio.serve(first, port=0)
    watched = Watched(browser, address)
    watched.page.locator("#text-seed input").fill("77")
    watched.number("text", "length", 20)
    watched.generated("text")
    made = watched.text
    first.close()
    again = apps.studio.build([runs], shelf=room("shelf").Shelf(tmp_path / "results"))
    apps.studio.serve(again, port=urlsplit(address).port)
    watched.reload()
    watched.page.get_by_role("tab", name="Kept").click()
    watched.page.locator("#kept-list label").filter(has_text="seed 77").click()
    watched.page.locator("#kept-seen .written").wait_for()
    watched.shows("#kept-seen .written").to_have_text(made)
    watched.page.close()
    again.close()


def test_bars_clicked_on_the_roll_are_made_anew(browser: Any, studio: Any, runs: Path) -> None:
    address, *_ = studio
    watched = Watched(browser, address, viewport={"width": 1280, "height": 900})
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    watched.number("music", "bars", 8)
    page.locator("#music-seed input").fill("3")
    watched.generated("music")
    run = open_run(runs / "tunes")
    first = run.generate(seed=3, bars=8)
    numbers = page.locator("#music-roll svg text.number")
    for bar, keys in ((3, []), (4, ["Shift"])):
        box = numbers.nth(bar - 1).bounding_box()
        svg = page.locator("#music-roll svg").bounding_box()
        place = {"x": box["x"] + 8 - svg["x"], "y": box["y"] + 40 - svg["y"]}
        page.locator("#music-roll svg").click(position=place, modifiers=keys)
    watched.shows("#music-anew-bars input, #music-anew-bars textarea").to_have_value("3-4")
    page.locator("#music-seed input").fill("5")
    before = page.locator("#music-line").inner_text()
    page.locator("#music-anew").click()
    page.wait_for_function(
        "before => document.querySelector('#music-line').innerText !== before", arg=before, timeout=60_000
    )
    page.locator("#music-line").get_by_text("the gap is filled").wait_for(timeout=60_000)
    made = next(run.streams("it", given=first.item, seed=5, refill="3-4"))
    for _ in made:
        pass
    page.locator("#music-download-mid:not([disabled])").wait_for()
    watched.all("#music-roll svg .note").to_have_count(len(made.result().item.notes))
    page.locator("#music-on").click()
    page.locator("#music-generate:not([disabled])").wait_for()
    page.locator("#music-roll svg .note").first.wait_for(state="attached")
    assert watched.wrong == []
    page.close()
