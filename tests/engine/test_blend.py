"""Blends against their formulas in float64, their limits, and the decode loop over them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import UsageError
from toolkit.engine.blend import HOWS, SUNK, Blend, BlendedEngine
from toolkit.engine.blend_settings import BlendSettings, Fellow, blend_of, fellows
from toolkit.engine.fade import STEADY, Fade
from toolkit.engine.unprompted import Unprompted
from toolkit.generate import batch, tokens
from toolkit.sampling import Anything, Forbid, Sampler

V, STOP = 12, 0


class Hashed:
    """An engine whose logits are a fixed random function of its seed and everything fed."""

    name, precision = "hashed", "fp32"

    def __init__(self, seed=0, vocabulary=V):
        self.seed, self.vocabulary = seed, vocabulary

    def begin(self):
        return ((),)

    def feed(self, fed, memory):
        (history,) = memory
        return self._logits((*history, *fed)), ((*history, *fed),)

    def rows(self, memory, rows):
        return tuple(memory[row] for row in rows)

    def advance(self, fed, memory):
        after = tuple((*history, token) for history, token in zip(memory, fed, strict=True))
        return np.stack([self._logits(history) for history in after]), after

    def _logits(self, history):
        return np.random.default_rng([self.seed, *history]).normal(0, 3, self.vocabulary).astype(np.float32)


def rows_of(count, seed, n=3):
    rng = np.random.default_rng(seed)
    return [rng.normal(rng.normal(0, 50), 4, (n, V)).astype(np.float32) for _ in range(count)]


def probabilities(logits):
    weights = np.exp(logits.astype(np.float64) - logits.astype(np.float64).max(-1, keepdims=True))
    return weights / weights.sum(-1, keepdims=True)


def normalised(weights):
    return weights / weights.sum(-1, keepdims=True)


seeds, weights = st.integers(0, 10**6), st.floats(0, 1)


@given(seeds, weights, weights)
def test_a_product_is_the_weighted_geometric_mean(seed, one, other):
    one, other = one / 2, other / 2
    logits = rows_of(3, seed)
    p, q, r = (probabilities(each) for each in logits)
    expected = normalised(p ** (1 - one - other) * q**one * r**other)
    found = Blend("product", (one, other)).mixed(logits, 0)
    np.testing.assert_allclose(probabilities(found), expected, atol=1e-6)


@given(seeds, weights, weights)
def test_a_mixture_is_the_weighted_mean(seed, one, other):
    one, other = one / 2, other / 2
    logits = rows_of(3, seed)
    p, q, r = (probabilities(each) for each in logits)
    found = Blend("mixture", (one, other)).mixed(logits, 0)
    np.testing.assert_allclose(probabilities(found), (1 - one - other) * p + one * q + other * r, atol=1e-6)


@given(seeds, st.floats(0.01, 2), st.floats(0, 1))
def test_a_contrast_divides_by_the_amateur_where_the_expert_finds_it_plausible(seed, weight, floor):
    logits = rows_of(2, seed)
    p, q = (probabilities(each) for each in logits)
    plausible = p >= floor * p.max(-1, keepdims=True)
    expected = normalised(np.where(plausible, p / q**weight, 0))
    found = Blend("contrast", (weight,), floor=floor).mixed(logits, 0)
    near = np.abs(p / p.max(-1, keepdims=True) - floor) < 1e-6  # on the threshold rounding decides
    if not near[~(p == p.max(-1, keepdims=True))].any():
        np.testing.assert_allclose(probabilities(found), expected, atol=1e-6)


@given(seeds, st.floats(0, 5))
def test_guidance_goes_from_the_fellow_through_the_main_engine_and_beyond(seed, strength):
    logits = rows_of(2, seed)
    p, q = (probabilities(each) for each in logits)
    found = Blend("guidance", (strength,)).mixed(logits, 0)
    np.testing.assert_allclose(probabilities(found), normalised(q * (p / q) ** strength), atol=1e-6)


@given(seeds, st.sampled_from(HOWS), weights)
def test_a_blend_answers_in_log_probabilities(seed, how, weight):
    logits = rows_of(2, seed)
    found = Blend(how, (weight,)).mixed(logits, 0)
    if not any(found is each for each in logits):
        np.testing.assert_allclose(np.exp(found.astype(np.float64)).sum(-1), 1, atol=1e-5)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()


@pytest.mark.parametrize(
    ("how", "weight", "alone"),
    [
        ("product", 0.0, 0),
        ("product", 1.0, 1),
        ("mixture", 0.0, 0),
        ("mixture", 1.0, 1),
        ("contrast", 0.0, 0),
        ("guidance", 1.0, 0),
        ("guidance", 0.0, 1),
    ],
)
def test_at_its_ends_a_blend_is_one_engine_bit_for_bit(how, weight, alone):
    logits = rows_of(2, 5)
    assert np.array_equal(Blend(how, (weight,)).mixed(logits, 0), logits[alone])
    engines = [Hashed(1), Hashed(2)]
    mixed, single = (run(each) for each in (BlendedEngine(engines, Blend(how, (weight,))), engines[alone]))
    assert mixed == single


@pytest.mark.parametrize("how", HOWS)
def test_two_like_engines_blend_to_the_same(how):
    if how == "contrast":
        return  # what an amateur knows as well is worth nothing
    logits = rows_of(1, 7) * 2
    np.testing.assert_allclose(probabilities(Blend(how, (0.3,)).mixed(logits, 0)), probabilities(logits[0]), atol=1e-6)


def test_what_one_engine_rules_out_stays_out_of_a_product_and_in_a_mixture():
    logits = rows_of(2, 3)
    logits[1][:, 4] = -np.inf
    assert np.isneginf(Blend("product").mixed(logits, 0)[:, 4]).all()
    np.testing.assert_allclose(
        probabilities(Blend("mixture", (0.5,)).mixed(logits, 0))[:, 4], probabilities(logits[0])[:, 4] / 2, rtol=1e-5
    )
    assert np.isfinite(Blend("contrast", (0.5,)).mixed(logits, 0)).all()
    assert not np.isnan(Blend("guidance", (2.0,)).mixed(logits, 0)).any()
    assert np.isneginf(Blend("contrast", (0.5,)).mixed(logits[::-1], 0)[:, 4]).all()


def test_experts_that_agree_on_nothing_leave_nothing_and_no_nonsense():
    logits = [np.where(np.arange(V)[None] % 2 == odd, 0, -np.inf).astype(np.float32) for odd in (0, 1)]
    assert np.isneginf(Blend("product").mixed(logits, 0)).all()


def test_a_constraint_may_ask_for_what_a_contrast_finds_implausible():
    engines = [Hashed(1), Hashed(2)]
    engine = BlendedEngine(engines, Blend("contrast", (1.0,), floor=0.5))
    logits_V, _ = engine.feed([STOP, 3], engine.begin())
    expert_V, _ = engines[0].feed([STOP, 3], engines[0].begin())
    sunk = np.flatnonzero(logits_V < SUNK / 2)
    assert 0 < len(sunk) < V
    np.testing.assert_allclose(probabilities(logits_V[sunk]), probabilities(expert_V[sunk]), atol=1e-4)
    plausible = np.flatnonzero(logits_V > SUNK / 2)
    steps = run(engine, constraint=Forbid(plausible, V), given=(), length=1)
    assert steps[0].token in sunk
    assert run(engine, constraint=Anything(), length=1)[0].token in plausible


def test_the_weights_change_along_the_piece():
    fade = Fade.parse("0:1,4:0,8:0.5")
    assert [fade.at(place) for place in (-3, 0, 1, 4, 6, 8, 99)] == [1, 1, 0.75, 0, 0.25, 0.5, 0.5]
    engines = [Hashed(1), Hashed(2)]
    engine = BlendedEngine(engines, Blend("product", (1.0,), fade), opening=3)
    fed, memory = [5, 6, 7], engine.begin()
    for place in range(10):
        logits_V, memory = engine.feed(fed, memory)
        histories = [each.feed([5, 6, 7, *range(place)], each.begin())[0][None] for each in engines]
        p, q = (probabilities(each)[0] for each in histories)
        share = fade.at(place)
        np.testing.assert_allclose(probabilities(logits_V), normalised(p ** (1 - share) * q**share), atol=1e-6)
        fed = [place]


def test_a_cross_fade_begins_as_one_engine_and_ends_as_the_other():
    fading = BlendedEngine([Hashed(1), Hashed(2)], Blend("mixture", (1.0,), Fade.parse("0:0,10:0,11:1")), opening=2)
    steps = run(fading, length=30)
    assert steps[:11] == run(Hashed(1), length=30)[:11]
    prompt = [STOP, 3, *(step.token for step in steps[:11])]
    assert steps[11:] == run(Hashed(2), prompt, start=11, length=19)


def test_a_generation_cut_anywhere_goes_on_as_before():
    def engine():
        guided = [Hashed(1), Unprompted(Hashed(1), unheard=2, instead=[STOP])]
        inner = BlendedEngine(guided, Blend("guidance", (1.5,)))
        return BlendedEngine([inner, Hashed(2)], Blend("mixture", (1.0,), Fade.parse("0:0,20:1")), opening=2)

    whole = run(engine(), length=25)
    for cut in (1, 10, 24):
        prompt = [STOP, 3, *(step.token for step in whole[:cut])]
        assert run(engine(), prompt, start=cut, length=25 - cut) == whole[cut:]


@pytest.mark.parametrize("how", HOWS)
def test_the_loop_streams_batches_and_constrains_blends(how):
    engine = BlendedEngine([Hashed(1), Hashed(2)], Blend(how, (0.7,), Fade.parse("0:1,9:0.2")), opening=2)
    alone = [run(engine, seed=seed, constraint=Forbid([4, 5, STOP], V), length=15) for seed in (3, 4, 5)]
    together = [[], [], []]
    sampler = Sampler.from_settings({"top_p": 0.9})
    for row, step in batch(
        engine,
        [[STOP, 3]] * 3,
        seeds=(3, 4, 5),
        sampler=sampler,
        length=15,
        stop=STOP,
        constraint=Forbid([4, 5, STOP], V),
    ):
        together[row].append(step)
    assert together == alone
    assert not {4, 5, STOP} & {step.token for steps in alone for step in steps}


def test_reported_log_probabilities_are_the_blends():
    engines, blend = [Hashed(1), Hashed(2)], Blend("mixture", (0.25,))
    fed = [STOP, 3]
    for step in run(BlendedEngine(engines, blend), length=8):
        p, q = (probabilities(each.feed(fed, each.begin())[0]) for each in engines)
        assert step.log_probability == pytest.approx(np.log(0.75 * p + 0.25 * q)[step.token], abs=1e-5)
        fed = [*fed, step.token]


def test_the_unprompted_engine_hears_what_opens_any_sequence_and_what_is_new():
    engine, plain = Unprompted(Hashed(1), unheard=3, instead=[STOP]), Hashed(1)
    logits_V, memory = engine.feed([STOP, 3, 4], engine.begin())
    assert np.array_equal(logits_V, plain.feed([STOP], plain.begin())[0])
    logits_V, _ = engine.feed([8, 9], memory)
    assert np.array_equal(logits_V, plain.feed([STOP, 8, 9], plain.begin())[0])


def test_it_says_what_it_is():
    engine = BlendedEngine([Hashed(1), Hashed(2)], Blend("mixture"))
    assert (engine.name, engine.precision, engine.vocabulary) == ("mixture(hashed, hashed)", "fp32", V)


def run(engine, prompt=(STOP, 3), *, seed=0, length=30, constraint=Forbid([STOP], V), **more):  # noqa: B008 (a value)
    sampler = Sampler.from_settings({"top_p": 0.9})
    return list(
        tokens(engine, prompt, sampler=sampler, length=length, stop=STOP, seed=seed, constraint=constraint, **more)
    )


@pytest.mark.parametrize(
    ("how", "given", "says"),
    [
        ("sum", (0.5,), "blended as product, mixture, contrast or guidance, not as 'sum'"),
        ("product", (), "a weight of at least 0"),
        ("product", (-0.1,), "a weight of at least 0"),
        ("product", (float("nan"),), "a weight of at least 0"),
        ("mixture", (0.6, 0.6), "may come to 1 together, and these come to 1.2"),
        ("guidance", (1.0, 1.0), "one only"),
    ],
)
def test_weights_that_cannot_be_meant(how, given, says):
    with pytest.raises(UsageError, match=says):
        Blend(how, given)


def test_a_fade_counts_towards_the_sum_of_weights():
    with pytest.raises(UsageError, match=r"come to 1\.5"):
        Blend("product", (0.5,), Fade.parse("0:1,9:3"))
    assert Blend("contrast", (0.5,), Fade.parse("0:1,9:3"))


def test_engines_of_different_vocabularies_are_refused():
    with pytest.raises(UsageError, match="12 and of 13 ids"):
        BlendedEngine([Hashed(1), Hashed(2, 13)], Blend())
    with pytest.raises(ValueError, match="2 engines"):
        BlendedEngine([Hashed(1)], Blend())


def test_runs_and_weights_are_spelt_in_one_line():
    assert fellows("runs/a:0.3, folk") == (Fellow("runs/a", 0.3), Fellow("folk", 0.5))
    assert fellows("C:/runs/a:1") == (Fellow("C:/runs/a", 1.0),)
    for bad in ("", "a:", ":0.5", "a:b", "a:-1", "a:0.5,", "a:nan"):
        with pytest.raises(UsageError, match="RUN:WEIGHT"):
            fellows(bad)


def test_settings_become_a_blend():
    assert blend_of(BlendSettings()) is None
    asked = BlendSettings(blend="a:0.25,b", blend_how="mixture", blend_fade="0:1,200:0")
    assert blend_of(asked) == (Blend("mixture", (0.25, 0.5), Fade(((0, 1.0), (200, 0.0)))), ("a", "b"))
    assert blend_of(BlendSettings(blend="a"))[0].fade == STEADY


@pytest.mark.parametrize("text", ["", "0", "0:1,", "a:1", "5:1,5:2", "9:1,2:0", "-1:1", "0:-1", "0:nan", "0:1:2"])
def test_fades_that_cannot_be_meant(text):
    with pytest.raises(UsageError, match="fade"):
        Fade.parse(text)
