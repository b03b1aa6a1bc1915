"""Several engines as one: what they predict is mixed anew for every token.

An engine over engines, so constraints, samplers, search and streams work over it unchanged, and the
log-probabilities they see are the blend's. Knows engines, weights and positions; nothing of checkpoints,
of what ids mean, or of who draws. Numpy only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core import Engine, FloatArray, UsageError
from toolkit.engine.fade import STEADY, Fade

Rows = npt.NDArray[np.float64]

HOWS = ("product", "mixture", "contrast", "guidance")

PLAUSIBLE = 0.1
"""How likely a token must be for a contrast to keep it, as a share of the likeliest (α of Li et al. 2023)."""

SUNK = -1000.0
"""Nats below everything else: never drawn unless a constraint leaves nothing better, and then in proportion."""

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Blend:
    """How the predictions of a main engine and its fellows become one. ``weights`` has one number a fellow.

    With p the main engine's probabilities, q₁ … the fellows' and w₁ … their weights:

    product   p^(1 - Σw) q₁^w₁ …, normalised: what all of them can live with (Hinton 2002; a weighted geometric mean)
    mixture   (1 - Σw) p + w₁ q₁ + …: what any of them would say
    contrast  p / (q₁^w₁ …), normalised over the tokens with p ≥ ``floor`` · max p: what the main engine knows better
              than amateurs do (Li et al., "Contrastive Decoding", 2210.15097, equations 3 and 4, where w is 1)
    guidance  q (p / q)^w, normalised: from the fellow towards the main engine and, where w is above 1, beyond it
              (Sanchez et al., "Stay on topic with classifier-free guidance", 2306.17806, equation 7)

    ``fade`` multiplies every weight by a factor that depends on the position. Where the weights leave one engine
    alone with all of it, its logits are passed on as they are. UsageError for weights that cannot be meant.
    """

    how: str = "product"
    weights: tuple[float, ...] = (0.5,)
    fade: Fade = STEADY
    floor: float = PLAUSIBLE

    def __post_init__(self) -> None:
        greatest = sum(self.weights) * self.fade.greatest
        if self.how not in HOWS:
            raise UsageError(f"models are blended as {', '.join(HOWS[:-1])} or {HOWS[-1]}, not as {self.how!r}.")
        if not self.weights or not all(0 <= each < math.inf for each in self.weights):
            raise UsageError("a blend needs a weight of at least 0 for every model that is mixed in.")
        if self.how in {"product", "mixture"} and greatest > 1 + _ROUNDING:
            raise UsageError(f"the weights of a {self.how} may come to 1 together, and these come to {greatest:g}.")
        if self.how == "guidance" and len(self.weights) != 1:
            raise UsageError("guidance leads away from one model; mix in one only.")
        if not 0 <= self.floor <= 1:
            raise UsageError(f"the floor of a contrast is between 0 and 1, not {self.floor:g}.")

    def shares(self, position: int) -> tuple[float, ...]:
        """The exponent (of a mixture, the share) of each engine at a position, the main engine's first."""
        fellows = tuple(each * self.fade.at(position) for each in self.weights)
        if self.how == "contrast":
            return (1.0, *(-each for each in fellows))
        if self.how == "guidance":
            return (fellows[0], 1 - fellows[0])
        return (max(0.0, 1 - sum(fellows)), *fellows)

    def mixed(self, logits: Sequence[FloatArray], position: int) -> FloatArray:
        """float32 logits of shape (N, V) from one such array for each engine, the main engine's first."""
        shares = self.shares(position)
        involved = [index for index, share in enumerate(shares) if abs(share) > _ROUNDING]
        if len(involved) == 1 and abs(shares[involved[0]] - 1) <= _ROUNDING:
            return logits[involved[0]]
        logs = [log_softmax(logits[index].astype(np.float64)) for index in involved]
        kept = [shares[index] for index in involved]
        if self.how == "mixture":
            blended = np.logaddexp.reduce([math.log(share) + each for share, each in zip(kept, logs, strict=True)])
        else:
            blended = _in_proportion(logs, kept)
        if self.how == "contrast":
            blended = _plausible(blended, logs[0], self.floor)
        answer: FloatArray = blended.astype(np.float32)
        return answer


class BlendMemory(NamedTuple):
    """How many tokens were fed, and each engine's own memory."""

    fed: int
    memories: tuple[Any, ...]


