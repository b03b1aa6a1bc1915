"""The codec `sixteenths`: four pitches in every sixteenth, and the published set of chorales in that form.

It is how others count the chorales, one token for each voice and sixteenth: nothing tells a held note from one struck
again, and there is no meter, key or fermata. `chorale` is the codec to make music with.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import (
    NEVER,
    BoolArray,
    BuiltIn,
    CheckpointError,
    Corpus,
    Document,
    Finding,
    InputError,
    Measure,
    Split,
)
from toolkit.domains.chorales.quartet import SIXTEENTH, VOICES
from toolkit.domains.music.families import Families
from toolkit.domains.music.gathering import corpus_of
from toolkit.domains.music.listing import pitch_name
from toolkit.score.notes import Note, Score, Track

if TYPE_CHECKING:
    from random import Random

FILE = "sixteenths.json"
FORMAT = 1
LOWEST, HIGHEST = 28, 88
_LARGEST = 1 << 16
_COUNT = len(VOICES)


@dataclass(frozen=True)
class SixteenthsCodec:
    """A `toolkit.core.Codec` of four-part scores: ids are silence, the pitches from 28 to 88, then the stop.

    Variants are transpositions that keep a piece between ``low`` and ``high``, the range of the training pieces.
    """

    name: ClassVar[str] = "sixteenths"

    low: int = LOWEST
    high: int = HIGHEST

    def __post_init__(self) -> None:
        if (
            any(type(each) is not int for each in asdict(self).values())
            or not LOWEST <= self.low <= self.high <= HIGHEST
        ):
            raise ValueError("its range is none")

    @property
    def size(self) -> int:
        return HIGHEST - LOWEST + 3

    @property
    def stop(self) -> int:
        return self.size - 1

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.name, FORMAT, LOWEST, HIGHEST]).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The codec for training pieces, whose range bounds the variants; ``size`` is not looked at."""
        pitches = [note.pitch for item in items for note in item.notes]
        return cls(max(LOWEST, min(pitches)), min(HIGHEST, max(pitches))) if pitches else cls()

    def encode(self, item: Score) -> list[int]:
        """The ids of a piece, four for each sixteenth from its first note on; InputError where it cannot be held."""
        tracks = [track for track in item.tracks if not track.drums]
        if len(tracks) != _COUNT or not item.notes:
            raise InputError(f"it has {len(tracks)} voices, and four are needed.")
        begin, end = (round(tick * 4 / item.resolution) for tick in (item.notes[0].start, item.end))
        ids = np.zeros((end - begin, _COUNT), np.int64)
        for place, track in enumerate(tracks):
            for note in track.notes:
                if not LOWEST <= note.pitch <= HIGHEST:
                    raise InputError(f"it has the MIDI pitch {note.pitch}, outside {LOWEST} to {HIGHEST}.")
                first, last = (round(tick * 4 / item.resolution) - begin for tick in (note.start, note.end))
                ids[first:last, place] = note.pitch - LOWEST + 1
        found: list[int] = ids.reshape(-1).tolist()
        return found

    def opening(self, score: Score) -> list[int]:
        """The ids that a sequence begins with; as many as `encode` gives."""
        return self.encode(score) if score.notes else []

    def decode(self, tokens: Sequence[int]) -> Score:
        """The piece that ids mean, up to a stop or the last whole sixteenth: a pitch that stays is one held note."""
        decoder = self.decoder()
        sung = [each for token in tokens for each in decoder.push(int(token))]
        sung.extend(decoder.close())
        tracks = (tuple(note for note, voice in sung if voice == place) for place in range(_COUNT))
        return Score(tuple(Track(notes, name=name.capitalize()) for notes, name in zip(tracks, VOICES, strict=True)))

    def decoder(self) -> SixteenthsDecoder:
        return SixteenthsDecoder(self)

    def grammar(self) -> Fours:
        return fours(self.size)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """Sixteenths as steps, and notes as they are decoded."""
        ids = np.asarray(tokens, dtype=np.int64)
        ids = ids[ids != self.stop]
        steps = ids[: len(ids) // _COUNT * _COUNT].reshape(-1, _COUNT)
        before = np.vstack([np.zeros((1, _COUNT), np.int64), steps[:-1]]) if len(steps) else steps
        return {"step": float(len(steps)), "note": float(((steps != before) & (steps > 0)).sum())}

    def variants(self, item: Score, rng: Random) -> Score:
        """A transposition that stays in the range of the training pieces, each as likely as another."""
        pitches = [note.pitch for note in item.notes]
        return item.transposed(self._shift(min(pitches), max(pitches), rng)) if pitches else item

    def variant_ids(self, ids: npt.NDArray[Any], rng: Random) -> npt.NDArray[Any]:
        """The ids of a transposition: what `variants` gives, without decoding anything."""
        sounds = (ids > 0) & (ids != self.stop)
        if not sounds.any():
            return ids.copy()
        pitches = ids[sounds].astype(np.int64) + LOWEST - 1
        varied = ids.copy()
        moved = pitches + self._shift(int(pitches.min()), int(pitches.max()), rng)
        varied[sounds] = (moved - LOWEST + 1).astype(ids.dtype)
        return varied

    def label(self, token: int) -> str:
        return "silent" if token == 0 else "stop" if token == self.stop else pitch_name(LOWEST + token - 1)

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
            codec = cls(**saved["fields"])
            if (saved["codec"], saved["format"], saved["fingerprint"]) != (cls.name, FORMAT, codec.fingerprint):
                raise ValueError("it was written by another version")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    def _shift(self, lowest: int, highest: int, rng: Random) -> int:
        return rng.randint(min(0, self.low - lowest), max(0, self.high - highest))


class Fours:
    """A `toolkit.core.Constraint[int]`: any pitches, and the stop after a whole sixteenth. The state is the voice to
    speak, `_COUNT` before the first token and -1 when all is over.
    """

    growth = _COUNT

    def __init__(self, size: int) -> None:
        self._masks = np.ones((2, size), np.bool_)
        self._masks[0, size - 1] = False
        self._nothing = np.zeros(size, np.bool_)
        self._stop = size - 1

    def begin(self) -> int:
        return _COUNT

    def allowed(self, state: int) -> BoolArray:
        mask_V: BoolArray = self._nothing if state < 0 else self._masks[int(state == 0)]
        return mask_V

    def step(self, state: int, token: int) -> int:
        return -1 if token == self._stop else (state + 1) % _COUNT if state < _COUNT else 1

    def distance(self, state: int) -> int:
        return 0 if state < 0 else 1 if state == 0 else min(_COUNT, _COUNT - state % _COUNT) + 1

    def distances(self, state: int) -> npt.NDArray[np.int32]:
        after = self.distance(self.step(state, 0))
        distance_V = np.where(self.allowed(state), after, NEVER).astype(np.int32)
        if state == 0:
            distance_V[self._stop] = 0
        return distance_V


@lru_cache(maxsize=2)
def fours(size: int) -> Fours:
    """The grammar, shared."""
    return Fours(size)


class SixteenthsDecoder:
    """Ids to (note, voice) as they come: a note is known once its voice does something else."""

    def __init__(self, codec: SixteenthsCodec) -> None:
        self._codec, self._grammar = codec, codec.grammar()
        self._state = self._grammar.begin()
        self._voices: list[int] = []
        self._at = 0
        self._since: list[tuple[int, int]] = [(0, 0)] * _COUNT

    def push(self, token: int) -> tuple[tuple[Note, int], ...]:
        """The notes that ``token`` ends; InputError when it cannot follow."""
        if self._state < 0:
            return ()
        if not 0 <= token < self._codec.size or not self._grammar.allowed(self._state)[token]:
            raise InputError(f"token {token} cannot stand where it does in a sixteenth.")
        self._state = self._grammar.step(self._state, token)
        if token == self._codec.stop:
            return self.close()
        self._voices.append(token)
        if len(self._voices) < _COUNT:
            return ()
        over = tuple(self._changed(self._voices))
        self._voices, self._at = [], self._at + 1
        return over

    def close(self) -> tuple[tuple[Note, int], ...]:
        """The notes that last to the end."""
        self._state = -1
        return tuple(self._changed([0] * _COUNT))

    def _changed(self, voices: Sequence[int]) -> Iterator[tuple[Note, int]]:
        for voice, token in enumerate(voices):
            before, since = self._since[voice]
            if token == before:
                continue
            if before:
                yield Note(since * SIXTEENTH, before + LOWEST - 1, (self._at - since) * SIXTEENTH), voice
            self._since[voice] = (token, self._at)


_FILE = "Jsb16thSeparated.json"
_PLACES = ("../shared/data/polyphonic", "data/polyphonic")
_SPLITS: dict[str, Split] = {"train": "train", "valid": "validation", "test": "test"}
_SOURCE = f"{_FILE} of the repository czhuang/JSB-Chorales-dataset"
_FETCHED = (
    f"The file {_FILE} of the repository czhuang/JSB-Chorales-dataset, in a folder that $TOOLKIT_POLYPHONIC names"
)


def _path() -> Path | None:
    named = os.environ.get("TOOLKIT_POLYPHONIC")
    return next((path for place in ([named] if named else _PLACES) if (path := Path(place) / _FILE).is_file()), None)


def open_sixteenths() -> Corpus[Score]:
    """The published set in its own splits; InputError where its file is not here, or is not what it should be."""
    path = _path()
    if path is None:
        raise InputError(f"the corpus jsb16 does not come with the toolkit. {_FETCHED}.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        pieces = [
            (f"{split}-{number:03}", split, np.array(piece, np.int64))
            for name, split in _SPLITS.items()
            for number, piece in enumerate(content[name], 1)
        ]
        if any(piece.ndim != 2 or piece.shape[1] != _COUNT for _, _, piece in pieces):
            raise ValueError("its pieces are not of four voices")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    documents = [Document(name, _score(piece)) for name, _, piece in pieces]
    splits = {name: split for name, split, _ in pieces}
    findings = [Finding(name, "kept") for name in splits]
    families = Families({name: name for name in splits}, splits)
    return corpus_of(
        "jsb16", _SOURCE, "not stated", documents, findings, families, domain="chorales", called="chorales"
    )


def _score(piece: npt.NDArray[np.int64]) -> Score:
    codec = SixteenthsCodec()
    return codec.decode(np.where(piece < LOWEST, 0, piece - LOWEST + 1).reshape(-1).tolist())


SIXTEENTHS_SET = BuiltIn(
    name="jsb16",
    domain="chorales",
    about="Chorales of J. S. Bach in sixteenths, in the splits that others report.",
    source=_SOURCE,
    licence="not stated",
    size="382 chorales, 92,536 sixteenths",
    open=open_sixteenths,
    available=lambda: _path() is not None,
    fetched=_FETCHED,
)
