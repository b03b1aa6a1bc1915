"""The words of a lexicon that a model knows: those it would write, not merely could spell.

A pronouncing dictionary is full of surnames, and a mask cannot see that the letters a model likes lead to one. Asked
once which words are likely at all, the model leaves the others out before the first line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import Engine
from toolkit.domains.text.codec import TextCodec
from toolkit.domains.text.verse.lexicon import Lexicon

LEAST = -11.5
"""The log-probability, in nats, that a word must have where some word begins."""

_ROWS = 1024  # sequences advanced at once


def familiar(
    engine: Engine, codec: TextCodec, lexicon: Lexicon, *, opening: Sequence[int], least: float = LEAST
) -> Lexicon:
    """The words that the model writes with at least ``least`` nats after ``opening``, given that a space comes.

    Words are followed token by token, all that begin alike together, and given up as soon as their beginning is too
    unlikely: some thousand steps of the model, side by side.
    """
    ends_V = np.array([not spelled[:1].isalpha() and spelled[:1] != b"'" for spelled in codec.spelling])
    words = [tuple(codec.encode(" " + spelling)) for spelling in lexicon.spellings]
    spaces_V = np.array([spelled[:1] == b" " for spelled in codec.spelling])
    likely = _likely(engine, words, opening, ends_V, spaces_V, least)
    return Lexicon(lexicon.words[number] for number in likely)


def _likely(
    engine: Engine,
    words: Sequence[tuple[int, ...]],
    opening: Sequence[int],
    ends_V: npt.NDArray[np.bool_],
    spaces_V: npt.NDArray[np.bool_],
    least: float,
) -> list[int]:
    """The numbers of the likely among ``words``, each a sequence of tokens."""
    found: list[int] = []
    logits_V, memory = engine.feed(opening, engine.begin())
    logs_NV = _log_softmax(logits_V[None])
    waiting: list[tuple[int, Any, npt.NDArray[np.float64], npt.NDArray[np.float64], list[list[int]]]] = [
        (0, memory, logs_NV, -np.logaddexp.reduce(logs_NV[:, spaces_V], axis=1), [list(range(len(words)))])
    ]
    while waiting:
        length, memory, logs_NV, before_N, members = waiting.pop()
        rows, tokens, after, further = [], [], [], []
        for row, numbers in enumerate(members):
            groups = defaultdict(list)
            for number in numbers:
                if len(words[number]) > length:
                    groups[words[number][length]].append(number)
                elif before_N[row] + np.logaddexp.reduce(logs_NV[row, ends_V]) >= least:
                    found.append(number)
            for token, group in groups.items():
                score = before_N[row] + logs_NV[row, token]
                if score >= least:
                    rows.append(row)
                    tokens.append(token)
                    after.append(score)
                    further.append(group)
        for start in range(0, len(rows), _ROWS):
            part = slice(start, start + _ROWS)
            logits_NV, reached = engine.advance(tokens[part], engine.rows(memory, rows[part]))
            waiting.append((length + 1, reached, _log_softmax(logits_NV), np.array(after[part]), further[part]))
    return found


def _log_softmax(logits_NV: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    exact_NV = logits_NV.astype(np.float64)
    logs_NV: npt.NDArray[np.float64] = exact_NV - np.logaddexp.reduce(exact_NV, axis=1, keepdims=True)
    return logs_NV
