"""How the studio feels, in numbers: first words, updates, stopping, and what the page adds to a generation.

    python -m benchmarks.studio

Through the same interface that the page uses, on this machine, with the shipped checkpoints, after one generation that
does not count. The client is a process of its own, as a browser is. Of a short text the library's own time is measured
in turns with the studio's, on one thread as there. A long one takes a third more or less from one time to the next, so
there it is the processor that is asked: how much of what the studio used was not the library's. Stopping is measured in
a browser, from the press until the page says so.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import torch
from gradio_client import Client

from apps.screenshots import chromium
from apps.studio import build, serve
from benchmarks.commands import as_command
from toolkit.api import Run, Stream, open_run

_ROUNDS = 9
_FEW_ROUNDS = 5
_TEXT = {"run": "shakespeare", "prompt": "ROMEO:", "length": 200}
_LONG_ONES = {
    "a text searched for by 8 beams": ("text", {"run": "shakespeare", "length": 4000, "search": "beam", "beams": 8}),
    "a text read by 24 particles": ("text", {"run": "shakespeare", "length": 1500, "particles": 24}),
    "a melody of 64 bars by 64 particles": ("melody", {"run": "folk", "bars": 64, "density": 5, "particles": 64}),
}
"""What takes these checkpoints more than two seconds: the endpoint, and what is asked of it."""


class Visitor:
    """A client of the studio in a process of its own."""

    def __init__(self, address: str) -> None:
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _connect, (address,))

    def generation(self, tab: str, **asked: Any) -> tuple[float, float, float]:
        """Seconds from asking to the first that is new, the median seconds between updates, and to the end."""
        return self._process.submit(_generation, f"/generate_{tab}", asked).result()

    def leave(self) -> None:
        self._process.shutdown()


_client: Client
"""In the visitor's process: what it speaks with."""


def _connect(address: str) -> None:
    global _client  # one for each process, made as it begins
    _client = Client(address, verbose=False, analytics_enabled=False, download_files=False)  # nor does the page


def _generation(endpoint: str, asked: dict[str, Any]) -> tuple[float, float, float]:
    began = time.perf_counter()
    job = _client.submit(seed=7, api_name=endpoint, **asked)
    moments, seen = [], 0
    while not job.done():
        outputs = job.outputs()
        if any(isinstance(each[0], str) and each[0] != asked.get("prompt") for each in outputs[seen:]):
            moments.append(time.perf_counter() - began)
        seen = len(outputs)
        time.sleep(0.002)
    over = time.perf_counter() - began
    moments = moments or [over]
    apart = [b - a for a, b in pairwise(moments)]
    return moments[0], statistics.median(apart) if apart else 0.0, over


def library(run: Run) -> float:
    """Seconds that the library takes for the same text and its files."""
    began = time.perf_counter()
    result = run.generate(_TEXT["prompt"], seed=7, length=_TEXT["length"])
    result.export(".txt")
    result.export(".json")
    return time.perf_counter() - began


class Account:
    """What the processor does while streams are read: for them, and in all from ``began`` to the end of the last."""

    def __init__(self) -> None:
        self.began = time.process_time()
        self.inside = self.whole = 0.0

    @property
    def page(self) -> float:
        """Seconds for anything but the streams, as a share of theirs."""
        return self.whole / self.inside - 1


@contextmanager
def read_by(following: Callable[[Stream], Any]) -> Iterator[None]:
    """Streams whose next part comes by ``following``."""
    at_once = Stream.__next__
    Stream.__next__ = following  # type: ignore[assignment,method-assign]  # put back below
    try:
        yield
    finally:
        Stream.__next__ = at_once  # type: ignore[method-assign]  # as it was


@contextmanager
def accounted() -> Iterator[Account]:
    """Keeps an account of every stream that is read meanwhile."""
    account, at_once = Account(), Stream.__next__

    def counted(stream: Stream) -> Any:
        began = time.thread_time()
        try:
            return at_once(stream)
        except StopIteration:
            account.whole = time.process_time() - account.began
            raise
        finally:
            account.inside += time.thread_time() - began

    with read_by(counted):
        yield account


