"""Searching with a trained model that ships, behind its grammar."""

import numpy as np
import pytest

from toolkit.api import open_run
from toolkit.core import checked
from toolkit.sampling import Sampler
from toolkit.search import SearchSettings, search


@pytest.fixture(scope="module")
def folk():
    return open_run("folk")


def run(folk, seed=1, count=4, chain=None, **settings):
    controls = checked(folk.domain.controls, {"meter": "6/8", "key": "D", "bars": 4, "cadence": True})
    return search(
        folk.engine,
        [folk.codec.stop],
        settings=checked(SearchSettings, settings),
        sampler=Sampler.from_settings(chain or {}),
        constraint=folk.constraint(controls),
        length=160,
        stop=folk.codec.stop,
        seed=seed,
        count=count,
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["greedy", "beam", "diverse", "stochastic"])
def test_melodies_found_are_what_was_asked_for(folk, kind):
    found = run(folk, search=kind, beams=6, groups=3, count=1 if kind == "greedy" else 4, chain={"temperature": 0.9})
    assert len({each.tokens for each in found}) == len(found) >= 1
    for each in found:
        assert each.tokens[-1] == folk.codec.stop
        score = folk.codec.decode(list(each.tokens))
        assert [(meter.numerator, meter.denominator) for meter in score.meters] == [(6, 8)]
        assert score.tracks[0].notes[-1].pitch % 12 == 2
        assert folk.codec.encode(score) == list(each.tokens[:-1])


@pytest.mark.slow
def test_log_probabilities_are_those_of_the_sequence_fed_alone(folk):
    for each in run(folk, search="beam", beams=6):
        memory, fed = folk.engine.begin(), folk.codec.stop
        for token, reported in zip(each.tokens, each.log_probabilities, strict=True):
            logits_V, memory = folk.engine.feed([fed], memory)
            exact_V = logits_V.astype(np.float64)
            assert exact_V[token] - np.log(np.exp(exact_V).sum()) == pytest.approx(reported, abs=1e-3)
            fed = token


@pytest.mark.slow
def test_a_wider_beam_finds_no_worse_than_greedy_here(folk):
    greedy, beam = run(folk, search="greedy", count=1)[0], run(folk, search="beam", beams=8)[0]
    assert beam.searched >= greedy.searched
    assert run(folk, search="beam", beams=8)[0] == beam
