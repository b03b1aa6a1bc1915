"""Models that take after what they read. The settings load no torch; what learns is imported when first asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from toolkit.adapt.settings import AdaptSettings

if TYPE_CHECKING:
    from toolkit.adapt.learning import RATE, Adapting, Sensitivity, adapted, mean_of, measure_sensitivity

__all__ = [
    "RATE",
    "AdaptSettings",
    "Adapting",
    "Sensitivity",
    "adapted",
    "mean_of",
    "measure_sensitivity",
]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from toolkit.adapt import learning

    return getattr(learning, name)