def page_share(visitor: Visitor, tab: str, asked: dict[str, Any]) -> tuple[float, float, float]:
    """(Seconds of a generation's streams, the page's share on top of them, seconds between updates), medians."""
    visitor.generation(tab, **asked)
    rounds = []
    for _ in range(_FEW_ROUNDS):
        with accounted() as account:
            _, apart, _ = visitor.generation(tab, **asked)
        rounds.append((account.inside, account.page, apart))
    inside, share, apart = (statistics.median(each) for each in zip(*rounds, strict=True))
    return inside, share, apart


def middle_of_nothing() -> float:
    """Seconds that a call of an app with one box takes, which gives back what it got, three times."""
    import gradio as gr

    def echo(text: str) -> Iterator[str]:
        for _ in range(3):
            yield text

    with gr.Blocks(analytics_enabled=False) as page:
        box = gr.Textbox()
        gr.Button().click(echo, box, box, api_name="echo")
    _, address, _ = page.launch(prevent_thread_lock=True, quiet=True)
    try:
        client = Client(address, verbose=False, analytics_enabled=False)
        client.predict("a", api_name="/echo")
        took = []
        for _ in range(_ROUNDS):
            began = time.perf_counter()
            client.predict("a", api_name="/echo")
            took.append(time.perf_counter() - began)
    finally:
        page.close()
    return statistics.median(took)


_STOPPED = """([tab, told]) => new Promise(resolve => {
    const began = performance.now(), line = document.querySelector(`#${tab}-line`);
    const seen = () => {
        const toast = document.querySelector(".toast-body")?.innerText ?? "";
        if (!(line.innerText + toast).includes(told)) return;
        watching.disconnect();
        resolve(performance.now() - began);
    };
    const watching = new MutationObserver(seen);
    setTimeout(() => resolve(null), 5000);
    watching.observe(document.body, { childList: true, subtree: true, characterData: true });
    document.querySelector(`#${tab}-stop`).click();
})"""
_MAY_PLAY = "--autoplay-policy=no-user-gesture-required"
_PACE = 0.002
"""Seconds that every part takes longer while stopping is measured, so that there is something to stop."""
_PAGE = "Now is the winter of our discontent made glorious summer by this sun of York. " * 240
_STOPS = {
    "a text, token by token": ("text", {"run": "shakespeare", "length": 4096}, "stopped"),
    "a search with 64 beams": (
        "text",
        {"run": "shakespeare", "length": 4096, "search": "beam", "beams": 64},
        "stopped",
    ),
    "a page of 19,000 characters being read": ("text", {"run": "shakespeare", "adapt_strength": 1}, "topped"),
    "a melody steered by 64 particles": (
        "melody",
        {"run": "folk", "density": 5, "bars": 64, "particles": 64},
        "stopped",
    ),
}


@contextmanager
def slowed() -> Iterator[None]:
    """Streams whose every part takes `_PACE` longer."""
    at_once = Stream.__next__

    def after_a_while(stream: Stream) -> Any:
        time.sleep(_PACE)
        return at_once(stream)

    with read_by(after_a_while):
        yield


def stopping(address: str) -> dict[str, float]:
    """Milliseconds in a browser from a press on Stop until the page says so, by what is stopped; medians."""
    from playwright.sync_api import sync_playwright

    took: dict[str, float] = {}
    with slowed(), sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=["--no-sandbox"])
        for what, (tab, asked, told) in _STOPS.items():
            page = browser.new_page()
            domain = {"melody": "music"}.get(tab, tab)
            page.goto(f"{address}?{urlencode({'tab': tab, 'seed': 7, **asked})}", wait_until="domcontentloaded")
            page.wait_for_function("id => document.querySelector(id)?.value === '7'", arg=f"#{domain}-seed input")
            if "adapt_strength" in asked:
                page.get_by_role("button", name="Adapting").first.click()
                page.locator(f"#{domain}-adapt_to textarea").fill(_PAGE)
            times = []
            for _ in range(_ROUNDS):
                page.locator(f"#{domain}-generate:not([disabled])").click()
                page.locator(f"#{domain}-stop:not([disabled])").wait_for()
                page.wait_for_timeout(400)
                times.append(page.evaluate(_STOPPED, [domain, told]) or math.inf)
                page.locator(f"#{domain}-generate:not([disabled])").wait_for()
                for toast in page.locator(".toast-close").all():
                    toast.click()
                page.locator(".toast-body").first.wait_for(state="detached")
            took[what] = statistics.median(times)
            page.close()
        browser.close()
    return took


