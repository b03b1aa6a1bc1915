"""MidiTok's REMI as a codec of melodies, so that the same model can be trained on either and compared.

REMI: Huang and Yang, "Pop Music Transformer" (ACM Multimedia 2020); MidiTok: Fradet et al. (ISMIR LBD 2021).
It holds what the codec `melody` holds: notes on the grid of 24 ticks a quarter and the meter; no velocity, tempo
or program. Only the tokens that the melodies given to `build` use get an id: unused ones would cost parameters.
Knows MidiTok and symusic; both are imported when first needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import InputError, Measure, UsageError
from toolkit.domains.music.events import Layout
from toolkit.sampling import Anything
from toolkit.score.notes import MODES, TICKS, Key, Meter, Note, Score, Track

if TYPE_CHECKING:
    from random import Random

KEYS = ("none", "written", "relative")
_FILE = "remi.json"
_STOP = 0
_FIRST_TONIC = 1 + len(MODES)
_FIRST = _FIRST_TONIC + 12
_LONGEST = 16  # beats that a duration may last: the tunes' longest notes are of twelve eighths


@cache
def _tokenizer() -> Any:
    from miditok import REMI, TokenizerConfig

    meters: dict[int, list[int]] = {}
    for beats, unit in Layout().meters:
        meters.setdefault(unit, []).append(beats)
    config = TokenizerConfig(
        beat_res={(0, _LONGEST): TICKS},
        special_tokens=["PAD"],
        use_velocities=False,
        use_tempos=False,
        use_programs=False,
        use_time_signatures=True,
        time_signature_range=meters,
    )
    return REMI(config)


@dataclass(frozen=True)
class RemiCodec:
    """A `toolkit.core.Codec` of melodies over REMI tokens; 0 is the stop token, then modes, tonics, REMI's own.

    ``key`` says what becomes of the key: "none" leaves it out, as REMI does; "written" puts mode and tonic first, as
    the codec `melody` does; "relative" moves the tune to C besides, so that its transpositions differ in one id.
    ``used`` are MidiTok's ids in the order of ours. ``lean`` writes the meter once: MidiTok repeats it in every bar.
    """

    used: tuple[int, ...]
    key: str = "none"
    lean: bool = False

    name: ClassVar[str] = "remi"

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None, key: str = "none", lean: bool = False) -> Self:
        """The codec of every REMI token that ``items`` use; ``size`` is not looked at."""
        if key not in KEYS:
            raise UsageError(f"key is one of {', '.join(KEYS)}, not {key!r}.")
        found = {token for item in items for token in _remi(_moved(item, key))}
        return cls(tuple(sorted(found)), key, lean)

    @property
    def size(self) -> int:
        return _FIRST + len(self.used)

    @property
    def stop(self) -> int:
        return _STOP

    @cached_property
    def fingerprint(self) -> str:
        names = [self.label(token) for token in range(self.size)]
        return hashlib.sha256(json.dumps([self.key, self.lean, names]).encode()).hexdigest()

    def encode(self, item: Score) -> list[int]:
        """The ids of a tune, without the stop token; InputError when a token of it has no id."""
        remi = _remi(_moved(item, self.key))
        if self.lean:
            remi = [token for place, token in enumerate(remi) if place < 2 or token not in _meter_tokens()]
        try:
            ids = [_FIRST + self._places[token] for token in remi]
        except KeyError as error:
            raise InputError(f"the codec was built without {_tokenizer()[error.args[0]]}.") from None
        if self.key == "none":
            return ids
        key = item.keys[0]
        return [1 + MODES.index(key.mode), _FIRST_TONIC + key.tonic, *ids]

    def decode(self, tokens: Sequence[int]) -> Score:
        """The tune that ids mean, up to a stop token. Without a written key the score names none."""
        ids = list(tokens)
        ids = ids[: ids.index(_STOP)] if _STOP in ids else ids
        key = None
        if self.key != "none":
            key, ids = Key(ids[1] - _FIRST_TONIC, MODES[ids[0] - 1]), ids[2:]
        remi = [self.used[token - _FIRST] for token in ids]
        if self.lean and len(remi) > 1:
            bar, meter = remi[:2]
            remi = [each for token in remi[2:] for each in ((token, meter) if token == bar else (token,))]
            remi = [bar, meter, *remi]
        score = _score(remi)
        if key is None:
            return score
        score = replace(score, keys=(key if self.key == "written" else Key(0, key.mode),))
        return score.transposed(key.tonic) if self.key == "relative" else score

    def decoder(self) -> _Whole:
        return _Whole(self)

    def grammar(self) -> Anything:
        return Anything()

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """The notes of the ids: one for each token of a pitch."""
        return {"note": float(self._is_pitch[np.asarray(tokens, np.int64)].sum())}

    def variants(self, item: Score, rng: Random) -> Score:
        return item

    def label(self, token: int) -> str:
        if token >= _FIRST:
            return str(_tokenizer()[self.used[token - _FIRST]])
        header = ["stop", *MODES, *(f"tonic {pitch_class}" for pitch_class in range(12))]
        return header[token]

    def save(self, folder: Path) -> None:
        (folder / _FILE).write_text(json.dumps({"used": self.used, "key": self.key, "lean": self.lean}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        saved = json.loads((folder / _FILE).read_text())
        return cls(tuple(saved["used"]), saved["key"], saved["lean"])

    @cached_property
    def _places(self) -> dict[int, int]:
        return {token: place for place, token in enumerate(self.used)}

    @cached_property
    def _is_pitch(self) -> npt.NDArray[np.bool_]:
        return np.asarray([self.label(token).startswith("Pitch_") for token in range(self.size)])


class _Whole:
    """A decoder that gives the whole tune when the sequence ends: REMI is read by MidiTok, which knows no parts."""

    def __init__(self, codec: RemiCodec) -> None:
        self._codec = codec
        self._tokens: list[int] = []

    def push(self, token: int) -> tuple[Score, ...]:
        self._tokens.append(token)
        return ()

    def close(self) -> tuple[Score, ...]:
        return (self._codec.decode(self._tokens),)


def _moved(score: Score, key: str) -> Score:
    return score.transposed(-score.keys[0].tonic) if key == "relative" else score


@cache
def _meter_tokens() -> frozenset[int]:
    return frozenset(token for name, token in _tokenizer().vocab.items() if name.startswith("TimeSig_"))


def _remi(score: Score) -> list[int]:
    """MidiTok's ids of a melody."""
    import symusic

    if len(score.meters) != 1:
        raise InputError("its meter changes.")
    music: Any = symusic.Score(score.resolution)
    track: Any = symusic.Track()
    for note in score.notes:
        track.notes.append(symusic.Note(note.start, note.duration, note.pitch, note.velocity))
    music.tracks.append(track)
    music.time_signatures.append(symusic.TimeSignature(0, score.meters[0].numerator, score.meters[0].denominator))
    (sequence,) = _tokenizer()(music)
    return list(sequence.ids)


def _score(remi: Sequence[int]) -> Score:
    """The melody that MidiTok's ids mean, on our grid."""
    from miditok import TokSequence

    music = _tokenizer().decode([TokSequence(ids=list(remi), are_ids_encoded=False)])
    notes = tuple(Note(each.time, each.pitch, each.duration) for each in music.tracks[0].notes)
    meter = music.time_signatures[0]
    score = Score((Track(notes),), (Meter(meter.numerator, meter.denominator),), resolution=music.tpq)
    return score.rescaled(TICKS)
