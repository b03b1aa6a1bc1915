"""What decides how a model takes after what it reads. Loads no torch, so that flags and controls can be made of it."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.core import knob


@dataclass(frozen=True)
class AdaptSettings:
    """How a model takes after what it reads: as was measured to be best. Without a page nothing is read."""

    adapt_strength: float = knob(
        1.0, "how readily the model takes after what it reads: 0 not at all, 1 as measured to be best", low=0, high=4
    )
    adapt_passes: int = knob(1, "how often a page is read", low=1, high=100, advanced=True)
    adapt_chunk: int = knob(32, "tokens read between two steps", low=1, high=4096, unit="tokens", advanced=True)
    adapt_decay: float = knob(
        0.01, "share of what was learned that is forgotten with every step", low=0, high=1, advanced=True
    )
