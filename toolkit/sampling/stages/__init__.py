"""The stages of the sampling chain: each one frozen dataclass, its settings declared as knobs with neutral defaults.

A new stage is one class in a file of its kind and its place in `TRANSFORMS` (and in the presets of
`toolkit.sampling.order`); flags, app controls and the shared tests follow. Knows one row of logits at a time, no
constraint and no meaning of ids.
"""

from __future__ import annotations

from typing import Any

from toolkit.sampling.stages.adaptive import AdaptiveTarget, Mirostat
from toolkit.sampling.stages.choice import Ban, LogitBias, parse_biases
from toolkit.sampling.stages.exclusion import ExcludeTopChoices
from toolkit.sampling.stages.nucleus import TailFree, TopH, TopK, TopP, Typical
from toolkit.sampling.stages.repeats import Dry, FrequencyPresence, NoRepeats, RepetitionPenalty
from toolkit.sampling.stages.stage import History, Memoryless, Stage, TokenNamed, Windowed
from toolkit.sampling.stages.temperature import DynamicTemperature, Smoothing, Temperature
from toolkit.sampling.stages.thresholds import Epsilon, Eta, MinP, PLess, TopA, TopNSigma

__all__ = [
    "TRANSFORMS",
    "AdaptiveTarget",
    "Ban",
    "Dry",
    "DynamicTemperature",
    "Epsilon",
    "Eta",
    "ExcludeTopChoices",
    "FrequencyPresence",
    "History",
    "LogitBias",
    "Memoryless",
    "MinP",
    "Mirostat",
    "NoRepeats",
    "PLess",
    "RepetitionPenalty",
    "Smoothing",
    "Stage",
    "TailFree",
    "Temperature",
    "TokenNamed",
    "TopA",
    "TopH",
    "TopK",
    "TopNSigma",
    "TopP",
    "Typical",
    "Windowed",
    "parse_biases",
]

TRANSFORMS: tuple[type[Stage[Any]], ...] = (
    RepetitionPenalty,
    FrequencyPresence,
    Dry,
    LogitBias,
    NoRepeats,
    Ban,
    Temperature,
    DynamicTemperature,
    Smoothing,
    TopNSigma,
    TopK,
    TopP,
    MinP,
    Typical,
    Epsilon,
    Eta,
    TopA,
    TailFree,
    TopH,
    PLess,
    ExcludeTopChoices,
    Mirostat,
    AdaptiveTarget,
)
"""The stages in the toolkit's own order, always after the constraint's mask.

Penalties first, on the model's own log-probabilities, so that their strength does not hang on the other
settings; then what the user asks for by name, so that no penalty scales it. Temperature before the
truncations, which then cut the distribution that is really drawn from (the order of Hugging Face; llama.cpp
puts it last). Truncations from the bluntest to the finest: each sees what the one before has left. What plays
with the remaining choices comes after them, and what steers by feedback last.
"""
