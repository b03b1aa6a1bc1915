"""Model cards say what lies in the folder beside them."""

from pathlib import Path

import pytest

from toolkit.api import open_run
from toolkit.api.cards import copying, model_card

CHECKPOINTS = Path(__file__).parents[2] / "checkpoints"


@pytest.mark.parametrize("name", ["shakespeare", "kjv", "folk"])
def test_a_shipped_card_tells_of_the_index_beside_it(name):
    run = open_run(name)
    told = copying(run.config.domain, run.index)
    assert told in (CHECKPOINTS / name / "README.md").read_text(encoding="utf-8")
    assert told in model_card(run.config, index=run.index)
    size = sum(path.stat().st_size for path in (CHECKPOINTS / name / "originality").glob("*.safetensors"))
    assert f"{size / 1e6:.1f} MB" in told


def test_a_card_says_nothing_of_an_index_that_is_not_there():
    assert "originality" not in model_card(open_run("folk").config)
