"""The studio, assembled and served: tabs over the runs of this machine, for this machine.

`build` makes the page, `serve` lets it out behind the guard, `main` does both and stays.
"""

from __future__ import annotations

import secrets
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from toolkit.api.own_presets import OwnPresets, presets_folder
from toolkit.core import MissingExtraError, ToolkitError, UsageError

from . import guard
from .backstage import Backstage
from .library import Library
from .pacing import Stops
from .shelf import Shelf, shelf_folder
from .training import Trainings, corpora_folder, training_folder

if TYPE_CHECKING:
    import gradio as gr

_HERE = Path(__file__).resolve().parent
_SCRIPTS = ("page.js", "voice.js", "piano.js", "cards.js", "studio.js")
_WAITING = 64  # generations that may queue; who comes later is told so
_LOOKING = 0.01
"""Seconds between two looks for work; gradio's thousand a second keep a core busy with nothing."""
_HEADER = """<header class="masthead">
<svg viewBox="0 0 28 28" aria-hidden="true">
<rect width="28" height="28" rx="7"/><path d="M6 18h6M11 13h7M17 8h5"/></svg>
<div><h1>Studio</h1><p>Small recurrent models of text and melody, on this machine alone</p></div>
<button id="show-keys" type="button" aria-haspopup="dialog">Keys</button></header>
<dialog id="keys" aria-labelledby="keys-title"><h2 id="keys-title">Keys</h2><dl>
<dt>Ctrl + Enter</dt><dd>generate, look, or train</dd>
<dt>Alt + Enter</dt><dd>go on from what is there</dd><dt>Esc</dt><dd>stop, and keep what there is</dd>
<dt>Space</dt><dd>play, pause</dd><dt>← →</dt><dd>two seconds back or on</dd>
<dt>L</dt><dd>play again and again</dd><dt>?</dt><dd>this list</dd></dl>
<button id="hide-keys" type="button">Close</button></dialog>"""


def build(
    runs: Iterable[str | Path] | None = None,
    *,
    trainings: Trainings | None = None,
    shelf: Shelf | None = None,
    presets: OwnPresets | None = None,
) -> gr.Blocks:
    """The page, not yet served. ``runs`` are folders of runs; without them the shipped ones and those of ./runs.

    With ``trainings`` it can train, with a ``shelf`` it keeps results, with ``presets`` settings; all three are served
    to this machine alone.
    MissingExtraError when gradio is not installed.
    """
    page: gr.Blocks = _built(Backstage(Library(runs), Stops(), shelf, presets), trainings)
    return page


def serve(page: gr.Blocks, host: str = "127.0.0.1", port: int = 7860, password: str | None = None) -> str:
    """Serves the page from a thread of its own and returns its address; ``page.close()`` ends it.

    A ``host`` that other machines can reach needs a ``password``; UsageError without. ToolkitError when the port
    is taken; port 0 stands for any that is free.
    """
    guard.checked_address(host, password)
    if getattr(page, "private", False) and host not in guard.LOOPBACK:
        raise UsageError(f"a studio that trains and keeps results is for this machine alone, not for {host}.")
    from starlette.middleware import Middleware

    from .theme import theme

    page.queue(max_size=_WAITING, default_concurrency_limit=1)
    page._queue.sleep_when_free = _LOOKING
    try:
        _, address, _ = page.launch(
            server_name=host,
            server_port=port or _free_port(host),
            prevent_thread_lock=True,
            quiet=True,
            share=False,
            inbrowser=False,
            auth=_asking(password) if password else None,
            auth_message="Any name will do, the password will not." if password else None,
            show_error=False,
            enable_monitoring=False,
            run_history=False,
            allowed_paths=[],
            max_file_size=guard.LARGEST_UPLOAD,
            ssr_mode=False,
            pwa=False,
            mcp_server=False,
            strict_cors=True,
            footer_links=["api", "settings"],
            favicon_path=_HERE / "icon.png" if (_HERE / "icon.png").is_file() else None,
            theme=theme(),
            css_paths=_HERE / "studio.css",
            head="".join(f"<script>{(_HERE / each).read_text(encoding='utf-8')}</script>" for each in _SCRIPTS),
            app_kwargs={
                "middleware": [Middleware(guard.Guard, names=guard.answers_to(host))],
                "docs_url": None,
                "redoc_url": None,
                "openapi_url": None,
            },
        )
    except OSError as error:
        raise ToolkitError(f"the studio cannot listen on {host}, port {port}: {error}.") from None
    return str(address)


