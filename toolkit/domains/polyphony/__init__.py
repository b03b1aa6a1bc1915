"""The domain `polyphony`: pieces of many notes at once, from chorales and piano rolls to a user's own MIDI files."""

from __future__ import annotations

from typing import Any

from toolkit.core import Codec
from toolkit.domains import Domain
from toolkit.domains.music.corpora import ABC, MIDI, MUSICXML
from toolkit.domains.music.originality import MelodyView
from toolkit.domains.music.prompt import opening
from toolkit.domains.music.views import EXPORTS
from toolkit.domains.polyphony.controls import PolyphonyControls, constraint
from toolkit.domains.polyphony.corpora import read
from toolkit.domains.polyphony.listing import note_list, show
from toolkit.domains.polyphony.miditok import CODECS as MIDITOK
from toolkit.domains.polyphony.performance import PolyphonicCodec
from toolkit.domains.polyphony.prompt import read_prompt
from toolkit.domains.polyphony.rolls import built_in
from toolkit.domains.polyphony.steps import StepsCodec
from toolkit.score.data import score_data, score_of_data
from toolkit.score.notes import Score

__all__ = ["DOMAIN"]

CODECS: dict[str, type[Codec[Score, Any]]] = {each.name: each for each in (StepsCodec, PolyphonicCodec)}
CODECS.update(MIDITOK)

DOMAIN: Domain[Score, Any] = Domain(
    name="polyphony",
    codecs=CODECS,
    default_codec=StepsCodec.name,
    built_in=built_in,
    suffixes=MIDI,
    read=read,
    controls=PolyphonyControls,
    constraint=constraint,
    read_prompt=read_prompt,
    opening=opening,
    exports={**EXPORTS, ".txt": note_list},
    show=show,
    unit="note",
    view=MelodyView(),
    sampling={"temperature": 0.95, "top_p": 0.98},
    length=1024,
    prompt_files=MIDI | ABC | MUSICXML,
    data=score_data,
    of_data=score_of_data,
)
