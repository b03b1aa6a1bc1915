"""The domain `chorales`: four voices, from settings of one's own to those of J. S. Bach."""

from __future__ import annotations

from typing import Any

from toolkit.domains import Domain
from toolkit.domains.chorales.chorale import ChoraleCodec
from toolkit.domains.chorales.controls import ChoraleControls, NoWishes, constraint, wished
from toolkit.domains.chorales.corpora import built_in, read
from toolkit.domains.chorales.prompt import read_prompt
from toolkit.domains.chorales.sixteenths import SixteenthsCodec
from toolkit.domains.music.corpora import MUSICXML, WRITTEN
from toolkit.domains.music.originality import MelodyView
from toolkit.domains.music.prompt import opening
from toolkit.domains.music.views import EXPORTS
from toolkit.domains.polyphony.listing import note_list, show
from toolkit.score.data import score_data, score_of_data
from toolkit.score.notes import Score, Track

__all__ = ["DOMAIN"]


def _heading(given: Score) -> Score:
    return Score((Track(()),), meters=given.meters, keys=given.keys)


DOMAIN: Domain[Score, Any] = Domain(
    name="chorales",
    codecs={ChoraleCodec.name: ChoraleCodec, SixteenthsCodec.name: SixteenthsCodec},
    default_codec=ChoraleCodec.name,
    built_in=built_in,
    suffixes=MUSICXML,
    read=read,
    controls=ChoraleControls,
    constraint=constraint,
    read_prompt=read_prompt,
    opening=opening,
    exports={**EXPORTS, ".txt": note_list},
    show=show,
    unit="note",
    wishes=NoWishes,
    wished=wished,
    view=MelodyView(),
    sampling={"temperature": 0.95, "top_p": 0.98},
    length=2048,
    prompt_files=WRITTEN,
    heading=_heading,
    data=score_data,
    of_data=score_of_data,
)
