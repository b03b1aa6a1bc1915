"""Text: characters, bytes and sub-words, from files or built-in corpora."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from toolkit.core import Codec
from toolkit.domains import Domain
from toolkit.domains.text.built_in import BUILT_IN
from toolkit.domains.text.characters import CharCodec
from toolkit.domains.text.choosing import chosen_codec
from toolkit.domains.text.constraints import constraint
from toolkit.domains.text.controls import TextControls, hold_back
from toolkit.domains.text.corpora import SUFFIXES, read
from toolkit.domains.text.features import text_features
from toolkit.domains.text.filling import gap_asked, text_filled
from toolkit.domains.text.labels import speeches
from toolkit.domains.text.originality import TextView, copy_limit
from toolkit.domains.text.pieces import BpeCodec, UnigramCodec
from toolkit.domains.text.raw_bytes import ByteCodec
from toolkit.domains.text.wishes import TextWishes, wished

__all__ = ["DOMAIN"]

_BLANK = "\n"


def _same(text: str) -> str:
    return text


def _opening(codec: Codec[str, str], item: str) -> list[int]:
    """The ids of ``item``. A vocabulary without any white space begins a blank page with its first character."""
    return codec.encode(item) or [0] * (item == _BLANK)


def _finish(
    codec: Codec[str, str], given: str | None, opened: Sequence[int], made: Sequence[int], controls: TextControls
) -> str:
    return (given or "") + "".join(_cut_parts([codec.decode(made)], controls))


def _cut_parts(parts: Iterable[str], controls: TextControls) -> Iterator[str]:
    return hold_back(parts, controls.stop_strings())


def _plain(text: str, details: Mapping[str, Any]) -> bytes:
    return text.encode("utf-8")


def _with_details(text: str, details: Mapping[str, Any]) -> bytes:
    return (json.dumps({"text": text, **details}, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


DOMAIN: Domain[str, str] = Domain(
    name="text",
    codecs={each.name: each for each in (CharCodec, ByteCodec, UnigramCodec, BpeCodec)},
    default_codec="char",
    suits=chosen_codec,
    built_in=BUILT_IN,
    suffixes=SUFFIXES,
    read=read,
    controls=TextControls,
    constraint=constraint,
    constrains_given=False,
    read_prompt=_same,
    opening=_opening,
    blank=_BLANK,
    finish=_finish,
    cut_parts=_cut_parts,
    exports={".txt": _plain, ".json": _with_details},
    show=_same,
    unit="byte",
    wishes=TextWishes,
    wished=wished,
    gap_asked=gap_asked,
    filled=text_filled,
    view=TextView(),
    copy_limit=copy_limit,
    features=text_features,
    labelled={"speaker": speeches},
    sampling={"temperature": 0.8},
    length=500,
)
