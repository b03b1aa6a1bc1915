"""What it costs to go on from a long context: time for a token and bytes of state, by how much was read before."""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch

from toolkit.core import Engine, State
from toolkit.engine import open_engine
from toolkit.models import ModelSettings, RecurrentLM

LENGTHS = (64, 256, 1024, 4096)
_TOKENS, _ROUNDS = 32, 5


class DecodingCost(NamedTuple):
    """Of one cell after ``context`` tokens: what the next token takes, and what its state weighs."""

    cell: str
    context: int
    milliseconds: float
    state_bytes: int


def decoding_costs(
    settings: ModelSettings, vocabulary: int, *, lengths: Sequence[int] = LENGTHS, seed: int = 0
) -> list[DecodingCost]:
    """The costs of a model of that shape, untrained, on one thread of the engine that runs every cell (``torch``).

    A transformer may look back over the longest of ``lengths``, or it would forget as a recurrent network must.
    """
    torch.manual_seed(seed)
    model = RecurrentLM(vocabulary, dataclasses.replace(settings, context=max(lengths) + _TOKENS))
    engine = open_engine(model, name="torch")
    ids = np.random.default_rng(seed).integers(0, vocabulary, max(lengths) + _TOKENS).tolist()
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    found = []
    try:
        for length in lengths:
            _, memory = engine.feed(ids[:length], engine.begin())
            took = statistics.median(_seconds(engine, ids[length : length + _TOKENS], memory) for _ in range(_ROUNDS))
            found.append(DecodingCost(settings.cell, length, 1000 * took / _TOKENS, _bytes(memory)))
    finally:
        torch.set_num_threads(threads)
    return found


def _seconds(engine: Engine, tokens: Sequence[int], memory: Any) -> float:
    began = time.perf_counter()
    for token in tokens:
        _, memory = engine.feed([token], memory)
    return time.perf_counter() - began


def _bytes(memory: State | None) -> int:
    return sum(each.numel() * each.element_size() for each in memory or ())
