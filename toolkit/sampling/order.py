"""The order of the stages: a visible, editable list. The same numbers in another order give another text.

Knows the stages by name only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.core import UsageError, knob, unknown
from toolkit.sampling.stages import TRANSFORMS, Stage

STAGES: Mapping[str, type[Stage[Any]]] = {stage.name: stage for stage in TRANSFORMS}
"""Every stage by the name that an order calls it."""

ORDERS: Mapping[str, tuple[str, ...]] = {
    "toolkit": tuple(STAGES),
    "hf": (
        "bias", "repetition", "frequency", "dry", "no_repeats", "ban",
        "temperature", "dynamic_temperature", "smoothing",
        "top_h", "top_k", "top_p", "min_p", "typical", "epsilon", "eta",
        "top_n_sigma", "top_a", "tail_free", "p_less", "xtc", "mirostat", "adaptive",
    ),
    "llama.cpp": (
        "bias", "ban", "repetition", "frequency", "dry", "no_repeats",
        "top_n_sigma", "top_k", "typical", "top_p", "min_p",
        "epsilon", "eta", "top_a", "tail_free", "top_h", "p_less", "xtc",
        "temperature", "dynamic_temperature", "smoothing", "mirostat", "adaptive",
    ),
}  # fmt: skip
"""Orders with a name: ours; that of Hugging Face's ``generate`` (transformers 5); that of llama.cpp's server.

A stage that the other program does not have stands beside its like.
"""


@dataclass(frozen=True)
class Order:
    """The knob. Stages not listed keep behind the stage that they follow in the toolkit's own order."""

    order: str = knob(
        "toolkit",
        f"the order of the stages: {', '.join(ORDERS)}, or their names parted by commas",
        advanced=True,
    )


def stages_in(order: str) -> tuple[type[Stage[Any]], ...]:
    """Every stage once, in the order that ``order`` asks for: the name of one of `ORDERS`, or names parted by commas.

    A stage that is not listed comes directly behind the one before it in the toolkit's order, wherever that
    stands. UsageError for a name that no stage has, one listed twice, and a stage placed after one that must be last.
    """
    listed = ORDERS.get(order.strip()) or tuple(each.strip() for each in order.split(",") if each.strip())
    _check(listed)
    placed = [name for name in listed if not STAGES[name].last]
    before = 0
    for name in STAGES:
        if name not in placed and not STAGES[name].last:
            placed.insert(before, name)
        if name in placed:
            before = placed.index(name) + 1
    return (*(STAGES[name] for name in placed), *(stage for stage in TRANSFORMS if stage.last))


def _check(listed: Iterable[str]) -> None:
    seen: list[str] = []
    for name in listed:
        if name not in STAGES:
            raise unknown("sampling stage or order", name, {*STAGES, *ORDERS})
        if name in seen:
            raise UsageError(f"order lists {name} twice; each stage has one place.")
        if seen and STAGES[seen[-1]].last:
            raise UsageError(
                f"{seen[-1]} decides what is drawn and must be the last stage of order, not before {name}."
            )
        seen.append(name)
