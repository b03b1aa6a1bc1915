"""Results made again from what travels with them: the details inside a file, or in the sidecar beside it.

Knows where details lie and what of them decides a result. How they are made is `toolkit.api.results`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from toolkit import runs
from toolkit.api.results import sidecar
from toolkit.api.running import Run, open_run
from toolkit.api.streaming import Stream
from toolkit.core import CheckpointError, InputError, ToolkitError, UsageError
from toolkit.engine import AUTOMATIC, ENGINES

_LARGEST = 1 << 26
_MIDI = frozenset({".mid", ".midi"})


@dataclass(frozen=True)
class Recipe:
    """What decides a result: a run by name and weights, a seed, what to go on from, and all settings.

    ``place`` of ``count`` is which of several a search or a filling gave; ``engine`` is what ran the model.
    """

    run: str
    checkpoint: str
    seed: int
    prompt: str | None = None
    given: Any = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    place: int = 1
    count: int = 1
    engine: str = AUTOMATIC

    def open(self, run: str | Path | None = None, *, engine: str = AUTOMATIC, **how: Any) -> Run:
        """The run it was made with, found by its name or given; CheckpointError when its weights are others.

        Unless an ``engine`` is named, the one that made the result runs it again.
        """
        engine = self.engine if engine == AUTOMATIC else engine
        opened = open_run(_found(self.run) if run is None else run, engine=engine, **how)
        if opened.checkpoint != self.checkpoint:
            raise CheckpointError(
                f"it was made by other weights than those of {opened.folder} "
                f"({self.checkpoint[:12]}, not {opened.checkpoint[:12]})."
            )
        return opened

    def stream(self, run: Run, *, seed: int | None = None, **changes: Any) -> Stream:
        """The result once more, as a stream; with a ``seed`` or settings of one's own, another like it."""
        given = None if self.given is None else run.domain.of_data(self.given)
        found: Iterator[Stream] = run.streams(
            self.prompt,
            given=given,
            count=self.count,
            seed=self.seed if seed is None else seed,
            **{**self.settings, **changes},
        )
        chosen = next(islice(found, self.place - 1, None), None)
        if chosen is None:
            raise ToolkitError(f"number {self.place} of what was found is not there any more.")
        return chosen


def recipe_in(path: str | Path) -> Recipe:
    """How the result in a file was made: told by the file (.mid, .json), or by the sidecar beside it.

    InputError when neither tells.
    """
    path = Path(path)
    details = _details(path)
    try:
        settings, found = details["settings"], details.get("found", {})
        recipe = Recipe(
            run=details["run"],
            checkpoint=details["checkpoint"],
            seed=details["seed"],
            prompt=details["prompt"],
            given=details.get("given"),
            settings=settings,
            place=found.get("place", 1),
            count=found.get("of", 1),
            engine=_engine(details),
        )
    except KeyError as error:
        raise InputError(f"the details in {path} do not say all that made it: {error.args[0]} is missing.") from None
    except (AttributeError, TypeError):
        raise InputError(f"the details in {path} are damaged.") from None
    kinds = ((recipe.run, str), (recipe.checkpoint, str), (recipe.seed, int), (settings, dict))
    right = all(type(value) is kind for value, kind in kinds) and isinstance(recipe.prompt, str | None)
    if (
        not right
        or type(recipe.place) is not int
        or type(recipe.count) is not int
        or not (1 <= recipe.place <= recipe.count <= 100_000)
    ):
        raise InputError(f"the details in {path} are damaged.")
    return recipe


def _engine(details: Mapping[str, Any]) -> str:
    """The engine that made a result: the only one that its details name, be it for one model or for several."""
    named = set(re.findall(r"[a-z0-9-]+", str(details.get("engine", "")))) & ENGINES.keys()
    if len(named) != 1:
        return AUTOMATIC
    name = f"{min(named)}-{details.get('precision')}"
    return name if name in ENGINES else min(named)


def _details(path: Path) -> Mapping[str, Any]:
    beside = sidecar(path)
    if path.suffix.lower() == ".json":
        data = _read(path)
        return data["details"] if isinstance(data.get("details"), dict) else data
    if path.suffix.lower() in _MIDI:
        from toolkit.score import read_details

        told = read_details(path)
        if told is not None:
            return _parsed(told, path)
    if beside.is_file():
        return _read(beside)
    if not path.exists():
        raise InputError(f"there is no file {path}.")
    raise InputError(f"{path} does not say how it was made, and there is no {beside.name} beside it.")


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path} is too large to be the details of a result.")
        return _parsed(path.read_text(encoding="utf-8"), path)
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None


def _parsed(text: str, path: Path) -> dict[str, Any]:
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise InputError(f"what {path} says of how it was made cannot be read.")
    return data


def _found(name: str) -> Path:
    """The folder of a run by the name that details tell: a shipped one, or one in ./runs or here."""
    if name in runs.shipped_runs():
        return runs.find(name)
    for folder in (Path("runs") / name, Path(name)):
        if (folder / "config.json").is_file():
            return folder
    raise UsageError(f"it was made with a run called {name!r}, which is neither shipped nor in runs/: name its folder.")
