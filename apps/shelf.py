"""Every result kept on disk with its settings, until it is deleted: the folder behind the tab `Kept`.

One file a result, written whole or not at all. Knows results as the library exports and rebuilds them; draws nothing.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit import domains
from toolkit.api import Recipe, Result
from toolkit.core import InputError, UsageError
from toolkit.runs import as_json, write_atomically

_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{8}")
_EXCERPT = 120
_MOST = 2000
"""Results that are listed at once, the newest."""


@dataclass(frozen=True)
class Entry:
    """A kept result as a list shows it."""

    name: str
    when: str
    domain: str
    run: str
    seed: int
    excerpt: str


@dataclass(frozen=True)
class Kept:
    """A kept result whole: its ``item``, and the details that make it again."""

    domain: str
    item: Any
    shown: str
    details: dict[str, Any]

    def export(self, suffix: str) -> bytes:
        """The item as a file's bytes."""
        content: bytes = domains.find(self.domain).exports[suffix](self.item, self.details)
        return content

    @property
    def recipe(self) -> Recipe:
        details = self.details
        named = ("run", "checkpoint", "seed", "prompt", "settings")
        return Recipe(**{each: details[each] for each in named}, given=details.get("given"))


class Shelf:
    """The results in ``folder``, which need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def keep(self, result: Result) -> str:
        """Writes a result down and gives the name it is kept by."""
        name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(4)}"
        self.folder.mkdir(parents=True, exist_ok=True)
        kept = {
            "domain": result.domain.name,
            "item": result.domain.data(result.item),
            "shown": result.text,
            "details": result.details,
        }
        write_atomically(self.folder / f"{name}.json", as_json(kept))
        return name

    def entries(self, query: str = "") -> list[Entry]:
        """What is kept, the newest first, where every word of ``query`` is in the model's name, text or settings."""
        words = query.lower().split()
        return [entry for entry, haystack in self._listed() if all(word in haystack for word in words)]

    def open(self, name: str) -> Kept:
        """The result kept by that name; UsageError where none is, InputError where it is damaged."""
        try:
            data = json.loads(self._place(name).read_text(encoding="utf-8"))
            domain = domains.find(data["domain"])
            return Kept(domain.name, domain.of_data(data["item"]), str(data["shown"]), dict(data["details"]))
        except OSError:
            raise UsageError("that result is not kept any more.") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise InputError("that result is damaged.") from None

    def delete(self, name: str) -> None:
        """Deletes it for good."""
        self._place(name).unlink(missing_ok=True)

    def _listed(self) -> Iterator[tuple[Entry, str]]:
        for path in sorted(self.folder.glob("*.json"), reverse=True)[:_MOST]:
            if not _NAME.fullmatch(path.stem):
                continue
            try:
                text = path.read_text(encoding="utf-8")
                data = json.loads(text)
                details, shown = data["details"], str(data["shown"])
                excerpt = " ".join(shown.split())[:_EXCERPT]
                when = f"{path.stem[:4]}-{path.stem[4:6]}-{path.stem[6:8]} {path.stem[9:11]}:{path.stem[11:13]}"
                yield Entry(path.stem, when, data["domain"], details["run"], details["seed"], excerpt), text.lower()
            except (OSError, ValueError, KeyError, TypeError, RecursionError):
                continue  # a damaged one is not listed, and keeps none from being

    def _place(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise UsageError("no result goes by that name.")
        return self.folder / f"{name}.json"


def shelf_folder() -> Path:
    """Where results are kept: $TOOLKIT_RESULTS, or else ./results."""
    return Path(os.environ.get("TOOLKIT_RESULTS") or "results")