class BlendedEngine:
    """A main engine and its fellows, over one vocabulary, answering together as a `Blend` says.

    ``opening`` is how many tokens are fed before the first new one: positions, which a fade follows, are counted
    from there. UsageError when the engines do not know equally many ids; that the ids mean the same is for whoever
    opens the checkpoints to see (`toolkit.api.blending`).
    """

    def __init__(self, engines: Sequence[Engine], blend: Blend, *, opening: int = 0) -> None:
        if len(engines) != 1 + len(blend.weights):
            raise ValueError(f"{len(blend.weights)} weights need {1 + len(blend.weights)} engines, not {len(engines)}")
        sizes = sorted({each.vocabulary for each in engines})
        if len(sizes) > 1:
            raise UsageError(f"models of {sizes[0]} and of {sizes[-1]} ids cannot be blended; train them on one codec.")
        self.vocabulary = sizes[0]
        self.name = f"{blend.how}({', '.join(each.name for each in engines)})"
        self.precision = "+".join(dict.fromkeys(each.precision for each in engines))
        self._engines, self._blend, self._opening = tuple(engines), blend, opening

    def begin(self) -> BlendMemory:
        return BlendMemory(0, tuple(each.begin() for each in self._engines))

    def feed(self, tokens: Sequence[int], memory: BlendMemory) -> tuple[FloatArray, BlendMemory]:
        """(logits_V, memory) after ``tokens``, of which there must be one; the logits are log-probabilities."""
        answers = [each.feed(tokens, own) for each, own in zip(self._engines, memory.memories, strict=True)]
        logits_NV, after = self._together([(logits_V[None], own) for logits_V, own in answers], memory, len(tokens))
        return logits_NV[0], after

    def rows(self, memory: BlendMemory, rows: Sequence[int]) -> BlendMemory:
        own = tuple(each.rows(own, rows) for each, own in zip(self._engines, memory.memories, strict=True))
        return BlendMemory(memory.fed, own)

    def advance(self, tokens: Sequence[int], memory: BlendMemory) -> tuple[FloatArray, BlendMemory]:
        """(logits_NV, memory) after one token in each of N rows."""
        answers = [each.advance(tokens, own) for each, own in zip(self._engines, memory.memories, strict=True)]
        return self._together(answers, memory, 1)

    def _together(
        self, answers: Sequence[tuple[FloatArray, Any]], before: BlendMemory, count: int
    ) -> tuple[FloatArray, BlendMemory]:
        fed = before.fed + count
        blended = self._blend.mixed([logits_NV for logits_NV, _ in answers], fed - self._opening)
        return blended, BlendMemory(fed, tuple(own for _, own in answers))


def log_softmax(logits_NV: Rows) -> Rows:
    """Log-probabilities in nats, row by row; a row of minus infinities stays one."""
    top_N1 = logits_NV.max(-1, keepdims=True)
    shifted_NV: Rows = logits_NV - np.where(np.isneginf(top_N1), 0, top_N1)
    total_N1 = np.exp(shifted_NV).sum(-1, keepdims=True)
    normalised: Rows = shifted_NV - np.log(np.where(total_N1 == 0, 1, total_N1))
    return normalised


def _in_proportion(logs: Sequence[Rows], shares: Sequence[float]) -> Rows:
    """The normalised product of probabilities, each to the power of its share, which may be negative.

    What an engine with a negative share rules out altogether counts as `SUNK`: dividing by zero has no meaning.
    """
    powers = (share * (each if share > 0 else each.clip(min=SUNK)) for each, share in zip(logs, shares, strict=True))
    return log_softmax(np.add.reduce(list(powers)))


def _plausible(blended_NV: Rows, expert_NV: Rows, floor: float) -> Rows:
    """``blended_NV`` where the expert finds a token plausible; the others far below, in the expert's own order.

    The paper rules the others out. Here a constraint may leave nothing else, and generation must not end there.
    """
    least_N1 = expert_NV.max(-1, keepdims=True) + (math.log(floor) if floor else -math.inf)
    kept_NV = expert_NV >= least_N1 - _ROUNDING
    return log_softmax(np.where(kept_NV, log_softmax(np.where(kept_NV, blended_NV, -np.inf)), expert_NV + SUNK))
