"""The stages of the sampling chain: each one dataclass, its settings declared as knobs with neutral defaults.

A new stage is one class here and its place in `TRANSFORMS`; flags, app controls and the shared tests follow.
Knows one row of logits at a time, no constraint and no meaning of ids. Rows are float64 of shape (V,).
"""

from __future__ import annotations

import dataclasses
import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Generic, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import Knob, UsageError, checked, knob, knobs_of, unknown
from toolkit.core.protocols import S
from toolkit.sampling.logits import ROUNDING, Logits, keep, keep_greatest, log_softmax, peak

TokenNamed = Callable[[str], int]
"""The id that a label means (the inverse of a codec's ``label``); it raises UsageError when there is none."""


class Stage(ABC, Generic[S]):
    """A `toolkit.core.Transform` that knows whether it is neutral.

    ``lane`` is the random lane (`toolkit.core.uniform`) of a stage that draws, distinct from every other
    stage's and never 0; None for a stage that draws nothing.
    """

    lane: ClassVar[int | None] = None

    @property
    @abstractmethod
    def neutral(self) -> bool:
        """True when `apply` is the identity whatever it is given."""

    @abstractmethod
    def begin(self, prompt: Sequence[int]) -> S: ...

    @abstractmethod
    def apply(self, logits_V: Logits, state: S, u: float) -> Logits: ...

    @abstractmethod
    def step(self, state: S, token: int) -> S: ...

    def resolved(self, token_named: TokenNamed | None) -> Self:
        """The same stage with the labels in its settings turned into ids; most have none."""
        return self


class Memoryless(Stage[tuple[()]]):
    """A stage that looks at the present logits alone."""

    def begin(self, prompt: Sequence[int]) -> tuple[()]:
        return ()

    def step(self, state: tuple[()], token: int) -> tuple[()]:
        return state


class Windowed(Stage[tuple[int, ...]]):
    """A stage whose state is the last ``window`` tokens, the prompt's included."""

    @property
    @abstractmethod
    def window(self) -> int: ...

    def begin(self, prompt: Sequence[int]) -> tuple[int, ...]:
        return tuple(prompt[max(0, len(prompt) - self.window) :])

    def step(self, state: tuple[int, ...], token: int) -> tuple[int, ...]:
        longer = (*state, token)
        return longer[max(0, len(longer) - self.window) :]


@dataclass(frozen=True)
class RepetitionPenalty(Windowed):
    """Multiplies the log-probability of every token seen in the window (CTRL, Keskar et al. 2019, 1909.05858).

    CTRL's rule acts on logits and changes with a constant added to all of them; on log-probabilities it
    does not, and a penalty above 1 always lowers.
    """

    repetition_penalty: float = knob(
        1.0,
        "above 1 makes recent tokens less likely; keep it near 1 when tokens are letters",
        low=0.1,
        high=10,
        step=0.05,
    )
    repetition_window: int = knob(
        64, "how far back the repetition penalty looks", low=0, high=4096, unit="tokens", advanced=True
    )

    @property
    def window(self) -> int:
        return self.repetition_window

    @property
    def neutral(self) -> bool:
        return self.repetition_penalty == 1 or self.repetition_window == 0

    def apply(self, logits_V: Logits, state: tuple[int, ...], u: float) -> Logits:
        out_V = logits_V.copy()
        if self.neutral or not state:
            return out_V
        seen = np.fromiter(set(state), np.intp)
        seen = seen[logits_V[seen] > -np.inf]  # an impossible token times anything would be NaN
        out_V[seen] += (self.repetition_penalty - 1) * log_softmax(logits_V)[seen]
        return out_V


@dataclass(frozen=True)
class FrequencyPresence(Windowed):
    """Subtracts ``frequency·count + presence·[count > 0]`` nats, counting in the window (OpenAI's API reference)."""

    frequency_penalty: float = knob(
        0.0, "nats taken from a token for each time it occurred recently", low=-2, high=2, step=0.05
    )
    presence_penalty: float = knob(
        0.0, "nats taken once from a token that occurred recently", low=-2, high=2, step=0.05
    )
    penalty_window: int = knob(
        64,
        "how far back the frequency and presence penalties count",
        low=0,
        high=4096,
        unit="tokens",
        advanced=True,
    )

    @property
    def window(self) -> int:
        return self.penalty_window

    @property
    def neutral(self) -> bool:
        return (self.frequency_penalty == 0 and self.presence_penalty == 0) or self.penalty_window == 0

    def apply(self, logits_V: Logits, state: tuple[int, ...], u: float) -> Logits:
        counts_V = np.bincount(np.asarray(state, np.intp), minlength=len(logits_V))
        lowered_V: Logits = logits_V - self.frequency_penalty * counts_V - self.presence_penalty * (counts_V > 0)
        return lowered_V


