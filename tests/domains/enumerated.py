"""Constraints small enough that all they let through can be listed, and distances checked against the list."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from toolkit.core import NEVER, Constraint
from toolkit.sampling import Finishing, withdraw

Tokens = tuple[int, ...]


def melodies(constraint: Constraint[Any], length: int, vocabulary: int) -> Iterator[Tokens]:
    """Every sequence of at most ``length`` tokens that the constraint lets through to its end."""
    finishing: Finishing[Any] = Finishing(constraint, length, vocabulary)
    open_: list[tuple[Tokens, Any]] = [((), finishing.begin())]
    while open_:
        tokens, state = open_.pop()
        if finishing.distance(state) == 0:
            yield tokens
            continue
        mask_V = finishing.allowed(state)
        assert mask_V is not None
        assert mask_V.any(), "a dead end"
        for token in mask_V.nonzero()[0].tolist():
            after = finishing.step(state, token)
            if not withdraw(finishing, after):
                open_.append(((*tokens, token), after))


def exact(constraint: Constraint[Any], expected: set[Tokens]) -> tuple[dict[Tokens, int], dict[Tokens, Any]]:
    """Asserts that the distance after every beginning is the length of the shortest rest, found by listing.

    Those lengths, and the states that the beginnings lead to.
    """
    least: dict[Tokens, int] = {}
    for tokens in expected:
        for cut in range(len(tokens) + 1):
            least[tokens[:cut]] = min(least.get(tokens[:cut], NEVER), len(tokens) - cut)
    states = {(): constraint.begin()}
    for beginning in sorted(least, key=len):
        if beginning:
            states[beginning] = constraint.step(states[beginning[:-1]], beginning[-1])
        assert constraint.distance(states[beginning]) == least[beginning], beginning
    return least, states
