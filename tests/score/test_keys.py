from __future__ import annotations

import pytest

from toolkit.score import Key, Note, detect_key

MAJOR = [(0, 4), (2, 1), (4, 2), (5, 1), (7, 3), (9, 1), (11, 1), (0, 4)]
MINOR = [(0, 4), (2, 1), (3, 2), (5, 1), (7, 3), (8, 1), (11, 1), (0, 4)]


def _notes(degrees, tonic):
    return [Note(place, 60 + tonic + degree, length) for place, (degree, length) in enumerate(degrees)]


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize(("degrees", "mode"), [(MAJOR, "major"), (MINOR, "minor")])
def test_a_scale_with_weight_on_its_triad_is_recognised(degrees, mode, tonic):
    assert detect_key(_notes(degrees, tonic)) == Key(tonic, mode)


def test_length_counts_and_octaves_do_not():
    notes = _notes(MAJOR, 7)
    assert detect_key([Note(n.start, n.pitch - 24, n.duration * 10) for n in notes]) == Key(7, "major")
    assert detect_key([*notes, Note(99, 61, 1)]) == Key(7, "major")


def test_without_evidence_it_is_c_major():
    assert detect_key([]) == detect_key([Note(0, pitch, 1) for pitch in range(60, 72)]) == Key(0, "major")