_BIAS = re.compile(r"(.+?)=([^=,]+)(?:,|$)", re.DOTALL)
"""One ``label=value`` of a list; the label itself may hold a comma or an equals sign (",=1" is the comma)."""
_ID = re.compile(r"#\d+")


@dataclass(frozen=True)
class LogitBias(Memoryless):
    """Adds a constant to some tokens' logits; minus infinity bans one.

    ``biases`` are (id, nats) pairs. ``logit_bias`` is how a person writes them; `resolved` makes the one
    from the other, given what labels mean.
    """

    logit_bias: str = knob("", "nats to add, as label=value,label=value; #17 is token 17, -inf bans", advanced=True)
    biases: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, biases: Mapping[int, float]) -> LogitBias:
        """The stage that adds ``biases[id]`` nats to the token ``id``."""
        return cls(biases=tuple(sorted(biases.items())))

    @property
    def neutral(self) -> bool:
        return not any(nats for _, nats in self.biases)

    def resolved(self, token_named: TokenNamed | None) -> LogitBias:
        """UsageError when the text is no list of biases, or names a token that does not exist."""
        named = {_token(label, token_named): nats for label, nats in parse_biases(self.logit_bias)}
        return LogitBias.of(dict(self.biases) | named)

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[np.intp], Logits]:
        tokens, nats = zip(*self.biases, strict=True)
        return np.array(tokens, np.intp), np.array(nats, np.float64)

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        out_V = logits_V.copy()
        if self.biases:
            tokens, nats = self._arrays
            if tokens[-1] >= len(logits_V):
                raise UsageError(f"there is no token {tokens[-1]} to bias: the last is {len(logits_V) - 1}.")
            out_V[tokens] += nats
        return out_V


def parse_biases(text: str) -> tuple[tuple[str, float], ...]:
    """The (label, nats) pairs that ``label=value,label=value`` means; UsageError when it means none."""
    pairs, position = [], 0
    while position < len(text):
        match = _BIAS.match(text, position)
        if match is None:
            raise UsageError(f"logit_bias is written label=value,label=value; {text[position:]!r} is not.")
        label, value = match.groups()
        try:
            nats = float(value)
        except ValueError:
            raise UsageError(f"logit_bias of {label!r} takes a number, not {value!r}.") from None
        if math.isnan(nats) or nats == math.inf:
            raise UsageError(f"logit_bias of {label!r} must be a finite number or -inf, not {value}.")
        pairs.append((label, nats))
        position = match.end()
    return tuple(pairs)


def _token(label: str, token_named: TokenNamed | None) -> int:
    if _ID.fullmatch(label):
        return int(label[1:])
    if token_named is None:
        raise UsageError(f"logit_bias can only name tokens by number here, as #17, not {label!r}.")
    return token_named(label)


@dataclass(frozen=True)
class Temperature(Memoryless):
    """Divides the logits by the temperature; 0 keeps the single most likely token, the lower id of equals."""

    temperature: float = knob(
        1.0, "below 1 is safer, above 1 wilder; 0 always takes the likeliest token", low=0, high=10, step=0.05
    )

    COLD: ClassVar[float] = 1e-6
    """Below it every draw would be the likeliest token anyway, and dividing could overflow."""

    @property
    def neutral(self) -> bool:
        return self.temperature == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.temperature >= self.COLD:
            return logits_V / self.temperature
        return keep_greatest(logits_V, 1, peak(logits_V))


@dataclass(frozen=True)
class TopK(Memoryless):
    """Keeps exactly the k likeliest tokens (Fan et al. 2018, 1805.04833), the lower ids of equals."""

    top_k: int = knob(0, "keep only this many of the likeliest tokens; 0 keeps all", low=0, step=1)

    @property
    def neutral(self) -> bool:
        return self.top_k == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral or self.top_k >= len(logits_V):
            return logits_V.copy()
        return keep_greatest(logits_V, self.top_k, float(np.partition(logits_V, -self.top_k)[-self.top_k]))


