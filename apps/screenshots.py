"""Pictures of the studio for its documentation, taken from the studio itself: `python -m apps.screenshots [FOLDER]`.

Needs playwright and a Chromium ($CHROMIUM, or the first one found), and the shipped runs.
"""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import environ
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from toolkit.api import open_run
from toolkit.api.own_presets import OwnPresets

from .library import Library
from .shelf import Shelf
from .studio import build, serve, warm
from .training import Trainings

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
        page = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1.25)
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


def show_sheet(page: Any) -> None:
    """A melody, and its sheet music unfolded."""
    show_melody(page)
    page.locator("#tab-melody").get_by_role("button", name="Sheet music").click()
    page.locator("#music-sheet svg").first.wait_for()


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


def show_inside(page: Any) -> None:
    """Looks at the units of the first run."""
    page.get_by_role("tab", name="Look inside").click()
    page.locator("#inside-look").click()
    page.locator("#inside-picture img").wait_for(timeout=90_000)


def show_tokens(page: Any) -> None:
    """Writes a text and asks what else could stand in one place."""
    show_text(page)
    page.get_by_role("button", name="Token by token").click()
    page.locator("#text-tokens .token.highlighted").nth(24).click()
    page.locator("#text-others table").wait_for()


def show_variations(page: Any) -> None:
    """Four melodies to choose from, and a piano to play a beginning on."""
    page.get_by_role("tab", name="Melody").click()
    page.get_by_role("button", name="Play a phrase").click()
    page.locator("#music-seed input").fill("3")
    page.locator("#music-bars input").fill("8")
    page.locator("#tab-melody").get_by_role("button", name="Variations").click()
    page.locator("#music-vary").click()
    page.locator("#music-cards .take").nth(3).wait_for(timeout=90_000)


def show_training(page: Any) -> None:
    """Trains for a minute on an installed corpus, to its end."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-corpus input").click()
    page.get_by_role("option", name="python-docs").click()
    page.locator("#train-name input, #train-name textarea").first.fill("docs")
    minutes = page.locator("#train-minutes input[type=number]")
    minutes.fill("1")
    minutes.press("Tab")
    page.locator("#train-start").click()
    page.locator("#train-curve").get_by_text("Finished", exact=True).wait_for(timeout=240_000)


def show_trained(page: Any) -> None:
    """The training that `show_training` began, watched once more."""
    page.get_by_role("tab", name="Train").click()
    page.locator("#train-watched input").click()
    page.get_by_role("option", name="docs", exact=True).click()
    page.locator("#train-curve").get_by_text("Finished", exact=True).wait_for()
    page.wait_for_timeout(800)  # for the list to be gone


def show_voices(page: Any) -> None:
    """A tab for which there is no model yet."""
    page.get_by_role("tab", name="Many voices").click()
    page.get_by_text("No piece model yet").wait_for()


def show_kept(page: Any) -> None:
    """Makes two things, and looks at one of them again."""
    show_text(page)
    show_melody(page)
    page.get_by_role("tab", name="Kept").click()
    page.locator("#kept-list label").filter(has_text="folk").first.click()
    page.locator("#kept-seen svg").wait_for()


def _taken(page: Any, path: Path, **how: Any) -> None:
    """The picture in 128 colours, a quarter of the size: the repository holds every one there ever was."""
    whole = Image.open(io.BytesIO(page.screenshot(**how))).convert("RGB")
    whole.quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)


def _unfold(page: Any, tab: str, heading: str) -> None:
    page.locator(f"#tab-{tab} button.label-wrap").get_by_text(heading, exact=True).click()


_SHOWN_AGAIN = {"train": show_trained}
"""What takes too long to be done twice."""
_TABS = {
    "text": show_text,
    "melody": show_melody,
    "harmony": show_harmony,
    "voices": show_voices,
    "inside": show_inside,
    "train": show_training,
    "kept": show_kept,
}
"""Every tab, in both themes, as high as the window."""
_WHOLE = {
    "acrostic": show_acrostic,
    "chords": show_chords,
    "sheet": show_sheet,
    "tokens": show_tokens,
    "variations": show_variations,
}
"""What one does in a tab, whole."""
_TELEPHONE = {"text-narrow": show_text, "melody-narrow": show_melody}


def take(address: str, folder: Path) -> Iterator[Path]:
    """Every tab by day and by night, what one does in them, and two of them on a telephone."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, show in _TABS.items():
        yield _picture(address, folder / f"studio-{name}.png", show)
        yield _picture(address, folder / f"studio-{name}-dark.png", _SHOWN_AGAIN.get(name, show), dark=True)
    for name, show in {**_WHOLE, **_TELEPHONE}.items():
        yield _picture(address, folder / f"studio-{name}.png", show, whole=True, narrow=name in _TELEPHONE)


def _picture(address: str, path: Path, show: Callable[[Any], None], *, whole: bool = False, **how: bool) -> Path:
    with opened(address, **how) as page:
        show(page)
        page.mouse.move(0, 0)
        page.evaluate("window.scrollTo(0, 0)")
        _taken(page, path, full_page=whole)
    return path


def main() -> None:
    with TemporaryDirectory() as aside:
        trainings = Trainings(Path(aside) / "runs", Path(aside) / "corpora")
        kept = {"shelf": Shelf(Path(aside) / "results"), "presets": OwnPresets(Path(aside) / "presets")}
        runs = [open_run(name).folder for name in _SHOWN]
        warm(Library(runs))
        studio = build(runs, trainings=trainings, **kept)
        address = serve(studio, port=0)
        try:
            for path in take(address, Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")):
                print(path)
        finally:
            studio.close()


if __name__ == "__main__":
    main()
