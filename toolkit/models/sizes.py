"""Models of different cells with about as many parameters, so that they can be compared."""

from __future__ import annotations

import dataclasses

import torch

from toolkit.models.lm import RecurrentLM, parameters
from toolkit.models.settings import ModelSettings

_WIDEST, _STEP = 4096, 8


def of_size(vocabulary: int, settings: ModelSettings, wanted: int) -> ModelSettings:
    """``settings`` with the width, a multiple of 8, whose parameters come closest to ``wanted``."""
    low, high = 1, _WIDEST // _STEP
    while low < high:
        middle = (low + high) // 2
        if _size(vocabulary, settings, middle) < wanted:
            low = middle + 1
        else:
            high = middle
    best = min((max(1, low - 1), low), key=lambda each: abs(_size(vocabulary, settings, each) - wanted))
    return _wide(settings, best)


def _wide(settings: ModelSettings, eighths: int) -> ModelSettings:
    return dataclasses.replace(settings, width=_STEP * eighths)


def _size(vocabulary: int, settings: ModelSettings, eighths: int) -> int:
    with torch.device("meta"):  # shapes alone, no memory
        return parameters(RecurrentLM(vocabulary, _wide(settings, eighths)))
