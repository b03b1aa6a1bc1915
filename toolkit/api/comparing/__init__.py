"""Cells compared: on a corpus in the same time, on recalling what was long ago, and in what decoding costs."""

from toolkit.api.comparing.corpora import Compared, Trial, compare_cells
from toolkit.api.comparing.costs import DecodingCost, decoding_costs
from toolkit.api.comparing.recalling import Recalled, recalled, within_chunks

__all__ = [
    "Compared",
    "DecodingCost",
    "Recalled",
    "Trial",
    "compare_cells",
    "decoding_costs",
    "recalled",
    "within_chunks",
]