_PLAY = "() => { const player = document.querySelector('#music-audio audio'); player.muted = true; player.play(); }"
_LIT = """() => new Promise(resolve => {
    const player = document.querySelector("#music-audio audio"), lit = new Map();
    const began = performance.now();
    const look = () => {
        for (const note of document.querySelectorAll("#music-roll .note.sounding"))
            if (!lit.has(note)) lit.set(note, player.currentTime - note.dataset.start);
        if (performance.now() - began < 4000) requestAnimationFrame(look);
        else resolve([...lit.values()]);
    };
    requestAnimationFrame(look);
})"""


def light(address: str) -> tuple[float, float]:
    """Seconds from the start of a note in the sound to its light on the roll, over four seconds: median, longest."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium(), args=["--no-sandbox", _MAY_PLAY])
        page = browser.new_page()
        page.goto(f"{address}?tab=melody&run=folk&seed=3", wait_until="domcontentloaded")
        page.wait_for_function("document.querySelector('#music-seed input')?.value === '3'")
        page.locator("#music-generate").click()
        page.locator("#music-download-mp3:not([disabled])").wait_for(timeout=60_000)
        page.wait_for_timeout(1000)  # for the roll to be drawn for the last time
        page.evaluate(_PLAY)
        behind = page.evaluate(_LIT)
        browser.close()
    return statistics.median(behind), max(behind)


def measured(visitor: Visitor, run: Run) -> list[tuple[str, str, str]]:
    """(What, measured, aim), medians of several rounds."""
    visitor.generation("text", **_TEXT)
    library(run)
    short = [(visitor.generation("text", **_TEXT), library(run)) for _ in range(_ROUNDS)]
    long = {what: page_share(visitor, tab, asked) for what, (tab, asked) in _LONG_ONES.items()}
    empty = middle_of_nothing()

    def middle(values: Any) -> float:
        return statistics.median(values)

    # What comes is seen at ticks of 50 ms, so that a median of differences would be one tick or the next.
    added_short = statistics.mean(seen[2] - alone for seen, alone in short)
    slowest = max(apart for _, _, apart in long.values())
    return [
        ("an endpoint that does nothing, by such a client", f"{1000 * empty:.0f} ms", ""),
        ("first words", f"{1000 * middle(seen[0] for seen, _ in short):.0f} ms", "at most 300 ms"),
        ("between updates of long ones", f"{1000 * slowest:.0f} ms", "at most 100 ms"),
        (f"added to {_TEXT['length']} tokens", f"{1000 * added_short:.0f} ms", "at most 100 ms"),
        *(
            (f"the page's share on top of {what}, {inside:.1f} s", f"{share:.1%}", "at most 5 %")
            for what, (inside, share, _) in long.items()
        ),
    ]


def main() -> None:
    torch.set_num_threads(1)
    page = build([open_run(each).folder for each in ("shakespeare", "folk")])
    address = serve(page, port=0)
    try:
        visitor = Visitor(address)
        rows = measured(visitor, open_run("shakespeare"))
        visitor.leave()
        middle, longest = light(address)
        rows.append(
            (
                "light behind the sound, median and longest",
                f"{1000 * middle:.0f}, {1000 * longest:.0f} ms",
                "under 50 ms",
            )
        )
        rows += [(f"stopping {what}", f"{took:.0f} ms", "at most 200 ms") for what, took in stopping(address).items()]
    finally:
        page.close()
    lines = ["| | measured | aim |", "|---|--:|--:|", *(f"| {' | '.join(row)} |" for row in rows)]
    table = "\n".join(lines) + "\n"
    Path("benchmarks/results/studio.md").write_text(
        f"# How the studio feels\n\nBy `python -m benchmarks.studio`, medians of {_ROUNDS} rounds, of long "
        f"ones {_FEW_ROUNDS}; of what is added to a short text the mean. The page's share of a long one is in time of "
        f"the processor: all that the studio used until the last token, but for what the library did.\n\n{table}"
    )
    print(table, end="")


if __name__ == "__main__":
    as_command(main)
