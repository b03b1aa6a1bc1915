"""The waist of the toolkit: what a codec, a constraint, a model, an engine and a transform promise.

Token ids cross every line below; only a codec knows what they mean. Standard library and numpy only.
Shapes are written as suffixes: B rows, T steps, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from random import Random

    from torch import Tensor

    from toolkit.core.program import Program

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

Item = TypeVar("Item")
Part_co = TypeVar("Part_co", covariant=True)
S = TypeVar("S", bound=Hashable)
S_contra = TypeVar("S_contra", contravariant=True)

NEVER = 2**31 - 1
"""The distance from where no sequence can end any more."""

UNSCORED = -1
"""Stands among targets for an id that is not predicted: it costs nothing and teaches nothing."""

Measure = Mapping[str, float]
"""Codec-independent amounts: ``{"byte": …, "character": …}`` of text, ``{"note": …, "quarter": …}`` of music."""

State = tuple["Tensor", ...]
"""Recurrent state as a value: tensors of shape (layers, B, width). Copied, forked, stored; never written into."""


class Decoder(Protocol[Part_co]):
    """Turns ids into parts as they come, without decoding anything twice."""

    def push(self, token: int) -> Iterable[Part_co]:
        """The parts that ``token`` completes, often none or one."""
        ...

    def close(self) -> Iterable[Part_co]:
        """What was still held back when the sequence ended."""
        ...


class Constraint(Protocol[S]):
    """An automaton over tokens with a small hashable state. States are values: `step` returns a new one.

    `begin` is the state before the first token that the constraint sees: of the whole sequence, or of what is
    generated. Two more promises are optional, and worth making where they are cheap: `Lookahead` and `Withdrawing`.
    """

    def begin(self) -> S: ...

    def allowed(self, state: S) -> BoolArray | None:
        """A mask of shape (V,), True where a token may follow; None when every token may."""
        ...

    def step(self, state: S, token: int) -> S:
        """The state after ``token``, which must be allowed."""
        ...

    def distance(self, state: S) -> int:
        """The fewest tokens, the stop token included, after which a sequence may end here.

        0 means that it may end now without one (free text, cut anywhere, or already stopped).
        """
        ...


@runtime_checkable
class Lookahead(Protocol[S_contra]):
    """A constraint that knows the distances after all tokens at once, cheaper than by stepping with each."""

    def distances(self, state: S_contra) -> npt.NDArray[np.int32]:
        """``distance(step(state, t))`` for each token t, of shape (V,); `NEVER` where t may not follow."""
        ...


@runtime_checkable
class Withdrawing(Protocol[S_contra]):
    """A constraint that only tokens already drawn can break: the decode loop then takes them back.

    What it can still take back is held back from whoever streams.
    """

    def pending(self, state: S_contra) -> int:
        """How many of the newest tokens may yet be withdrawn."""
        ...

    def withdraw(self, state: S_contra) -> int:
        """How many tokens must go back now; 0 when all is well. The first of them will not be drawn there again."""
        ...


@runtime_checkable
class Deciding(Protocol[S_contra]):
    """A constraint that knows where what was said before decides the next token, whatever a model thinks of it.

    That is more than allowing only one: such a token says nothing new, and is certain in every probability.
    """

    def settles(self, state: S_contra) -> bool:
        """Whether the one token that is allowed now was settled before."""
        ...


class Codec(Protocol[Item, Part_co]):
    """A meaning for ids 0 … size-1. Data only: it can be saved, loaded, and compared by fingerprint."""

    name: ClassVar[str]

    @property
    def size(self) -> int:
        """How many ids there are."""
        ...

    @property
    def stop(self) -> int:
        """The id between items: it ends one and, fed first, begins the next."""
        ...

    @property
    def fingerprint(self) -> str:
        """A sha256 in hexadecimal of everything that decides what ids mean."""
        ...

    @classmethod
    def build(cls, items: Iterable[Item], *, size: int | None = None) -> Self:
        """A codec for a corpus's training items; ``size`` asks for a vocabulary size where one can be chosen."""
        ...

    def encode(self, item: Item) -> list[int]:
        """The ids of a whole item, without the stop token. Encoding what they decode to gives them again."""
        ...

    def decode(self, tokens: Sequence[int]) -> Item:
        """The item that ids mean; a stop token and what follows it are left out."""
        ...

    def decoder(self) -> Decoder[Part_co]: ...

    def grammar(self) -> Constraint[Any]:
        """What a well-formed sequence is, the stop token included."""
        ...

    def measure(self, tokens: Sequence[int] | npt.NDArray[Any]) -> Measure: ...

    def variants(self, item: Item, rng: Random) -> Item:
        """Training-time augmentation: another item as likely as this one. The identity for most.

        Training makes them through `Varying`, which a codec promises where this is not the identity.
        """
        ...

    def label(self, token: int) -> str:
        """A short name of one id for people: tables, pictures, logit bias."""
        ...

    def save(self, folder: Path) -> None:
        """Writes the codec into an existing folder, as data."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Reads what `save` wrote; CheckpointError when it cannot be trusted."""
        ...


