"""Knobs: what a declaration says is what parsing and checking obey."""

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import Knob, UsageError, checked, knob, knobs_of


@dataclass(frozen=True)
class Settings:
    heat: float = knob(1.0, "how wild", low=0, high=2, step=0.1)
    count: int = knob(3, "how many", low=1)
    loud: bool = knob(False, "whether")
    shape: str = knob("round", "which", choices=("round", "square"))
    limit: int | None = knob(None, "at most", low=1, unit="bars", advanced=True)
    private: tuple[int, ...] = field(default=())


KNOBS = {each.name: each for each in knobs_of(Settings)}


def test_the_declaration_is_read_in_order_and_leaves_plain_fields_out():
    assert list(KNOBS) == ["heat", "count", "loud", "shape", "limit"]
    assert KNOBS["heat"] == Knob("heat", float, 1.0, "how wild", low=0, high=2, step=0.1)
    assert (KNOBS["limit"].kind, KNOBS["limit"].optional, KNOBS["limit"].unit) == (int, True, "bars")


def test_a_flag_is_the_name_with_dashes():
    assert Knob("top_k", int, 0, "").flag == "--top-k"


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("heat", "1", 1.0),
        ("heat", "1e-1", 0.1),
        ("count", "12", 12),
        ("loud", "Yes", True),
        ("loud", "0", False),
        ("shape", "square", "square"),
        ("limit", "none", None),
        ("limit", "", None),
        ("limit", "8", 8),
    ],
)
def test_text_parses_to_its_value(name, text, value):
    parsed = KNOBS[name].parse(text)
    assert parsed == value
    assert type(parsed) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("heat", "hot", "a number"),
        ("heat", "2.1", "between 0 and 2"),
        ("heat", "nan", "finite"),
        ("heat", "inf", "finite"),
        ("count", "1.5", "a whole number"),
        ("count", "0", "at least 1"),
        ("loud", "maybe", "yes or no"),
        ("shape", "sqare", "did you mean 'square'"),
        ("limit", "0", "at least 1"),
    ],
)
def test_text_out_of_range_is_one_sentence(name, text, says):
    with pytest.raises(UsageError, match=says) as caught:
        KNOBS[name].parse(text)
    assert name in str(caught.value)
    assert caught.value.exit_code == 2


def test_values_are_converted_only_where_nothing_is_lost():
    assert KNOBS["heat"].check(1) == 1.0
    assert type(KNOBS["heat"].check(1)) is float
    assert KNOBS["count"].check(4.0) == 4
    for name, value in [("count", 4.5), ("count", True), ("heat", True), ("heat", "1"), ("shape", 1), ("count", None)]:
        with pytest.raises(UsageError):
            KNOBS[name].check(value)


@given(st.floats(0, 2))
def test_a_checked_number_is_the_number(value):
    assert KNOBS["heat"].check(value) == value
    assert KNOBS["heat"].parse(repr(value)) == value


def test_checked_builds_the_settings_and_refuses_strangers():
    assert checked(Settings, {"heat": 2, "limit": None}) == Settings(heat=2.0)
    with pytest.raises(UsageError, match="did you mean 'count'"):
        checked(Settings, {"cuont": 1})
    with pytest.raises(UsageError, match="private"):
        checked(Settings, {"private": ()})
