"""Tunes with a label each, which is taken out of them: for probing what a model's state knows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from toolkit.score.notes import Score


def tune_types(scores: Iterable[Score]) -> Iterator[tuple[Score, str]]:
    """(A tune that does not say what kind it is, its kind)."""
    for score in scores:
        if score.tune_type:
            yield replace(score, tune_type=""), score.tune_type


def modes(scores: Iterable[Score]) -> Iterator[tuple[Score, str]]:
    """(A tune said to be in major, its mode): only the notes then tell."""
    for score in scores:
        if len(score.keys) == 1:
            yield replace(score, keys=(replace(score.keys[0], mode="major"),)), score.keys[0].mode
