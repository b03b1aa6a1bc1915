"""What can be named of every place in a melody: where in the bar, in the phrase, how high. For `toolkit.inspect`.

Knows the events of the melody codec; nothing of models.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from toolkit.core import Codec, FloatArray
from toolkit.domains.music.events import Kind, Layout
from toolkit.domains.music.melody import MelodyCodec
from toolkit.score.notes import TICKS, Meter

NAMES = (
    "position in the bar",
    "bar of the phrase",
    "last bar of a phrase",
    "bar of the tune",
    "pitch above the tonic",
    "on the tonic",
    "line going up",
    "beats of the newest note",
    "bar that comes again",
    "inside the header",
)


def melody_features(codec: Codec[Any, Any], tokens: Sequence[int]) -> Mapping[str, FloatArray]:
    """Every feature by name, of shape (T,): what holds once the token at that place was read; none of other codecs."""
    if not isinstance(codec, MelodyCodec):
        return {}
    rows = np.array(list(_places(codec.layout, tokens)), np.float32)
    return dict(zip(NAMES, rows.T, strict=True))


def _places(layout: Layout, tokens: Sequence[int]) -> Iterator[tuple[float, ...]]:
    bar, tick, phrase, number, pitch, rising, beats, again = 96, 0, 0, 0, 0, False, 0.0, False
    header = False
    for token in tokens:
        kind, value = layout.events[int(token)]
        if kind in (Kind.STOP, Kind.TYPE, Kind.METER, Kind.MODE, Kind.TONIC):
            header = True
            tick = number = phrase = 0
        if kind is Kind.METER:
            bar = Meter(*layout.meters[value]).bar(TICKS)
        elif kind is Kind.BAR:
            header, tick, phrase, number, again = False, 0, value, number + 1, False
        elif kind is Kind.PITCH:
            rising, pitch = value > pitch, value
        elif kind is Kind.UNTIL:
            beats, tick = (value - tick) / TICKS, value
        elif kind is Kind.AGAIN:
            again = True
        yield (
            tick / bar,
            phrase,
            phrase == layout.phrase - 1,
            number,
            pitch,
            pitch % 12 == 0,
            rising,
            beats,
            again,
            header,
        )
