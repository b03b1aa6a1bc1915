"""What can be counted of tunes: how varied, how regular, how full of returns they are, one by one and as a set.

Compares a set of tunes with a corpus, each figure with its error. Knows scores; no model, no token, no file.
"""

from toolkit.musicality.comparison import Compared, Comparison, Spread, compare
from toolkit.musicality.distributions import DISTRIBUTIONS, divergence, overlap
from toolkit.musicality.measures import MEASURES, Measure

__all__ = [
    "DISTRIBUTIONS",
    "MEASURES",
    "Compared",
    "Comparison",
    "Measure",
    "Spread",
    "compare",
    "divergence",
    "overlap",
]
