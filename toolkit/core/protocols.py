"""The waist of the toolkit: what a codec, a constraint, a model, an engine and a transform promise.

Token ids cross every line below; only a codec knows what they mean. Standard library and numpy only.
Shapes are written as suffixes: B rows, T steps, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from random import Random

    from torch import Tensor

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]

Item = TypeVar("Item")
Part_co = TypeVar("Part_co", covariant=True)
S = TypeVar("S", bound=Hashable)

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
    """An automaton over tokens with a small hashable state. States are values: `step` returns a new one."""

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
        """Training-time augmentation: another item as likely as this one. The identity for most."""
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


class LanguageModel(Protocol):
    """Next-token logits with explicit state. The given state is left untouched."""

    def __call__(self, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """logits_BTV for the token after each id, and the state after the last; None is the zero state."""
        ...


class Engine(Protocol):
    """A way to run a trained model for one sequence, step by step. Its memory is a value it understands."""

    name: str
    precision: str
    vocabulary: int

    def begin(self) -> Any:
        """The memory before any token."""
        ...

    def feed(self, tokens: Sequence[int], memory: Any) -> tuple[FloatArray, Any]:
        """(logits_V for the token after the last of ``tokens``, the memory after it). ``tokens`` is not empty."""
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
