"""What can be named of every place in a text: where in its line, in brackets, in quotes. For `toolkit.inspect`.

A token of several characters is as its last one. Knows characters; nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from toolkit.core import Codec, FloatArray

_LONG = 80
"""Characters after which a line, and a sentence, count as equally long."""
_OPEN, _CLOSE = "([{", ")]}"
_ENDS = ".?!"


def text_features(codec: Codec[str, str], tokens: Sequence[int]) -> Mapping[str, FloatArray]:
    """Every feature by name, of shape (T,): what holds once the token at that place was read."""
    ends, text = [], ""
    decoder = codec.decoder()
    for token in tokens:
        text += "\n" if token == codec.stop else "".join(decoder.push(int(token)))
        ends.append(max(0, len(text) - 1))
    rows = np.array(list(_places(text or "\n")), np.float32)[ends]
    return dict(zip(NAMES, rows.T, strict=True))


NAMES = (
    "position in the line",
    "position in the word",
    "position in the sentence",
    "inside quotes",
    "inside brackets",
    "line in capitals",
    "first line of a paragraph",
    "indentation",
)


def _places(text: str) -> Iterator[tuple[float, ...]]:
    line, word, sentence, indent = 0, 0, 0, 0
    quoted, capitals, first, depth = False, False, True, 0
    before = "\n"
    for character in text:
        if character == "\n":
            first = before == "\n"  # an empty line ends a paragraph, and whatever was left open in it
            if first:
                quoted, depth = False, 0
            line = indent = 0
            capitals = False
        else:
            line += 1
            if character == " " and indent == line - 1:
                indent = line
            if line == 1:
                capitals = character.isupper()
            capitals = capitals and not character.islower()
        word = word + 1 if character.isalnum() or character == "'" else 0
        sentence = 0 if character in _ENDS else sentence + 1
        quoted ^= character == '"'
        quoted = character == "\N{LEFT DOUBLE QUOTATION MARK}" or (
            quoted and character != "\N{RIGHT DOUBLE QUOTATION MARK}"
        )
        depth = max(0, depth + (character in _OPEN) - (character in _CLOSE))
        before = character
        yield (
            min(line, _LONG),
            word,
            min(sentence, 2 * _LONG),
            quoted,
            depth > 0,
            capitals,
            first,
            min(indent, _LONG),
        )
