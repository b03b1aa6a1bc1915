"""How wide a search by particles is: settings alone, of which flags and controls are made."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.core import knob


@dataclass(frozen=True)
class SteeringSettings:
    """How wide the search is. Neutral is one particle: without a potential, plain generation, token for token."""

    particles: int = knob(1, "beginnings kept side by side; 1 does not steer", low=1, high=65_536)
    resample_below: float = knob(
        0.5,
        "multiply good beginnings when the effective share of the particles falls below this; 0 never does",
        low=0,
        high=1,
        step=0.05,
        advanced=True,
    )
    guided: bool = knob(
        True, "draw tokens that lead towards what is asked for more often, and correct for it", advanced=True
    )
