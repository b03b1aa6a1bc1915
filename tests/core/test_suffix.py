from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.core import suffix_of

KNOWN = (".svg", ".sheet.svg", ".mid")


@pytest.mark.parametrize(
    ("name", "suffix"),
    [
        ("tune.svg", ".svg"),
        ("tune.sheet.svg", ".sheet.svg"),
        ("Tune.Sheet.SVG", ".Sheet.SVG"),
        ("op.12.mid", ".mid"),
        ("tune.sheet.png", ".png"),
        ("tune.sheet", ".sheet"),
        ("tune", ""),
        (".sheet.svg", ".svg"),
        ("folder.svg/tune", ""),
    ],
)
def test_the_longest_known_suffix_counts(name, suffix):
    assert suffix_of(Path(name), KNOWN) == suffix
