"""Runs that a setting names, so that they are mixed in or sounded like: names become folders here, and never a path."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.engine.blend_settings import fellows

from .controls import RUNS
from .library import Library


@dataclass(frozen=True)
class Placed:
    """``settings`` with the folders of the runs they name; ``asked`` as they were asked for.

    ``places`` are those folders with the names they go by.
    """

    settings: Mapping[str, Any]
    asked: Mapping[str, Any]
    places: Mapping[str, str]


def placed(library: Library, domain: str, settings: Mapping[str, Any]) -> Placed:
    """UsageError when a setting names a run that the library does not offer."""
    asked = {name: settings[name] for name in RUNS if settings[name] is not None}
    places: dict[str, str] = {}

    def folder(name: str) -> str:
        found = str(library.open(domain, name).folder)
        places[found] = name
        return found

    found = {
        name: ",".join(f"{folder(each.run)}:{each.weight}" for each in fellows(text)) for name, text in asked.items()
    }
    return Placed({**settings, **found}, asked, places)
