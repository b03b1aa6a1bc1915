"""Stages that act on what has come before: penalties, DRY and banned n-grams, all over one search for repeats.

The unit of repetition is a run of tokens, not a token: among 65 characters every letter has just been used.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from toolkit.core import knob
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.logits import Logits, log_softmax
from toolkit.sampling.stages.labels import listed, token_of
from toolkit.sampling.stages.stage import History, TokenNamed, Windowed

_CERTAIN = 1e3
"""Nats beyond which a penalty rules a token out in float64 anyway; it bounds an exponential."""


def earlier_ends(history: History, length: int) -> Iterator[int]:
    """Where the last ``length`` (at least 1) tokens stood before: the index of their last token there, ascending."""
    if not 1 <= length < len(history):
        return
    last, tail, at = history[-1], history[-length:], length - 2
    while True:
        try:
            at = history.index(last, at + 1, len(history) - 1)
        except ValueError:
            return
        if history[at - length + 1 : at + 1] == tail:
            yield at


def continuations(history: History, span: int) -> History:
    """The tokens that came after the last ``span - 1`` tokens wherever these stood before; all for a span of 1."""
    if span <= 1:
        return history
    return tuple(history[end + 1] for end in earlier_ends(history, span - 1))


@dataclass(frozen=True)
class RepetitionPenalty(Windowed):
    """Multiplies the log-probability of every token seen in the window (CTRL, Keskar et al. 2019, 1909.05858).

    A token counts as seen only where it followed the ``span - 1`` tokens it would follow now; 1 is CTRL's rule.
    That rule acts on logits and changes with a constant added to all of them; on log-probabilities it
    does not, and a penalty above 1 always lowers.
    """

    name: ClassVar[str] = "repetition"
    heading: ClassVar[str] = "Repetition"
    calibrated: ClassVar[Mapping[str, str]] = {"repetition_window": "passage", "repetition_span": "phrase"}
    WINDOW: ClassVar[int] = 64

    repetition_penalty: float = knob(
        1.0, "above 1 makes what repeats recent tokens less likely", low=0.1, high=10, step=0.05
    )
    repetition_window: int | None = knob(
        None, "how far back the repetition penalty looks; without one, 64 words or 32 bars", low=0, high=4096,
        unit="tokens", advanced=True,
    )  # fmt: skip
    repetition_span: int | None = knob(
        None, "the run of tokens that counts as a repeat; 1 is a single token; without one, two words or a bar",
        low=1, high=256, unit="tokens", advanced=True,
    )  # fmt: skip

    @property
    def window(self) -> int:
        return self.WINDOW if self.repetition_window is None else self.repetition_window

    @property
    def neutral(self) -> bool:
        return self.repetition_penalty == 1 or self.window == 0

    def apply(self, logits_V: Logits, state: History, u: float) -> Logits:
        out_V = logits_V.copy()
        seen = set(continuations(state, self.repetition_span or 1))
        if self.neutral or not seen:
            return out_V
        tokens = np.fromiter(seen, np.intp, len(seen))
        tokens = tokens[logits_V[tokens] > -np.inf]  # an impossible token times anything would be NaN
        out_V[tokens] += (self.repetition_penalty - 1) * log_softmax(logits_V)[tokens]
        return out_V


@dataclass(frozen=True)
class FrequencyPresence(Windowed):
    """Subtracts ``frequency·count + presence·[count > 0]`` nats, counting in the window (OpenAI's API reference).

    A token counts where it followed the ``span - 1`` tokens it would follow now; 1 is the API's rule.
    """

    name: ClassVar[str] = "frequency"
    heading: ClassVar[str] = "Repetition"
    calibrated: ClassVar[Mapping[str, str]] = {"penalty_window": "passage", "penalty_span": "phrase"}
    WINDOW: ClassVar[int] = 64

    frequency_penalty: float = knob(
        0.0, "nats taken from a token for each time it occurred recently", low=-2, high=2, step=0.05
    )
    presence_penalty: float = knob(
        0.0, "nats taken once from a token that occurred recently", low=-2, high=2, step=0.05
    )
    penalty_window: int | None = knob(
        None, "how far back the frequency and presence penalties count; without one, 64 words or 32 bars", low=0,
        high=4096, unit="tokens", advanced=True,
    )  # fmt: skip
    penalty_span: int | None = knob(
        None, "the run of tokens that they count; 1 is a single token; without one, two words or a bar", low=1,
        high=256, unit="tokens", advanced=True,
    )  # fmt: skip

    @property
    def window(self) -> int:
        return self.WINDOW if self.penalty_window is None else self.penalty_window

    @property
    def neutral(self) -> bool:
        return (self.frequency_penalty == 0 and self.presence_penalty == 0) or self.window == 0

    def apply(self, logits_V: Logits, state: History, u: float) -> Logits:
        counted = continuations(state, self.penalty_span or 1)
        if not counted:
            return logits_V.copy()
        counts_V = np.bincount(np.array(counted, np.intp), minlength=len(logits_V))
        lowered_V: Logits = logits_V - self.frequency_penalty * counts_V - self.presence_penalty * (counts_V > 0)
        return lowered_V


@dataclass(frozen=True)
class Dry(Windowed):
    """Don't repeat yourself (oobabooga's text-generation-webui #5677; llama.cpp #9702).

    A token that would make the last L tokens, seen before in the window, go on as they did loses
    ``multiplier · base^(L - allowed)`` nats once L reaches ``allowed``; L is the longest such run. No run reaches
    over a sequence breaker, and a breaker itself is never penalised.
    """

    name: ClassVar[str] = "dry"
    heading: ClassVar[str] = "Repetition"
    calibrated: ClassVar[Mapping[str, str]] = {"dry_window": "section", "dry_allowed": "phrase"}
    WINDOW: ClassVar[int] = 1024
    ALLOWED: ClassVar[int] = 2

    dry_multiplier: float = knob(
        0.0, "nats taken from what would repeat a run of tokens; 0 is off", low=0, high=10, step=0.1, advanced=True
    )
    dry_base: float = knob(
        1.75, "how much more each further token of the run costs", low=1, high=4, step=0.05, advanced=True
    )
    dry_allowed: int | None = knob(
        None, "runs shorter than this are free; without one, two words or a bar", low=1, high=256, unit="tokens",
        advanced=True,
    )  # fmt: skip
    dry_window: int | None = knob(
        None, "how far back DRY looks; without one, 256 words or 128 bars", low=0, high=16384, unit="tokens",
        advanced=True,
    )  # fmt: skip
    dry_breakers: str = knob("", "tokens no repeat reaches over, as labels: ⏎,: (#17 is token 17)", advanced=True)
    breakers: frozenset[int] = frozenset()

    @property
    def window(self) -> int:
        return self.WINDOW if self.dry_window is None else self.dry_window

    @property
    def neutral(self) -> bool:
        return self.dry_multiplier == 0 or self.window == 0

    def resolved(self, token_named: TokenNamed | None = None, calibration: Calibration | None = None) -> Self:
        named = {token_of(label, token_named, "dry_breakers") for label in listed(self.dry_breakers)}
        known = dataclasses.replace(self, dry_breakers="", breakers=self.breakers | named)
        return super(Dry, known).resolved(token_named, calibration)

    def apply(self, logits_V: Logits, state: History, u: float) -> Logits:
        out_V = logits_V.copy()
        if self.neutral:
            return out_V
        allowed = self.ALLOWED if self.dry_allowed is None else self.dry_allowed
        for token, length in self.runs(state, allowed).items():
            out_V[token] -= self._penalty(length - allowed)
        return out_V

    def runs(self, history: History, allowed: int) -> dict[int, int]:
        """For each token that would repeat a run of at least ``allowed`` tokens, the length of the longest.

        Runs are measured as far as more of them costs more.
        """
        reach = min(self._since_breaker(history), allowed + self._dearest)
        longest: dict[int, int] = {}
        for end in earlier_ends(history, allowed) if reach >= allowed else ():
            token = history[end + 1]
            if token not in self.breakers:
                length = _common(history, end, allowed, min(reach, end + 1))
                longest[token] = max(length, longest.get(token, 0))
        return longest

    def _since_breaker(self, history: History) -> int:
        if self.breakers:
            for back, token in enumerate(reversed(history)):
                if token in self.breakers:
                    return back
        return len(history)

    @property
    def _dearest(self) -> int:
        """How many tokens beyond the allowed ones cost all that a penalty can."""
        if self.dry_base == 1 or self.dry_multiplier >= _CERTAIN:
            return 0
        return math.ceil(math.log(_CERTAIN / self.dry_multiplier) / math.log(self.dry_base))

    def _penalty(self, beyond: int) -> float:
        return min(_CERTAIN, self.dry_multiplier * math.pow(self.dry_base, beyond))


def _common(history: History, end: int, known: int, most: int) -> int:
    """How many tokens up to ``end`` are the last ones of ``history``; ``known`` are, and more than ``most`` never."""
    length = known
    while length < most and history[end - length] == history[-1 - length]:
        length += 1
    return length


@dataclass(frozen=True)
class NoRepeats(Windowed):
    """Bans tokens that would complete a run of n tokens for a second time (Paulus et al. 2017, 1705.04304).

    Where that would leave nothing (behind a grammar often one token alone may come), it bans nothing.
    """

    name: ClassVar[str] = "no_repeats"
    heading: ClassVar[str] = "Repetition"
    calibrated: ClassVar[Mapping[str, str]] = {"no_repeats_length": "phrase", "no_repeats_window": "section"}
    WINDOW: ClassVar[int] = 1024
    LENGTH: ClassVar[int] = 3

    no_repeats: bool = knob(False, "never repeat a run of tokens", advanced=True)
    no_repeats_length: int | None = knob(
        None, "the run that may not come twice; without one, two words or a bar", low=1, high=256, unit="tokens",
        advanced=True,
    )  # fmt: skip
    no_repeats_window: int | None = knob(
        None, "how far back it looks; without one, 256 words or 128 bars", low=0, high=16384, unit="tokens",
        advanced=True,
    )  # fmt: skip

    @property
    def window(self) -> int:
        return self.WINDOW if self.no_repeats_window is None else self.no_repeats_window

    @property
    def neutral(self) -> bool:
        return not self.no_repeats or self.window == 0

    def apply(self, logits_V: Logits, state: History, u: float) -> Logits:
        length = self.LENGTH if self.no_repeats_length is None else self.no_repeats_length
        repeats = [] if self.neutral else list(set(continuations(state, length)))
        left_V = logits_V.copy()
        left_V[repeats] = -np.inf
        return left_V if (left_V > -np.inf).any() else logits_V.copy()
