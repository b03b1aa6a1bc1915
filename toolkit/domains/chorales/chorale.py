"""The codec `chorale`: four voices as what each does wherever any of them does something.

A piece is its meter, mode and tonic, then step after step: the sixteenth in the bar, perhaps a fermata, and from the
soprano down what each voice does: it strikes a pitch, holds on, or rests. Holding and striking again are different
tokens, and time in which nobody does anything takes none. Which token may follow which is `grammar`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import CheckpointError, InputError, Measure
from toolkit.domains.chorales.grammar import FREE, Asked, ChoraleGrammar, Place, Stage, free_grammar
from toolkit.domains.chorales.quartet import HOLD, RANGES, REST, VOICES, Quartet, Step, quartet_of, score_of, spans
from toolkit.domains.chorales.table import FORMAT, Kind, Table, Token
from toolkit.score.notes import MODES, Key, Meter, Note, Score

if TYPE_CHECKING:
    from random import Random

FILE = "chorale.json"
_LARGEST = 1 << 16


class Sung(NamedTuple):
    """A note that is over, and the voice it is in (0 is the soprano)."""

    note: Note
    voice: int


class ChoraleCodec:
    """A `toolkit.core.Codec` of four-part scores. Velocities, tempos and titles are not encoded."""

    name: ClassVar[str] = "chorale"

    def __init__(self, table: Table | None = None) -> None:
        self.table = table or Table()

    @property
    def size(self) -> int:
        return len(self.table.tokens)

    @property
    def stop(self) -> int:
        return self.table.ids[Token(Kind.STOP)]

    @property
    def fingerprint(self) -> str:
        return self.table.fingerprint

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The same codec for every corpus: ``items`` and ``size`` are not looked at."""
        return cls()

    def reason(self, score: Score) -> str | None:
        """Why the codec cannot hold ``score``, or None when it can."""
        try:
            self._checked(quartet_of(score))
        except InputError as error:
            return str(error)
        return None

    def encode(self, item: Score) -> list[int]:
        """The ids of a piece, without the stop token; InputError when the codec cannot hold it."""
        quartet = self._checked(quartet_of(item))
        return [self.table.ids[token] for token in [*self._opened(quartet), *self._closed(quartet)]]

    def opening(self, score: Score) -> list[int]:
        """The ids that begin a sequence with ``score`` and leave it open after its last step.

        A score without notes opens with its meter and key alone.
        """
        if not score.notes:
            return [self.table.ids[token] for token in self._header(score.meters[0], score.keys[0])]
        return [self.table.ids[token] for token in self._opened(self._checked(quartet_of(score)))]

    def decode(self, tokens: Sequence[int]) -> Score:
        """The piece that ids mean, up to a stop token or the last finished note.

        InputError when an id cannot stand where it does.
        """
        steps: list[Step] = []
        voices: list[int] = []
        grammar, fermata = self.grammar(), False
        state = grammar.begin()
        for token in map(int, tokens):
            if state.stage is Stage.OVER:
                break
            state = self._stepped(grammar, state, token)
            kind, value = self.table.tokens[token]
            if kind is Kind.AT:
                voices, fermata = [], False
            fermata = fermata or kind is Kind.FERMATA
            if kind in (Kind.HOLD, Kind.REST, Kind.PITCH):
                does = {Kind.HOLD: HOLD, Kind.REST: REST}.get(kind, value + self.table.base(state.tonic))
                voices.append(does)
                if len(voices) == len(VOICES):
                    first, second, third, fourth = voices
                    steps.append(Step(state.time, (first, second, third, fourth), fermata))
        meter = Meter(*self.table.meters[state.meter])
        key = Key(state.tonic, MODES[state.mode])
        if steps and steps[-1].time == state.time:
            steps.pop()  # nobody knows how long what it strikes would last
        return score_of(Quartet(meter, key, tuple(steps), state.time))

    def decoder(self) -> ChoraleDecoder:
        return ChoraleDecoder(self)

    def grammar(self) -> ChoraleGrammar:
        """What a well-formed piece is."""
        return free_grammar(self.table)

    def within(self, asked: Asked) -> ChoraleGrammar:
        """The pieces that are what is asked; UsageError when none can be."""
        return self.grammar() if asked == FREE else ChoraleGrammar(self.table, asked)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        """Notes of all voices, steps, and quarter notes from the first note of each piece to its end."""
        ids = np.asarray(tokens, dtype=np.int64)
        kinds, values = self.table.kinds[ids], self.table.values[ids]
        sixteenths, bar, lines, time = 0, 16, -1, 0
        begin: int | None = None
        for kind, value in zip(kinds.tolist(), values.tolist(), strict=True):
            if kind == Kind.METER:
                sixteenths += 0 if begin is None else time - begin
                bar, lines, begin = self.table.bars[value], -1, None
            elif kind == Kind.BAR:
                lines += 1
            elif kind == Kind.AT:
                time = lines * bar + value
                begin = time if begin is None else begin
        sixteenths += 0 if begin is None else time - begin
        steps = int(np.count_nonzero(kinds == Kind.AT)) - int(np.count_nonzero(kinds == Kind.METER))
        return {
            "note": float(np.count_nonzero(kinds == Kind.PITCH)),
            "step": max(0.0, float(steps)),
            "quarter": sixteenths / 4,
        }

    def variants(self, item: Score, rng: Random) -> Score:
        """A transposition in which every voice stays within its range, each as likely as another."""
        lines = [[note.pitch for note in track.notes] for track in item.tracks if track.notes]
        room = [(low - min(line), high - max(line)) for (low, high), line in zip(RANGES, lines, strict=True)]
        down, up = max(low for low, _ in room), min(high for _, high in room)
        return item.transposed(rng.randint(max(-6, down), min(6, up)))

    def variant_ids(self, ids: npt.NDArray[Any], rng: Random) -> npt.NDArray[Any]:
        """The ids of a transposition: what `variants` gives, without decoding anything."""
        kinds, values = self.table.kinds[ids], self.table.values[ids]
        tonics = np.flatnonzero(kinds == Kind.TONIC)
        strikes = np.flatnonzero(kinds == Kind.PITCH)
        if not len(tonics) or not len(strikes):
            return ids.copy()
        tonic = int(values[tonics[0]])
        pitches = values[strikes] + self.table.base(tonic)
        spoken = np.flatnonzero((kinds == Kind.PITCH) | (kinds == Kind.HOLD) | (kinds == Kind.REST))
        voices = np.searchsorted(spoken, strikes) % len(VOICES)
        low_N, high_N = np.array(RANGES)[voices].T
        shift = rng.randint(max(-6, int((low_N - pitches).max())), min(6, int((high_N - pitches).min())))
        moved = (tonic + shift) % 12
        varied = ids.copy()
        varied[tonics] = self.table.ids[Token(Kind.TONIC, moved)]
        first = self.table.ids[Token(Kind.PITCH, int(self.table.values[self.table.kinds == Kind.PITCH].min()))]
        lowest = self.table.tokens[first].value
        varied[strikes] = (pitches + shift - self.table.base(moved) - lowest + first).astype(ids.dtype)
        return varied

    def label(self, token: int) -> str:
        return self.table.label(self.table.tokens[token])

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": FORMAT, "fingerprint": self.fingerprint, "table": self.table.data()}
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
            codec = cls(Table.of_data(saved["table"]))
            if saved["fingerprint"] != codec.fingerprint:
                raise ValueError("its fingerprint does not match its table")
        except (OSError, ValueError, TypeError, KeyError, RecursionError, InputError) as error:
            reason = str(error).rstrip(".") or type(error).__name__
            raise CheckpointError(f"the codec in {path} cannot be used: {reason}.") from None
        return codec

    def _checked(self, quartet: Quartet) -> Quartet:
        meter = (quartet.meter.numerator, quartet.meter.denominator)
        if meter not in self.table.meters:
            raise InputError(f"its meter is {quartet.meter}.")
        return quartet

    def _header(self, meter: Meter, key: Key) -> list[Token]:
        place = self.table.meters.index((meter.numerator, meter.denominator))
        return [Token(Kind.METER, place), Token(Kind.MODE, MODES.index(key.mode)), Token(Kind.TONIC, key.tonic)]

    def _opened(self, quartet: Quartet) -> list[Token]:
        """The tokens up to the last step."""
        tokens = self._header(quartet.meter, quartet.key)
        base = self.table.base(quartet.key.tonic)
        bar = -1
        for step in quartet.steps:
            tokens.extend(self._times(quartet, bar, step.time))
            bar = step.time // quartet.bar
            tokens.extend([Token(Kind.FERMATA)] * step.fermata)
            unpitched = {HOLD: Token(Kind.HOLD), REST: Token(Kind.REST)}
            tokens.extend(unpitched.get(does) or Token(Kind.PITCH, does - base) for does in step.voices)
        return tokens

    def _closed(self, quartet: Quartet) -> list[Token]:
        return self._times(quartet, quartet.steps[-1].time // quartet.bar, quartet.end)

    def _times(self, quartet: Quartet, bar: int, time: int) -> list[Token]:
        """Bar lines and the place in the bar that lead from a step in ``bar`` to ``time``."""
        return [Token(Kind.BAR)] * (time // quartet.bar - bar) + [Token(Kind.AT, time % quartet.bar)]

    def _stepped(self, grammar: ChoraleGrammar, state: Place, token: int) -> Place:
        if not 0 <= token < self.size or not grammar.allowed(state)[token]:
            raise InputError(f"token {token} cannot stand where it does in a chorale.")
        return grammar.step(state, token)


class ChoraleDecoder:
    """Ids to notes as they come: a note is known once its voice does something else."""

    def __init__(self, codec: ChoraleCodec) -> None:
        self._codec, self._tokens = codec, codec.table.tokens
        self._grammar = codec.grammar()
        self._state = self._grammar.begin()
        self._events: list[list[tuple[int, int]]] = [[] for _ in VOICES]

    def push(self, token: int) -> tuple[Sung, ...]:
        """The notes that ``token`` ends; InputError when it cannot follow. Nothing comes after the stop token."""
        before = self._state
        if before.stage is Stage.OVER:
            return ()
        self._state = self._codec._stepped(self._grammar, before, int(token))
        kind, value = self._tokens[token]
        if kind is Kind.STOP:
            return self.close()
        if kind not in (Kind.REST, Kind.PITCH):
            return ()
        over = self._over(before.voice, before.time)
        pitch = value + self._codec.table.base(before.tonic)
        self._events[before.voice] = [(before.time, pitch)] if kind is Kind.PITCH else []
        return over

    def close(self) -> tuple[Sung, ...]:
        """The notes that last to the end, as far as it is known."""
        return tuple(each for voice in range(len(VOICES)) for each in self._over(voice, self._state.time))

    def _over(self, voice: int, end: int) -> tuple[Sung, ...]:
        events, self._events[voice] = self._events[voice], []
        shift = self._codec.table.bars[self._state.meter] if (self._state.begun or 0) < 0 else 0
        return tuple(
            Sung(Note((start + shift) * 6, pitch, (until - start) * 6), voice)
            for start, pitch, until in spans(events, end)
            if until > start
        )
