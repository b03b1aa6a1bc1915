"""The transforms: published vectors, brute-force oracles, and laws that every entry of TRANSFORMS keeps."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from toolkit.core import ToolkitError, UsageError, checked, knobs_of
from toolkit.sampling import (
    TRANSFORMS,
    FrequencyPresence,
    LogitBias,
    Memoryless,
    MinP,
    RepetitionPenalty,
    Sampler,
    Temperature,
    TopK,
    TopP,
    Typical,
    sampling_knobs,
)
from toolkit.sampling.logits import softmax
from toolkit.sampling.transforms import parse_biases

EVERY = pytest.mark.parametrize("stage", TRANSFORMS, ids=lambda stage: stage.__name__)


def logits_of(*probabilities):
    return np.log(np.array(probabilities, dtype=np.float64))


def after(transform, logits_V, prompt=()):
    return transform.apply(logits_V, transform.begin(prompt), 0.5)


def possible(logits_V):
    return set(np.flatnonzero(logits_V > -np.inf).tolist())


# The generator's shape: one row (V,), some tokens already impossible, ties likely in the second kind.
ENTRIES = st.one_of(st.floats(-50, 50), st.integers(-3, 3).map(float), st.just(-math.inf), st.floats(-1e4, 1e4))


@st.composite
def rows(draw):
    row_V = draw(hnp.arrays(np.float64, st.integers(1, 70), elements=ENTRIES))
    assume(np.isfinite(row_V).any())
    return row_V


@st.composite
def transforms(draw, stage):
    """A transform with any settings its knobs allow."""
    values = {}
    for each in knobs_of(stage):
        if each.kind is str:
            pairs = draw(st.dictionaries(st.just(0), st.floats(-20, 20)))
            values[each.name] = ",".join(f"#{token}={nats}" for token, nats in pairs.items())
        elif each.kind is int:
            values[each.name] = draw(st.integers(int(each.low), int(each.high or 100)))
        else:
            values[each.name] = draw(st.floats(each.low, each.high))
    return checked(stage, values).resolved(None)


@st.composite
def situations(draw, stage):
    row_V = draw(rows())
    prompt = draw(st.lists(st.integers(0, len(row_V) - 1), max_size=80))
    return draw(transforms(stage)), row_V, prompt


def distinct(seed, size=33):
    """A row without ties, for laws that hold up to ties and rounding."""
    return np.random.default_rng(seed).normal(0, 3, size)


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


# --- oracles -----------------------------------------------------------------------------------------------


def nucleus(order, probabilities, p):
    """The shortest beginning of ``order`` that holds at least p of the mass."""
    kept, mass = set(), 0.0
    for token in order:
        kept.add(token)
        mass += probabilities[token]
        if mass >= p * (1 - 1e-12):
            break
    return kept


@given(rows(), st.floats(0, 1, exclude_max=True))
def test_top_p_is_the_smallest_nucleus(row_V, p):
    probabilities = softmax(row_V).tolist()
    order = sorted(range(len(row_V)), key=lambda token: (-row_V[token], token))
    assume(not near_a_boundary([probabilities[token] for token in order], p))
    assert possible(after(TopP(p), row_V)) == nucleus(order, probabilities, p) & possible(row_V)


@given(st.integers(0, 500), st.floats(0, 1, exclude_max=True))
def test_typical_keeps_the_tokens_nearest_the_entropy(seed, p):
    row_V = distinct(seed)
    probabilities = softmax(row_V).tolist()
    entropy = -sum(p * math.log(p) for p in probabilities)
    order = sorted(range(len(row_V)), key=lambda token: abs(-math.log(probabilities[token]) - entropy))
    assume(not near_a_boundary([probabilities[token] for token in order], p))
    assert possible(after(Typical(p), row_V)) == nucleus(order, probabilities, p)


def near_a_boundary(falling, p):
    return np.abs(np.cumsum(falling) - p).min() < 1e-9


@given(rows(), st.integers(1, 80))
def test_top_k_keeps_exactly_k_with_the_lower_ids_of_equals(row_V, k):
    order = sorted(possible(row_V), key=lambda token: (-row_V[token], token))
    assert possible(after(TopK(k), row_V)) == set(order[:k])


@given(rows())
def test_cold_is_the_first_greatest(row_V):
    for temperature in (0.0, 1e-9):
        assert possible(after(Temperature(temperature), row_V)) == {int(row_V.argmax())}


def test_the_smallest_temperature_that_divides_does_not_overflow():
    row_V = np.array([3e38, -3e38, 0.0])
    assert softmax(after(Temperature(Temperature.COLD), row_V)).tolist() == [1, 0, 0]


@given(rows(), st.integers(0, 100), st.floats(0.1, 10))
def test_a_repetition_penalty_scales_log_probabilities(row_V, seed, penalty):
    prompt = np.random.default_rng(seed).integers(0, len(row_V), 5).tolist()
    out_V = after(RepetitionPenalty(penalty), row_V, prompt)
    for token in possible(row_V):
        drop = row_V[token] - out_V[token]
        surprise = -math.log(softmax(row_V)[token]) if softmax(row_V)[token] > 1e-300 else None
        if token not in prompt:
            assert drop == 0
        elif surprise is not None:
            assert drop == pytest.approx((penalty - 1) * surprise, abs=1e-9 * max(1, abs(row_V[token])), rel=1e-9)


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
    transform = data.draw(transforms(stage))
    state = transform.begin([0, 1])
    mark = hash(state)
    following = transform.step(state, token)
    assert hash(state) == mark
    assert transform.step(state, token) == following


@EVERY
@given(data=st.data(), seed=st.integers(0, 500))
def test_a_constant_added_to_every_logit_changes_nothing(stage, data, seed):
    transform, row_V = data.draw(transforms(stage)), distinct(seed)
    assume(not _cuts_within_rounding(transform, row_V))
    plain, shifted = after(transform, row_V, [1, 2, 1]), after(transform, row_V + 7.25, [1, 2, 1])
    np.testing.assert_allclose(softmax(shifted), softmax(plain), atol=1e-9)


@EVERY
@given(data=st.data(), seed=st.integers(0, 500))
def test_renaming_the_tokens_renames_the_result(stage, data, seed):
    if stage is LogitBias:
        return  # its settings name tokens
    transform, row_V = data.draw(transforms(stage)), distinct(seed)
    assume(not _cuts_within_rounding(transform, row_V))
    old_name = np.random.default_rng(seed + 1).permutation(len(row_V))
    new_name = np.argsort(old_name)
    prompt = [3, 1, 4, 1, 5]
    renamed = after(transform, row_V[old_name], new_name[prompt].tolist())
    np.testing.assert_allclose(renamed, after(transform, row_V, prompt)[old_name], atol=1e-9)


def _cuts_within_rounding(transform, row_V):
    """True when a threshold falls so near a token that the order of additions decides."""
    falling = np.sort(softmax(row_V))[::-1]
    match transform:
        case TopP(p) | Typical(p):
            return p > 1 - 1e-9 or near_a_boundary(falling, p)
        case MinP(share):
            return share > 0 and bool((np.abs(falling / falling[0] - share) < 1e-9).any())
    return False


@pytest.mark.parametrize(
    ("build", "wider"),
    [
        (lambda share: TopK(1 + int(share * 32)), 1),
        (TopP, 1),
        (Typical, 1),
        (MinP, -1),
    ],
    ids=["top_k", "top_p", "typical_p", "min_p"],
)
@given(row_V=rows(), one=st.floats(0, 1), other=st.floats(0, 1))
def test_a_looser_setting_keeps_at_least_as_much(build, wider, row_V, one, other):
    tight, loose = sorted((one, other))[::wider]
    assert possible(after(build(tight), row_V)) <= possible(after(build(loose), row_V))


@pytest.mark.parametrize("stage", [stage for stage in TRANSFORMS if not issubclass(stage, Memoryless)])
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


def test_every_setting_has_a_name_of_its_own():
    names = [each.name for each in sampling_knobs()]
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
    with pytest.raises(UsageError, match="by number"):
        LogitBias("b=2").resolved(None)


def test_a_token_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="no token 3"):
        after(LogitBias.of({3: 1.0}), np.zeros(3))


def test_banning_everything_is_said_not_divided():
    sampler = Sampler.from_settings(
        {"logit_bias": "#0=-inf,#1=-inf", "temperature": 0.5, "top_p": 0.5, "typical_p": 0.5}
    )
    with pytest.raises(ToolkitError, match="no token is left"):
        sampler.probabilities(np.zeros(2), sampler.begin([]))
