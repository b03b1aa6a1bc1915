"""Thirty-two people at once: each gets what it asked for, and nobody gets an error."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from toolkit.api import open_run

USERS = 32


@pytest.mark.slow
def test_thirty_two_users_get_each_their_own(address: str, runs: Path) -> None:
    from gradio_client import Client

    def user(number: int) -> Any:
        # All of them and the studio share one process here; a browser, too, waits longer than five seconds.
        client = Client(address, verbose=False, analytics_enabled=False, httpx_kwargs={"timeout": 60})
        if number % 4:
            asked = {"run": "poem", "prompt": f"the river {number}", "seed": number, "length": 60 + number}
            return client.predict(**asked, api_name="/generate_text")[0]
        notes = client.predict(run="tunes", notes="", file=None, seed=number, bars=4, api_name="/generate_melody")
        return Path(notes[4]).read_bytes()

    with ThreadPoolExecutor(USERS) as pool:
        made = list(pool.map(user, range(USERS)))
    poem, tunes = open_run(runs / "poem"), open_run(runs / "tunes")
    for number, each in enumerate(made):
        if number % 4:
            assert each == poem.generate(f"the river {number}", seed=number, length=60 + number).text
        else:
            assert each == tunes.generate(seed=number, bars=4).export(".mid")
