"""The domain `drums`: grooves on a grid of sixteenths, from the drum tracks of MIDI files.

The whole domain is this file: what a groove is, its codec, its corpora, what one may ask of it. That it plays, draws,
exports, trains, samples and streams like every other is the business of what it declares at the end.
"""

from __future__ import annotations

import glob
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import (
    NEVER,
    BoolArray,
    CheckpointError,
    Codec,
    Constraint,
    Corpus,
    Document,
    Finding,
    InputError,
    Measure,
    UsageError,
    knob,
)
from toolkit.domains import Domain
from toolkit.domains.music.controls import shared_knob
from toolkit.domains.music.corpora import LARGEST, MIDI, files_of, nothing_left
from toolkit.domains.music.families import Families, placed
from toolkit.domains.music.gathering import Gathered, corpus_of, without_copies
from toolkit.domains.music.originality import MelodyView
from toolkit.domains.music.views import EXPORTS
from toolkit.originality import Seen
from toolkit.score import TICKS, Meter, Note, Score, Track, read_midi
from toolkit.score.data import score_data, score_of_data

if TYPE_CHECKING:
    from random import Random

__all__ = ["DOMAIN"]

# --- what a groove is ---

KIT: dict[str, tuple[int, ...]] = {
    "kick": (36, 35),
    "snare": (38, 40, 37, 39),
    "closed hat": (42, 44),
    "open hat": (46,),
    "low tom": (45, 41, 43),
    "mid tom": (47, 48),
    "high tom": (50,),
    "crash": (49, 55, 57, 52),
    "ride": (51, 53, 59),
}
"""Nine pieces of a drum kit, each with the General MIDI drums that it stands for: it is written as the first."""

METERS = ("4/4", "3/4", "2/4", "6/8", "12/8", "5/4", "7/8")
_PIECES = {drum: place for place, drums in enumerate(KIT.values()) for drum in drums}
_DRUMS = [drums[0] for drums in KIT.values()]
_STEP, _HIT, _END = TICKS // 4, len(METERS), len(METERS) + len(KIT)
_FILE, _FORMAT = "drums.json", 1


def groove_of(score: Score) -> tuple[str, list[frozenset[int]]]:
    """(Meter, the pieces of the kit that are struck in each sixteenth) of a score's drums; InputError for none.

    Times go to the nearest sixteenth; what is no drum of `KIT` is left out. Silent bars at the beginning are too, and
    the last bar is filled.
    """
    meter = str(score.meters[0])
    if len(score.meters) > 1 or meter not in METERS:
        raise InputError(f"its meter is {', '.join(map(str, score.meters))}, and one of {', '.join(METERS)} is needed.")
    struck: dict[int, set[int]] = {}
    for track in score.tracks:
        for note in track.notes if track.drums else ():
            if note.pitch in _PIECES:
                struck.setdefault(round(note.start * 4 / score.resolution), set()).add(_PIECES[note.pitch])
    if not struck:
        raise InputError("it has no drums.")
    bar = Meter.parse(meter).bar(4)
    begin, end = min(struck) // bar * bar, (max(struck) // bar + 1) * bar
    return meter, [frozenset(struck.get(step, ())) for step in range(begin, end)]


# --- its tokens ---


class At(NamedTuple):
    """Where a groove stands: the ``meter`` (-1 before it is told), the ``step``, the newest ``piece`` struck in it (-1
    for none), whether anything was struck at all (``heard``) and whether all is ``over``.
    """

    meter: int = -1
    step: int = 0
    piece: int = -1
    heard: bool = False
    over: bool = False


