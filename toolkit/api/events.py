"""What a fit reports while it goes on; whoever drives it shows them as it likes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from toolkit.train import Progress


@dataclass(frozen=True)
class Noted:
    """Something a person should read: a choice made, a warning."""

    text: str


@dataclass(frozen=True)
class Started:
    """Training begins, or goes on at ``step``. ``tokens`` are those of the training split."""

    run: Path
    parameters: int
    tokens: int
    step: int
    precision: str


@dataclass(frozen=True)
class Stepped:
    """One optimiser step; ``fraction`` of the run is over, and about ``remaining`` seconds are left."""

    progress: Progress
    fraction: float
    remaining: float


@dataclass(frozen=True)
class Validated:
    """A quick estimate of the validation loss, in nats per token and per ``unit``; ``best`` so far or not."""

    step: int
    nats_per_token: float
    nats_per_unit: float
    unit: str
    best: bool


@dataclass(frozen=True)
class Previewed:
    """What the model writes or plays at this step."""

    step: int
    text: str


@dataclass(frozen=True)
class Finished:
    """The run is complete: its result as config.json holds it."""

    run: Path
    result: Mapping[str, Any]


Event = Noted | Started | Stepped | Validated | Previewed | Finished
