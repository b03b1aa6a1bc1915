"""A melody taken into the tab that sets voices under one. Knows the two tabs' controls; no model."""

from __future__ import annotations

from typing import Any

import gradio as gr

from toolkit import domains
from toolkit.core import UsageError

from .events import ANSWERED
from .library import Library
from .restoring import Place
from .workbench import explained

_GIVEN = "soprano"


def connect_harmonising(melody: Place, chorale: Place, tabs: Any, library: Library) -> None:
    """Lets the melody's button put it where the other tab takes one to harmonise, and turn to that tab."""

    def taken(last: Any) -> list[Any]:
        with explained():
            if last is None:
                raise UsageError("there is no melody yet: generate one first.")
            if not library.names("chorales"):
                raise UsageError("there is no model of chorales yet that could set voices under it.")
            domain = domains.find("music")
            abc = domain.exports[".abc"](domain.of_data(last), {}).decode()
        return [gr.update(selected=chorale.tab), abc]

    melody.harmonise.click(taken, melody.last, [tabs, chorale.settings.control(_GIVEN)], **ANSWERED)