class Grooves:
    """A `toolkit.core.Constraint[At]`: a meter, then steps of pieces in the order of the kit, to the end of a bar.

    There are as many ``bars`` as are asked for.
    """

    def __init__(self, meter: str | None = None, bars: int | None = None) -> None:
        self._meters = [METERS.index(meter)] if meter else list(range(len(METERS)))
        self._bars = bars
        self.growth = None if bars else max(map(_bar, range(len(METERS)))) + 2
        self._masks = lru_cache(1024)(self._mask)

    def begin(self) -> At:
        return At()

    def allowed(self, state: At) -> BoolArray:
        mask_V: BoolArray = self._masks(state)
        return mask_V

    def step(self, state: At, token: int) -> At:
        if token < _HIT:
            return state._replace(meter=token)
        if token < _END:
            return state._replace(piece=token - _HIT, heard=True)
        return state._replace(over=True) if token > _END else state._replace(step=state.step + 1, piece=-1)

    def distance(self, state: At) -> int:
        if state.over:
            return 0
        if state.meter < 0:
            return 1 + min(self.distance(state._replace(meter=meter)) for meter in self._meters)
        bar = _bar(state.meter)
        into = state.step % bar
        if self._bars is not None:
            left = self._bars * bar - state.step
        elif state.step and not into and state.piece < 0 and state.heard:
            left = 0
        else:
            left = bar - into
        return left + (not state.heard) + 1 if left >= 0 else NEVER

    def _mask(self, state: At) -> BoolArray:
        mask_V = np.zeros(_END + 2, np.bool_)
        if state.over:
            return mask_V
        if state.meter < 0:
            mask_V[self._meters] = True
            return mask_V
        bar = _bar(state.meter)
        last = self._bars is not None and state.step == self._bars * bar
        whole = state.step > 0 and state.step % bar == 0 and state.piece < 0
        mask_V[_END + 1] = whole and state.heard and (last if self._bars is not None else True)
        if not last:
            mask_V[_HIT + state.piece + 1 : _END] = True
            mask_V[_END] = state.heard or state.step % bar < bar - 1  # the first bar is never silent to its end
        return mask_V


def _bar(meter: int) -> int:
    return Meter.parse(METERS[meter]).bar(4)


class DrumCodec:
    """A `toolkit.core.Codec` of grooves: a meter, then for each sixteenth the pieces struck and the end of the step.

    Velocities and lengths are not encoded: a stroke lasts a sixteenth.
    """

    name: ClassVar[str] = "drums"
    size, stop = _END + 2, _END + 1

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(json.dumps([self.name, _FORMAT, METERS, list(KIT.items())]).encode()).hexdigest()

    @classmethod
    def build(cls, items: Iterable[Score], *, size: int | None = None) -> Self:
        """The same codec for every corpus."""
        return cls()

    def encode(self, item: Score) -> list[int]:
        """The ids of a groove, without the stop token; InputError for a score without drums."""
        meter, steps = groove_of(item)
        hits = ([*(_HIT + piece for piece in sorted(step)), _END] for step in steps)
        return [METERS.index(meter), *(token for step in hits for token in step)]

    def opening(self, score: Score) -> list[int]:
        """The ids that a groove to go on from begins with."""
        return self.encode(score)

    def decode(self, tokens: Sequence[int]) -> Score:
        """The groove that ids mean, up to a stop token; InputError where one cannot stand where it does."""
        decoder = self.decoder()
        notes = [note for token in tokens for note in decoder.push(int(token))]
        meter = METERS[max(0, decoder.state.meter)]
        return Score((Track(tuple(notes), drums=True, name="Drums"),), (Meter.parse(meter),))

    def decoder(self) -> DrumDecoder:
        return DrumDecoder(self)

    def grammar(self) -> Grooves:
        return _grooves(None, None)

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure:
        ids = np.asarray(tokens, np.int64)
        notes, steps = (ids >= _HIT) & (ids < _END), ids == _END
        return {"note": float(np.count_nonzero(notes)), "step": float(np.count_nonzero(steps))}

    def variants(self, item: Score, rng: Random) -> Score:
        return item

    def label(self, token: int) -> str:
        return (*METERS, *KIT, "step", "stop")[token]

    def save(self, folder: Path) -> None:
        saved = {"codec": self.name, "format": _FORMAT, "fingerprint": self.fingerprint}
        (folder / _FILE).write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Self:
        try:
            saved = json.loads((folder / _FILE).read_text(encoding="utf-8"))
            if (saved["codec"], saved["fingerprint"]) != (cls.name, cls().fingerprint):
                raise ValueError("it was written by another version")
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise CheckpointError(f"the codec in {folder / _FILE} cannot be used: {error!r}.") from None
        return cls()


class DrumDecoder:
    """Ids to strokes as they come."""

    def __init__(self, codec: DrumCodec) -> None:
        self._grammar = codec.grammar()
        self.state = self._grammar.begin()

    def push(self, token: int) -> tuple[Note, ...]:
        if self.state.over:
            return ()
        if not 0 <= token < _END + 2 or not self._grammar.allowed(self.state)[token]:
            raise InputError(f"token {token} cannot stand where it does in a groove.")
        self.state = self._grammar.step(self.state, token)
        struck = _HIT <= token < _END
        return (Note(self.state.step * _STEP, _DRUMS[token - _HIT], _STEP),) if struck else ()

    def close(self) -> tuple[Note, ...]:
        self.state = self.state._replace(over=True)
        return ()


