"""How much of a result is copied from the training corpus, and a limit on how much may be. Numpy only.

Items become symbols by a domain's `View`; here symbols are compared: with an index of hashes that travels with a
checkpoint, or with the corpus itself where it is installed. Knows no domain and no file format.
"""

from toolkit.originality.heldout import QUANTILES, HeldOut, measure
from toolkit.originality.index import Learned, NgramIndex, of_data, shapes
from toolkit.originality.limit import Candidates, CopyLimit, Trace
from toolkit.originality.ngrams import BREAK, Words, mixed, mixed_one
from toolkit.originality.report import Nearest, Originality, Span, assess
from toolkit.originality.view import Seen, View

__all__ = [
    "BREAK",
    "QUANTILES",
    "Candidates",
    "CopyLimit",
    "HeldOut",
    "Learned",
    "Nearest",
    "NgramIndex",
    "Originality",
    "Seen",
    "Span",
    "Trace",
    "View",
    "Words",
    "assess",
    "measure",
    "mixed",
    "mixed_one",
    "of_data",
    "shapes",
]
