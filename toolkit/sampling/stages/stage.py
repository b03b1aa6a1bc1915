"""What every stage of the sampling chain is, and the two kinds there are: without a memory, and with a window.

Knows no stage in particular. Rows are float64 of shape (V,).
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, Generic, Self

from toolkit.core.protocols import S
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.logits import Logits

TokenNamed = Callable[[str], int]
"""The id that a label means (the inverse of a codec's ``label``); it raises UsageError when there is none."""

History = tuple[int, ...]
"""The newest tokens, oldest first."""


class Stage(ABC, Generic[S]):
    """A `toolkit.core.Transform` with a name, that knows whether it is neutral.

    ``name`` is how an order of stages calls it, ``heading`` what its knobs are gathered under. ``lane`` is the random
    lane (`toolkit.core.uniform`) of a stage that draws, distinct from every other stage's and never 0; None for a
    stage that draws nothing. ``last`` says that nothing may follow it. ``calibrated`` names, for each knob whose None
    means "as calibrated", the property of `Calibration` that it takes.
    """

    name: ClassVar[str]
    heading: ClassVar[str] = "Sampling"
    lane: ClassVar[int | None] = None
    last: ClassVar[bool] = False
    calibrated: ClassVar[Mapping[str, str]] = {}

    @property
    @abstractmethod
    def neutral(self) -> bool:
        """True when `apply` is the identity whatever it is given."""

    @abstractmethod
    def begin(self, prompt: Sequence[int]) -> S: ...

    @abstractmethod
    def apply(self, logits_V: Logits, state: S, u: float) -> Logits: ...

    @abstractmethod
    def step(self, state: S, token: int) -> S:
        """The state after ``token``, wherever it came from."""

    def drawn(self, state: S, logits_V: Logits, token: int) -> S:
        """The state after ``token`` was drawn where this stage was given ``logits_V``; most look at the token alone."""
        return self.step(state, token)

    def resolved(self, token_named: TokenNamed | None = None, calibration: Calibration | None = None) -> Self:
        """The same stage with labels turned into ids, and what is left to the calibration taken from it.

        UsageError for a label that means nothing. Without a calibration, defaults are those of the literature.
        """
        if calibration is None:
            return self
        open_knobs = {knob: fact for knob, fact in self.calibrated.items() if getattr(self, knob) is None}
        found: dict[str, Any] = {knob: getattr(calibration, fact) for knob, fact in open_knobs.items()}
        return dataclasses.replace(self, **found) if found else self  # type: ignore[type-var] # stages are dataclasses


class Memoryless(Stage[tuple[()]]):
    """A stage that looks at the present logits alone."""

    def begin(self, prompt: Sequence[int]) -> tuple[()]:
        return ()

    def step(self, state: tuple[()], token: int) -> tuple[()]:
        return state


class Windowed(Stage[History]):
    """A stage whose state is the last ``window`` tokens, the prompt's included."""

    @property
    @abstractmethod
    def window(self) -> int: ...

    def begin(self, prompt: Sequence[int]) -> History:
        return tuple(prompt[max(0, len(prompt) - self.window) :])

    def step(self, state: History, token: int) -> History:
        longer = (*state, token)
        return longer[max(0, len(longer) - self.window) :]
