"""The codec `steps`: a piece as the notes of each time step from the top down, each step ended by a token.

Holds which pitches sound in each step of a fixed grid, and nothing else: not whether a pitch is struck or held, no
velocity, tempo, meter, key or instrument. Which token may follow which is written in `descending`, how notes become
steps in `grid`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError, InputError, Measure
from toolkit.domains.music.listing import pitch_name
from toolkit.domains.polyphony.descending import Descending, descending
from toolkit.domains.polyphony.grid import USUAL, Held, grid_of, sounding, steps_of, ticks_in
from toolkit.score.notes import Note, Score, Track

if TYPE_CHECKING:
    from random import Random

FILE = "steps.json"
FORMAT = 1
"""Counted up when the same ids come to mean other notes."""
PIANO = (21, 108)
"""The MIDI pitches of a piano's 88 keys."""
_ALL = (0, 127)
_LARGEST = 1 << 16


@dataclass(frozen=True)
class StepsCodec:
    """A `toolkit.core.Codec` of polyphonic scores on a grid of ``grid`` steps a quarter note.

    Ids are the pitches from ``lowest`` to ``highest`` (MIDI), upwards, then the end of a step, then the stop. Notes
    outside that range, and drums, are left out; `warnings_for` tells. Times go to the nearest step. Sound that lasts
    over several steps is spelled in each of them, so a note held and a note struck again are the same ids: decoding
    makes one held note of a pitch in successive steps. Silence after the last note is not encoded.

    Variants are transpositions that keep a piece between ``low`` and ``high``, the range of the training pieces; those
    two decide no meaning, and so are no part of the fingerprint.
    """

    name: ClassVar[str] = "steps"

    grid: int = USUAL
    lowest: int = PIANO[0]
    highest: int = PIANO[1]
    low: int = PIANO[0]
    high: int = PIANO[1]

    def __post_init__(self) -> None:
        if any(type(value) is not int for value in asdict(self).values()):
            raise ValueError("it holds something else than whole numbers")
        if not 1 <= self.grid <= 96:
            raise ValueError("its grid is not of 1 to 96 steps a quarter note")
        if not 0 <= self.lowest <= self.low <= self.high <= self.highest <= 127:
            raise ValueError("its pitches leave the range of MIDI, or are none")

    @property
    def pitches(self) -> int:
        """How many pitches there are: their ids come first."""
        return self.highest - self.lowest + 1

    @property
    def size(self) -> int:
        return self.pitches + 2

    @property
    def end_of_step(self) -> int:
        """The id that ends a step."""
        return self.pitches

    @property
    def stop(self) -> int:
        return self.pitches + 1

    @property
    def fingerprint(self) -> str:
        whole = [self.name, FORMAT, self.grid, self.lowest, self.highest]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The codec for training pieces: on their own grid, or in sixteenths where they lie on none that is coarse.

        It has a piano's 88 pitches, and all 128 where some piece needs them; ``size`` is not looked at.
        """
        scores = [sounding(item) for item in items]
        found = [note.pitch for score in scores for note in score.notes]
        low, high = (min(found), max(found)) if found else PIANO
        lowest, highest = PIANO if PIANO[0] <= low and high <= PIANO[1] else _ALL
        return cls((grid_of(scores) if found else None) or USUAL, lowest, highest, low, high)

    def encode(self, item: Score) -> list[int]:
        """The ids of a piece, without the stop token; InputError when no note of it can be kept."""
        steps = steps_of(self._kept(item), self.grid)
        if not steps:
            raise InputError("it has no notes that the codec can hold.")
        ids: list[int] = []
        for pitches in steps:
            ids.extend(pitch - self.lowest for pitch in sorted(pitches, reverse=True))
            ids.append(self.end_of_step)
        return ids

    def decode(self, tokens: Sequence[int]) -> Score:
        """The piece that ids mean, up to a stop token or the last step that was ended.

        InputError when an id cannot stand where it does.
        """
        decoder = self.decoder()
        notes = [note for token in tokens for note in decoder.push(int(token))]
        notes.extend(decoder.close())
        return Score((Track(tuple(notes)),), resolution=ticks_in(self.grid) * self.grid)

    def decoder(self) -> StepsDecoder:
        return StepsDecoder(self)

    def grammar(self) -> Descending:
        """What a well-formed piece is."""
        return descending(self.pitches)

    def within(self, low: int, high: int) -> Descending:
        """The pieces between two MIDI pitches; UsageError when there is none."""
        return descending(self.pitches, low - self.lowest, high - self.lowest)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """Steps, and notes as they are decoded: a pitch in successive steps is one."""
        ids = np.asarray(tokens, dtype=np.int64)
        # A stop counts as a silent step, so that no note goes on from one piece into the next.
        step = np.cumsum(ids >= self.end_of_step)
        sounds = ids < self.pitches
        places = step[sounds] * self.pitches + ids[sounds]
        struck = ~np.isin(places - self.pitches, places)
        return {"step": float(np.count_nonzero(ids == self.end_of_step)), "note": float(np.count_nonzero(struck))}

    def variants(self, item: Score, rng: Random) -> Score:
        """A transposition of the piece, each that stays in the range of the training pieces as likely as another."""
        kept = self._kept(item)
        pitches = [note.pitch for note in kept.notes]
        return kept.transposed(self._shift(min(pitches), max(pitches), rng)) if pitches else kept

    def variant_ids(self, ids: npt.NDArray[Any], rng: Random) -> npt.NDArray[Any]:
        """The ids of a transposition: what `variants` gives, without decoding anything."""
        sounds = ids < self.pitches
        if not sounds.any():
            return ids.copy()
        pitches = ids[sounds].astype(np.int64) + self.lowest
        shift = self._shift(int(pitches.min()), int(pitches.max()), rng)
        varied = ids.copy()
        varied[sounds] = (pitches + shift - self.lowest).astype(ids.dtype)
        return varied

    def transposition(self, semitones: int) -> npt.NDArray[np.int64]:
        """The id that each id becomes when all is moved up by ``semitones``, of shape (V,); -1 where it has none."""
        map_V = np.arange(self.size)
        moved = map_V[: self.pitches] + semitones
        map_V[: self.pitches] = np.where((moved >= 0) & (moved < self.pitches), moved, -1)
        return map_V

    def warnings_for(self, item: Score) -> str | None:
        """One sentence on what of a piece is not kept as it is; None when every note is, exactly."""
        said = []
        drums = sum(len(track.notes) for track in item.tracks if track.drums)
        notes = sounding(item).notes
        outside = sum(not self.lowest <= note.pitch <= self.highest for note in notes)
        apart, between = divmod(item.resolution, self.grid)
        moved = sum(between > 0 or note.start % apart > 0 or note.end % apart > 0 for note in notes)
        if drums:
            said.append(f"{drums:,} notes of drums are left out")
        if outside:
            said.append(f"{outside:,} notes outside MIDI pitches {self.lowest} to {self.highest} are left out")
        if moved:
            said.append(f"{moved:,} of {len(notes):,} notes are moved to the grid of {self.grid} steps a quarter note")
        return "; ".join(said).capitalize() + "." if said else None

    def label(self, token: int) -> str:
        named = {self.end_of_step: "step", self.stop: "stop"}
        return named.get(token) or pitch_name(self.lowest + token)

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": FORMAT, "fingerprint": self.fingerprint, "fields": asdict(self)}
        (folder / FILE).write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The codec that `save` wrote; CheckpointError when the file is damaged or of another format."""
        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["codec"] != cls.name or saved["format"] != FORMAT:
                raise ValueError("it was written by another version")
            codec = cls(**saved["fields"])
            if saved["fingerprint"] != codec.fingerprint:
                raise ValueError("its fingerprint does not match what it holds")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    def _kept(self, item: Score) -> Score:
        return sounding(item, self.lowest, self.highest)

    def _shift(self, lowest: int, highest: int, rng: Random) -> int:
        """Semitones by which a piece between these pitches may move, down or up; 0 is always one of them."""
        return rng.randint(min(0, self.low - lowest), max(0, self.high - highest))


class StepsDecoder:
    """Ids to notes as they come: a note is known once a step has ended in which it does not sound."""

    def __init__(self, codec: StepsCodec) -> None:
        self._codec = codec
        self._grammar = codec.grammar()
        self._state = self._grammar.begin()
        self._held = Held(ticks_in(codec.grid))
        self._pitches: set[int] = set()
        self._over = False

    def push(self, token: int) -> tuple[Note, ...]:
        """The notes that ``token`` ends; InputError when it cannot follow. Nothing comes after the stop token."""
        if self._over:
            return ()
        if not 0 <= token < self._codec.size or not self._grammar.allowed(self._state)[token]:
            raise InputError(f"token {token} cannot stand where it does in a step.")
        self._state = self._grammar.step(self._state, token)
        if token == self._codec.stop:
            return self.close()
        if token != self._codec.end_of_step:
            self._pitches.add(token + self._codec.lowest)
            return ()
        ended = self._held.step(self._pitches)
        self._pitches = set()
        return ended

    def close(self) -> tuple[Note, ...]:
        """The notes that last to the end; those of a step that was not ended are left out."""
        self._over = True
        return self._held.close()
