"""Knob: one setting a person may turn, declared once beside the code that obeys it.

A settings class is a frozen dataclass whose fields are made by `knob`. Flags, app controls, saved
settings and tests all follow from the declaration. Knows nothing of any particular setting.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from toolkit.core.errors import UsageError, unknown

Settings = TypeVar("Settings")

_TRUE, _FALSE = {"true", "yes", "on", "1"}, {"false", "no", "off", "0"}


@dataclass(frozen=True)
class Knob:
    """What is known of one setting.

    ``kind`` is bool, int, float or str; ``optional`` says that None is a value too (often the neutral one).
    ``low`` and ``high`` are inclusive. ``choices`` closes the set of strings. ``advanced`` knobs hide
    until asked for. ``group`` is the heading under which flags and controls gather those that belong together. A
    ``long`` text may have many lines: the command line takes it from @FILE too, the studio gives it room. One line of a
    ``file`` text may name a file of this machine; who must not open files ends it with a new line.
    """

    name: str
    kind: type
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    optional: bool = False
    advanced: bool = False
    group: str = ""
    long: bool = False
    file: bool = False

    @property
    def flag(self) -> str:
        """The command line's spelling: ``top_k`` is ``--top-k``."""
        return "--" + self.name.replace("_", "-")

    def parse(self, text: str) -> Any:
        """The value that ``text`` means; UsageError in one sentence when it means none."""
        if self.optional and text.strip().lower() in {"", "none"}:
            return None
        if self.kind is bool:
            word = text.strip().lower()
            if word not in _TRUE | _FALSE:
                raise UsageError(f"{self.name} is yes or no, not {text!r}.")
            return word in _TRUE
        if self.kind is str:
            return self.check(text)
        try:
            return self.check(self.kind(text))
        except ValueError:
            kind = "a whole number" if self.kind is int else "a number"
            raise UsageError(f"{self.name} takes {kind}, not {text!r}.") from None

    def check(self, value: Any) -> Any:
        """``value``, converted to the knob's kind, when it is one the knob allows; else UsageError."""
        if value is None:
            if self.optional:
                return None
            raise UsageError(f"{self.name} needs a value.")
        if self.kind is float and type(value) is int:
            value = float(value)
        if self.kind is int and type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not self.kind:
            raise UsageError(f"{self.name} takes {_plain(self.kind)}, not {value!r}.")
        if isinstance(value, float) and not math.isfinite(value):
            raise UsageError(f"{self.name} must be a finite number, not {value}.")
        if self.choices and isinstance(value, str) and value not in self.choices:
            raise unknown(self.name, value, self.choices)
        if isinstance(value, int | float) and not self._within(value):
            raise UsageError(f"{self.name} must be {self._range()}, not {value}.")
        return value

    def _within(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def _range(self) -> str:
        if self.low is None:
            return f"at most {self.high:g}"
        if self.high is None:
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


def knob(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    choices: Iterable[str] = (),
    unit: str = "",
    advanced: bool = False,
    group: str = "",
    long: bool = False,
    file: bool = False,
) -> Any:
    """A dataclass field that carries its own bounds and help; its type comes from the annotation."""
    declared = {
        "help": help,
        "low": low,
        "high": high,
        "step": step,
        "choices": tuple(choices),
        "unit": unit,
        "advanced": advanced,
        "group": group,
        "long": long,
        "file": file,
    }
    return dataclasses.field(default=default, metadata={"knob": declared})


def knobs_of(settings: type) -> tuple[Knob, ...]:
    """The knobs that a settings class declares, in order; fields made without `knob` are left out."""
    return _declared(settings)


@functools.cache  # reading annotations takes longer than much of what is done with the knobs
def _declared(settings: type) -> tuple[Knob, ...]:
    hints = typing.get_type_hints(settings)
    found = []
    for field in dataclasses.fields(settings):
        if "knob" in field.metadata:
            kind, optional = _kind(hints[field.name])
            found.append(Knob(field.name, kind, field.default, optional=optional, **field.metadata["knob"]))
    return tuple(found)


def checked(settings: type[Settings], values: Mapping[str, Any]) -> Settings:
    """``settings`` built from ``values``, every one checked; unknown names and bad values are UsageError."""
    known = {each.name: each for each in knobs_of(settings)}
    clean = {}
    for name, value in values.items():
        if name not in known:
            raise unknown("setting", name, known)
        clean[name] = known[name].check(value)
    return settings(**clean)


def _kind(hint: Any) -> tuple[type, bool]:
    if isinstance(hint, types.UnionType) or typing.get_origin(hint) is typing.Union:
        inner = [each for each in typing.get_args(hint) if each is not type(None)]
        return inner[0], True
    return hint, False


def _plain(kind: type) -> str:
    return {bool: "yes or no", int: "a whole number", float: "a number", str: "text"}.get(kind, kind.__name__)
