"""What one may ask of a generation: the knobs of a domain, its defaults, and the sampling chain. Knows no run."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from toolkit import domains
from toolkit.core import Knob, knobs_of
from toolkit.sampling import sampling_knobs

MOST_TOKENS = 1_000_000


def length_knob(default: int) -> Knob:
    return Knob("length", int, default, "tokens to generate at most", low=1, high=MOST_TOKENS, unit="tokens")


def generation_knobs(domain: str, defaults: Mapping[str, Any] | None = None) -> tuple[Knob, ...]:
    """Everything one may turn when generating in a domain: length, the domain's controls, the sampling chain.

    ``defaults`` (a run's own sampling settings) replace those declared.
    """
    found = domains.find(domain)
    sampling = (dataclasses.replace(each, group="Sampling") for each in sampling_knobs())
    knobs = (length_knob(found.length), *knobs_of(found.controls), *sampling)
    known = {**found.sampling, **(defaults or {})}
    return tuple(dataclasses.replace(each, default=known.get(each.name, each.default)) for each in knobs)