@dataclass(frozen=True)
class TopP(Memoryless):
    """Keeps the smallest set of likeliest tokens that holds at least p of the mass (Holtzman et al. 2019, 1904.09751).

    The token that crosses p is kept, so one token always is.
    """

    top_p: float = knob(1.0, "keep the likeliest tokens that together hold this probability", low=0, high=1, step=0.01)

    @property
    def neutral(self) -> bool:
        return self.top_p == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        falling_V = np.sort(logits_V)[::-1]
        mass_V = np.exp(falling_V - peak(falling_V[:1])).cumsum()
        crossing = int(mass_V.searchsorted(self.top_p * (1 - ROUNDING) * mass_V[-1]))
        return keep_greatest(logits_V, crossing + 1, float(falling_V[crossing]))


@dataclass(frozen=True)
class MinP(Memoryless):
    """Keeps tokens at least ``min_p`` times as likely as the likeliest (Nguyen et al. 2024, 2407.01082)."""

    min_p: float = knob(0.0, "drop tokens less likely than this share of the likeliest", low=0, high=1, step=0.01)

    @property
    def neutral(self) -> bool:
        return self.min_p == 0

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        return keep(logits_V, logits_V >= peak(logits_V) + math.log(self.min_p) - ROUNDING)


@dataclass(frozen=True)
class Typical(Memoryless):
    """Keeps the tokens whose surprise is nearest the entropy until p of the mass (Meister et al. 2022, 2202.00666).

    The token that crosses p is kept; of equals the lower id comes first.
    """

    typical_p: float = knob(
        1.0,
        "keep tokens about as surprising as expected, up to this probability",
        low=0,
        high=1,
        step=0.01,
        advanced=True,
    )

    @property
    def neutral(self) -> bool:
        return self.typical_p == 1

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        if self.neutral:
            return logits_V.copy()
        possible = np.flatnonzero(logits_V > -np.inf)
        surprise = -log_softmax(logits_V)[possible]
        probability = np.exp(-surprise)
        order = np.argsort(np.abs(surprise - probability @ surprise), kind="stable")
        mass = probability[order].cumsum()
        crossing = int(mass.searchsorted(self.typical_p * (1 - ROUNDING) * mass[-1]))
        kept = possible[order[: crossing + 1]]
        out_V = np.full_like(logits_V, -np.inf)
        out_V[kept] = logits_V[kept]
        return out_V


TRANSFORMS: tuple[type[Stage[Any]], ...] = (
    RepetitionPenalty,
    FrequencyPresence,
    LogitBias,
    Temperature,
    TopK,
    TopP,
    MinP,
    Typical,
)
"""The stages in the order they are applied, always after the constraint's mask.

Penalties first, on the model's own log-probabilities, so that their strength does not hang on the other
settings; then what the user asks for by name, so that no penalty scales it. Temperature before the
truncations, which then cut the distribution that is really drawn from (the order of Hugging Face; llama.cpp
puts it last). Truncations from the bluntest to the finest: each sees what the one before has left.
"""


def sampling_knobs() -> tuple[Knob, ...]:
    """Every setting of every stage, in the order of `TRANSFORMS`; names are unique."""
    return tuple(each for stage in TRANSFORMS for each in knobs_of(stage))


def chain(settings: Mapping[str, Any], *, token_named: TokenNamed | None = None) -> tuple[Stage[Any], ...]:
    """The stages that flat ``settings`` ask for, in the order of `TRANSFORMS`, neutral ones left out.

    What is not mentioned is neutral. UsageError for an unknown name or a value out of its range.
    """
    known = {each.name for each in sampling_knobs()}
    for name in settings:
        if name not in known:
            raise unknown("sampling setting", name, known)
    stages = (_built(stage, settings).resolved(token_named) for stage in TRANSFORMS)
    return tuple(stage for stage in stages if not stage.neutral)


def _built(stage: type[Stage[Any]], settings: Mapping[str, Any]) -> Stage[Any]:
    mine = {each.name for each in dataclasses.fields(stage)} & settings.keys()  # type: ignore[arg-type]
    return checked(stage, {name: settings[name] for name in mine})
