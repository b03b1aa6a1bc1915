"""Tune families: which tunes are versions of one another, so that no version of a tune crosses a split.

Folk collections print a tune again and again, in other keys and meters, with other ornaments and other titles; a
random split would test a model on what it was trained on. Knows notes and names, no file.

Two tunes are one family when they share enough contours, seen in either of two ways: note after note, repeated notes
counted once, and from beat to beat, where ornaments do not show. A contour is a run of steps in scale degrees, so it is
the same in every key and nearly the same in major and minor. Contours as fingerprints of melodies: Downie,
"Evaluating a simple approach to music information retrieval" (1999), which uses semitones.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from toolkit.core import Document, Split
from toolkit.score import Score, detect_key

NOTE_STEPS, NOTES_SHARED = 12, 0.15
"""Contours of 13 different notes in a row; one family when the shorter tune shares more than this part of them."""

BEAT_STEPS, BEATS_SHARED = 8, 0.25
"""Contours of nine beats in a row, and the part that makes a family."""

FEWEST_SHARED = 4
"""Contours that two tunes must share in any case: short songs have few, and one turn of phrase is no kinship."""

VALIDATION, TEST = 0.90, 0.95
"""Where on the scale from 0 to 1, on which a family's name is hashed, each split begins; train is below."""

_DEGREE = (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6)
"""Scale degrees above the tonic for each semitone: both sizes of an interval are one degree."""

Contours = frozenset[tuple[int, ...]]


@dataclass(frozen=True)
class Families:
    """``of`` names each document's family by its alphabetically first member; ``splits`` places each document."""

    of: dict[str, str]
    splits: dict[str, Split]

    @property
    def members(self) -> dict[str, tuple[str, ...]]:
        """Families by name, largest first, their members in order."""
        members: dict[str, list[str]] = defaultdict(list)
        for name in sorted(self.of):
            members[self.of[name]].append(name)
        return {family: tuple(members[family]) for family in sorted(members, key=lambda each: -len(members[each]))}


def find_families(documents: Iterable[Document[Score]]) -> Families:
    """The families of tunes and the splits they fall into: about 90, 5 and 5 in a hundred of the families.

    A family's split hangs on its first member's name alone. Only where a split would be empty although there are
    families enough (two for validation, three for test) the nearest ones are moved into it.
    """
    tunes = {document.name: document.item for document in documents}
    names = sorted(tunes)
    root = {name: name for name in names}

    def head(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    views = (
        ([note_contours(tunes[name]) for name in names], NOTES_SHARED),
        ([beat_contours(tunes[name]) for name in names], BEATS_SHARED),
    )
    for contours, least in views:
        for first, second in _alike(contours, least):
            one, other = sorted((head(names[first]), head(names[second])))
            root[other] = one
    of = {name: head(name) for name in names}
    splits = placed(set(of.values()))
    return Families(of, {name: splits[of[name]] for name in names})


def split_families(documents: Iterable[Document[Score]]) -> dict[str, Split]:
    """Each document's split by its name; no family lies in two."""
    return find_families(documents).splits


def note_contours(score: Score) -> Contours:
    """The contours from note to note, a repeated note counted once."""
    degrees = _degrees(score, [note.pitch for note in score.notes])
    return _contours(
        [each for each, before in zip(degrees, [None, *degrees], strict=False) if each != before], NOTE_STEPS
    )


def beat_contours(score: Score) -> Contours:
    """The contours from beat to beat, taking on each beat the note that sounds or sounded last."""
    notes = score.notes
    if not notes:
        return frozenset()
    heard: list[int] = []
    index = 0
    beat = score.meters[0].beat(score.resolution)
    for tick in range(notes[0].start - notes[0].start % beat, score.end, beat):
        while index + 1 < len(notes) and notes[index + 1].start <= tick:
            index += 1
        heard.append(notes[index].pitch)
    return _contours(_degrees(score, heard), BEAT_STEPS)


def _degrees(score: Score, pitches: Sequence[int]) -> list[int]:
    tonic = (score.keys[0] if score.keys else detect_key(score.notes)).tonic
    return [7 * ((pitch - tonic) // 12) + _DEGREE[(pitch - tonic) % 12] for pitch in pitches]


def _contours(degrees: Sequence[int], length: int) -> Contours:
    """Every run of ``length`` steps; of a shorter tune the only one it has."""
    steps = [after - before for before, after in pairwise(degrees)]
    return frozenset(tuple(steps[start : start + length]) for start in range(max(1, len(steps) - length + 1)))


def _alike(contours: Sequence[Contours], least: float) -> Iterable[tuple[int, int]]:
    """Pairs of tunes that share contours enough: more than the part ``least`` of the fewer that one of them has."""
    holders: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for tune, own in enumerate(contours):
        shared: Counter[int] = Counter()
        for contour in own:
            shared.update(holders[contour])
            holders[contour].append(tune)
        for other, count in shared.items():
            fewer = min(len(own), len(contours[other]))
            if count > least * fewer and count >= min(FEWEST_SHARED, fewer):
                yield other, tune


def placed(families: Collection[str]) -> dict[str, Split]:
    order = sorted(families, key=_place)
    test = min(sum(_place(family) < TEST for family in order), len(order) - (len(order) > 2))
    validation = min(sum(_place(family) < VALIDATION for family in order), test - (len(order) > 1))
    validation, test = max(validation, min(1, len(order))), max(test, min(2, len(order)))
    return {
        family: "train" if index < validation else "validation" if index < test else "test"
        for index, family in enumerate(order)
    }


def _place(family: str) -> float:
    """A number from 0 to 1 that hangs on the name alone."""
    return int.from_bytes(hashlib.sha256(family.encode()).digest()[:8], "big") / 2**64
