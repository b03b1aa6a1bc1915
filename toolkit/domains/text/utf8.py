"""UTF-8 as a table that reads characters byte by byte: which class of an alphabet a sequence of bytes spells.

Knows bytes and code points, no tokens. Table 3-7 of the Unicode Standard (version 15, section 3.9): no overlong forms,
no surrogates, nothing above U+10FFFF.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from toolkit.domains.text.alphabet import CODE_POINTS, Alphabet, Ints

BOUNDARY = 0
"""The place between characters."""

DEAD = -1
"""What is no UTF-8, or belongs to no class."""

_TAIL = slice(0x80, 0xC0)  # the bytes that continue a character, 64 of them


class Reader(NamedTuple):
    """``after_PB`` of shape (places, 256): where a byte leads from a place within a character.

    Below ``places`` it is another place; from there on a character is complete, and what is above is its class; `DEAD`
    says that no character goes on so. Places that the same bytes complete to the same classes are one.
    """

    after_PB: Ints
    places: int


def reader(alphabet: Alphabet) -> Reader:
    """The table for the classes of ``alphabet``. A character's lead byte and the first of 64 that may follow, twice or
    three times over: so the classes of all code points in rows of 64, those rows in rows of 64, and so on.
    """
    table = _Places()
    class_C = np.repeat(alphabet.class_I, np.diff(alphabet.starts_I, append=CODE_POINTS))
    last = table.add(np.where(class_C >= 0, -2 - class_C, DEAD).reshape(-1, 64))  # classes as -2, -3, … until counted
    middle = table.add(_from(32, last.reshape(-1, 64)))
    first = table.add(_from(16, np.append(middle, np.full(-len(middle) % 64, DEAD)).reshape(-1, 64)))
    root = table.rows[BOUNDARY]
    root[:0x80] = -2 - class_C[:0x80]
    root[0xC2:0xE0] = last[2:32]
    root[0xE0:0xF0] = middle[:16]
    root[0xF0:0xF5] = first
    after_PB = np.stack(table.rows)
    return Reader(np.where(after_PB < DEAD, len(after_PB) - 2 - after_PB, after_PB).astype(np.int32), len(after_PB))


def _from(start: int, rows: Ints) -> Ints:
    """``rows`` without the beginning of the first: it would spell what a shorter form spells."""
    rows = rows.copy()
    rows[0, :start] = DEAD
    return rows


class _Places:
    """The places within a character, each once."""

    def __init__(self) -> None:
        self.rows = [np.full(256, DEAD, np.int32)]
        self._known: dict[bytes, int] = {}

    def add(self, rows: Ints) -> Ints:
        """The place for each row of what 64 bytes lead to; a row that leads nowhere is `DEAD`."""
        rows = rows.astype(np.int32)
        fresh = np.append(True, (rows[1:] != rows[:-1]).any(axis=1))  # few: neighbours are mostly alike
        places = np.array([self._place(row) for row in rows[fresh]], np.int32)
        every: Ints = places[np.cumsum(fresh) - 1]
        return every

    def _place(self, row: Ints) -> int:
        if row[0] == DEAD and (row == DEAD).all():
            return DEAD
        key = row.tobytes()
        if key not in self._known:
            self._known[key] = len(self.rows)
            self.rows.append(np.full(256, DEAD, np.int32))
            self.rows[-1][_TAIL] = row
        return self._known[key]


def continues(byte: int) -> bool:
    """Whether ``byte`` only ever continues a character: 10xxxxxx."""
    return byte & 0xC0 == 0x80
