"""Whole sets of sampling settings by name. Each says everything: what it does not mention is neutral.

Nothing in the table is a number of tokens or a surprise: those come from the calibration, so that one table serves
letters, sub-words and notes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.core import unknown
from toolkit.sampling.calibration import Calibration
from toolkit.sampling.transforms import sampling_knobs

PRESETS: Mapping[str, Mapping[str, Any]] = {
    "plain": {},
    "careful": {"temperature": 0.7, "min_p": 0.05},
    "lively": {"temperature": 1.1, "min_p": 0.05},
    "fresh": {"temperature": 0.9, "min_p": 0.02, "dry_multiplier": 0.8},
    "odd": {"min_p": 0.05, "xtc_probability": 0.2, "xtc_threshold": 0.15},
    "dynamic": {"dynamic_low": 0.5, "dynamic_high": 1.2, "min_p": 0.02},
    "mirostat": {"mirostat": 2},
    "adaptive": {"min_p": 0.1, "adaptive": True},
    "hf": {"order": "hf", "top_k": 50, "repetition_window": 4096, "repetition_span": 1},
    "llama.cpp": {
        "order": "llama.cpp",
        "temperature": 0.8,
        "top_k": 40,
        "top_p": 0.95,
        "min_p": 0.05,
        "repetition_window": 64,
        "repetition_span": 1,
        "penalty_window": 64,
        "penalty_span": 1,
        "dry_allowed": 2,
    },
}
"""What each preset turns, by name. ``hf`` and ``llama.cpp`` are those programs' defaults in their order of stages,
with their counts of single tokens, for comparison: they were made for vocabularies a thousand times larger."""

_OF_THE_SCALE: Mapping[str, Mapping[str, str]] = {"no-noise": {"epsilon": "epsilon"}, "eta": {"eta": "eta"}}
"""Presets of one number that a calibration decides: the knob and the property that it takes."""


def presets(calibration: Calibration | None = None) -> Mapping[str, Mapping[str, Any]]:
    """Every preset with all of its settings, for `toolkit.sampling.Sampler.from_settings`.

    Those whose numbers come from a ``calibration`` are left out without one.
    """
    neutral = {each.name: each.default for each in sampling_knobs()}
    fitted = {} if calibration is None else _OF_THE_SCALE
    scaled = {
        name: {knob: getattr(calibration, fact) for knob, fact in wanted.items()} for name, wanted in fitted.items()
    }
    return {name: neutral | dict(settings) for name, settings in {**PRESETS, **scaled}.items()}


def preset(name: str, calibration: Calibration | None = None) -> Mapping[str, Any]:
    """All settings of one preset; UsageError with a suggestion for a name that none has."""
    known = presets(calibration)
    if name not in known:
        raise unknown("preset", name, known)
    return known[name]
