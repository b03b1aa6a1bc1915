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
from toolkit.core.promises import promises
from toolkit.core.protocols import (
    NEVER,
    UNSCORED,
    BoolArray,
    Codec,
    Constraint,
    Decoder,
    Engine,
    FloatArray,
    LanguageModel,
    Lookahead,
    Measure,
    Settling,
    State,
    Transform,
    Varying,
    Withdrawing,
)
from toolkit.core.random import branch, uniform, uniforms
from toolkit.core.reading import read_text
from toolkit.core.suffix import suffix_of

__all__ = [
    "NEVER",
    "SPLITS",
    "UNSCORED",
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
    "Lookahead",
    "Measure",
    "MissingExtraError",
    "Settling",
    "Split",
    "State",
    "ToolkitError",
    "Transform",
    "UsageError",
    "Varying",
    "Withdrawing",
    "branch",
    "checked",
    "knob",
    "knobs_of",
    "promises",
    "read_text",
    "suffix_of",
    "uniform",
    "uniforms",
    "unknown",
]
