"""Randomness as a function: one uniform number for each (seed, position, lane).

A sequence owns the stream of its seed; a token's draw depends on its position alone, never on who drew
before, so streaming, batching and resuming cannot change it. Plain integers, no global state.

Philox 4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011).
"""

from __future__ import annotations

_WORD = 0xFFFFFFFF
_MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
_WEYL = (0x9E3779B9, 0xBB67AE85)

DRAW = 0
"""The lane of the one draw that picks a token; a transform that needs a number uses another lane."""


def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """Ten rounds of Philox 4x32: four random 32-bit words for a 128-bit counter and a 64-bit key."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high = _MULTIPLIERS[0] * c0
        low = _MULTIPLIERS[1] * c2
        c0, c1, c2, c3 = (low >> 32) ^ c1 ^ k0, low & _WORD, (high >> 32) ^ c3 ^ k1, high & _WORD
        k0, k1 = (k0 + _WEYL[0]) & _WORD, (k1 + _WEYL[1]) & _WORD
    return c0, c1, c2, c3


def uniform(seed: int, position: int, lane: int = DRAW) -> float:
    """A number in [0, 1) with 53 random bits, the same for the same arguments on every machine.

    ``seed`` is taken modulo 2**64, ``position`` (the index of the token drawn) modulo 2**64.
    """
    words = philox(
        (position & _WORD, (position >> 32) & _WORD, lane & _WORD, 0),
        (seed & _WORD, (seed >> 32) & _WORD),
    )
    return ((words[0] << 21) | (words[1] >> 11)) * 2.0**-53
