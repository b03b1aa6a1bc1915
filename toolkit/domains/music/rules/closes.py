"""How a melody closes, by the scale degrees of its last notes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass

import numpy as np

from toolkit.domains.music.rules.rule import Header, Machine, Rule
from toolkit.score.notes import Key

CLOSES = ("tonic", "authentic", "plagal", "half")

_ON_TONIC = {"tonic": "on the tonic", "authentic": "with an authentic cadence", "plagal": "with a plagal cadence"}
_LEADING_TONE = 11


@dataclass(frozen=True)
class Close(Rule):
    """The close ``kind``, one of `CLOSES`, said of the melody's notes alone (ties joined, rests passed over).

    ``tonic``: the last note is the tonic. ``authentic``: it is, and the note before it is the second, fifth or seventh
    degree, a tone of the dominant. ``plagal``: it is, and the note before it is the fourth or sixth degree, a tone of
    the subdominant. ``half``: the last note is the fifth, seventh or second degree. Degrees are those of the mode; the
    leading tone, a semitone below the tonic, counts as a seventh degree in every mode.
    """

    kind: str

    @property
    def phrase(self) -> str:
        return f"that ends {_ON_TONIC.get(self.kind, 'on a half close')}"

    @property
    def fewest_notes(self) -> int:
        return 2 if self.kind in ("authentic", "plagal") else 1

    def depends(self, header: Header) -> Hashable:
        return tuple((pitch - header.key.tonic) % 12 for pitch in header.pitches), header.key.mode

    def machine(self, header: Header) -> Machine:
        """Three states: the last note prepares nothing, prepares the close, or makes it."""
        tonic = self._class_of(header, {0})
        last = self._class_of(header, _dominant(header.key)) if self.kind == "half" else tonic
        before = self._class_of(header, _before_the_tonic(self.kind, header.key))
        made = np.where(before, 1, 0) + np.where(last, 2, 0)  # never both where both matter: the tonic is in neither
        strike = np.stack([np.where(made == 1, 1, 0), made, np.where(made == 1, 1, 0)])
        if self.kind in ("tonic", "half"):
            strike = np.tile(np.where(last, 2, 0), (3, 1))
        return Machine(np.minimum(strike, 2)[:, None, :], np.array([False, False, True]))

    @staticmethod
    def _class_of(header: Header, above: set[int]) -> np.ndarray:
        return np.array([(pitch - header.key.tonic) % 12 in above for pitch in header.pitches])


def _dominant(key: Key) -> set[int]:
    second, fifth, seventh = (_degree(key, number) for number in (2, 5, 7))
    return {second, fifth, seventh, _LEADING_TONE}


def _before_the_tonic(kind: str, key: Key) -> set[int]:
    if kind == "authentic":
        return _dominant(key)
    return {_degree(key, 4), _degree(key, 6)} if kind == "plagal" else set()


def _degree(key: Key, number: int) -> int:
    return (key.pitch_classes[number - 1] - key.tonic) % 12
