"""The stages that Hugging Face has too, against its own logits processors on random rows of shape (V,)."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.sampling.situations import after, distinct, possible
from toolkit.sampling import (
    Epsilon,
    Eta,
    MinP,
    NoRepeats,
    RepetitionPenalty,
    Sampler,
    Temperature,
    TopH,
    TopK,
    TopP,
    Typical,
)
from toolkit.sampling.logits import log_softmax, softmax

torch = pytest.importorskip("torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    theirs = pytest.importorskip("transformers.generation.logits_process")

STRENGTH = st.floats(0.02, 0.98)
ROW = st.builds(distinct, st.integers(0, 10_000), st.integers(5, 90))  # theirs looks at 100 tokens only for top-h


def processed(processor, row_V, history=()):
    """Their new logits for our row: in float64 of shape (1, V), as ours are."""
    ids = torch.tensor([list(history)], dtype=torch.long)
    return processor(ids, torch.from_numpy(row_V.copy())[None])[0].numpy()


PAIRS = {
    "temperature": (lambda x: Temperature(3 * x), lambda x: theirs.TemperatureLogitsWarper(3 * x)),
    "top_k": (lambda x: TopK(1 + int(30 * x)), lambda x: theirs.TopKLogitsWarper(1 + int(30 * x))),
    "top_p": (TopP, theirs.TopPLogitsWarper),
    "top_h": (TopH, theirs.TopHLogitsWarper),
    "min_p": (MinP, theirs.MinPLogitsWarper),
    "typical": (Typical, theirs.TypicalLogitsWarper),
    "epsilon": (Epsilon, theirs.EpsilonLogitsWarper),
    "eta": (Eta, theirs.EtaLogitsWarper),
}


@pytest.mark.parametrize(("ours", "their"), PAIRS.values(), ids=PAIRS)
@given(row_V=ROW, x=STRENGTH, mask=st.sets(st.integers(0, 4), max_size=3))
def test_a_stage_gives_the_same_logits(ours, their, row_V, x, mask):
    if their is not theirs.TopHLogitsWarper and their is not theirs.TypicalLogitsWarper:
        row_V[sorted(mask)] = -math.inf  # those two make NaN of 0 log 0
    assume(_settled(ours, row_V, x))
    np.testing.assert_allclose(after(ours(x), row_V), processed(their(x), row_V), rtol=1e-9)


def _settled(build, row_V, x):
    kept = possible(after(build(x), row_V))
    return all(possible(after(build(x * (1 + slack)), row_V)) == kept for slack in (-1e-6, 1e-6))


@given(row_V=ROW, history=st.lists(st.integers(0, 4), min_size=1, max_size=40), x=st.floats(0.2, 3))
def test_a_repetition_penalty_is_theirs_on_log_probabilities(row_V, history, x):
    ours_V = after(RepetitionPenalty(x, 64, 1), row_V, history)
    theirs_V = processed(theirs.RepetitionPenaltyLogitsProcessor(x), log_softmax(row_V), history)
    np.testing.assert_allclose(softmax(ours_V), softmax(theirs_V), atol=1e-12)


@given(row_V=ROW, history=st.lists(st.integers(0, 3), min_size=1, max_size=40), n=st.integers(1, 5))
def test_the_same_n_grams_are_banned(row_V, history, n):
    theirs_V = processed(theirs.NoRepeatNGramLogitsProcessor(n), row_V, history)
    np.testing.assert_array_equal(after(NoRepeats(True, n, 64), row_V, history), theirs_V)


@given(row_V=ROW, history=st.lists(st.integers(0, 4), min_size=1, max_size=40), k=st.integers(2, 40), p=STRENGTH)
def test_a_whole_chain_in_their_order_gives_their_probabilities(row_V, history, k, p):
    settings = {"temperature": 0.7, "top_k": k, "top_p": p, "min_p": 0.01, "no_repeats": True, "no_repeats_length": 2}
    sampler = Sampler.from_settings({"order": "hf", **settings})
    chain = [
        theirs.NoRepeatNGramLogitsProcessor(2),
        theirs.TemperatureLogitsWarper(0.7),
        theirs.TopKLogitsWarper(k),
        theirs.TopPLogitsWarper(p),
        theirs.MinPLogitsWarper(0.01),
    ]
    theirs_V = row_V
    for each in chain:
        theirs_V = processed(each, theirs_V, history)
    ours_V = sampler.probabilities(row_V, sampler.begin(history))
    assume(_settled(lambda p: _Chained({**settings, "order": "hf", "top_p": p}, history), row_V, p))
    np.testing.assert_allclose(ours_V, softmax(theirs_V), atol=1e-12)


class _Chained:
    """A whole sampler where `after` expects one stage."""

    def __init__(self, settings, history):
        self._sampler, self._history = Sampler.from_settings(settings), history

    def begin(self, prompt):
        return self._sampler.begin(self._history)

    def apply(self, row_V, state, u):
        with np.errstate(divide="ignore"):
            return np.log(self._sampler.probabilities(row_V, state))
