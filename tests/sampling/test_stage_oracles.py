"""Every stage against the same thing written out in plain loops (`tests.sampling.oracles`)."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.sampling import oracles
from tests.sampling.situations import after, distinct, possible
from toolkit.sampling import (
    AdaptiveTarget,
    Dry,
    DynamicTemperature,
    Epsilon,
    Eta,
    ExcludeTopChoices,
    FrequencyPresence,
    MinP,
    Mirostat,
    NoRepeats,
    PLess,
    RepetitionPenalty,
    Smoothing,
    TailFree,
    Temperature,
    TopA,
    TopH,
    TopK,
    TopNSigma,
    TopP,
    Typical,
)
from toolkit.sampling.logits import softmax
from toolkit.sampling.stages.repeats import earlier_ends


@st.composite
def masked(draw, smallest=2):
    """A row of the generator's shape with distinct logits, some of them impossible."""
    row_V = distinct(draw(st.integers(0, 10_000)), draw(st.integers(smallest, 70)))
    row_V[draw(st.lists(st.integers(0, len(row_V) - 1), max_size=len(row_V) // 2))] = -math.inf
    assume(np.count_nonzero(row_V > -math.inf) >= smallest)
    return row_V


def histories(size=5):
    """Few tokens, so that runs of them come again and again."""
    return st.lists(st.integers(0, size - 1), max_size=60)


CUTS = {
    "top_k": (lambda x: TopK(1 + int(40 * x)), lambda row, x: oracles.top_k(row, 1 + int(40 * x))),
    "top_p": (TopP, oracles.top_p),
    "typical": (Typical, oracles.typical),
    "min_p": (MinP, oracles.min_p),
    "top_n_sigma": (lambda x: TopNSigma(3 * x), lambda row, x: oracles.top_n_sigma(row, 3 * x)),
    "epsilon": (Epsilon, oracles.epsilon),
    "eta": (Eta, oracles.eta),
    "top_a": (TopA, oracles.top_a),
    "p_less": (lambda x: PLess(True), oracles.p_less),
    "tail_free": (TailFree, oracles.tail_free),
    "top_h": (TopH, oracles.top_h),
    "xtc": (lambda x: ExcludeTopChoices(1.0, x / 2), lambda row, x: oracles.xtc(row, x / 2)),
    # Both begin at twice tau.
    "mirostat": (lambda x: Mirostat(2, 4 * x), lambda row, x: oracles.mirostat_2(row, 8 * x)),
    "mirostat, version 1": (lambda x: Mirostat(1, 4 * x), lambda row, x: oracles.mirostat_1(row, 8 * x)),
}
STRENGTH = st.floats(0.01, 0.99)


@pytest.mark.parametrize(("build", "oracle"), CUTS.values(), ids=CUTS)
@given(row_V=masked(), x=STRENGTH)
def test_a_truncation_keeps_what_its_source_says(build, oracle, row_V, x):
    wanted = oracle(row_V.tolist(), x)
    # Where a hair more or less of the setting decides, rounding may decide too.
    assume(all(oracle(row_V.tolist(), x * (1 + slack)) == wanted for slack in (-1e-9, 1e-9)))
    out_V = after(build(x), row_V)
    assert possible(out_V) == wanted
    np.testing.assert_array_equal(out_V[sorted(wanted)], row_V[sorted(wanted)])


@given(row_V=masked(), x=STRENGTH, y=STRENGTH)
def test_what_reshapes_gives_the_probabilities_that_its_source_says(row_V, x, y):
    row = row_V.tolist()
    for stage, wanted in (
        (Temperature(0.1 + 2 * x), oracles.temperature(row, 0.1 + 2 * x)),
        (
            DynamicTemperature(0.1 + x, 0.1 + 2 * y, 2 * x),
            oracles.dynamic_temperature(row, 0.1 + x, 0.1 + 2 * y, 2 * x),
        ),
        (Smoothing(x, 1 + 2 * y), oracles.smoothing(row, x, 1 + 2 * y)),
        (AdaptiveTarget(True, x), oracles.adaptive(row, x, x)),
    ):
        np.testing.assert_allclose(softmax(after(stage, row_V)), oracles.probabilities(wanted), atol=1e-12)


@given(row_V=masked(5), history=histories(), window=st.integers(1, 64), span=st.integers(1, 5), x=st.floats(0.2, 3))
def test_penalties_count_what_followed_the_same_run(row_V, history, window, span, x):
    out_V = after(RepetitionPenalty(x, window, span), row_V, history)
    wanted = oracles.repetition(row_V.tolist(), history, window, span, x)
    np.testing.assert_allclose(softmax(out_V), oracles.probabilities(wanted), atol=1e-12)
    out_V = after(FrequencyPresence(x / 2, -x / 3, window, span), row_V, history)
    wanted = oracles.frequency_presence(row_V.tolist(), history, window, span, x / 2, -x / 3)
    np.testing.assert_allclose(out_V, wanted, atol=1e-12)


@given(
    history=histories(3),
    window=st.integers(1, 64),
    allowed=st.integers(1, 6),
    multiplier=st.floats(0.1, 10),
    base=st.floats(1, 4),
    breakers=st.sets(st.integers(0, 2), max_size=2),
)
def test_dry_penalises_the_longest_run_that_would_go_on(history, window, allowed, multiplier, base, breakers):
    row_V = distinct(0, 4)
    stage = Dry(multiplier, base, allowed, window, ",".join(f"#{each}" for each in breakers)).resolved()
    wanted = oracles.dry(row_V.tolist(), history, window, multiplier, base, allowed, breakers)
    np.testing.assert_allclose(after(stage, row_V, history), wanted, rtol=1e-12)


def test_dry_never_overflows_however_long_the_run():
    out_V = after(Dry(10.0, 4.0, 1, 16384), np.zeros(2), [0] * 5000)
    assert out_V.tolist() == [-1000.0, 0.0]


@given(row_V=masked(3), history=histories(3), window=st.integers(1, 64), length=st.integers(1, 6))
def test_what_would_complete_a_run_again_is_banned_unless_nothing_else_may_come(row_V, history, window, length):
    kept = possible(after(NoRepeats(True, length, window), row_V, history))
    assert kept == oracles.no_repeats(row_V.tolist(), history, window, length)


@given(history=histories(2).map(tuple), length=st.integers(0, 8))
def test_earlier_runs_are_found_wherever_they_lie_and_overlap(history, length):
    tail = history[max(0, len(history) - length) :]
    ends = range(max(0, length - 1), len(history) - 1) if length else ()
    wanted = [end for end in ends if history[end - length + 1 : end + 1] == tail]
    assert list(earlier_ends(history, length)) == wanted


# --- feedback -----------------------------------------------------------------------------------------------


@given(row_V=masked(), tau=st.floats(0.1, 8), eta=st.floats(0, 1))
def test_mirostat_corrects_itself_by_the_surprise_beyond_tau(row_V, tau, eta):
    stage, token = Mirostat(2, tau, eta), int(row_V.argmax())
    surprise = -math.log2(oracles.probabilities(row_V.tolist())[token])
    assert stage.begin([1, 2]) == 2 * tau
    assert stage.drawn(5.0, row_V, token) == pytest.approx(5.0 - eta * (surprise - tau))
    assert stage.step(5.0, token) == 5.0


@given(row_V=masked(), target=st.floats(0, 1), decay=st.floats(0, 0.99))
def test_the_adaptive_stage_remembers_as_llama_cpp_does(row_V, target, decay):
    """Its two sums, primed as though the target had always been met, are one moving mean."""
    stage, mean = AdaptiveTarget(True, target, decay), target
    weighted, weight = target / (1 - decay), 1 / (1 - decay)
    for token in sorted(possible(row_V))[:3]:
        probability = oracles.probabilities(row_V.tolist())[token]
        weighted, weight = probability + decay * weighted, 1 + decay * weight
        mean = stage.drawn(mean, row_V, token)
        assert mean == pytest.approx(weighted / weight)
