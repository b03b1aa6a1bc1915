"""What is there, taken on in a browser: varied, harmonised, dropped back in; and settings kept under a name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.apps.watched import Watched, a_browser, slowly
from toolkit.api import open_run
from toolkit.api.own_presets import OwnPresets
from toolkit.core.places import shipped

pytestmark = pytest.mark.browser
WIDE = {"viewport": {"width": 1280, "height": 900}}


@pytest.fixture(scope="module")
def browser(room: Any) -> Iterator[Any]:
    yield from a_browser(room)


@pytest.fixture(scope="module")
def presets(tmp_path_factory: pytest.TempPathFactory) -> OwnPresets:
    return OwnPresets(tmp_path_factory.mktemp("own") / "presets")


@pytest.fixture(scope="module")
def studio(apps: ModuleType, runs: Path, presets: OwnPresets) -> Iterator[str]:
    page = apps.studio.build([runs, shipped("checkpoints")], presets=presets)
    yield apps.studio.serve(page, port=0)
    page.close()


def dropped(page: Any, name: str, content: bytes, kind: str, on: str = "h1") -> None:
    """Drops a file on an element, as a hand would, once the last one is through."""
    page.locator("#dropped input[type=file]").wait_for(state="attached")
    page.evaluate(
        """([name, bytes, kind, on]) => {
            const held = new DataTransfer();
            held.items.add(new File([new Uint8Array(bytes)], name, { type: kind }));
            const how = { dataTransfer: held, bubbles: true, cancelable: true };
            for (const event of ["dragover", "drop"])
                document.querySelector(on).dispatchEvent(new DragEvent(event, how));
        }""",
        [name, list(content), kind, on],
    )


def test_a_melody_is_varied_and_harmonised(browser: Any, studio: str, runs: Path) -> None:
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    page.locator("#music-run input").click()
    page.get_by_role("option", name="folk").click()
    watched.number("music", "bars", 8)
    page.locator("#music-seed input").fill("3")
    watched.generated("music")
    first = open_run("folk").generate(seed=3, bars=8)
    watched.all("#music-roll svg .note").to_have_count(len(first.item.notes))
    page.locator("#music-seed input").fill("5")
    watched.generated("music", "varied")
    abc = first.export(".abc").decode()
    made = open_run("folk").generate(seed=5, vary="rhythm", of=abc)
    watched.all("#music-roll svg .note").to_have_count(len(made.item.notes))
    assert len(made.item.notes) == len(first.item.notes)
    page.locator("#music-download-mid:not([disabled])").wait_for()
    page.locator("#music-harmonise").click()
    page.locator("#chorales-generate").wait_for()
    soprano = page.locator("#chorales-soprano textarea").input_value()
    assert soprano.strip() == made.export(".abc").decode().strip()
    page.locator("#chorales-seed input").fill("2")
    watched.generated("chorales")
    page.locator("#chorales-download-mid:not([disabled])").wait_for()
    whole = open_run(runs / "hymns").generate(seed=2, soprano=soprano + "\n")
    watched.all("#chorales-roll svg .note").to_have_count(sum(len(each.notes) for each in whole.item.tracks))
    assert watched.wrong == []
    page.close()


def test_melodies_to_choose_from_are_heard(browser: Any, studio: str) -> None:
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    watched.number("music", "bars", 4)
    page.locator("#music-seed input").fill("3")
    page.locator("#tab-melody").get_by_role("button", name="Variations").click()
    page.locator("#music-count").get_by_text("2", exact=True).click()
    page.locator("#music-vary").click()
    first, second = (page.locator("#music-cards .card-of").nth(each) for each in range(2))
    first.locator(".hear").click()
    first.locator(".note.sounding").first.wait_for(state="attached")
    second.locator(".hear").click()  # and the other one is silent
    second.locator(".note.sounding").first.wait_for(state="attached")
    first.get_by_role("button", name="Hear it").wait_for()
    second.get_by_role("button", name="Stop").click()
    second.get_by_role("button", name="Hear it").wait_for()
    watched.all("#music-cards .note.sounding").to_have_count(0)
    first.locator(".hear").click()
    taken = second.locator(".take").get_attribute("data-seed")
    second.locator(".take").click()
    watched.shows("#music-line").to_contain_text(f"seed {taken}")
    watched.all("#music-cards .note.sounding").to_have_count(0)
    assert watched.wrong == []
    page.close()


def test_the_file_of_a_result_is_dropped_anywhere(browser: Any, studio: str, runs: Path, tmp_path: Path) -> None:
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    made = open_run(runs / "poem").generate("the ship ", seed=31, length=33, temperature=0.7)
    dropped(page, "poem.json", made.export(".json"), "application/json")
    page.wait_for_function("document.querySelector('#text-seed input').value === '31'")
    watched.generated("text")
    watched.shows("#text-output textarea").to_have_value(made.text)
    # a melody's own file, and it is the melody's tab that opens; then the first once more
    tune = open_run(runs / "tunes").generate(seed=4, bars=4)
    dropped(page, "tune.mid", tune.export(".mid"), "audio/midi", "#tabs")
    page.locator("#music-generate").wait_for()
    page.wait_for_function("document.querySelector('#music-seed input').value === '4'")
    watched.generated("music")
    watched.all("#music-roll svg .note").to_have_count(len(tune.item.notes))
    dropped(page, "poem.json", made.export(".json"), "application/json")
    page.locator("#text-generate").wait_for()
    # what was made from a file has its notes where one types
    tune.save(tmp_path / "begun.mid")
    longer = open_run(runs / "tunes").generate(str(tmp_path / "begun.mid"), seed=6, bars=8)
    dropped(page, "longer.json", longer.export(".json"), "application/json")
    page.wait_for_function("document.querySelector('#music-prompt textarea').value.includes('M:')")
    # what says nothing of itself, and what is nothing, are told in a sentence
    for name, content, told in (("strange.json", b"{}", "strange.json"), ("broken.mid", b"MThd", "MIDI")):
        dropped(page, name, content, "application/json")
        page.locator(".toast-body").filter(has_text=told).first.wait_for()
        page.locator(".toast-close").first.click()
    watched.all("body.dropping").to_have_count(0)
    assert watched.wrong == []
    page.close()


def test_settings_are_kept_under_a_name(browser: Any, studio: str, presets: OwnPresets) -> None:
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    watched.number("music", "bars", 12)
    watched.number("music", "tempo", 77)
    page.get_by_role("button", name="Your own presets").first.click()
    page.locator("#music-own-name input").fill("Slow twelve")
    page.locator("#music-own-keep").click()
    page.wait_for_function("document.querySelector('#music-own-name input').value === ''")
    assert {each: presets.settings("music", "Slow twelve")[each] for each in ("bars", "tempo")} == {
        "bars": 12,
        "tempo": 77,
    }
    page.locator("#music-reset").click()
    page.wait_for_function("document.querySelector('#music-bars input').value === ''")
    watched.reload()
    page.get_by_role("tab", name="Melody").click()
    page.get_by_role("button", name="Your own presets").first.click()
    page.locator("#music-own input").click()
    page.get_by_role("option", name="Slow twelve").click()
    page.wait_for_function("document.querySelector('#music-bars input').value === '12'")
    watched.shows("#music-tempo input").to_have_value("77")
    page.locator("#music-own-name input").fill("../out")
    page.locator("#music-own-keep").click()
    page.locator(".toast-body").filter(has_text="letters").wait_for()
    page.locator("#music-own-forget").click()
    page.wait_for_function("document.querySelector('#music-own input').value === ''")
    assert presets.names("music") == []
    # a damaged one, and one that asks for what cannot be
    presets.keep("text", "wild", {"temperature": 99.0, "length": 21, "nonsense": 1})
    watched.reload()
    page.get_by_role("button", name="Your own presets").first.click()
    page.locator("#text-own input").click()
    page.get_by_role("option", name="wild").click()
    page.locator(".toast-body").filter(has_text="temperature").wait_for()
    watched.shows("#text-length input").to_have_value("21")
    assert watched.wrong == []
    assert json.loads((presets.folder / "text" / "wild.json").read_text())["settings"]["length"] == 21
    page.close()


KEYBOARD = """() => {
const input = { type: "input", onmidimessage: null };
const access = { inputs: new Map([["one", input]]), onstatechange: null };
navigator.requestMIDIAccess = async () => access;
window.strike = (...data) => input.onmidimessage({ data });
}"""


def test_a_midi_keyboard_is_heard(browser: Any, studio: str) -> None:
    """Through the browser's interface for them, with a keyboard that is none; a browser may also refuse."""
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    page.get_by_role("tab", name="Melody").click()
    page.get_by_role("button", name="Play a phrase").click()
    page.evaluate("() => { navigator.requestMIDIAccess = async () => { throw new Error('no'); }; }")
    page.locator(".piano-midi:visible").click()
    page.get_by_text("lets no page use a MIDI keyboard").wait_for()
    page.evaluate(KEYBOARD)
    page.locator(".piano-midi:visible").click()
    page.get_by_text("Play.", exact=True).wait_for()
    for pitch, message in ((62, 0x80), (66, 0x90)):  # an end of its own, or a stroke without force
        page.evaluate(f"strike(0x91, {pitch}, 80)")
        page.wait_for_timeout(260)
        page.evaluate(f"strike({message}, {pitch}, 0)")
    page.evaluate("strike(0xf8)")  # the keyboard's clock, which is no note
    written = page.locator("#music-prompt textarea").input_value()
    assert written.startswith("M:4/4 L:1/8") and " D" in written and "^F" in written
    page.get_by_role("tab", name="Text").click()
    page.evaluate("strike(0x90, 70, 80); strike(0x80, 70, 0)")
    page.get_by_role("tab", name="Melody").click()
    watched.shows("#music-prompt textarea").to_have_value(written)
    assert watched.wrong == []
    page.close()


