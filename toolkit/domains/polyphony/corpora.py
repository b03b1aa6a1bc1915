"""Corpora of polyphonic pieces: a user's own MIDI, MusicXML and ABC files. The published sets are in `rolls`.

Knows which files a source means and what of a MIDI file is kept. The grid that a codec wants is the codec's business.
"""

from __future__ import annotations

import glob
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from toolkit.core import Corpus, Document, Finding, InputError
from toolkit.domains.music.corpora import ONCE, files_of, nothing_left, scores_in, unfolds
from toolkit.domains.music.families import Families, placed
from toolkit.domains.music.gathering import Gathered, Sentences, corpus_of, without_copies
from toolkit.domains.polyphony.grid import sounding
from toolkit.score import TICKS, Score


def read(source: str, *, repeats: str = ONCE) -> Corpus[Score]:
    """The pieces of a MIDI, MusicXML or ABC file, of every such file in a folder and below it, or that a glob matches.

    Notes keep their tracks, on a grid of 24 ticks a quarter note; exact copies in whatever key are left out, and so is
    what has drums alone. ``repeats`` of written music are read `ONCE` or as `PLAYED`.
    InputError when nothing is left, with the reason.
    """
    gathered, unfold = Gathered(), unfolds(repeats)
    for name, path in files_of(source):
        try:
            for label, read_whole in scores_in(name, path, unfold):
                _take(gathered, label, read_whole)
        except InputError as error:
            gathered.drop(name, str(error))
        except OSError as error:
            gathered.drop(name, f"it cannot be read: {error.strerror or error}.")
    if not gathered.documents:
        raise InputError(nothing_left(source, gathered.findings, "piece"))
    names = {document.name for document in gathered.documents}
    families = Families({name: name for name in names}, placed(names))
    kept, doubles = without_copies(gathered.documents, families)
    findings = [doubles.get(finding.name, finding) for finding in gathered.findings]
    title = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return corpus_of(title, source, "not stated", kept, findings, families, domain="polyphony", called="pieces")


def _take(gathered: Gathered, name: str, read_whole: Callable[[], tuple[Score, Sentences]]) -> None:
    try:
        score, said = piece_of(*read_whole(), called=Path(name).stem)
    except InputError as error:
        gathered.drop(name, str(error))
        return
    gathered.documents.append(Document(name, score))
    gathered.findings.append(Finding(name, "changed" if said else "kept", said))


def piece_of(whole: Score, left_out: Sentences, *, called: str) -> tuple[Score, str]:
    """(A score as a piece on the grid, what had to be changed in it); InputError when it has no notes."""
    if not sounding(whole).notes:
        raise InputError("it has no notes but drums." if whole.notes else "it has no notes.")
    said = list(left_out)
    moved = sum((time * TICKS) % whole.resolution > 0 for note in whole.notes for time in (note.start, note.end))
    if moved:
        said.append(f"{moved:,} beginnings and ends of notes are moved to the nearest 24th of a quarter note.")
    score = whole.rescaled(TICKS)
    return replace(score, title=score.title or called), " ".join(said)
