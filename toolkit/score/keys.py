"""Which key notes are in, by correlation with the profile of each key.

Krumhansl, "Cognitive Foundations of Musical Pitch" (1990), ch. 4: the algorithm of Krumhansl and Schmuckler with the
Krumhansl–Kessler probe-tone profiles. Tells major and minor keys apart, no other modes.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from toolkit.score.notes import Key, Note

_PROFILES = {
    "major": (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
    "minor": (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
}


def detect_key(notes: Iterable[Note]) -> Key:
    """The major or minor key whose profile correlates best with how long each pitch class sounds; C major for none."""
    weights = np.zeros(12)
    for note in notes:
        weights[note.pitch % 12] += note.duration
    if np.ptp(weights) == 0:
        return Key(0, "major")
    keys = [(tonic, mode) for mode in _PROFILES for tonic in range(12)]
    profiles = np.array([np.roll(_PROFILES[mode], tonic) for tonic, mode in keys])
    fits = [np.corrcoef(weights, profile)[0, 1] for profile in profiles]
    return Key(*keys[int(np.argmax(fits))])
