"""Which ids suit a text that nobody chose a codec for: characters, or pieces of words.

Pieces reach further back in as many steps, but each is seen more rarely. Which of the two weighs more is asked of a
model that only counts: it answers in seconds.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from toolkit.core import Codec
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.pieces import UnigramCodec

_BLOCK, _SAMPLE = 2_000, 1_000_000  # characters of a stretch, and of all that are looked at
_HELD_OUT = 5  # every fifth stretch is not counted but read
_TOO_SHORT = 200_000  # characters of training text: below, every piece would be rare
_LONG = 1_000_000  # characters of training text, from which on a larger vocabulary has examples enough
_MANY = 512  # different characters, from which on most of them are too rare to be learned
_SMALL, _LARGE = 1024, 2048
_BY_CHARACTERS, _BY_PIECES = 7, 5  # tokens that the counting models look at
_MARGIN = 0.97  # pieces have to win by so much in counting: a network sees each too rarely to gain all of it


def chosen_codec(items: Iterable[str]) -> tuple[str, int | None]:
    """The name and the size of a codec for the training ``items``.

    In ten minutes' worth of steps a network came to fewer bits a byte by pieces than by characters on the King James
    Version (1.126 against 1.258), Python's manual (1.471 against 1.519) and its sources, and to more on Shakespeare
    (1.988 against 1.948). Counting gains 5, 13, 4 and 2 % there (docs/log.md, 2026-11-27).
    """
    characters, alphabet, blocks = _blocks(items)
    if characters < _TOO_SHORT:
        return CharCodec.name, None
    pieces = UnigramCodec.name, _LARGE if characters >= _LONG else _SMALL
    if alphabet > _MANY:
        return pieces
    learnt = ["".join(block for number, block in enumerate(blocks) if number % _HELD_OUT)]
    held_out = "".join(blocks[::_HELD_OUT])
    by_characters = _nats(CharCodec.build([*learnt, held_out]), _BY_CHARACTERS, learnt[0], held_out)
    by_pieces = _nats(UnigramCodec.build(learnt, size=_SMALL), _BY_PIECES, learnt[0], held_out)
    if by_pieces > _MARGIN * by_characters:
        return CharCodec.name, None
    return pieces


def _blocks(items: Iterable[str]) -> tuple[int, int, list[str]]:
    """How many characters there are, how many different ones, and stretches spread evenly over them."""
    kept: list[str] = []
    characters, held, number, stride = 0, 0, 0, 1
    alphabet: set[str] = set()
    for item in items:
        characters += len(item)
        alphabet.update(item)
        for start in range(0, len(item), _BLOCK):
            if number % stride == 0:
                kept.append(item[start : start + _BLOCK])
                held += len(kept[-1])
            number += 1
            if held > _SAMPLE:
                del kept[1::2]
                held, stride = sum(map(len, kept)), 2 * stride
    return characters, len(alphabet), kept


def _nats(codec: Codec[str, str], order: int, learnt: str, held_out: str) -> float:
    from toolkit.models.ngram import NGram  # its package imports torch, which a list of codecs has no need of

    counted = NGram(np.asarray(codec.encode(learnt)), order, codec.size)
    return -float(counted.log_probabilities(np.asarray(codec.encode(held_out))).sum())
