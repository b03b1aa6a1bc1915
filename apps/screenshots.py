"""Pictures of the studio for its documentation, taken from the studio itself: `python -m apps.screenshots [FOLDER]`.

Needs playwright and a Chromium ($CHROMIUM, or the first one found), and the shipped runs.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from typing import Any

from toolkit.api import open_run

from .studio import build, serve

_SHOWN = ("shakespeare", "folk", "bach")
_WIDE, _NARROW = (1320, 900), (375, 812)
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """The browser to drive: $CHROMIUM, or one on the path; None leaves it to playwright's own."""
    return environ.get("CHROMIUM") or next(filter(None, map(shutil.which, _BROWSERS)), None)


@contextmanager
def opened(address: str, *, dark: bool = False, narrow: bool = False) -> Iterator[Any]:
    """The studio at ``address`` in a page of a browser, ready to be used."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        width, height = _NARROW if narrow else _WIDE
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.5)
        page.goto(f"{address}?__theme={'dark' if dark else 'light'}", wait_until="domcontentloaded")
        page.locator(".masthead").wait_for()
        try:
            yield page
        finally:
            browser.close()


def show_text(page: Any) -> None:
    """Writes a text with the first run, to its end."""
    page.locator("#text-prompt textarea").fill("ROMEO:\n")
    page.locator("#text-seed input").fill("7")
    page.locator("#text-generate").click()
    page.locator("#text-download-txt:not([disabled])").wait_for(timeout=90_000)
    page.locator("#text-output textarea").evaluate("each => each.scrollTop = 0")


def show_melody(page: Any) -> None:
    """Plays a melody of sixteen bars with the first run, to its end."""
    page.get_by_role("tab", name="Melody").click()
    page.locator("#music-seed input").fill("3")
    page.locator("#music-bars input").fill("16")
    page.locator("#music-generate").click()
    page.locator("#music-download-mid:not([disabled])").wait_for(timeout=90_000)
    page.locator("#music-audio audio").wait_for()
    page.wait_for_timeout(800)  # for the player to know how long it is


def show_acrostic(page: Any) -> None:
    """Writes an acrostic, the fold that asks for it open, and under it what of it is copied."""
    _unfold(page, "text", "Form")
    page.locator("#text-acrostic input").fill("WINTER")
    show_text(page)
    _unfold(page, "text", "Copied passages")
    page.locator("#text-passages").wait_for()


def show_chords(page: Any) -> None:
    """Plays a melody over chords, the fold that asks for them open."""
    page.get_by_role("tab", name="Melody").click()
    _unfold(page, "melody", "Harmony and close")
    page.locator("#music-chords input").fill("D | G | A7 | D")
    show_melody(page)


def show_harmony(page: Any) -> None:
    """Sets three voices under a melody, to their end."""
    page.get_by_role("tab", name="Harmony").click()
    page.locator("#chorales-soprano textarea").fill("M:4/4 L:1/4 K:G | G G D B | A G2 B | d c B A | B4 |")
    page.locator("#chorales-seed input").fill("2")
    page.locator("#chorales-generate").click()
    page.locator("#chorales-download-mid:not([disabled])").wait_for(timeout=180_000)
    page.locator("#chorales-audio audio").wait_for()
    page.wait_for_timeout(800)


def _unfold(page: Any, tab: str, heading: str) -> None:
    page.locator(f"#tab-{tab} button.label-wrap").get_by_text(heading, exact=True).click()


def take(address: str, folder: Path) -> list[Path]:
    """Both tabs by day and by night, on a telephone, and with a fold in use."""
    folder.mkdir(parents=True, exist_ok=True)
    taken = []
    for suffix, how in {"": {}, "-dark": {"dark": True}, "-narrow": {"narrow": True}}.items():
        for name, show in {"text": show_text, "melody": show_melody}.items():
            with opened(address, **how) as page:
                show(page)
                page.mouse.move(0, 0)
                page.evaluate("window.scrollTo(0, 0)")
                taken.append(folder / f"studio-{name}{suffix}.png")
                page.screenshot(path=taken[-1], full_page="narrow" in how)
    for name, show in {"acrostic": show_acrostic, "chords": show_chords, "harmony": show_harmony}.items():
        with opened(address) as page:
            show(page)
            page.mouse.move(0, 0)
            page.evaluate("window.scrollTo(0, 0)")
            taken.append(folder / f"studio-{name}.png")
            page.screenshot(path=taken[-1], full_page=True)
    return taken


def main() -> None:
    studio = build(open_run(name).folder for name in _SHOWN)
    address = serve(studio, port=0)
    try:
        for path in take(address, Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")):
            print(path)
    finally:
        studio.close()


if __name__ == "__main__":
    main()
