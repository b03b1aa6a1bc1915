"""A browser to drive, and a page of the studio with everything about it that should not be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from toolkit.api import Stream


def a_browser(room: Any) -> Iterator[Any]:
    """A Chromium for a fixture; the test is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the browser test needs playwright")
    with playwright.sync_playwright() as player:
        playwright.expect.set_options(timeout=PATIENCE)
        try:
            found = player.chromium.launch(executable_path=room("screenshots").chromium(), args=["--no-sandbox"])
        except playwright.Error as error:
            if "Executable doesn't exist" not in str(error):
                raise
            pytest.skip("the browser test needs a Chromium")
        yield found
        found.close()


def _expect(found: Any) -> Any:
    from playwright.sync_api import expect  # tests without it are skipped before they come here

    return expect(found)


def slowly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets every part take two milliseconds, so that a generation lasts until it is stopped, however fast it is."""
    at_once = Stream.__next__

    def after_a_while(stream: Stream) -> Any:
        time.sleep(0.002)
        return at_once(stream)

    monkeypatch.setattr(Stream, "__next__", after_a_while)


PATIENCE = 30_000  # milliseconds: what comes in several messages is waited for, never read once and believed


class Watched:
    """A page of the studio, and everything about it that should not be."""

    def __init__(self, browser: Any, address: str, **how: Any) -> None:
        self.page = browser.new_page(**how)
        self.page.set_default_timeout(PATIENCE)
        self.wrong: list[str] = []
        host = urlsplit(address).netloc
        self.page.on("console", lambda each: self._note(each.text, each.type == "error"))
        self.page.on("pageerror", lambda each: self._note(str(each)))
        self.page.on("dialog", lambda each: (self._note(f"dialog {each.message}"), each.dismiss()))
        self.page.on("request", lambda each: self._note(each.url, self._foreign(each.url, host)))
        self.page.on("requestfailed", lambda each: self._note(f"failed {each.url}", each.failure != "net::ERR_ABORTED"))
        self.page.goto(address, wait_until="domcontentloaded")
        self.page.locator("#text-generate").wait_for()

    def _note(self, what: str, wrong: bool = True) -> None:
        if wrong:
            self.wrong.append(what)

    @staticmethod
    def _foreign(url: str, host: str) -> bool:
        return urlsplit(url).scheme not in ("data", "blob") and urlsplit(url).netloc != host

    def reload(self) -> None:
        """Opens the page anew. What that cuts off, the old page tells as an error, and it is none."""
        before = len(self.wrong)
        self.page.reload(wait_until="domcontentloaded")
        self.page.locator("#text-generate").wait_for(state="attached")
        del self.wrong[before:]

    def generated(self, kind: str, button: str = "generate") -> dict[str, Any]:
        """Presses a button, waits for the end, and gives the details of what was made."""
        before = self.page.locator(f"#{kind}-line").inner_text()
        self.page.locator(f"#{kind}-{button}").click()
        self.page.wait_for_function(
            "([kind, before]) => document.querySelector(`#${kind}-line`).innerText !== before", arg=[kind, before]
        )
        self.page.locator(f"#{kind}-generate:not([disabled])").wait_for()
        self.page.locator(f"#{kind}-line").get_by_text("tokens").first.wait_for()
        line = self.page.locator(f"#{kind}-line").inner_text()
        return {"line": line, "seed": int(line.split("seed ")[1].split()[0])}

    def number(self, kind: str, name: str, value: int) -> None:
        box = self.page.locator(f"#{kind}-{name} input").first
        box.fill(str(value))
        box.press("Tab")

    def shows(self, selector: str) -> Any:
        """What the first element a selector finds must come to say, as playwright's own patient assertions."""
        return _expect(self.page.locator(selector).first)

    def all(self, selector: str) -> Any:
        """The same of all that a selector finds, however many."""
        return _expect(self.page.locator(selector))

    @property
    def text(self) -> str:
        return str(self.page.locator("#text-output textarea").input_value())
