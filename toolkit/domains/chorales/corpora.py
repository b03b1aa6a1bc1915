"""Corpora of chorales: those of J. S. Bach in the music21 wheel, and a user's own MIDI, MusicXML and ABC files.

music21 itself is never imported and nothing of its corpus is copied. Knows files and scores, no token.
"""

from __future__ import annotations

import glob
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

from toolkit.core import BuiltIn, Corpus, Document, Finding, InputError, MissingExtraError
from toolkit.domains.chorales.chorale import ChoraleCodec
from toolkit.domains.chorales.quartet import VOICES, governing
from toolkit.domains.chorales.sixteenths import SIXTEENTHS_SET
from toolkit.domains.music.corpora import ONCE, files_of, nothing_left, score_in, scores_in, unfolds
from toolkit.domains.music.families import find_families
from toolkit.domains.music.folk import music21_corpus
from toolkit.domains.music.gathering import Gathered, Sentences, corpus_of, without_copies
from toolkit.score import MODES, Key, Score

_SOURCE = "Four-part settings by J. S. Bach, in MusicXML, from music21's corpus/bach"
_LICENCE = (
    "The music is in the public domain. The files name who encoded them and state no licence; music21 says that it "
    "distributes them with the encoders' permission, and that some of the encodings it carries may not be used "
    "commercially."
)


def read(source: str, *, repeats: str = ONCE) -> Corpus[Score]:
    """The chorales of a MIDI, MusicXML or ABC file, of such files in a folder and below it, or that a glob matches.

    Each has four parts, from the soprano down. Copies are left out in whatever key; chorales on one soprano fall into
    the same split. ``repeats`` of written music are read `ONCE` or as `PLAYED`.
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
        raise InputError(nothing_left(source, gathered.findings, "chorale"))
    title = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return _corpus(title, source, "not stated", gathered)


def _take(gathered: Gathered, name: str, read_whole: Callable[[], tuple[Score, Sentences]]) -> None:
    """Keeps a chorale, or says why not. Silent tracks are left out, and so are tempos but the first."""
    try:
        whole, left_out = read_whole()
    except InputError as error:
        gathered.drop(name, str(error))
        return
    score, rekeyed = _plain(whole)
    said = " ".join(filter(None, (*left_out, rekeyed)))
    reason = ChoraleCodec().reason(score)
    if reason is not None:
        gathered.drop(name, reason)
        return
    gathered.documents.append(Document(name, replace(score, title=score.title or name)))
    gathered.findings.append(Finding(name, "changed" if said else "kept", said))


def _plain(score: Score) -> tuple[Score, str]:
    """The score in one key, its final's, and what of that is a change."""
    tracks = tuple(track for track in score.tracks if track.notes)
    score = replace(score, tracks=tracks, tempos=score.tempos[:1])
    if len(tracks) != len(VOICES) or len(score.meters) > 1:
        return score, ""
    told = governing(score)[1]
    key = _key_of_the_final(told, score)
    said = f"its signature is read as {key}, by its last bass note, and not as {told}." if key != told else ""
    return replace(score, keys=(key,)), said


def _key_of_the_final(told: Key, score: Score) -> Key:
    """The mode on the signature of ``told`` whose tonic the last bass note is; ``told`` where there is none.

    Files give a signature and seldom the mode; many chorales are dorian, phrygian or mixolydian.
    """
    final = score.tracks[-1].notes[-1].pitch % 12
    if final == told.tonic:
        return told
    modes = [mode for mode in MODES if mode not in ("locrian", "lydian")]
    return next((key for mode in modes if (key := Key.from_fifths(told.fifths, mode)).tonic == final), told)


def _corpus(name: str, source: str, licence: str, gathered: Gathered) -> Corpus[Score]:
    sopranos = [Document(each.name, replace(each.item, tracks=each.item.tracks[:1])) for each in gathered.documents]
    families = find_families(sopranos)
    kept, doubles = without_copies(gathered.documents, families)
    findings = [doubles.get(finding.name, finding) for finding in gathered.findings]
    return corpus_of(name, source, licence, kept, findings, families, domain="chorales", called="chorales")


@cache
def _bach() -> Corpus[Score]:
    corpus = music21_corpus()
    if corpus is None or not (corpus / "bach").is_dir():
        raise MissingExtraError("the corpus bach", "corpora")
    gathered = Gathered()
    for path in sorted((corpus / "bach").glob("*.*")):
        if path.suffix in (".mxl", ".xml"):
            _take(gathered, path.stem, partial(score_in, path))
    return _corpus("bach", _SOURCE, _LICENCE, gathered)


def _available() -> bool:
    corpus = music21_corpus()
    return corpus is not None and (corpus / "bach").is_dir()


built_in: Mapping[str, BuiltIn[Score]] = {
    "bach": BuiltIn(
        name="bach",
        domain="chorales",
        about="Chorales of J. S. Bach in four voices, with fermatas, split by their sopranos.",
        source=_SOURCE,
        licence=_LICENCE,
        size="410 files, 364 of them in four parts",
        open=_bach,
        available=_available,
        needs="corpora",
    ),
    SIXTEENTHS_SET.name: SIXTEENTHS_SET,
}
