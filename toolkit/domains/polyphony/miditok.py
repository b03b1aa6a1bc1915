"""The tokenizations of MidiTok as codecs: `miditok:REMI`, `miditok:TSD`, `miditok:MIDILike`, `miditok:Structured`.

They are those of one vocabulary and one stream of ids; the others (CPWord, Octuple, MuMIDI …) have several ids for each
event and want another kind of model. MidiTok and symusic (the extra `midi`) are imported when first needed.

MidiTok: Fradet et al., "MidiTok: A Python package for MIDI file tokenization" (ISMIR late-breaking demo, 2021).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import NEVER, BoolArray, CheckpointError, InputError, Measure, MissingExtraError
from toolkit.score.midi import write_midi
from toolkit.score.notes import TICKS, Meter, Note, Score, Track, in_order

if TYPE_CHECKING:
    from random import Random

FILE = "miditok.json"
_LARGEST = 1 << 20


class MidiTokCodec:
    """A `toolkit.core.Codec` over the ids of one MidiTok tokenization; the stop token comes after its own.

    Holds what MidiTok's settings here keep: instruments, drums and eight velocities, a beat in eight parts (four in
    longer notes) and time signatures where the tokenization has them; no tempo. What ids decode to is MidiTok's word,
    and so is that encoding it again need not give the same ids.
    """

    name: ClassVar[str] = "miditok"
    tokenization: ClassVar[str] = ""

    def __init__(self, parameters: Mapping[str, Any] | None = None) -> None:
        self._parameters = dict(parameters or _PARAMETERS)

    @cached_property
    def _tokenizer(self) -> Any:
        try:
            import miditok
        except ImportError:
            raise MissingExtraError(f"the codec {self.name}", "midi") from None
        return getattr(miditok, self.tokenization)(miditok.TokenizerConfig(**_restored(self._parameters)))

    @property
    def size(self) -> int:
        return len(self._tokenizer.vocab) + 1

    @property
    def stop(self) -> int:
        return self.size - 1

    @cached_property
    def fingerprint(self) -> str:
        names = [self.label(token) for token in range(self.size)]
        return hashlib.sha256(json.dumps([self.name, names]).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The same codec for every corpus: ``items`` and ``size`` are not looked at."""
        return cls()

    def encode(self, item: Score) -> list[int]:
        """The ids of a piece, without the stop token; InputError when none of its notes is kept."""
        import symusic

        music = symusic.Score.from_midi(write_midi(item))
        found = self._tokenizer(music)
        ids = [
            int(each)
            for each in (found.ids if hasattr(found, "ids") else [each for part in found for each in part.ids])
        ]
        if not self.measure(ids)["note"]:
            raise InputError("it has no notes that the codec can hold.")
        return ids

    def decode(self, tokens: Sequence[int]) -> Score:
        """The piece that MidiTok makes of ids, up to a stop token."""
        ids = [int(token) for token in tokens]
        ids = ids[: ids.index(self.stop)] if self.stop in ids else ids
        if any(not 0 <= each < self.stop for each in ids):
            raise InputError("an id lies outside the vocabulary.")
        if not self.measure(ids)["note"]:
            return Score(())
        return _score_of(self._tokenizer.decode(ids))

    def decoder(self) -> _Whole:
        return _Whole(self)

    def grammar(self) -> Successors:
        """Which kind of token may follow which, as MidiTok's graph of types has it; a piece ends after a note."""
        return self._successors

    @cached_property
    def _successors(self) -> Successors:
        return Successors(self)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """One note for each token of a pitch."""
        return {"note": float(self._pitched[np.asarray(tokens, np.int64)].sum())}

    def variants(self, item: Score, rng: Random) -> Score:
        """The piece itself."""
        return item

    def label(self, token: int) -> str:
        return "stop" if token == self.stop else str(self._tokenizer[token])

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "fingerprint": self.fingerprint, "parameters": self._parameters}
        (folder / FILE).write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The codec that `save` wrote; CheckpointError when the file is damaged or MidiTok now means other tokens."""
        path = folder / FILE
        try:
            if path.stat().st_size > _LARGEST:
                raise ValueError("it is too large")
            saved = json.loads(path.read_text(encoding="utf-8"))
            if saved["codec"] != cls.name or set(saved["parameters"]) != set(_PARAMETERS):
                raise ValueError("it was written by another version")
            codec = cls(saved["parameters"])
            if saved["fingerprint"] != codec.fingerprint:
                raise ValueError("the MidiTok that is installed means other tokens by it")
        except MissingExtraError:
            raise
        except Exception as error:  # MidiTok raises whatever it stumbles over
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    @cached_property
    def _pitched(self) -> npt.NDArray[np.bool_]:
        names = [self.label(token) for token in range(self.size)]
        return np.array([name.startswith(("Pitch_", "PitchDrum_", "NoteOn_", "DrumOn_")) for name in names])


_PARAMETERS: Mapping[str, Any] = {
    "pitch_range": [21, 109],
    "beat_res": [[0, 4, 8], [4, 16, 4]],
    "num_velocities": 8,
    "special_tokens": ["PAD"],
    "use_programs": True,
    "one_token_stream_for_programs": True,
    "use_time_signatures": True,
}


def _restored(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters as MidiTok takes them, of what JSON holds."""
    beats = {(first, last): parts for first, last, parts in parameters["beat_res"]}
    return {**parameters, "pitch_range": tuple(parameters["pitch_range"]), "beat_res": beats}


