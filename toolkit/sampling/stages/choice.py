"""Stages that act on tokens named by the user: a bias in nats, or a ban."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt

from toolkit.core import UsageError, knob
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.logits import Logits
from toolkit.sampling.stages.labels import listed, token_of
from toolkit.sampling.stages.stage import Memoryless, TokenNamed

_BIAS = re.compile(r"(.+?)=([^=,]+)(?:,|$)", re.DOTALL)
"""One ``label=value`` of a list; the label itself may hold a comma or an equals sign (",=1" is the comma)."""


@dataclass(frozen=True)
class LogitBias(Memoryless):
    """Adds a constant to some tokens' logits; minus infinity bans one.

    ``biases`` are (id, nats) pairs. ``logit_bias`` is how a person writes them; `resolved` makes the one
    from the other, given what labels mean.
    """

    name: ClassVar[str] = "bias"

    logit_bias: str = knob("", "nats to add, as label=value,label=value; #17 is token 17, -inf bans", advanced=True)
    biases: tuple[tuple[int, float], ...] = ()

    @classmethod
    def of(cls, biases: Mapping[int, float]) -> LogitBias:
        """The stage that adds ``biases[id]`` nats to the token ``id``."""
        return cls(biases=tuple(sorted(biases.items())))

    @property
    def neutral(self) -> bool:
        return not any(nats for _, nats in self.biases)

    def resolved(self, token_named: TokenNamed | None = None, calibration: Calibration | None = None) -> Self:
        """UsageError when the text is no list of biases, or names a token that does not exist."""
        named = {token_of(label, token_named, "logit_bias"): nats for label, nats in parse_biases(self.logit_bias)}
        every = dict(self.biases) | named
        return dataclasses.replace(self, logit_bias="", biases=tuple(sorted(every.items())))

    @cached_property
    def _arrays(self) -> tuple[npt.NDArray[np.intp], Logits]:
        tokens, nats = zip(*self.biases, strict=True)
        return np.array(tokens, np.intp), np.array(nats, np.float64)

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        out_V = logits_V.copy()
        if self.biases:
            tokens, nats = self._arrays
            _check(int(tokens[-1]), len(logits_V), "bias")
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


@dataclass(frozen=True)
class Ban(Memoryless):
    """Rules tokens out. When nothing else may come, the draw says so; it never gives in silently.

    ``banned`` are ids; ``ban`` is how a person writes them, and `resolved` makes the one from the other.
    """

    name: ClassVar[str] = "ban"

    ban: str = knob("", "tokens never to draw, as labels: q,z (#17 is token 17)", advanced=True)
    banned: tuple[int, ...] = ()

    @property
    def neutral(self) -> bool:
        return not self.banned

    def resolved(self, token_named: TokenNamed | None = None, calibration: Calibration | None = None) -> Self:
        """UsageError when a label names no token."""
        named = {token_of(label, token_named, "ban") for label in listed(self.ban)}
        return dataclasses.replace(self, ban="", banned=tuple(sorted({*self.banned, *named})))

    def apply(self, logits_V: Logits, state: tuple[()], u: float) -> Logits:
        out_V = logits_V.copy()
        if self.banned:
            _check(self.banned[-1], len(logits_V), "ban")
            out_V[list(self.banned)] = -np.inf
        return out_V


def _check(token: int, size: int, verb: str) -> None:
    if token >= size:
        raise UsageError(f"there is no token {token} to {verb}: the last is {size - 1}.")
