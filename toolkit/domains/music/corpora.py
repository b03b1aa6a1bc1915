"""Corpora of melodies: a user's own MIDI and ABC files, beside the built-in collections of `folk`.

Knows which files a source means and how a melody is taken from one. Does not know what makes a tune good enough.
"""

from __future__ import annotations

import glob
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path

from toolkit.core import Corpus, Finding, InputError, UsageError
from toolkit.domains.music.families import find_families
from toolkit.domains.music.folk import built_in
from toolkit.domains.music.gathering import Gathered, Sentences, corpus_of, labelled, text_of, without_copies
from toolkit.score import TICKS, Score, extract_melody, in_order, read_midi, read_musicxml
from toolkit.score.abc import Tune, read_tunes

__all__ = ["ABC", "LARGEST", "MIDI", "WRITTEN", "built_in", "files_of", "nothing_left", "read"]

MIDI, ABC = frozenset({".mid", ".midi"}), frozenset({".abc"})
MUSICXML = frozenset({".musicxml", ".mxl", ".xml"})
WRITTEN = MIDI | MUSICXML | ABC
ONCE, PLAYED = "once", "played"
LARGEST = 1 << 26
"""Bytes of a file; larger ones are left out."""


def read(source: str, *, repeats: str = ONCE) -> Corpus[Score]:
    """The melodies of a MIDI, MusicXML or ABC file, of every such file in a folder and below it, or of what a glob
    matches.

    Of a file of several tracks the likeliest melody is taken, and of a tune whose meter or key changes the longest
    stretch in one. ``repeats`` of written music are read `ONCE` or as `PLAYED`. Exact copies are left out; versions
    of a tune fall into the same split. InputError when nothing is left, with the reason.
    """
    gathered, unfold = Gathered(), unfolds(repeats)
    for name, path in files_of(source):
        try:
            _take_file(name, path, gathered, unfold)
        except InputError as error:
            gathered.drop(name, str(error))
        except OSError as error:
            gathered.drop(name, f"it cannot be read: {error.strerror or error}.")
    if not gathered.documents:
        raise InputError(nothing_left(source, gathered.findings, "melody"))
    families = find_families(gathered.documents)
    kept, doubles = without_copies(gathered.documents, families)
    findings = [doubles.get(finding.name, finding) for finding in gathered.findings]
    title = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return corpus_of(title, source, "not stated", kept, findings, families)


def unfolds(repeats: str) -> bool:
    """Whether repeats are to be played; UsageError for anything but `ONCE` and `PLAYED`."""
    if repeats not in (ONCE, PLAYED):
        raise UsageError(f"repeats are read {ONCE} or {PLAYED}, not {repeats!r}.")
    return repeats == PLAYED


def files_of(source: str) -> list[tuple[str, Path]]:
    """(Name, path) of the files that ``source`` means, by name; InputError when there are none."""
    path = Path(source)
    if path.is_file():
        return [(path.name, path)]
    if path.is_dir():
        found = [(each.relative_to(path).as_posix(), each) for each in path.rglob("*") if each.is_file()]
        found = [(name, each) for name, each in found if not any(part.startswith(".") for part in name.split("/"))]
    else:
        root = Path(path.anchor)
        pattern = path.relative_to(root).as_posix() if source else "*"
        found = [(each.relative_to(root).as_posix(), each) for each in root.glob(pattern) if each.is_file()]
    if not found:
        raise InputError(f"{source} is no file, no folder with files and no pattern that matches one.")
    return sorted(found)


def _take_file(name: str, path: Path, gathered: Gathered, unfold: bool) -> None:
    suffix = path.suffix.lower()
    refuse_strange(path)
    if suffix not in ABC:
        gathered.take(name, partial(_extracted, path, unfold))
        return
    for label, tune in _tunes_in(name, path):
        gathered.take(label, partial(_abc_melody, tune, unfold))


def refuse_strange(path: Path) -> None:
    """InputError for a file that is no music, or is larger than `LARGEST`."""
    if path.suffix.lower() not in WRITTEN:
        raise InputError("it is neither MIDI (.mid, .midi) nor MusicXML (.musicxml, .mxl, .xml) nor ABC (.abc).")
    if path.stat().st_size > LARGEST:
        raise InputError(f"it is larger than {LARGEST >> 20} MB.")


