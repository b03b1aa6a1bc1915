"""Tune families: copies of a tune stay together however they are changed, and strangers do not collapse into one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.core import Document
from toolkit.domains.music.families import beat_contours, find_families, note_contours, split_families
from toolkit.score import Key, Meter, Note, Score, Track

SCALE = (0, 2, 4, 5, 7, 9, 11)


def melody(seed: int, bars: int = 16) -> Score:
    """A random walk on the major scale in quarters and eighths of 4/4."""
    rng = Random(seed)
    notes, at, step = [], 0, 7
    while at < 96 * bars:
        step = min(14, max(0, step + rng.choice([-3, -2, -1, -1, 0, 1, 1, 2, 4])))
        length = rng.choice([12, 12, 12, 24])
        notes.append(Note(at, 60 + 12 * (step // 7) + SCALE[step % 7], length))
        at += length
    return Score((Track(tuple(notes)),), keys=(Key(0, "major"),))


def edited(score: Score, edits: int, seed: int) -> Score:
    """The tune with that many notes moved by a third."""
    rng = Random(seed)
    notes = list(score.tracks[0].notes)
    for index in rng.sample(range(len(notes)), edits):
        notes[index] = replace(notes[index], pitch=notes[index].pitch + rng.choice([-4, -3, 3, 4]))
    return replace(score, tracks=(Track(tuple(notes)),))


def together(*scores: Score) -> bool:
    documents = [Document(f"tune {index}", score) for index, score in enumerate(scores)]
    strangers = [Document(f"stranger {index}", melody(1000 + index)) for index in range(30)]
    found = find_families([*strangers, *documents])
    return (
        len({found.of[document.name] for document in documents})
        == 1
        == len({found.splits[document.name] for document in documents})
    )


@given(st.integers(0, 500), st.integers(-12, 12))
@settings(max_examples=25, deadline=None)
def test_a_transposed_copy_is_family(seed: int, semitones: int) -> None:
    assert together(melody(seed), melody(seed).transposed(semitones))


@given(st.integers(0, 500))
@settings(max_examples=10, deadline=None)
def test_a_copy_in_another_meter_with_another_title_is_family(seed: int) -> None:
    tune = melody(seed)
    assert together(tune, replace(tune, meters=(Meter(2, 4),), title="Another name"))
    halved = [Note(note.start // 2, note.pitch, note.duration // 2) for note in tune.notes]
    assert together(tune, replace(tune, tracks=(Track(tuple(halved)),), meters=(Meter(2, 4),)))


@given(st.integers(0, 500), st.integers(1, 6))
@settings(max_examples=25, deadline=None)
def test_a_slightly_edited_copy_is_family(seed: int, edits: int) -> None:
    assert together(melody(seed), edited(melody(seed), edits, seed).transposed(2))


@given(st.integers(0, 500))
@settings(max_examples=10, deadline=None)
def test_an_ornamented_copy_is_family(seed: int) -> None:
    """Most quarters on a beat are split into two notes: few contours of notes survive, those of beats do."""
    notes: list[Note] = []
    for index, note in enumerate(melody(seed).notes):
        if note.duration == 24 and note.start % 24 == 0 and index % 4:
            notes += [Note(note.start, note.pitch, 12), Note(note.start + 12, note.pitch + 2, 12)]
        else:
            notes.append(note)
    assert together(melody(seed), replace(melody(seed), tracks=(Track(tuple(notes)),)))


def test_one_strain_of_a_tune_is_family() -> None:
    tune = melody(7)
    half = replace(tune, tracks=(Track(tuple(note for note in tune.notes if note.start < 96 * 8)),))
    assert together(tune, half)


def test_kinship_goes_over_relatives() -> None:
    first = melody(1)
    both = [note for note in melody(2).notes if note.start >= 96 * 8]
    middle = Score((Track((*(note for note in first.notes if note.start < 96 * 8), *both)),), keys=first.keys)
    assert together(first, middle, melody(2))


def test_strangers_do_not_collapse_and_splits_have_their_shares() -> None:
    documents = [Document(f"tune {number}", melody(number)) for number in range(400)]
    found = find_families(documents)
    assert max(len(members) for members in found.members.values()) <= 2
    shares = Counter(found.splits.values())
    assert 0.85 < shares["train"] / 400 < 0.95
    assert min(shares["validation"], shares["test"]) >= 8


def test_a_split_hangs_on_the_name_of_the_first_member_alone() -> None:
    documents = [Document(f"tune {number}", melody(number)) for number in range(120)]
    before = split_families(documents)
    after = split_families(
        reversed([*documents, *(Document(f"later {number}", melody(600 + number)) for number in range(50))])
    )
    assert {name: after[name] for name in before} == before
    copies = split_families(
        [*documents, *(Document(f"tune {number} bis", melody(number).transposed(1)) for number in range(120))]
    )
    assert {name: copies[name] for name in before} == before
    assert all(copies[f"tune {number} bis"] == before[f"tune {number}"] for number in range(120))


@pytest.mark.parametrize(
    ("count", "splits"),
    [(0, []), (1, ["train"]), (2, ["train", "validation"]), (3, ["test", "train", "validation"])],
)
def test_small_corpora_still_have_splits(count: int, splits: list[str]) -> None:
    assert sorted(split_families(Document(str(number), melody(number)) for number in range(count)).values()) == splits


def test_contours_of_very_short_and_keyless_tunes() -> None:
    empty = Score((Track(()),))
    assert beat_contours(empty) == frozenset()
    assert all(not contour for contour in note_contours(empty))
    keyless = replace(melody(3), keys=())
    assert note_contours(keyless) == note_contours(keyless.transposed(5))
    one = Score((Track((Note(0, 60, 24),)),))
    assert note_contours(one) == note_contours(one.transposed(3))


def test_members_lists_families_by_size() -> None:
    documents = [Document(name, melody(seed)) for name, seed in [("b", 1), ("a", 1), ("c", 2), ("d", 1)]]
    assert find_families(documents).members == {"a": ("a", "b", "d"), "c": ("c",)}