def _score_of(music: Any) -> Score:
    """A symusic score as ours, without notes that last no time."""

    def tick(at: int) -> int:
        return round(at * TICKS / int(music.ticks_per_quarter))

    tracks = []
    for track in music.tracks:
        sound = [note for note in track.notes if note.duration > 0 and note.time >= 0]
        notes = tuple(
            Note(tick(each.time), each.pitch, max(1, tick(each.end) - tick(each.time)), max(1, each.velocity))
            for each in sound
        )
        tracks.append(Track(notes, 0 if track.is_drum else track.program, track.is_drum))
    meters = [Meter(each.numerator, each.denominator, tick(each.time)) for each in music.time_signatures]
    return Score(tuple(tracks), in_order([Meter(4, 4), *meters]))


class _Whole:
    """MidiTok decodes whole sequences, so notes come when all is over."""

    def __init__(self, codec: MidiTokCodec) -> None:
        self._codec = codec
        self._ids: list[int] = []
        self._over = False

    def push(self, token: int) -> tuple[Note, ...]:
        if self._over:
            return ()
        if token == self._codec.stop:
            return self.close()
        self._ids.append(token)
        return ()

    def close(self) -> tuple[Note, ...]:
        if self._over:
            return ()
        self._over = True
        return self._codec.decode(self._ids).notes


class At(NamedTuple):
    """The newest token (-1 before the first), whether a note was completed, whether all is over."""

    token: int = -1
    sounded: bool = False
    over: bool = False


class Successors:
    """A `toolkit.core.Constraint[At]`: a token's kind is one that MidiTok lets follow the kind before it."""

    def __init__(self, codec: MidiTokCodec) -> None:
        tokenizer, stop = codec._tokenizer, codec.stop
        graph = tokenizer.tokens_types_graph
        kinds = [str(tokenizer.token_id_type(token)) for token in range(stop)]
        special = {kind for kind in kinds if kind == "PAD"}
        self._next = np.zeros((stop + 2, codec.size), np.bool_)
        following = {kind: np.array([*(each in graph.get(kind, ()) for each in kinds), False]) for kind in set(kinds)}
        ordinary = np.array([*(kind not in special for kind in kinds), False])
        for token, kind in enumerate(kinds):
            self._next[token] = following[kind] & ordinary
        self._next[stop + 1] = self._first(kinds, ordinary)
        self._notes, self._stop = codec._pitched, stop
        self._find_distances(kinds)

    def begin(self) -> At:
        return At()

    def allowed(self, state: At) -> BoolArray:
        mask_V: BoolArray = np.zeros(self._stop + 1, np.bool_) if state.over else self._next[state.token].copy()
        if state.sounded and not state.over and self._ends[state.token]:
            mask_V[self._stop] = True
        return mask_V

    def step(self, state: At, token: int) -> At:
        if token == self._stop:
            return At(token, state.sounded, True)
        return At(token, state.sounded or bool(self._notes[token]))

    def distance(self, state: At) -> int:
        if state.over:
            return 0
        return int((self._to_end if state.sounded else self._to_note)[state.token])

    @staticmethod
    def _first(kinds: Sequence[str], ordinary: BoolArray) -> BoolArray:
        """A piece begins with a bar, where there are bars, or else with what a note begins with."""
        begins = ("Bar",) if "Bar" in kinds else ("TimeSig", "Program", "Pitch", "NoteOn", "TimeShift", "Rest")
        mask_V: BoolArray = np.array([*(kind in begins for kind in kinds), False]) & ordinary
        return mask_V

    def _find_distances(self, kinds: Sequence[str]) -> None:
        """Fewest tokens to an end, from after each token, by widening circles: with a note, and without one yet."""
        ends = {"Duration", "NoteOff", "DrumOff", "TimeShift"} & set(kinds)
        count = self._stop
        self._ends = np.array([*(kind in ends for kind in kinds), False, False])
        self._to_end = np.where(self._ends, 1, NEVER)
        for _ in range(16):
            reach = np.where(self._next, self._to_end[: count + 1][None], NEVER).min(1)
            self._to_end = np.minimum(self._to_end, np.where(reach < NEVER, reach + 1, NEVER))
        self._to_note = np.full(count + 2, NEVER)
        for _ in range(16):
            through = np.where(self._notes, self._to_end[: count + 1], self._to_note[: count + 1])
            reach = np.where(self._next, through[None], NEVER).min(1)
            self._to_note = np.minimum(self._to_note, np.where(reach < NEVER, reach + 1, NEVER))
        return


def _codec(tokenization: str) -> type[MidiTokCodec]:
    named = {"name": f"miditok:{tokenization}", "tokenization": tokenization}
    return type(f"MidiTok{tokenization}Codec", (MidiTokCodec,), named)


CODECS: Mapping[str, type[MidiTokCodec]] = {
    each.name: each for each in map(_codec, ("REMI", "TSD", "MIDILike", "Structured"))
}
"""By name, as `--codec` takes it."""
