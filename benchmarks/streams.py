"""Token streams in a folder: the encoded splits of one corpus under several codecs, as plain arrays.

What is written here can be trained on where neither the corpus nor any codec is installed. Knows ids and files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from toolkit.batches import Encoded, Tokens
from toolkit.core import SPLITS, BoolArray, InputError, Split
from toolkit.domains.music.announcing import between


@dataclass(frozen=True)
class Stream:
    """The splits of a corpus as ids below ``size``.

    What stands between an id that ``opens`` and the next that ``closes`` is settled, and costs nothing.
    """

    name: str
    size: int
    splits: Mapping[Split, Encoded]
    opens: tuple[int, ...] = ()
    closes: tuple[int, ...] = ()

    @property
    def tokens_per_note(self) -> float:
        """In the training split, every token counted."""
        encoded = self.splits["train"]
        return encoded.predictions / encoded.measure["note"]


def write(stream: Stream, folder: Path) -> None:
    """Writes a stream into a subfolder of its name."""
    home = folder / stream.name
    home.mkdir(parents=True, exist_ok=True)
    dtype = "<u2" if stream.size <= 1 << 16 else "<u4"
    for split, encoded in stream.splits.items():
        np.save(home / f"{split}.npy", encoded.tokens.astype(dtype), allow_pickle=False)
        np.save(home / f"{split}.starts.npy", encoded.starts, allow_pickle=False)
    facts = {
        "size": stream.size,
        "opens": stream.opens,
        "closes": stream.closes,
        "measures": {split: dict(encoded.measure) for split, encoded in stream.splits.items()},
    }
    (home / "stream.json").write_text(json.dumps(facts, indent=1) + "\n")


def read(folder: Path, name: str) -> Stream:
    """The stream of that name; InputError when the folder holds none."""
    home = folder / name
    if not (home / "stream.json").is_file():
        known = ", ".join(sorted(each.parent.name for each in folder.glob("*/stream.json"))) or "none"
        raise InputError(f"{folder} holds no stream called {name!r}; there are {known}.")
    facts: dict[str, Any] = json.loads((home / "stream.json").read_text())
    opens, closes = tuple(facts.get("opens", ())), tuple(facts.get("closes", ()))

    def settled(ids: Tokens) -> BoolArray:
        return between(np.isin(ids, opens), np.isin(ids, closes))

    splits: dict[Split, Encoded] = {
        split: Encoded(
            np.load(home / f"{split}.npy", allow_pickle=False),
            np.load(home / f"{split}.starts.npy", allow_pickle=False),
            facts["measures"][split],
            settled if opens else None,
        )
        for split in SPLITS
    }
    return Stream(name, facts["size"], splits, opens, closes)
