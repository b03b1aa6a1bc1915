"""First and last bars of a melody that is given, and that a result goes on from them alone."""

from __future__ import annotations

import pytest

from toolkit.api import open_run
from toolkit.core import UsageError
from toolkit.domains.music.excerpt import excerpt
from toolkit.domains.music.prompt import read_prompt

TUNE = read_prompt("M:2/4 L:1/8 K:D\nA | d2fd | e2ge | d3 A | d4 |")


def heard(score) -> list[tuple[int, int, int]]:
    return [(note.start, note.pitch, note.duration) for note in score.notes]


def test_first_bars_keep_the_pickup_and_cut_what_goes_on() -> None:
    whole = heard(TUNE)
    assert heard(excerpt(TUNE, "first:2")) == whole[:7]
    assert heard(excerpt(TUNE, "first:99")) == whole
    held = read_prompt("M:2/4 L:1/8 K:D\nd2 e2- | e2 f2 |")
    assert heard(excerpt(held, "first:1")) == [(0, 74, 24), (24, 76, 24)]
    assert heard(excerpt(held, "last:1")) == [(24, 78, 24)]


def test_last_bars_begin_on_a_bar_line() -> None:
    assert heard(excerpt(TUNE, "last:2")) == [(0, 74, 36), (36, 69, 12), (48, 74, 48)]
    assert heard(excerpt(TUNE, "last:4")) == heard(TUNE)


@pytest.mark.parametrize("asked", ["8", "first", "first:0", "middle:2", "last:-1"])
def test_other_words_are_refused(asked: str) -> None:
    with pytest.raises(UsageError, match="first:8"):
        excerpt(TUNE, asked)


def test_a_result_goes_on_from_what_is_used() -> None:
    run = open_run("folk")
    prompt = "M:2/4 L:1/8 K:D\nA | d2fd | e2ge | d3 A | d4 |"
    made = run.generate(prompt, seed=2, use="first:1", bars=4)
    assert heard(made.given) == heard(TUNE)[:4]
    assert heard(made.item)[:3] == heard(TUNE)[:3]
    same = run.generate("M:2/4 L:1/8 K:D\nA | d2fd |", seed=2, bars=4)
    assert heard(same.item) == heard(made.item)
