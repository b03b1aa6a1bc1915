"""A generation paced for a screen: nothing of it is lost, it stops when asked, and only it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from toolkit.core import ToolkitError


def test_parts_are_gathered_and_none_is_lost(room: Any) -> None:
    pacing = room("pacing")
    paced = pacing.Paced(pacing.Stops(), "me")
    looks = [len(parts) for parts in paced.looks(range(5_000))]
    assert looks[0] == 1 and len(looks) < 50
    assert paced.parts == list(range(5_000)) and not paced.out_of_time


def test_a_stop_ends_only_the_generation_under_way(room: Any) -> None:
    pacing = room("pacing")
    stops = pacing.Stops(grace=0)
    stops.ask("me")  # of a generation that ends
    stops.over("me")

    def endless() -> Iterator[int]:
        for number in range(10**6):
            if number == 3:
                stops.ask("another")
            if number == 10:
                stops.ask("me")
            yield number

    paced = pacing.Paced(stops, "me")
    list(paced.looks(endless()))
    assert paced.parts == list(range(11)) and not paced.out_of_time
    stops.over("me")
    following = pacing.Paced(stops, "me")
    list(following.looks(range(5)))
    assert following.parts == list(range(5))


def test_a_stop_that_comes_too_late_is_not_meant_for_the_next(room: Any) -> None:
    stops = room("pacing").Stops(grace=0.05)
    stops.over("me")
    stops.ask("me")
    assert not stops.asked("me")
    time.sleep(0.06)
    stops.ask("me")
    assert stops.asked("me")
    stops.over("me")
    assert not stops.asked("me")


def test_a_stop_ends_what_still_waits_for_its_turn(room: Any) -> None:
    pacing = room("pacing")
    stops = pacing.Stops()
    stops.ask("me")
    paced = pacing.Paced(stops, "me")
    list(paced.looks(range(5)))
    assert paced.parts == [0] and paced.ended()


def test_the_clock_ends_a_generation(room: Any) -> None:
    pacing = room("pacing")

    def slow() -> Iterator[int]:
        while True:
            time.sleep(0.02)
            yield 0

    paced = pacing.Paced(pacing.Stops(), "me", limit=0.1)
    list(paced.looks(slow()))
    assert paced.out_of_time and 3 <= len(paced.parts) <= 7
    with pytest.raises(ToolkitError, match="after 0 seconds"):
        paced.watch()


def test_what_shows_nothing_yet_can_be_stopped_too(room: Any) -> None:
    pacing = room("pacing")
    stops = pacing.Stops()
    paced = pacing.Paced(stops, "me")
    paced.watch()
    stops.ask("another")
    paced.watch()
    stops.ask("me")
    with pytest.raises(ToolkitError, match="stopped"):
        paced.watch()


# --- the library ---------------------------------------------------------------------------------------------