def _tunes_in(name: str, path: Path) -> list[tuple[str, Tune]]:
    """The tunes of an ABC file by what to call them: a tune alone has the file's name."""
    tunes = list(labelled(name, text_of(path), "#"))
    return [(name, tunes[0][1])] if len(tunes) == 1 else tunes


def _abc_melody(tune: Tune, unfold: bool) -> tuple[Score, Sentences]:
    arrangement = tune.arrange(unfold=unfold)
    return _one_stretch(arrangement.score, arrangement.changes)


def score_in(path: Path, unfold: bool = False) -> tuple[Score, Sentences]:
    """The score in a MIDI, MusicXML or ABC file (of a tunebook the first tune), with all its parts, and what was left
    out of it. Repeats are played where it is to ``unfold`` them.
    """
    if path.suffix.lower() in MIDI:
        return read_midi(path), ()
    if path.suffix.lower() in ABC:
        sheet = next(read_tunes(text_of(path))).sheet(unfold=unfold)
    else:
        sheet = read_musicxml(path.read_bytes(), unfold=unfold)
    return sheet.score, sheet.findings


def scores_in(name: str, path: Path, unfold: bool) -> Iterator[tuple[str, Callable[[], tuple[Score, Sentences]]]]:
    """(What to call it, what reads it as `score_in` does) for the piece in a file, or each tune of a tunebook.

    InputError as from `refuse_strange`.
    """
    refuse_strange(path)
    if path.suffix.lower() in ABC:
        yield from ((label, partial(_sheet, tune, unfold)) for label, tune in _tunes_in(name, path))
    else:
        yield name, partial(score_in, path, unfold)


def _sheet(tune: Tune, unfold: bool) -> tuple[Score, Sentences]:
    sheet = tune.sheet(unfold=unfold)
    return sheet.score, sheet.findings


def _extracted(path: Path, unfold: bool) -> tuple[Score, Sentences]:
    whole, left_out = score_in(path, unfold)
    found = extract_melody(whole)
    score, changes = _one_stretch(found.score, found.notes)
    return replace(score, title=score.title or path.stem), (*left_out, *changes)


def _one_stretch(score: Score, changes: Sentences) -> tuple[Score, Sentences]:
    """The longest stretch of a melody in one meter and one key, beginning on a bar line of that meter."""
    borders = sorted({0, score.end} | {each.start for each in score.meters} | {each.start for each in score.keys})
    borders = [each for each in borders if each <= score.end]
    if len(score.meters) == len(score.keys) == 1 or len(borders) < 2:
        return replace(score, meters=score.meters[:1], keys=score.keys[:1]), changes
    begin, end = max(pairwise(borders), key=lambda pair: pair[1] - pair[0])
    meter = [each for each in score.meters if each.start <= begin][-1]
    key = ([each for each in score.keys if each.start <= begin] or score.keys)[-1]
    begin += (meter.start - begin) % meter.bar()
    (track,) = score.tracks
    notes = tuple(
        replace(note, start=note.start - begin, duration=min(note.end, end) - note.start)
        for note in track.notes
        if begin <= note.start < end
    )
    what = " and ".join(["meter"] * (len(score.meters) > 1) + ["key"] * (len(score.keys) > 1))
    said = f"its {what} changes; the longest stretch, {(end - begin) // TICKS} quarters in {meter} and {key}, was kept."
    tempo = [each for each in score.tempos if each.start <= begin][-1]
    tempos = [each for each in score.tempos if begin < each.start < end]
    cut = replace(
        score,
        tracks=(replace(track, notes=notes),),
        meters=(replace(meter, start=0),),
        keys=(replace(key, start=0),),
        tempos=in_order([replace(tempo, start=0), *(replace(each, start=each.start - begin) for each in tempos)]),
    )
    return cut, (*changes, said)


def nothing_left(source: str, findings: Sequence[Finding], what: str) -> str:
    """Why no file of ``source`` gave a ``what``, in one sentence."""
    if len(findings) == 1:
        return f"{source} gives no {what}: {findings[0].reason}"
    reasons: dict[str, list[str]] = defaultdict(list)
    for finding in findings:
        reasons[finding.reason].append(finding.name)
    reason, names = max(reasons.items(), key=lambda item: len(item[1]))
    return (
        f"none of the {len(findings)} files and tunes in {source} can be used; {len(names)} of them because: {reason}"
    )
