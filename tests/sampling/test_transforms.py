"""The stages: published vectors, and laws that every entry of TRANSFORMS keeps."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tests.sampling.situations import (
    after,
    distinct,
    logits_of,
    possible,
    rows,
    situations,
    transforms,
)
from toolkit.core import ToolkitError, UsageError, checked, knobs_of
from toolkit.sampling import (
    TRANSFORMS,
    Ban,
    Calibration,
    Dry,
    DynamicTemperature,
    Epsilon,
    Eta,
    ExcludeTopChoices,
    FrequencyPresence,
    LogitBias,
    MinP,
    Mirostat,
    NoRepeats,
    PLess,
    RepetitionPenalty,
    Sampler,
    TailFree,
    Temperature,
    TopA,
    TopH,
    TopK,
    TopNSigma,
    TopP,
    Typical,
    Windowed,
    sampling_knobs,
)
from toolkit.sampling.logits import softmax
from toolkit.sampling.stages import parse_biases
from toolkit.sampling.stages.labels import listed

EVERY = pytest.mark.parametrize("stage", TRANSFORMS, ids=lambda stage: stage.name)
# --- published vectors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("transform", "probabilities", "expected"),
    [
        (Temperature(1.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (Temperature(0.0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (Temperature(0.5), (0.1, 0.2, 0.3, 0.4), (1 / 30, 4 / 30, 9 / 30, 16 / 30)),
        (TopK(1), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (TopK(3), (0.1, 0.2, 0.3, 0.4), (0, 2 / 9, 3 / 9, 4 / 9)),
        (TopK(4), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (TopK(0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (TopP(0.0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (TopP(0.7), (0.1, 0.2, 0.3, 0.4), (0, 0, 0.428571, 0.571429)),
        (TopP(0.8), (0.1, 0.2, 0.3, 0.4), (0, 2 / 9, 3 / 9, 4 / 9)),
        (TopP(1.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (MinP(0.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (MinP(0.24), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (MinP(0.26), (0.1, 0.2, 0.3, 0.4), (0, 2 / 9, 3 / 9, 4 / 9)),
        (MinP(0.49), (0.1, 0.2, 0.3, 0.4), (0, 2 / 9, 3 / 9, 4 / 9)),
        (MinP(0.51), (0.1, 0.2, 0.3, 0.4), (0, 0, 3 / 7, 4 / 7)),
        (MinP(0.74), (0.1, 0.2, 0.3, 0.4), (0, 0, 3 / 7, 4 / 7)),
        (MinP(0.76), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (MinP(1.0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (Typical(0.5), (0.97, 0.01, 0.01, 0.01), (1, 0, 0, 0)),
        (Typical(0.5), (0.4, 0.2, 0.2, 0.2), (0, 1 / 3, 1 / 3, 1 / 3)),
        (DynamicTemperature(1.0, 1.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (DynamicTemperature(0.0, 0.0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0, 1)),
        (ExcludeTopChoices(0.99, 0.09), (0.4, 0.3, 0.2, 0.1), (0, 0, 0, 1)),
        (ExcludeTopChoices(0.99, 0.19), (0.4, 0.3, 0.2, 0.1), (0, 0, 2 / 3, 1 / 3)),
        (ExcludeTopChoices(0.99, 0.29), (0.4, 0.3, 0.2, 0.1), (0, 3 / 6, 2 / 6, 1 / 6)),
        (ExcludeTopChoices(0.99, 0.39), (0.4, 0.3, 0.2, 0.1), (0.4, 0.3, 0.2, 0.1)),
        (TopNSigma(1.0), (0.1, 0.2, 0.3, 0.4), (0, 0, 0.428571, 0.571429)),
        (TopNSigma(0.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (TopNSigma(3.0), (0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.3, 0.4)),
        (PLess(True), (0.1, 0.15, 0.2, 0.25, 0.3), (0, 0, 0, 0.45454545, 0.54545455)),
        (PLess(True), (0.2, 0.2, 0.2, 0.2, 0.2), (0.2, 0.2, 0.2, 0.2, 0.2)),
        (TailFree(0.25), (0.1, 0.15, 0.2, 0.25, 0.3), (0, 0, 0, 0, 1)),
        (TailFree(0.75), (0.1, 0.15, 0.2, 0.25, 0.3), (0, 0, 0, 5 / 11, 6 / 11)),
        (TailFree(0.99), (0.1, 0.15, 0.2, 0.25, 0.3), (0, 0, 0, 5 / 11, 6 / 11)),
    ],
)
def test_truncations_agree_with_llama_cpp(transform, probabilities, expected):
    np.testing.assert_allclose(softmax(after(transform, logits_of(*probabilities))), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("transform", "history", "expected"),
    [
        (RepetitionPenalty(50.0), (0,), (0, 0.25, 0.25, 0.25, 0.25)),
        (RepetitionPenalty(50.0), (0, 1, 2), (0, 0, 0, 0.5, 0.5)),
        (RepetitionPenalty(50.0), (0, 1, 2, 0, 0), (0, 0, 0, 0.5, 0.5)),
        (FrequencyPresence(5.0, 5.0), (0,), (0.000011, 0.249997, 0.249997, 0.249997, 0.249997)),
        (FrequencyPresence(5.0, 5.0), (0, 1, 2), (0.000023, 0.000023, 0.000023, 0.499966, 0.499966)),
        (FrequencyPresence(5.0, 5.0), (0, 1, 2, 0, 0), (0.0, 0.000023, 0.000023, 0.499977, 0.499977)),
    ],
)
def test_penalties_agree_with_llama_cpp(transform, history, expected):
    np.testing.assert_allclose(softmax(after(transform, logits_of(*[0.2] * 5), history)), expected, atol=2e-6)


@pytest.mark.parametrize(
    ("transform", "history", "expected"),
    [
        (Dry(1.0, 1.1, 2, 4), (0, 1), (0.25, 0.25, 0.25, 0.25)),
        (Dry(1.0, 1.1, 2, 5), (0, 1, 2, 0, 1), (0.296923, 0.296923, 0.109232, 0.296923)),
        (Dry(1.0, 1.1, 2, 6, "#3").resolved(), (0, 1, 3, 4, 0, 1), (0.2,) * 5),
        (Dry(2.0, 1.1, 2, 5), (0, 1, 2, 0, 1), (0.241818, 0.241818, 0.032727, 0.241818, 0.241818)),
        (Dry(1.0, 1.1, 4, 7), (0, 1, 2, 3, 4, 0, 1), (0.2,) * 5),
    ],
)
def test_dry_agrees_with_llama_cpp(transform, history, expected):
    """A run of just the allowed length is penalised already, whatever the documentation says."""
    even_V = np.zeros(len(expected))
    np.testing.assert_allclose(softmax(after(transform, even_V, history)), expected, atol=1e-5)


@pytest.mark.parametrize("size", [10, 100, 2000])
@pytest.mark.parametrize("k", [1, 10, 2000])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_queues_of_truncations_agree_with_llama_cpp(size, k, share):
    """Token t has probability t over the sum, so that what is left can be counted."""
    row_V = logits_of(*range(size))
    kept = possible(after(MinP(share), after(TopK(k), row_V)))
    least = max(size - k, math.ceil(share * (size - 1) - 1e-9), 1 if share else size - k, 1)
    assert kept == set(range(least, size))


# --- edges ----------------------------------------------------------------------------------------------------


@given(rows())
def test_cold_is_the_first_greatest(row_V):
    for temperature in (0.0, 1e-9):
        assert possible(after(Temperature(temperature), row_V)) == {int(row_V.argmax())}
        assert possible(after(DynamicTemperature(0.0, 0.0), row_V)) == (
            {int(row_V.argmax())} if len(possible(row_V)) > 1 else possible(row_V)
        )


def test_the_smallest_temperature_that_divides_does_not_overflow():
    row_V = np.array([3e38, -3e38, 0.0])
    assert softmax(after(Temperature(Temperature.COLD), row_V)).tolist() == [1, 0, 0]


@pytest.mark.parametrize("build", [TopP, Typical])
def test_a_token_exactly_on_the_threshold_is_the_last_kept(build):
    for size in range(2, 60):
        for count in range(1, size):
            assert possible(after(build(count / size), np.zeros(size))) == set(range(count))


def test_a_token_exactly_at_the_share_of_min_p_is_kept():
    for whole in range(2, 60):
        for part in range(1, whole):
            assert possible(after(MinP(part / whole), logits_of(part, whole) + 0.1)) == {0, 1}


# --- laws of every transform ---------------------------------------------------------------------------------


@EVERY
@given(data=st.data())
def test_the_defaults_are_neutral_and_neutral_is_the_identity(stage, data):
    transform, row_V, prompt = data.draw(situations(stage))
    assert stage().neutral
    np.testing.assert_array_equal(after(stage(), row_V, prompt), row_V)
    if transform.neutral:
        np.testing.assert_array_equal(after(transform, row_V, prompt), row_V)


@EVERY
@given(data=st.data())
def test_the_given_row_is_untouched_and_the_result_is_new(stage, data):
    transform, row_V, prompt = data.draw(situations(stage))
    before_V = row_V.copy()
    row_V.flags.writeable = False
    out_V = after(transform, row_V, prompt)
    assert out_V is not row_V
    assert not np.shares_memory(out_V, row_V)
    np.testing.assert_array_equal(row_V, before_V)


@EVERY
@given(data=st.data())
def test_the_impossible_stays_so_and_something_is_left(stage, data):
    transform, row_V, prompt = data.draw(situations(stage))
    out_V = after(transform, row_V, prompt)
    assert out_V.shape == row_V.shape
    assert out_V.dtype == np.float64
    assert not np.isnan(out_V).any()
    assert not np.isposinf(out_V).any()
    assert possible(out_V) <= possible(row_V)
    assert possible(out_V)


@EVERY
@given(data=st.data(), token=st.integers(0, 5))
def test_states_are_hashable_values(stage, data, token):
    transform, row_V = data.draw(transforms(stage)), distinct(token, 6)
    state = transform.begin([0, 1])
    mark = hash(state)
    following, drawn = transform.step(state, token), transform.drawn(state, row_V, token)
    assert hash(state) == mark
    assert isinstance(hash(drawn), int)
    assert transform.step(state, token) == following
    assert transform.drawn(state, row_V, token) == drawn
    np.testing.assert_array_equal(
        transform.apply(row_V, transform.begin([0, 1]), 0.5), transform.apply(row_V, state, 0.5)
    )


@EVERY
@pytest.mark.parametrize("wrong", [math.nan, math.inf, -math.inf, "below", "above"])
def test_a_setting_out_of_its_range_is_refused_in_a_sentence(stage, wrong):
    numbers = [each for each in knobs_of(stage) if each.kind in (int, float)]
    for each in numbers:
        bound = each.low if wrong == "below" else each.high
        if wrong in ("below", "above") and bound is None:
            continue
        value = {"below": lambda b: b - 1, "above": lambda b: b + 1}[wrong](bound) if isinstance(wrong, str) else wrong
        with pytest.raises(UsageError, match=each.name) as refused:
            checked(stage, {each.name: value})
        assert str(refused.value).count(". ") == 0


@EVERY
def test_what_is_left_to_the_calibration_comes_from_it(stage):
    fitted = stage().resolved(None, Calibration(1.4, {"word": 5.5, "character": 1.0}))
    for knob, fact in stage.calibrated.items():
        assert getattr(stage(), knob) is None
        assert getattr(fitted, knob) == getattr(Calibration(1.4, {"word": 5.5, "character": 1.0}), fact)
        assert getattr(stage(**{knob: 1}).resolved(None, Calibration(1.4)), knob) == 1
    assert {each.name for each in dataclasses.fields(stage) if each.default is None} == set(stage.calibrated)


def stable(transform, row_V, prompt):
    """False when a threshold falls so near a token that rounding decides whether it stays."""
    noise_V = 1e-9 * np.random.default_rng(0).normal(size=len(row_V))
    kept = possible(after(transform, row_V, prompt))
    return all(possible(after(transform, row_V + sign * noise_V, prompt)) == kept for sign in (1, -1))


@EVERY
@given(data=st.data(), seed=st.integers(0, 500))
def test_a_constant_added_to_every_logit_changes_nothing(stage, data, seed):
    transform, row_V = data.draw(transforms(stage)), distinct(seed)
    prompt = [1, 2, 1, 2, 3, 1, 2]
    assume(stable(transform, row_V, prompt))
    plain, shifted = after(transform, row_V, prompt), after(transform, row_V + 7.25, prompt)
    np.testing.assert_allclose(softmax(shifted), softmax(plain), atol=1e-8)


@EVERY
@given(data=st.data(), seed=st.integers(0, 500))
def test_renaming_the_tokens_renames_the_result(stage, data, seed):
    transform, row_V = data.draw(transforms(stage)), distinct(seed)
    if stage in (LogitBias, Ban) or getattr(transform, "breakers", None):
        return  # their settings name tokens
    prompt = [3, 1, 4, 1, 5, 3, 1, 4]
    assume(stable(transform, row_V, prompt))
    old_name = np.random.default_rng(seed + 1).permutation(len(row_V))
    new_name = np.argsort(old_name)
    renamed = after(transform, row_V[old_name], new_name[prompt].tolist())
    np.testing.assert_allclose(renamed, after(transform, row_V, prompt)[old_name], rtol=1e-9, atol=1e-8)


WIDENING = {
    "top_k": (lambda share: TopK(1 + int(share * 32)), 1),
    "top_p": (TopP, 1),
    "typical_p": (Typical, 1),
    "min_p": (MinP, -1),
    "top_n_sigma": (lambda n: TopNSigma(0.01 + 4 * n), 1),
    "epsilon": (Epsilon, -1),
    "eta": (lambda eta: Eta(eta * eta), -1),
    "top_a": (TopA, -1),
    "tail_free": (TailFree, 1),
    "top_h": (TopH, 1),
    "xtc_threshold": (lambda line: ExcludeTopChoices(1.0, line / 2), 1),
    "mirostat_tau": (lambda tau: Mirostat(2, 4 * tau), 1),
    "mirostat_tau of version 1": (lambda tau: Mirostat(1, 4 * tau), 1),
    "no_repeats_length": (lambda n: NoRepeats(True, 1 + int(8 * n)), 1),
    "dry_allowed": (lambda n: Dry(10.0, 4.0, 1 + int(8 * n)), None),
}
"""A setting of each truncation, and whether more of it keeps more."""


@pytest.mark.parametrize(("build", "wider"), WIDENING.values(), ids=WIDENING)
@given(row_V=rows(), one=st.floats(0, 1), other=st.floats(0, 1), seed=st.integers(0, 99))
def test_a_looser_setting_keeps_at_least_as_much(build, wider, row_V, one, other, seed):
    prompt = np.random.default_rng(seed).integers(0, min(3, len(row_V)), 40).tolist()
    if wider is None:  # a penalty: more of it lowers no token
        tight, loose = (after(build(each), row_V, prompt) for each in sorted((one, other)))
        assert (tight <= loose).all()
        return
    if isinstance(build(one), NoRepeats):
        assume((row_V[3:] > -np.inf).any())  # where every token left would repeat something, it bans none
    tight, loose = sorted((one, other))[::wider]
    assert possible(after(build(tight), row_V, prompt)) <= possible(after(build(loose), row_V, prompt))


WINDOWED = [stage for stage in TRANSFORMS if issubclass(stage, Windowed)]


@pytest.mark.parametrize("stage", WINDOWED, ids=lambda stage: stage.name)
@given(data=st.data())
def test_a_window_remembers_the_same_from_the_prompt_as_from_steps(stage, data):
    transform = data.draw(transforms(stage))
    history = data.draw(st.lists(st.integers(0, 9), max_size=90))
    cut = data.draw(st.integers(0, len(history)))
    state = transform.begin(history[:cut])
    for token in history[cut:]:
        state = transform.step(state, token)
    assert state == transform.begin(history)
    assert len(state) <= transform.window


def test_every_setting_and_every_stage_has_a_name_of_its_own():
    for names in ([each.name for each in sampling_knobs()], [stage.name for stage in TRANSFORMS]):
        assert len(names) == len(set(names))
    lanes = [stage.lane for stage in TRANSFORMS if stage.lane is not None]
    assert len(lanes) == len(set(lanes))
    assert 0 not in lanes


# --- logit bias ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("", ()),
        ("e=2", (("e", 2.0),)),
        ("e=2,x=-inf", (("e", 2.0), ("x", -math.inf))),
        (",=1,e=2", ((",", 1.0), ("e", 2.0))),
        ("==-1.5", (("=", -1.5),)),
        ("\n=3, =4", (("\n", 3.0), (" ", 4.0))),
        ("#12=0.5,", (("#12", 0.5),)),
    ],
)
def test_biases_are_read_from_a_flag(text, pairs):
    assert parse_biases(text) == pairs


@pytest.mark.parametrize("text", ["e", "e=", "=2", "e=two", "e=nan", "e=inf", "e=2,x"])
def test_what_is_no_list_of_biases_is_refused_in_a_sentence(text):
    with pytest.raises(UsageError, match="logit_bias"):
        parse_biases(text)


def test_labels_are_turned_into_ids_by_the_codec():
    bias = LogitBias("b=2,#0=-1").resolved("abc".index)
    assert bias == LogitBias.of({0: -1.0, 1: 2.0})
    assert not bias.neutral
    np.testing.assert_array_equal(after(bias, np.zeros(3)), [-1, 2, 0])
    assert LogitBias("b=0").resolved("abc".index).neutral


def test_labels_without_a_codec_are_refused():
    for stage in (LogitBias("b=2"), Ban("b"), Dry(dry_breakers="b")):
        with pytest.raises(UsageError, match="by number"):
            stage.resolved(None)


@pytest.mark.parametrize(
    ("text", "labels"),
    [("", ()), ("e", ("e",)), ("e,#12", ("e", "#12")), (",", (",",)), (",,e", (",", "e")), ("e,,", ("e", ","))],
)
def test_tokens_are_listed_by_label(text, labels):
    assert listed(text) == labels


def test_banned_and_breaking_tokens_are_named_by_label():
    assert Ban("c,a").resolved("abc".index) == Ban("", (0, 2))
    assert Dry(dry_breakers="b").resolved("abc".index).breakers == {1}
    with pytest.raises(UsageError, match="no token 3"):
        after(Ban("#3").resolved(), np.zeros(3))


def test_a_token_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="no token 3"):
        after(LogitBias.of({3: 1.0}), np.zeros(3))


def test_banning_everything_is_said_not_divided():
    sampler = Sampler.from_settings(
        {"logit_bias": "#0=-inf,#1=-inf", "temperature": 0.5, "top_p": 0.5, "typical_p": 0.5}
    )
    with pytest.raises(ToolkitError, match="no token is left"):
        sampler.probabilities(np.zeros(2), sampler.begin([]))
