"""Presets that a user keeps: settings under a name, a file each, for the studio and for `--preset`.

Knows names, domains and files. What the settings mean, and whether a run has them, is the run's to say.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.core import InputError, UsageError, unknown
from toolkit.runs import as_json, write_atomically

_NAME = re.compile(r"\w[\w -]{0,39}")


class OwnPresets:
    """The presets in ``folder``, by domain; it need not exist yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self, domain: str) -> list[str]:
        """What is kept for a domain, in order."""
        return sorted(each.stem for each in (self.folder / domain).glob("*.json") if _NAME.fullmatch(each.stem))

    def settings(self, domain: str, name: str) -> Mapping[str, Any]:
        """The settings kept by that name; UsageError where none are, InputError where they are damaged."""
        if name not in self.names(domain):
            raise unknown("preset", name, self.names(domain))
        try:
            settings = json.loads(self._place(domain, name).read_text(encoding="utf-8"))["settings"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            settings = None
        if not isinstance(settings, dict):
            raise InputError(f"the preset {name} is damaged.")
        return settings

    def keep(self, domain: str, name: str, settings: Mapping[str, Any]) -> None:
        """Writes settings down, over those that went by this name; UsageError for a name that cannot be."""
        if not _NAME.fullmatch(name) or name != name.strip():
            raise UsageError("a preset's name is up to 40 letters, digits, blanks, - and _, and begins with no blank.")
        (self.folder / domain).mkdir(parents=True, exist_ok=True)
        write_atomically(self._place(domain, name), as_json({"settings": dict(settings)}))

    def delete(self, domain: str, name: str) -> None:
        """Forgets it; UsageError where there is none."""
        if name not in self.names(domain):
            raise unknown("preset", name, self.names(domain))
        self._place(domain, name).unlink(missing_ok=True)

    def _place(self, domain: str, name: str) -> Path:
        return self.folder / domain / f"{name}.json"


def presets_folder() -> Path:
    """Where a user's presets are kept: $TOOLKIT_PRESETS, or else ./presets."""
    return Path(os.environ.get("TOOLKIT_PRESETS") or "presets")
