"""What a user gives to continue, as a melody: a MIDI or ABC file, or notes typed in ABC.

Typed notes may follow the fields M: (meter), L: (length of a plain letter) and K: (key) on the same line:
``M:6/8 K:D | d2e fga``. Without them the meter is 4/4, a letter is an eighth note, and the key is found from the
notes. Fields without notes ask for a whole tune in that meter and key. Knows no ids.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, InputError
from toolkit.domains.music.abc import read_tunes
from toolkit.domains.music.corpora import ABC, MIDI
from toolkit.score import Key, Meter, Score, Track, detect_key, extract_melody, read_midi

_LARGEST = 1 << 20
_FIELD = re.compile(
    r"\s*(?:(?P<name>[ML]):\s*(?P<value>\S+)"
    r"|K:\s*(?P<key>[A-G][#b]?\w*(?:[ \t]+(?:maj|min|dor|phr|lyd|mix|loc|aeo|ion)\w*)?))",
    re.IGNORECASE,
)

_TEXT = re.compile(r'"[^"]*"|![^!]*!')
_STRANGE = re.compile(r"[^A-Ga-gxzZ\d\s/|:\[\](){}<>^_=,'~.&uvTHLMOPRS-]")


@runtime_checkable
class Opening(Protocol):
    """A codec that can leave a sequence open where a melody stops."""

    def opening(self, score: Score) -> list[int]: ...


def opening(codec: Codec[Score, Any], score: Score) -> list[int]:
    """The ids of ``score`` without an end, for a model to go on from."""
    return codec.opening(score) if isinstance(codec, Opening) else codec.encode(score)


def read_prompt(given: str) -> Score:
    """The melody in the file that ``given`` names, or that it spells; InputError in one sentence when there is none."""
    path = Path(given.strip())
    suffix = path.suffix.lower()
    if "\n" in given or suffix not in MIDI | ABC:
        return _typed(given)
    return _of_midi(path) if suffix in MIDI else _of_abc(_text_of(path))


def _typed(given: str) -> Score:
    if re.search(r"^K:", given, re.MULTILINE) and "\n" in given.strip():
        return _of_abc(given)
    fields, body = _fields(given)
    meter, key = Meter.parse(fields.get("M", "4/4")), fields.get("K")
    if not re.search("[A-Ga-gz]", body):
        if not fields:
            raise InputError("there is no melody in the prompt: type notes in ABC, such as K:D | d2e fga.")
        return Score((Track(()),), meters=(meter,), keys=(Key.parse(key or "C"),))
    strange = _STRANGE.search(_TEXT.sub("", body))
    if strange:
        raise InputError(f"{strange[0]!r} is not ABC notation; notes are typed such as K:D | d2e fga.")
    header = f"X:1\nM:{meter}\nL:{fields.get('L', '1/8')}\nK:{key or 'C'}\n"
    score = _of_abc(header + body)
    if score.meters[0] != meter and ("M" in fields or "|" not in body.strip("|] ")):
        score = _of_abc(f"{header}{body.rstrip('|] ')} | Z")  # a whole bar beside it, and a short one keeps its meter
    if body.startswith("|") and score.end <= meter.bar():
        score = _moved_to_bar_line(score)
    return score if key else replace(score, keys=(detect_key(score.notes),))


def _fields(given: str) -> tuple[dict[str, str], str]:
    """The fields a typed prompt begins with, and the notes after them."""
    fields: dict[str, str] = {}
    at = 0
    while found := _FIELD.match(given, at):
        fields[(found["name"] or "K").upper()] = found["value"] or found["key"]
        at = found.end()
    return fields, given[at:].strip()


def _moved_to_bar_line(score: Score) -> Score:
    """A single unfinished bar reads as a pickup; after a written bar line it is a beginning."""
    first = score.notes[0].start
    notes = tuple(replace(note, start=note.start - first) for note in score.notes)
    return replace(score, tracks=(Track(notes),))


def _of_abc(text: str) -> Score:
    return next(iter(read_tunes(text))).score


def _text_of(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise InputError(f"{path.name} is too large for a prompt.")
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def _of_midi(path: Path) -> Score:
    return extract_melody(read_midi(path)).score