def test_what_is_needed_for_a_look_is_asked_for(browser: Any, studio: str) -> None:
    watched = Watched(browser, studio, **WIDE)
    page = watched.page
    page.get_by_role("tab", name="Look inside").click()

    def chosen(what: str, named: str) -> None:
        page.locator(f"#inside-{what} input").click()
        page.get_by_role("option", name=named).click()

    chosen("run", "music: folk")
    for needed in ("upload", "planted", "labels", "labelled"):
        watched.all(f"#inside-{needed}").to_have_count(0)
    chosen("topic", "Which of these does not belong")
    page.locator("#inside-upload").wait_for()
    page.locator("#inside-planted").wait_for()
    chosen("topic", "What its state knows")
    watched.all("#inside-upload").to_have_count(0)
    page.locator("#inside-labelled").wait_for()
    chosen("labels", "type (music)")
    chosen("corpus", "ryans (music)")
    page.locator("#inside-look").click()
    page.locator("#inside-said h2").get_by_text("type").wait_for(timeout=60_000)
    page.locator("#inside-look:not([disabled])").wait_for()
    chosen("topic", "How far back it looks")
    page.locator("#inside-look").click()
    page.locator("#inside-stop:not([disabled])").wait_for()
    page.wait_for_timeout(300)
    page.keyboard.press("Escape")
    page.locator(".toast-body").filter(has_text="topped").wait_for()
    page.locator("#inside-look:not([disabled])").wait_for()
    watched.shows("#inside-stop").to_be_disabled()
    watched.shows("#inside-said h2").to_contain_text("type")
    assert watched.wrong == []
    page.close()


def test_a_long_search_is_seen_and_stopped(browser: Any, studio: str, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = Watched(browser, f"{studio}?tab=text&run=poem&seed=1&prompt=the&search=beam&beams=8&length=4096", **WIDE)
    page = watched.page
    page.wait_for_function("document.querySelector('#text-seed input').value === '1'")
    slowly(monkeypatch)
    page.locator("#text-generate").click()
    page.locator("#text-line progress").wait_for()
    watched.shows("#text-line").to_contain_text("searching")
    watched.shows("#text-output textarea").to_have_value(re.compile(".{4}", re.DOTALL))
    page.keyboard.press("Escape")
    page.locator("#text-line").get_by_text("stopped").wait_for()
    watched.shows("#text-output textarea").to_have_value(re.compile("^the"))
    assert watched.wrong == []
    page.close()
