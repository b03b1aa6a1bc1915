"""Knobs as controls: nothing that one may turn is missing, and a control's default means the knob's."""

from __future__ import annotations

from typing import Any

import pytest

from toolkit.api import generation_knobs
from toolkit.core import Knob


def kind_of(room: Any, knob: Knob, **words: Any) -> str:
    return type(room("controls").component(knob, **words)).__name__


def test_each_kind_has_its_component(room: Any) -> None:
    assert kind_of(room, Knob("scale", bool, False, "h")) == "Checkbox"
    assert kind_of(room, Knob("mode", str, None, "h", choices=("a", "b"), optional=True)) == "Dropdown"
    assert kind_of(room, Knob("stop_at", str, None, "h", optional=True)) == "Textbox"
    assert kind_of(room, Knob("top_p", float, 1.0, "h", low=0, high=1, step=0.01)) == "Slider"
    assert kind_of(room, Knob("top_k", int, 0, "h", low=0)) == "Number"
    assert kind_of(room, Knob("bars", int, None, "h", low=1, high=256, optional=True)) == "Textbox"
    assert kind_of(room, Knob("far", int, 1, "h", low=1, high=1_000_000)) == "Number"
    assert kind_of(room, Knob("instrument", int, 1, "h", low=0, high=1), names=["Piano", "Organ"]) == "Dropdown"


@pytest.mark.parametrize("domain", ["text", "music", "chorales", "polyphony"])
def test_an_untouched_control_means_the_default(room: Any, domain: str) -> None:
    controls = room("controls")
    knobs = generation_knobs(domain)
    values = [controls.component(each).value for each in knobs]
    meant = controls.meant(knobs, values)
    assert meant == {each.name: each.default for each in knobs}
    assert meant == controls.meant(knobs, [controls.shown(each) for each in knobs])


def test_bounds_are_the_declared_ones_within_the_studios(room: Any) -> None:
    controls = room("controls")
    for knob in generation_knobs("text"):
        made = controls.component(knob)
        if type(made).__name__ == "Slider":
            most = controls.COMFORTABLE.get(knob.name, knob.high)
            least = controls.LEAST.get(knob.name, knob.low)
            assert (made.minimum, made.maximum) == (least, most), knob.name
    wild = Knob("temperature", float, 3.0, "h", low=0, high=10, step=0.05)
    assert controls.component(wild).maximum == 3.0


def test_the_capped_length_stays_capped_whatever_a_run_says(room: Any) -> None:
    knob = room("controls").narrowed(Knob("length", int, 90_000, "h", low=1, high=1_000_000))
    assert knob.high == knob.default == room("guard").MOST_TOKENS


def test_help_is_text_and_no_markup(room: Any) -> None:
    info = room("controls").component(Knob("x", int, 0, "a <b>bold</b> *star* [link](u) `c`", low=0, high=9)).info
    assert info == "A <b>bold</b> *star* [link](u) `c`."


def test_names_are_written_for_people(room: Any) -> None:
    labels = [room("controls").label(Knob(name, int, 0, "h")) for name in ("top_p", "stop_at", "dry_base", "after")]
    assert labels == ["Top-p", "Stop at", "DRY base", "What comes after"]
