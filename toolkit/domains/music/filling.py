"""A gap in a melody: bars to be made anew, with what is before and after them kept.

Knows notes as events; new bars are as many as the old ones, so every bar line stays where it was.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from toolkit.core import Codec, UsageError
from toolkit.domains.music.announcing import announced, place_of, unannounced
from toolkit.domains.music.controls import OF_FILES, OF_GIVEN, MelodyControls
from toolkit.domains.music.events import Kind, Layout
from toolkit.domains.music.grammar import Limits, Stage
from toolkit.domains.music.melody import MelodyCodec
from toolkit.infill import Fit, Gap
from toolkit.score.notes import Score

_MOST_IN_BAR = 64
"""More tokens than any bar of a melody needs."""


def gap_asked(
    codec: Codec[Score, Any], controls: MelodyControls, opening: Sequence[int], given: Score | None
) -> Gap | None:
    """The gap that ``controls`` ask to fill in the ``given`` melody; None when they do not.

    UsageError as `bars_gap`, without a melody, and when anything else is asked of the notes: new bars are drawn freely,
    in the melody's own key and meter.
    """
    if controls.refill is None:
        return None
    if not isinstance(codec, MelodyCodec) or given is None or not given.notes:
        raise UsageError("refill makes bars of a given melody anew: give one to go on from.")
    neutral = MelodyControls()
    if replace(controls, refill=None, **{name: getattr(neutral, name) for name in (*OF_FILES, *OF_GIVEN)}) != neutral:
        raise UsageError("bars are made anew freely: nothing else can be asked of them.")
    match = re.fullmatch(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?", controls.refill)
    if match is None:
        raise UsageError(f"the bars to make anew are written 5 or 5-8, not {controls.refill!r}.")
    first = int(match[1])
    return bars_gap(codec, given, first, int(match[2] or first))


def melody_filled(
    codec: Codec[Score, Any], gap: Gap, given: Score | None, middle: Sequence[int], controls: MelodyControls
) -> Score:
    """The whole melody."""
    if not isinstance(codec, MelodyCodec):
        raise TypeError(f"{type(codec).__name__} has no bars")
    return filled(codec, gap, middle)


def bars_gap(codec: MelodyCodec, score: Score, first: int, last: int) -> Gap:
    """The gap where bars ``first`` to ``last`` of ``score`` are, counted from 1; a pickup is bar 0 and stays.

    The model reads the melody before them and, after each middle, the rest to its end. A note that sounds over the
    first bar line of the gap ends there or is held on by the new bars; one that sounded out of the gap is struck at the
    bar line, so that what follows the gap keeps its pitches; and which of the bars there come again is announced as the
    middle makes it. UsageError when there are no such bars or none after them;
    InputError when the codec cannot hold the melody.
    """
    layout = codec.layout
    tokens = unannounced(layout, codec.encode(score))
    lines = bar_lines(layout, tokens)
    total = max(lines)
    if not 1 <= first <= last < total:
        raise UsageError(f"bars 1 to {total - 1} of this melody can be made anew, not {first} to {last}.")
    before, after = tokens[: lines[first] + 1], tokens[lines[last + 1] :]
    after = _struck(layout, tokens[: lines[last + 1]], after)

    def fit(state: Any, length: int) -> Fit:
        place = place_of(state)
        return Fit.ENDS if place.stage is Stage.BAR_LINE and place.number == last else Fit.NOT_YET

    def following(middle: tuple[int, ...]) -> tuple[int, ...]:
        start = [*before, *unannounced(layout, middle)]
        return (*announced(layout, [*start, *after])[len(announced(layout, start)) :], codec.stop)

    return Gap(
        left=(codec.stop, *announced(layout, before)),
        right=(*after, codec.stop),
        fit=fit,
        longest=_MOST_IN_BAR * (last - first + 1) + 3 * (total - last) + 1,
        stop=codec.stop,
        constraint=codec.within(Limits(bars=total)),
        following=following,
        settled=codec.settled,
    )


def filled(codec: MelodyCodec, gap: Gap, middle: Sequence[int]) -> Score:
    """The whole melody with ``middle`` in the gap."""
    return codec.decode(unannounced(codec.layout, [*gap.left[1:], *middle, *gap.right]))


def bar_lines(layout: Layout, tokens: Sequence[int]) -> dict[int, int]:
    """The index in ``tokens`` of the event that opens each bar, by the bar's number."""
    opened = [index for index, token in enumerate(tokens) if layout.events[token].kind is Kind.BAR]
    first = 1 if tokens[opened[0]] == layout.ids[layout.bar(1)] else 0
    return dict(enumerate(opened, first))


def _struck(layout: Layout, before: Sequence[int], after: Sequence[int]) -> list[int]:
    """``after``, its note at the bar line struck anew if it was tied over from ``before``."""
    if layout.events[after[1]].kind is not Kind.TIE:
        return list(after)
    pitches = [token for token in before if layout.events[token].kind is Kind.PITCH]
    return [after[0], pitches[-1], *after[2:]]
