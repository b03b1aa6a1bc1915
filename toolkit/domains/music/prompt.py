"""What a user gives to continue, as a melody: a MIDI, MusicXML or ABC file, or notes typed in ABC.

Typed notes may follow the fields M: (meter), L: (length of a plain letter) and K: (key) on the same line:
``M:6/8 K:D | d2e fga``. Without them the meter is 4/4, a letter is an eighth note, and the key is found from the
notes. Fields without notes ask for a whole tune in that meter and key. Knows no ids.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from toolkit.core import Codec, InputError, read_text
from toolkit.domains.music.corpora import ABC, WRITTEN, score_in
from toolkit.score import Key, Meter, Score, Track, detect_key, extract_melody
from toolkit.score.abc import Tune, read_tunes
from toolkit.score.abc.form import arrange, cut_at_lines

_FIELD = re.compile(
    r"\s*(?:(?P<name>[ML]):\s*(?P<value>\S+)"
    r"|K:\s*(?P<key>[A-G][#b]?\w*(?:[ \t]+(?:maj|min|dor|phr|lyd|mix|loc|aeo|ion)\w*)?))",
    re.IGNORECASE,
)

_NOTE = re.compile("[A-Ga-gz]")
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
    """The melody in the file that ``given`` names, or that it spells; InputError in one sentence when there is none.

    Notes typed without a bar line fill bars one after another, tied where a bar ends within one.
    """
    path = _file_named(given)
    if path is None:
        return _typed(given)
    return _tune_in(path).score if path.suffix.lower() in ABC else _extracted(path)


def read_pitches(given: str) -> tuple[int, ...]:
    """The MIDI pitches of a melody, given as for `read_prompt`, in order; what is in ABC need not fill its bars."""
    path = _file_named(given)
    if path is None:
        return (_tune(given) if _is_abc(given) else _tune_of(*_fields(given))).pitches
    return (
        _tune_in(path).pitches if path.suffix.lower() in ABC else tuple(note.pitch for note in _extracted(path).notes)
    )


def _file_named(given: str) -> Path | None:
    path = Path(given.strip())
    return None if "\n" in given or path.suffix.lower() not in WRITTEN else path


def _typed(given: str) -> Score:
    if _is_abc(given):
        return _tune(given).score
    fields, body = _fields(given)
    meter, key = Meter.parse(fields.get("M", "4/4")), fields.get("K")
    if fields and not _NOTE.search(body):
        return Score((Track(()),), meters=(meter,), keys=(Key.parse(key or "C"),))
    tune, unlined = _tune_of(fields, body), "|" not in body.strip("|] ")
    score = arrange(cut_at_lines(tune.bars)).score if unlined else tune.score
    if score.meters[0] != meter and ("M" in fields or unlined):
        score = _tune_of(fields, f"{body.rstrip('|] ')} | Z").score  # beside a whole bar a short one keeps its meter
    if body.startswith("|") and score.end <= meter.bar():
        score = _moved_to_bar_line(score)
    return score if key else replace(score, keys=(detect_key(score.notes),))


def _is_abc(given: str) -> bool:
    """Whether it is a tune with its header, as ABC is written, and not notes on a line."""
    return "\n" in given.strip() and re.search(r"^K:", given, re.MULTILINE) is not None


def _fields(given: str) -> tuple[dict[str, str], str]:
    """The fields a typed prompt begins with, and the notes after them."""
    fields: dict[str, str] = {}
    at = 0
    while found := _FIELD.match(given, at):
        fields[(found["name"] or "K").upper()] = found["value"] or found["key"]
        at = found.end()
    return fields, given[at:].strip()


def _tune_of(fields: Mapping[str, str], body: str) -> Tune:
    """The tune of typed notes; InputError where there are none, or where they are no notes."""
    if not _NOTE.search(body):
        raise InputError("there is no melody in what is given: type notes in ABC, such as K:D | d2e fga.")
    strange = _STRANGE.search(_TEXT.sub("", body))
    if strange:
        raise InputError(f"{strange[0]!r} is not ABC notation; notes are typed such as K:D | d2e fga.")
    meter = Meter.parse(fields.get("M", "4/4"))
    return _tune(f"X:1\nM:{meter}\nL:{fields.get('L', '1/8')}\nK:{fields.get('K', 'C')}\n{body}")


def _moved_to_bar_line(score: Score) -> Score:
    """A single unfinished bar reads as a pickup; after a written bar line it is a beginning."""
    first = score.notes[0].start
    notes = tuple(replace(note, start=note.start - first) for note in score.notes)
    return replace(score, tracks=(Track(notes),))


def _tune(text: str) -> Tune:
    return next(iter(read_tunes(text)))


def _tune_in(path: Path) -> Tune:
    return _tune(read_text(path, errors="replace"))


def _extracted(path: Path) -> Score:
    return extract_melody(score_in(path)[0]).score
