"""The runs that the studio offers: found in folders, called by name, kept open once used.

A name is looked up among what was found, and is never a path. Knows what a run folder contains only through
`toolkit.api`.
"""

from __future__ import annotations

import os
import textwrap
import threading
from collections.abc import Iterable, Iterator
from html import escape
from pathlib import Path
from typing import Any

from toolkit.api import Run, open_run
from toolkit.core import ToolkitError, unknown
from toolkit.core.places import shipped

_SHORT = 100  # characters of a fact that are shown at once


def default_folders() -> tuple[Path, ...]:
    """Where runs are looked for: what ships with the toolkit, then $TOOLKIT_RUNS, or else ./runs."""
    return shipped("checkpoints"), Path(os.environ.get("TOOLKIT_RUNS") or "runs")


class Library:
    """Runs by domain and name. ``folders`` hold run folders, or are some themselves; they may not exist yet."""

    def __init__(self, folders: Iterable[str | Path] | None = None) -> None:
        self._folders = default_folders() if folders is None else tuple(Path(each) for each in folders)
        self._open: dict[Path, tuple[tuple[int, ...], Run | None]] = {}
        self._lock = threading.Lock()

    def names(self, domain: str) -> list[str]:
        """The names of the runs of ``domain`` as they lie there now, shipped ones first."""
        return list(self._runs(domain))

    def open(self, domain: str, name: str | None) -> Run:
        """The run of that name; UsageError when there is none."""
        runs = self._runs(domain)
        if name not in runs:
            raise unknown(f"{domain} run", name or "", runs)
        return runs[name]

    def fellows(self, domain: str, name: str) -> list[str]:
        """The names of the other runs that share the codec of this one, so that they can be mixed."""
        runs = self._runs(domain)
        codec = runs[name].codec.fingerprint if name in runs else None
        return [each for each, run in runs.items() if each != name and run.codec.fingerprint == codec]

    def _runs(self, domain: str) -> dict[str, Run]:
        found: dict[str, Run] = {}
        with self._lock:
            for folder in self._candidates():
                run = self._opened(folder)
                if run is not None and run.domain.name == domain:
                    name = run.name if run.name not in found else f"{folder.parent.name}/{run.name}"
                    found.setdefault(name, run)
        return found

    def _candidates(self) -> Iterator[Path]:
        for folder in self._folders:
            if (folder / "config.json").is_file():
                yield folder.resolve()
            else:
                yield from sorted(each.parent.resolve() for each in folder.glob("*/config.json"))

    def _opened(self, folder: Path) -> Run | None:
        """The run there, read anew when it was written anew; None when it lacks weights or cannot be trusted."""
        try:
            written = tuple((folder / each).stat().st_mtime_ns for each in ("config.json", "model.safetensors"))
        except OSError:
            return None
        known = self._open.get(folder)
        if known is None or known[0] != written:
            try:
                known = written, open_run(folder)
            except ToolkitError:
                known = written, None
            self._open[folder] = known
        return known[1]


def card(run: Run) -> str:
    """What one should know of a run before using it, as HTML; nothing in it is taken for markup."""
    config = run.config
    model, result, corpus = config.model, config.result, config.corpus
    size = f"{result['parameters']:,} parameters" if "parameters" in result else ""
    shape = f"{model.get('layers')} × {model.get('width')} {str(model.get('cell', '')).upper()}"
    facts = [
        ("Learned from", str(corpus.get("name", ""))),
        ("Loss", _loss(result, run.domain.unit)),
        ("Model", ", ".join(each for each in (shape, size, f"{run.codec.name} codec") if each)),
        ("Licence", str(corpus.get("licence", ""))),
    ]
    rows = "".join(f"<div><dt>{name}</dt><dd>{_unfolding(text)}</dd></div>" for name, text in facts if text)
    return f'<dl class="card">{rows}</dl>'


def _unfolding(text: str) -> str:
    """The text as HTML; of a long one the beginning, and the whole when asked for."""
    if len(text) <= _SHORT:
        return escape(text)
    beginning = textwrap.shorten(text, _SHORT, placeholder=" …")
    return f"<details><summary>{escape(beginning)}</summary><p>{escape(text)}</p></details>"


def _loss(result: Any, unit: str) -> str:
    split = result.get("split", "validation")
    if unit == "byte" and "val_bits_per_byte" in result:
        return f"{result['val_bits_per_byte']:.3f} bits per byte ({split})"
    if f"val_nats_per_{unit}" in result:
        return f"{result[f'val_nats_per_{unit}']:.3f} nats per {unit} ({split})"
    return ""
