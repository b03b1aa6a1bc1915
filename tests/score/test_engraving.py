from __future__ import annotations

import io
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from toolkit.core import InputError, MissingExtraError
from toolkit.score import Note, Score, Track, sheet_png, sheet_svg

TUNE = Score((Track(tuple(Note(24 * place, 60 + place, 24) for place in range(12))),), title="Evening Song")


@pytest.fixture
def engravers():
    pytest.importorskip("verovio")
    pytest.importorskip("resvg_py")
    return pytest.importorskip("PIL.Image")


def ink(image, data: bytes):
    return np.asarray(image.open(io.BytesIO(data)).convert("L")) < 128


def test_a_page_has_the_title_and_every_note(engravers):
    svg = sheet_svg(TUNE)
    assert "Evening Song" in svg
    assert svg.count('class="note"') == 12
    assert svg == sheet_svg(TUNE)


def test_the_picture_shows_title_and_staves(engravers):
    titled, plain = (ink(engravers, sheet_png(replace(TUNE, title=title))) for title in ("Evening Song", ""))
    assert titled.shape[1] == plain.shape[1] == 1600
    above = titled.shape[0] - plain.shape[0]
    assert above > 20
    assert titled[:above].sum() > 500
    assert plain.sum() > 5_000


def test_a_score_too_long_for_a_page_is_refused(engravers):
    with pytest.raises(InputError, match="too long"):
        sheet_svg(Score((Track(tuple(Note(12 * place, 60 + place % 12, 12) for place in range(8 * 1200))),)))


def test_without_verovio_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "verovio", None)
    with pytest.raises(MissingExtraError, match=r"\[score\]"):
        sheet_svg(TUNE)


def test_any_thread_engraves_as_the_first_does(engravers):
    with ThreadPoolExecutor(1) as other:
        assert other.submit(sheet_svg, TUNE).result() == sheet_svg(TUNE)
