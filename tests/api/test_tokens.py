"""Tokens of a result and what else could stand in their places, held to the loop that drew them."""

from __future__ import annotations

import random

import pytest

from toolkit.api import Plan, Run, fit, open_run
from toolkit.api.tokens import alternatives, told
from toolkit.core import UsageError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tokens")
    rng = random.Random(0)
    (folder / "poem.txt").write_text(
        "".join(rng.choice(["the sea is grey\n", "a bell rang twice\n"]) for _ in range(300))
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOOLKIT_CACHE", str(folder / "cache"))
        small = {"steps": 60, "model": {"width": 24, "embedding": 8}, "training": {"batch": 4, "chunk": 32}}
        list(fit(Plan(str(folder / "poem.txt"), folder / "run", codec="char", **small)))
    return open_run(folder / "run")


def test_tokens_spell_what_was_made(run: Run) -> None:
    made = run.generate("the ", seed=3, length=40)
    found = told(run, made)
    assert "the " + "".join(each.text for each in found) == made.text
    assert [each.nats for each in found] == [-each for each in made.log_probabilities]


@pytest.mark.parametrize(
    "settings", [{}, {"temperature": 0.7, "top_k": 5}, {"min_p": 0.05}, {"repetition_penalty": 1.3}]
)
@pytest.mark.parametrize("place", [0, 7, 29])
def test_the_one_that_came_is_among_them_with_the_chance_that_it_had(run: Run, settings: dict, place: int) -> None:
    made = run.generate("the ", seed=3, length=30, **settings)
    found = alternatives(run, made.tokens, place, prompt="the ", seed=3, settings=made.settings, most=run.codec.size)
    assert sum(each.probability for each in found) == pytest.approx(1, abs=1e-6)
    assert sum(each.drawn for each in found) == pytest.approx(1, abs=1e-6)
    came = next(each for each in found if each.token == made.tokens[place])
    assert came.drawn > 0
    assert came.probability == pytest.approx(2.718281828 ** made.log_probabilities[place], rel=1e-4)
    assert came.text == told(run, made)[place].text


def test_what_may_not_stand_there_is_never_drawn(run: Run) -> None:
    made = run.generate(seed=1, length=10, regex="(?:[a-z ]|\n)+")
    for each in alternatives(run, made.tokens, 4, seed=1, settings=made.settings, most=run.codec.size):
        assert each.drawn == 0 or each.text in "abcdefghijklmnopqrstuvwxyz \n"


def test_a_place_that_is_not_there_and_a_search_are_refused(run: Run) -> None:
    made = run.generate(seed=1, length=5)
    for place in (-1, 5):
        with pytest.raises(UsageError, match="counted from 0"):
            alternatives(run, made.tokens, place, seed=1, settings=made.settings)
    with pytest.raises(UsageError, match="one by one"):
        alternatives(run, made.tokens, 1, seed=1, settings={**made.settings, "search": "beam"})