@lru_cache(maxsize=32)
def _grooves(meter: str | None, bars: int | None) -> Grooves:
    return Grooves(meter, bars)


# --- what one may ask, and where it comes from ---


@dataclass(frozen=True)
class DrumControls:
    """None, or False, leaves the choice to the model."""

    meter: str | None = knob(None, "The time signature.", choices=METERS)
    bars: int | None = knob(None, "Exactly this many bars.", low=1, high=64)
    tempo: int = shared_knob("tempo")
    title: str | None = shared_knob("title")
    swing: float = shared_knob("swing")
    dynamics: bool = shared_knob("dynamics")


def constraint(codec: Codec[Score, Any], controls: DrumControls, given: Score | None = None) -> Constraint[Any]:
    """The grooves that are asked for; UsageError when one to go on from is not the beginning of such a groove."""
    if given is not None:
        meter, steps = groove_of(given)
        if controls.meter not in (None, meter):
            raise UsageError(f"the groove to go on from is in {meter}, not in {controls.meter}.")
        if controls.bars is not None and controls.bars * Meter.parse(meter).bar(4) < len(steps):
            raise UsageError(f"the groove to go on from is longer than {controls.bars} bars.")
    return _grooves(controls.meter, controls.bars)


def read(source: str) -> Corpus[Score]:
    """The grooves of a MIDI file, of every such file in a folder and below it, or of what a glob matches.

    Exact copies are left out. InputError when nothing is left, with the reason.
    """
    gathered = Gathered()
    for name, path in files_of(source):
        try:
            gathered.documents.append(Document(name, replace(_groove_in(path), title=path.stem)))
            gathered.findings.append(Finding(name, "kept"))
        except (InputError, OSError) as error:
            gathered.drop(name, str(error))
    if not gathered.documents:
        raise InputError(nothing_left(source, gathered.findings, "groove"))
    names = [document.name for document in gathered.documents]
    families = Families({name: name for name in names}, placed(names))
    kept, doubles = without_copies(gathered.documents, families)
    findings = [doubles.get(finding.name, finding) for finding in gathered.findings]
    title = Path(source).name if glob.has_magic(source) else Path(source).resolve().stem
    return corpus_of(title, source, "not stated", kept, findings, families, domain="drums", called="grooves")


def _groove_in(path: Path) -> Score:
    """The groove in a MIDI file, as the codec holds it."""
    if path.suffix.lower() not in MIDI or not path.is_file() or path.stat().st_size > LARGEST:
        raise InputError(f"{path.name} is no MIDI file (.mid, .midi), or too large a one.")
    codec = DrumCodec()
    return codec.decode(codec.encode(read_midi(path)))


class GrooveView(MelodyView):
    """A `toolkit.originality.View` of grooves: drums are compared as melodies are, stroke after stroke."""

    def look(self, item: Score, given: Score | None = None) -> Seen:
        def pitched(score: Score) -> Score:
            return replace(score, tracks=tuple(replace(track, drums=False) for track in score.tracks))

        return super().look(pitched(item), None if given is None else pitched(given))


def show(score: Score) -> str:
    """A grid for a terminal: a line for each piece of the kit, ``x`` where it is struck, a bar between bar lines."""
    meter, steps = groove_of(score)
    bar = Meter.parse(meter).bar(4)
    lines = [meter]
    for place, name in enumerate(KIT):
        row = "".join("x" if place in step else "-" for step in steps)
        if "x" in row:
            lines.append(f"{name:>10} |" + "|".join(row[at : at + bar] for at in range(0, len(row), bar)) + "|")
    return "\n".join(lines)


DOMAIN: Domain[Score, Note] = Domain(
    name="drums",
    codecs={DrumCodec.name: DrumCodec},
    default_codec=DrumCodec.name,
    suffixes=frozenset(),  # MIDI files are melodies unless --codec drums says otherwise
    read=read,
    controls=DrumControls,
    constraint=constraint,
    read_prompt=lambda given: _groove_in(Path(given.strip())),
    opening=lambda codec, score: codec.encode(score),
    exports={suffix: export for suffix, export in EXPORTS.items() if suffix not in (".abc", ".txt")}
    | {".txt": lambda score, details: (show(score) + "\n").encode()},
    show=show,
    unit="note",
    view=GrooveView(),
    sampling={"temperature": 1.0},
    length=2048,
    prompt_files=MIDI,
    data=score_data,
    of_data=score_of_data,
)
