"""Corpora of polyphonic pieces: a user's own MIDI and MusicXML files. The published sets are in `rolls`.

Knows which files a source means and what of a MIDI file is kept. The grid that a codec wants is the codec's business.
"""

from __future__ import annotations

import glob
from dataclasses import replace
from pathlib import Path

from toolkit.core import Corpus, Document, Finding, InputError
from toolkit.domains.music.corpora import LARGEST, MIDI, MUSICXML, files_of, nothing_left, score_in
from toolkit.domains.music.families import Families, placed
from toolkit.domains.music.gathering import Gathered, corpus_of, without_copies
from toolkit.domains.polyphony.grid import sounding
from toolkit.score import TICKS, Score


def read(source: str) -> Corpus[Score]:
    """The pieces of a MIDI or MusicXML file, of every such file in a folder and below it, or of what a glob matches.

    Notes keep their tracks, on a grid of 24 ticks a quarter note; exact copies in whatever key are left out, and so is
    what has drums alone. InputError when nothing is left, with the reason.
    """
    gathered = Gathered()
    for name, path in files_of(source):
        try:
            score, said = piece_in(path)
        except InputError as error:
            gathered.drop(name, str(error))
            continue
        except OSError as error:
            gathered.drop(name, f"it cannot be read: {error.strerror or error}.")
            continue
        gathered.documents.append(Document(name, score))
        gathered.findings.append(Finding(name, "changed" if said else "kept", said))
    if not gathered.documents:
        raise InputError(nothing_left(source, gathered.findings, "piece"))
    names = {document.name for document in gathered.documents}
    families = Families({name: name for name in names}, placed(names))
    kept, doubles = without_copies(gathered.documents, families)
    findings = [doubles.get(finding.name, finding) for finding in gathered.findings]
    title = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return corpus_of(title, source, "not stated", kept, findings, families, domain="polyphony", called="pieces")


def piece_in(path: Path) -> tuple[Score, str]:
    """(The piece in a MIDI or MusicXML file, what had to be changed in it); InputError when it has none."""
    if path.suffix.lower() not in MIDI | MUSICXML:
        raise InputError("it is neither MIDI (.mid, .midi) nor MusicXML (.musicxml, .mxl, .xml).")
    if path.stat().st_size > LARGEST:
        raise InputError(f"it is larger than {LARGEST >> 20} MB.")
    whole, left_out = score_in(path)
    if not sounding(whole).notes:
        raise InputError("it has no notes but drums." if whole.notes else "it has no notes.")
    said = list(left_out)
    moved = sum((time * TICKS) % whole.resolution > 0 for note in whole.notes for time in (note.start, note.end))
    if moved:
        said.append(f"{moved:,} beginnings and ends of notes are moved to the nearest 24th of a quarter note.")
    score = whole.rescaled(TICKS)
    return replace(score, title=score.title or path.stem), " ".join(said)
