"""The folk collections inside the music21 wheel: where they lie, what they are, and under which licence.

music21 itself is never imported and nothing of its corpus is copied. Knows the collections; does not know how a tune
is parsed or chosen.
"""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from toolkit.core import BuiltIn, Corpus, MissingExtraError
from toolkit.domains.music.families import Families, find_families
from toolkit.domains.music.gathering import Gathered, Sentences, corpus_of, labelled, text_of, without_copies
from toolkit.score import Key, Score
from toolkit.score.abc import Tune

_PUBLIC_DOMAIN = (
    "The tunes, printed {printed}, are in the public domain. The files name who transcribed them ({by}) and state no "
    "licence; music21 says that it distributes them with the encoders' permission, and that some of the encodings it "
    "carries may not be used commercially."
)


@dataclass(frozen=True)
class Collection:
    """A folder of tunebooks in music21's corpus. ``modal`` is False where K: gives the tonic and never the mode."""

    name: str
    folder: str
    about: str
    source: str
    licence: str
    size: str
    modal: bool = True


COLLECTIONS = {
    each.name: each
    for each in (
        Collection(
            "ryans",
            "ryansMammoth",
            "Reels, jigs, hornpipes, clogs and strathspeys for the fiddle, Boston 1883.",
            "Ryan's Mammoth Collection of Fiddle Tunes (1883), in ABC, from music21's corpus/ryansMammoth",
            _PUBLIC_DOMAIN.format(printed="in 1883", by="Ray Davies, John Chambers, John B. Walsh and others"),
            "1,059 tunes, 122,000 notes",
        ),
        Collection(
            "oneills",
            "oneills1850",
            "Irish airs, jigs, reels, hornpipes and marches, Chicago 1903.",
            "O'Neill's Music of Ireland, 1850 Melodies (1903), in ABC, from music21's corpus/oneills1850",
            _PUBLIC_DOMAIN.format(printed="in 1903", by="Norbert Paap, Frank Nordberg, John Walsh and others"),
            "2,009 tunes, 217,000 notes",
        ),
        Collection(
            "airds",
            "airdsAirs",
            "Scots, English, Irish and foreign airs for the fife, violin or flute, Glasgow 1778 to 1801.",
            "James Aird, A Selection of Scotch, English, Irish and Foreign Airs (1778-1801), in ABC, "
            "from music21's corpus/airdsAirs",
            _PUBLIC_DOMAIN.format(printed="from 1778 to 1801", by="Jack Campin, www.campin.me.uk, 2009"),
            "1,180 tunes, 109,000 notes",
        ),
        Collection(
            "essen",
            "essenFolksong",
            "Folk songs, most of them German, many Chinese; their modes are found from the notes.",
            "The Essen Folksong Collection (H. Schaffrath and others), in ABC, from music21's corpus/essenFolksong",
            "NON-COMMERCIAL. Ewa Dahlig-Turek and Seymour Shlien gave permission for non-commercial distribution and "
            'use of these files in music21; the licence file adds: "The legal status of the Essen folksong database is '
            'unclear, as the data has been input by many people."',
            "8,514 songs, 450,000 notes",
            modal=False,
        ),
    )
}
POOLED = ("ryans", "oneills", "airds")


def music21_corpus() -> Path | None:
    """music21's corpus folder, found without importing music21; None where it is not installed."""
    try:
        found = importlib.util.find_spec("music21")
    except (ImportError, ValueError):
        return None
    if found is None or found.origin is None:
        return None
    corpus = Path(found.origin).parent / "corpus"
    return corpus if corpus.is_dir() else None


def _available(names: Sequence[str]) -> bool:
    corpus = music21_corpus()
    return corpus is not None and all((corpus / COLLECTIONS[name].folder).is_dir() for name in names)


def _open(name: str, parts: Sequence[str], licence: str, source: str) -> Corpus[Score]:
    """A built-in corpus of one or several collections; MissingExtraError without music21's files."""
    if not _available(parts):
        raise MissingExtraError(f"the corpus {name}", "corpora")
    pool = POOLED if set(parts) <= set(POOLED) and _available(POOLED) else tuple(parts)
    families = _families(pool)
    gathered = [_gathered(part) for part in parts]
    documents = [document for part in gathered for document in part.documents]
    kept, doubles = without_copies(documents, families, _number)
    findings = [doubles.get(finding.name, finding) for part in gathered for finding in part.findings]
    return corpus_of(name, source, licence, kept, findings, families)


def _number(name: str) -> str | None:
    """The number in print: O'Neill's count through all their files, several of which were transcribed twice."""
    collection, *_, number = name.split("/")
    return number.partition("-")[0] if collection == "oneills" else None


def _single(collection: Collection) -> BuiltIn[Score]:
    return BuiltIn(
        name=collection.name,
        domain="music",
        about=collection.about,
        source=collection.source,
        licence=collection.licence,
        size=collection.size,
        open=lambda: _open(collection.name, (collection.name,), collection.licence, collection.source),
        available=lambda: _available((collection.name,)),
        needs="corpora",
    )


_FOLK_SOURCE = "; ".join(COLLECTIONS[name].source for name in POOLED)
_FOLK_LICENCE = " ".join(f"{name}: {COLLECTIONS[name].licence}" for name in POOLED)

built_in: Mapping[str, BuiltIn[Score]] = {
    "folk": BuiltIn(
        name="folk",
        domain="music",
        about="Ryan's, O'Neill's and Aird's collections in one, without copies, split by tune family.",
        source=_FOLK_SOURCE,
        licence=_FOLK_LICENCE,
        size="4,248 tunes, 448,000 notes",
        open=lambda: _open("folk", POOLED, _FOLK_LICENCE, _FOLK_SOURCE),
        available=lambda: _available(POOLED),
        needs="corpora",
    ),
    **{name: _single(collection) for name, collection in COLLECTIONS.items()},
}
"""The corpora that a name stands for. A tune of ryans, oneills or airds is in the split it has in folk."""


@cache
def _families(names: tuple[str, ...]) -> Families:
    return find_families(document for name in names for document in _gathered(name).documents)


@cache
def _gathered(name: str) -> Gathered:
    """The tunes of a collection, kept in memory because parsing them takes seconds."""
    collection, corpus = COLLECTIONS[name], music21_corpus()
    if corpus is None:
        raise MissingExtraError(f"the corpus {name}", "corpora")
    gathered = Gathered()
    for path in sorted((corpus / collection.folder).glob("*.abc")):
        for label, tune in labelled(f"{name}/{path.stem}", text_of(path)):
            gathered.take(label, partial(_score, tune, collection.modal))
    return gathered


def _score(tune: Tune, modal: bool) -> tuple[Score, Sentences]:
    arrangement = tune.arrange()
    if modal:
        return arrangement.score, arrangement.changes
    score = arrangement.score
    key = Key(tune.key.tonic, _mode_of(score))
    if key == tune.key:
        return score, arrangement.changes
    said = f"the header gives the tonic {key.tonic_name} alone; the notes are {key}."
    return replace(score, keys=(key,)), (*arrangement.changes, said)


def _mode_of(score: Score) -> str:
    """The mode on the score's tonic whose scale holds the most of its sounding time; the commonest among equals."""
    weights: Counter[int] = Counter()
    for note in score.notes:
        weights[note.pitch % 12] += note.duration
    modes = ("major", "minor", "dorian", "mixolydian", "phrygian", "lydian")
    return max(modes, key=lambda mode: sum(weights[each] for each in Key(score.keys[0].tonic, mode).pitch_classes))
