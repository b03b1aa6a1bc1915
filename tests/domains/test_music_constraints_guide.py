"""Every command in the guide means what it says there."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import pytest

from toolkit.core import UsageError, checked, knobs_of
from toolkit.domains.music.controls import OF_FILES, MelodyControls, constraint
from toolkit.domains.music.melody import MelodyCodec
from toolkit.domains.music.prompt import read_prompt

GUIDE = (Path(__file__).parents[2] / "docs/guide/melody-constraints.md").read_text(encoding="utf-8")
LINES = GUIDE.splitlines()
COMMANDS = [
    (line.removeprefix("$ "), LINES[number + 1]) for number, line in enumerate(LINES) if line.startswith("$ toolkit")
]
CODEC = MelodyCodec()


def asked(command: str) -> tuple[MelodyControls, str | None]:
    words = shlex.split(command)[3:]
    known = {knob.flag: knob for knob in knobs_of(MelodyControls)}
    values: dict[str, Any] = {}
    prompt = None
    while words:
        flag = words.pop(0)
        if flag == "--prompt":
            prompt = words.pop(0)
        elif flag == "--seed":
            words.pop(0)
        else:
            knob = known[flag]
            values[knob.name] = True if knob.kind is bool else knob.parse(words.pop(0))
    return checked(MelodyControls, values), prompt


@pytest.mark.parametrize(("command", "answer"), COMMANDS)
def test_a_command_of_the_guide_is_met_or_refused_as_it_says(command: str, answer: str) -> None:
    controls, prompt = asked(command)
    given = None if prompt is None else read_prompt(prompt)
    if answer.startswith("toolkit: "):
        with pytest.raises(UsageError) as refusal:
            constraint(CODEC, controls, given)
        assert str(refusal.value) == answer.removeprefix("toolkit: ")
    else:
        found = constraint(CODEC, controls, given)
        assert found.distance(found.begin()) < 100


def test_every_control_is_in_the_guide() -> None:
    for knob in knobs_of(MelodyControls):
        assert knob.name in OF_FILES or f"`{knob.flag}`" in GUIDE