@runtime_checkable
class Varying(Protocol):
    """A codec that makes variants of what it encoded from the ids alone: training then reads new ones every epoch.

    A variant has as many ids as what it was made of, so that a step of training is the same stretch of every epoch.
    """

    def variant_ids(self, ids: npt.NDArray[Any], rng: Random) -> npt.NDArray[Any]:
        """``encode(variants(item, rng))`` for the item that ``ids`` encode, of their dtype and length, without a stop.

        The given ids are left untouched. Two generators in one state give one variant.
        """
        ...


@runtime_checkable
class Settling(Protocol):
    """A codec some of whose tokens follow from those before them, so that they say nothing new.

    Generation has no choice there; a loss leaves them out, and so does training.
    """

    def settled(self, tokens: npt.NDArray[Any]) -> BoolArray:
        """True at each of ``tokens``, whole items with their stops, that those before it settle; of shape (T,)."""
        ...


class LanguageModel(Protocol):
    """Next-token logits with explicit state. The given state is left untouched."""

    def __call__(self, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """logits_BTV for the token after each id, and the state after the last; None is the zero state."""
        ...


class Engine(Protocol):
    """A way to run a trained model step by step. Its memory is a value that only it understands.

    A memory is of one sequence, or of N side by side, its rows. One sequence is fed by `feed`; rows advance
    together by `advance`, where a row may differ in the last bits from the same sequence alone.
    """

    name: str
    precision: str
    vocabulary: int

    def begin(self) -> Any:
        """The memory before any token."""
        ...

    def feed(self, tokens: Sequence[int], memory: Any) -> tuple[FloatArray, Any]:
        """(logits_V for the token after the last of ``tokens``, the memory after it). ``tokens`` is not empty."""
        ...

    def rows(self, memory: Any, rows: Sequence[int]) -> Any:
        """A memory whose row i is row ``rows[i]`` of ``memory``: how sequences are forked, chosen and dropped."""
        ...

    def advance(self, tokens: Sequence[int], memory: Any) -> tuple[FloatArray, Any]:
        """(logits_NV after token i in row i, the memory after it), for a memory of N rows."""
        ...


@runtime_checkable
class Decoding(Engine, Protocol):
    """An engine that draws by itself, block by block, where a `Program` says how."""

    def decode(
        self, program: Program, logits_V: FloatArray, memory: Any, *, seed: int, position: int, length: int, stop: int
    ) -> Iterator[tuple[int, float]]:
        """Up to ``length`` tokens and the model's log-probability of each, the first drawn from ``logits_V``.

        Positions count from ``position``; the last token is ``stop`` if it came. ToolkitError where none can be drawn.
        """
        ...

    def drawing(self, program: Program) -> Drawing:
        """What draws by ``program`` where masks come from elsewhere, at every token."""
        ...


class Drawing(Protocol):
    """Draws one token at a time. Its state is a value."""

    def begin(self) -> Any:
        """The state before the first draw."""
        ...

    def take(
        self, logits_V: FloatArray, states: Any, allowed_V: BoolArray | None = None, *, seed: int, position: int
    ) -> tuple[tuple[int, float], Any]:
        """The token drawn from what ``allowed_V`` leaves, the model's log-probability of it, and the state after."""
        ...


class Row(NamedTuple):
    """A token that came in one of several rows, and the model's log-probability of it in nats."""

    row: int
    token: int
    log_probability: float


@runtime_checkable
class DecodingTogether(Decoding, Protocol):
    """A decoding engine that takes rows through the network side by side."""

    @property
    def together(self) -> bool:
        """Whether each row is then what it is alone, to the last bit."""
        ...

    def beside(self, memories: Sequence[Any]) -> Any:
        """The memory whose row i is the one row of ``memories[i]``."""
        ...

    def decode_together(
        self,
        programs: Sequence[Program],
        logits_NV: FloatArray,
        memory: Any,
        *,
        seeds: Sequence[int],
        position: int,
        length: int,
        stop: int,
    ) -> Iterator[list[Row]]:
        """In every turn a token for each row that still runs; row i is what ``decode`` gives for its arguments."""
        ...


class Transform(Protocol[S]):
    """One stage of the sampling chain. Its neutral settings are the identity; minus infinity stays so."""

    def begin(self, prompt: Sequence[int]) -> S:
        """The stage's state before the first draw, having seen the prompt."""
        ...

    def apply(self, logits_V: npt.NDArray[np.float64], state: S, u: float) -> npt.NDArray[np.float64]:
        """New logits of shape (V,); the given ones are left untouched. ``u`` is this stage's own random number."""
        ...

    def step(self, state: S, token: int) -> S: ...
