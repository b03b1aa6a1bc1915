"""First and last bars of a melody that is given, and that a result goes on from them alone."""

from __future__ import annotations

import pytest

from toolkit.api import open_run
from toolkit.core import InputError, UsageError
from toolkit.domains.music.prompt import read_prompt
from toolkit.domains.music.taken import excerpt, taken_in

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


def test_another_key_moves_no_note() -> None:
    taken = taken_in(TUNE, "B minor", None)
    assert (taken.keys[0].name, taken.notes, taken.meters) == ("B minor", TUNE.notes, TUNE.meters)
    assert taken_in(TUNE, None, None) == TUNE


def test_another_meter_keeps_the_pickup_and_counts_bars_anew() -> None:
    taken = taken_in(TUNE, None, "3/4")
    assert str(taken.meters[0]) == "3/4"
    assert taken.notes[0].start == 72 - 12
    assert heard(taken) == [(start + 24, pitch, length) for start, pitch, length in heard(TUNE)]
    plain = read_prompt("M:4/4 L:1/4 K:D\ndefg | a4 |")
    assert heard(taken_in(plain, None, "3/4")) == heard(plain)
    with pytest.raises(UsageError, match="fills a bar of 3/8"):
        taken_in(read_prompt("M:4/4 L:1/4 K:D\nde | fgab |"), None, "3/8")
    with pytest.raises(InputError, match="D dorian"):
        taken_in(TUNE, "H", None)


def test_bars_are_made_anew_in_the_key_that_is_said() -> None:
    run = open_run("folk")
    given = "M:4/4 K:C | c2ec d2fd | e2ge f2af | c2ec d2fd | c8 |"
    made = run.generate(given, seed=1, refill="2", particles=4, given_key="D dorian", use="first:3")
    assert made.item.keys[0].name == "D dorian"
    assert made.item.end == 3 * 96
    assert [note.pitch for note in made.item.notes][:6] == [72, 76, 72, 74, 77, 74]


def test_what_is_gone_on_from_is_in_the_key_and_meter_that_are_said() -> None:
    run = open_run("folk")
    made = run.generate("M:4/4 K:C | c2ec d2fd |", seed=1, given_key="D dorian", given_meter="2/4", bars=8)
    assert (made.item.keys[0].name, str(made.item.meters[0])) == ("D dorian", "2/4")
    assert [note.pitch for note in made.item.notes[:5]] == [72, 76, 72, 74, 77]
    assert -(-made.item.end // 48) - (0 < made.item.notes[0].start < 48) == 8
