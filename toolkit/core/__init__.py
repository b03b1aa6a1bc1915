"""The waist: protocols, corpora, knobs, randomness and errors. Imports nothing above it, and no torch."""

from toolkit.core.corpus import SPLITS, BuiltIn, Corpus, Document, Finding, Split
from toolkit.core.errors import (
    CheckpointError,
    DiskFullError,
    DivergedError,
    InputError,
    MissingExtraError,
    ToolkitError,
    UsageError,
    unknown,
)
from toolkit.core.knobs import Knob, checked, knob, knobs_of
from toolkit.core.protocols import (
    BoolArray,
    Codec,
    Constraint,
    Decoder,
    Engine,
    FloatArray,
    LanguageModel,
    Measure,
    State,
    Transform,
)
from toolkit.core.random import uniform

__all__ = [
    "SPLITS",
    "BoolArray",
    "BuiltIn",
    "CheckpointError",
    "Codec",
    "Constraint",
    "Corpus",
    "Decoder",
    "DiskFullError",
    "DivergedError",
    "Document",
    "Engine",
    "Finding",
    "FloatArray",
    "InputError",
    "Knob",
    "LanguageModel",
    "Measure",
    "MissingExtraError",
    "Split",
    "State",
    "ToolkitError",
    "Transform",
    "UsageError",
    "checked",
    "knob",
    "knobs_of",
    "uniform",
    "unknown",
]