def main(host: str = "127.0.0.1", port: int = 7860, password: str | None = None) -> None:
    """Builds and serves the studio until interrupted."""
    guard.checked_address(host, password)
    library, trainings, keeping = Library(), None, {}
    if host in guard.LOOPBACK:
        trainings = Trainings(training_folder(), corpora_folder())
        keeping = {"shelf": Shelf(shelf_folder()), "presets": OwnPresets(presets_folder())}
    page = _built(Backstage(library, Stops(), **keeping), trainings)
    address = serve(page, host, port, password)
    print(f"The studio is open at {address} (Ctrl+C closes it).", file=sys.stderr)
    closing = threading.Event()
    warming = threading.Thread(target=warm, args=(library, closing), daemon=True)
    warming.start()
    try:
        page.block_thread()
    finally:  # a thread that is inside the network when the interpreter ends takes the process down with a message
        closing.set()
        warming.join()


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as listening:
        return int(listening.getsockname()[1])


def _built(behind: Backstage, trainings: Trainings | None) -> Any:
    guard.stay_offline()
    try:
        import gradio as gr
    except ImportError:
        raise MissingExtraError("the studio", "app") from None
    from .harmonising import connect_harmonising
    from .inside_tab import inside_tab
    from .kept_tab import kept_tab
    from .restoring import Restoring, open_dropped, open_links
    from .rooms import CHORALE, MELODY, ROOMS
    from .score_tab import score_tab
    from .text_tab import text_tab
    from .train_tab import train_tab

    _decode_on_one_thread()
    library, shelf = behind.library, behind.shelf
    with gr.Blocks(title="Studio", analytics_enabled=False, delete_cache=(600, 3600), fill_width=True) as page:
        gr.HTML(_HEADER)
        wanted = tuple(gr.State(None) for _ in ("text", *ROOMS))
        with gr.Tabs(elem_id="tabs") as tabs:
            with gr.Tab("Text", id="text", elem_id="tab-text"):
                places = {"text": text_tab(page, behind)}
            for room in ROOMS:
                with gr.Tab(room.title, id=room.makes, elem_id=f"tab-{room.makes}"):
                    places[room.domain] = score_tab(page, behind, room)
            restoring = Restoring(library, places, wanted)
            with gr.Tab("Look inside", id="inside", elem_id="tab-inside"):
                inside_tab(page, behind, trainings)
            if trainings is not None:
                with gr.Tab("Train", id="train", elem_id="tab-train"):
                    train_tab(page, trainings)
            if shelf is not None:
                with gr.Tab("Kept", id="kept", elem_id="tab-kept"):
                    kept_tab(page, shelf, tabs, restoring)
        connect_harmonising(places[MELODY.domain], places[CHORALE.domain], tabs, library)
        restoring.connect(tabs)
        for place in places.values():
            place.choice.renew(page, place.settings, place.tab)
        open_dropped(restoring)
        open_links(page, restoring)
    page.private = any(each is not None for each in (trainings, shelf, behind.presets))
    return page


def _decode_on_one_thread() -> None:
    """One sequence at a time is too little work to share out: a second thread gains nothing and unsettles the pace."""
    import torch

    torch.set_num_threads(1)


def warm(library: Library, closing: threading.Event | None = None) -> None:
    """Loads the runs that the page opens with, so that the first click finds them ready; stops when it is closing."""
    for domain in ("text", "music", "chorales"):
        for name in library.names(domain)[:1]:
            if closing is not None and closing.is_set():
                return
            try:
                library.open(domain, name).generate(length=8)
            except ToolkitError:
                return  # whoever generates with it will be told why


def _asking(password: str) -> Callable[[str, str], bool]:
    def admitted(name: str, given: str) -> bool:
        return secrets.compare_digest(given.encode(), password.encode())

    return admitted


__all__: list[Any] = ["build", "main", "serve", "warm"]
