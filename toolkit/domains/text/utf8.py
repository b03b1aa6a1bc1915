"""The UTF-8 automaton: which byte may follow which, so that a sequence of bytes is well-formed text.

Knows bytes only, no tokens. Table 3-7 of the Unicode Standard (version 15, section 3.9): no overlong forms, no
surrogates, nothing above U+10FFFF.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

BOUNDARY, ONE, TWO, THREE, AFTER_E0, AFTER_ED, AFTER_F0, AFTER_F4, DEAD = range(9)
"""Between characters; one, two or three continuation bytes to come; after the four lead bytes that narrow the second
byte; and not UTF-8 at all, which nothing leaves."""

_MOVES = (
    # state, first byte, last byte, next state
    (BOUNDARY, 0x00, 0x7F, BOUNDARY),
    (BOUNDARY, 0xC2, 0xDF, ONE),
    (BOUNDARY, 0xE0, 0xE0, AFTER_E0),
    (BOUNDARY, 0xE1, 0xEC, TWO),
    (BOUNDARY, 0xED, 0xED, AFTER_ED),
    (BOUNDARY, 0xEE, 0xEF, TWO),
    (BOUNDARY, 0xF0, 0xF0, AFTER_F0),
    (BOUNDARY, 0xF1, 0xF3, THREE),
    (BOUNDARY, 0xF4, 0xF4, AFTER_F4),
    (ONE, 0x80, 0xBF, BOUNDARY),
    (TWO, 0x80, 0xBF, ONE),
    (THREE, 0x80, 0xBF, TWO),
    (AFTER_E0, 0xA0, 0xBF, ONE),
    (AFTER_ED, 0x80, 0x9F, ONE),
    (AFTER_F0, 0x90, 0xBF, TWO),
    (AFTER_F4, 0x80, 0x8F, TWO),
)


@cache
def transitions() -> npt.NDArray[np.int16]:
    """The next state, of shape (9 states, 256 bytes)."""
    table = np.full((DEAD + 1, 256), DEAD, dtype=np.int16)
    for state, first, last, following in _MOVES:
        table[state, first : last + 1] = following
    table.flags.writeable = False
    return table


def continues(byte: int) -> bool:
    """Whether ``byte`` only ever continues a character: 10xxxxxx."""
    return byte & 0xC0 == 0x80
