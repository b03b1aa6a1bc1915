"""Steering by many futures: what a whole result should be, kept in view while it is made. Knows no domain.

`potentials` says what such a wish is, `particles` samples what it asks for by sequential Monte Carlo as `settings` say,
`population` is what it keeps while doing so, and `found` what it tells.
"""

from toolkit.steer.found import Particle, Progress, Steered
from toolkit.steer.likeness import Likeness
from toolkit.steer.particles import steer, steering
from toolkit.steer.potentials import Accompanying, Ending, Guiding, Indifferent, Potential, Together, Twisted
from toolkit.steer.settings import SteeringSettings

__all__ = [
    "Accompanying",
    "Ending",
    "Guiding",
    "Indifferent",
    "Likeness",
    "Particle",
    "Potential",
    "Progress",
    "Steered",
    "SteeringSettings",
    "Together",
    "Twisted",
    "steer",
    "steering",
]
