"""The domain `music`: melodies in one meter and key, from folk tunes to a voice of a MIDI file."""

from __future__ import annotations

from dataclasses import replace

from toolkit.domains import Domain
from toolkit.domains.music.controls import MelodyControls, constraint
from toolkit.domains.music.corpora import ABC, MIDI, MUSICXML, built_in, read
from toolkit.domains.music.features import melody_features
from toolkit.domains.music.filling import gap_asked, melody_filled
from toolkit.domains.music.labels import modes, tune_types
from toolkit.domains.music.listing import show
from toolkit.domains.music.melody import MelodyCodec, Part
from toolkit.domains.music.originality import MelodyView, copy_limit
from toolkit.domains.music.prompt import opening, read_prompt
from toolkit.domains.music.taken import excerpt, taken_in
from toolkit.domains.music.views import EXPORTS
from toolkit.domains.music.wishes import MelodyWishes, wished
from toolkit.score.data import score_data, score_of_data
from toolkit.score.notes import Score, Track

__all__ = ["DOMAIN"]


def _heading(given: Score) -> Score:
    return Score((Track(()),), meters=given.meters, keys=given.keys, tune_type=given.tune_type)


def _used(given: Score, controls: MelodyControls) -> Score:
    """As much of what is given as is asked for, in the key and meter and as the kind of tune that it is said to be."""
    given = taken_in(given, controls.given_key, controls.given_meter)
    used = given if controls.use is None else excerpt(given, controls.use)
    return used if controls.tune_type is None else replace(used, tune_type=controls.tune_type)


DOMAIN: Domain[Score, Part] = Domain(
    name="music",
    codecs={MelodyCodec.name: MelodyCodec},
    default_codec=MelodyCodec.name,
    built_in=built_in,
    suffixes=MIDI | ABC | MUSICXML - {".xml"},  # which is more often no music
    read=read,
    controls=MelodyControls,
    constraint=constraint,
    read_prompt=read_prompt,
    used=_used,
    opening=opening,
    exports=EXPORTS,
    show=show,
    unit="note",
    wishes=MelodyWishes,
    wished=wished,
    gap_asked=gap_asked,
    filled=melody_filled,
    view=MelodyView(),
    copy_limit=copy_limit,
    features=melody_features,
    labelled={"type": tune_types, "mode": modes},
    sampling={"temperature": 0.95, "top_p": 0.98},
    length=1024,
    prompt_files=MIDI | ABC | MUSICXML,
    heading=_heading,
    data=score_data,
    of_data=score_of_data,
)
