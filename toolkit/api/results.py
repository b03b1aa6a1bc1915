"""A result: what was generated, with everything needed to make it again, and ways to keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import toolkit
from toolkit.api.originality import by_index
from toolkit.core import ToolkitError, UsageError, suffix_of, unknown
from toolkit.domains import Domain
from toolkit.originality import NgramIndex, Originality
from toolkit.runs import as_json, write_atomically


@dataclass(frozen=True)
class Result:
    """``item`` is the whole: what was given to go on from, and what was generated after it.

    ``tokens`` are the generated ids and ``log_probabilities`` the model's own, in nats. ``ending`` says why
    it ended: "stop" (the model did), "complete" (nothing may follow, for all that was asked is said), "length", "cut"
    (the controls said so), "filled" (a gap) or "interrupted". ``given`` is the item gone on from; ``index`` is of the
    training corpus, where the run has one; ``facts`` are what a search or a steering says of it.
    """

    domain: Domain[Any, Any]
    item: Any
    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    seed: int
    settings: Mapping[str, Any]
    prompt: str | None
    run: str
    checkpoint: str
    engine: str
    precision: str
    ending: str
    given: Any = None
    index: NgramIndex | None = field(default=None, compare=False, repr=False)
    facts: Mapping[str, Any] = field(default_factory=dict)
    handed_over: bool = field(default=False, compare=False)
    """Whether ``given`` was handed over by who asked, so that the prompt only says what it is called."""

    @property
    def text(self) -> str:
        """The item as it is printed."""
        return self.domain.show(self.item)

    @property
    def details(self) -> dict[str, Any]:
        """What travels with a saved result; the same details make the same result again."""
        return {
            "toolkit": toolkit.__version__,
            "run": self.run,
            "checkpoint": self.checkpoint,
            "engine": self.engine,
            "precision": self.precision,
            "seed": self.seed,
            "prompt": self.prompt,
            **({"given": self.domain.data(self.given)} if self.handed_over or self._from_file else {}),
            "settings": dict(self.settings),
            "ending": self.ending,
            "tokens": len(self.tokens),
            **({"found": dict(self.facts)} if self.facts else {}),
            **({} if self.originality is None else {"originality": self.originality.data()}),
        }

    @cached_property
    def originality(self) -> Originality | None:
        """How much of what was generated the training corpus holds, by its hashes; None without an index.

        `Run.originality` compares with the corpus itself where it is installed.
        """
        return None if self.index is None else by_index(self.index, self.domain.view, self.item, self.given)

    def export(self, suffix: str) -> bytes:
        """The result as a file's bytes; ``suffix`` like ".mid" chooses the format."""
        if suffix not in self.domain.exports:
            raise unknown(f"format for {self.domain.name}", suffix, self.domain.exports)
        return self.domain.exports[suffix](self.item, self.details)

    @property
    def _from_file(self) -> bool:
        """Whether the prompt only names what was given, which may lie elsewhere tomorrow."""
        prompt = self.prompt or ""
        return "\n" not in prompt and Path(prompt).suffix.lower() in self.domain.prompt_files

    def save(self, path: str | Path) -> Path:
        """Writes the result where ``path`` says, in the format of its suffix, and its details into the sidecar."""
        path = Path(path)
        suffix = suffix_of(path, self.domain.exports)
        if not suffix:
            raise UsageError(f"{path} needs a suffix: one of {' '.join(sorted(self.domain.exports))}.")
        if path.is_dir():
            raise ToolkitError(f"{path} is a folder.")
        content = self.export(suffix.lower())
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content)
        if path.suffix.lower() != ".json":  # which holds the details itself
            write_atomically(sidecar(path), as_json(self.details))
        return path


def sidecar(path: Path) -> Path:
    """The file beside a result that tells how it was made."""
    return path.with_name(f"{path.name}.json")
