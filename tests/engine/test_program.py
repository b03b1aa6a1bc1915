"""Programs: every stage lowers, and what the executor draws is what the readable chain draws, state for state."""

import os
import re
import subprocess
import sys

import numpy as np
import pytest

from toolkit.core import ToolkitError, UsageError, uniform
from toolkit.core.program import Op, Tabled
from toolkit.domains.text.grammar import TokenAutomaton, text_grammar
from toolkit.domains.text.regex import matching
from toolkit.engine.program import Executor
from toolkit.engine.scalar import randomness
from toolkit.sampling import TRANSFORMS, Allow, Anything, Both, Finishing, Forbid, Sampler, lower

SIZES = (66, 221, 2048)
ON = {
    "repetition": {"repetition_penalty": 1.4, "repetition_window": 20, "repetition_span": 1},
    "frequency": {"frequency_penalty": 0.7, "presence_penalty": 0.4, "penalty_window": 30, "penalty_span": 1},
    "dry": {"dry_multiplier": 2.0, "dry_allowed": 1, "dry_window": 60, "dry_breakers": "#3,#7"},
    "bias": {"logit_bias": "#0=2.5,#4=-inf,#5=-1"},
    "no_repeats": {"no_repeats": True, "no_repeats_length": 2, "no_repeats_window": 80},
    "ban": {"ban": "#1,#6"},
    "temperature": {"temperature": 0.7},
    "dynamic_temperature": {"dynamic_low": 0.4, "dynamic_high": 1.6, "dynamic_exponent": 0.8},
    "smoothing": {"smoothing_factor": 0.3, "smoothing_curve": 1.5},
    "top_n_sigma": {"top_n_sigma": 1.2},
    "top_k": {"top_k": 12},
    "top_p": {"top_p": 0.85},
    "min_p": {"min_p": 0.05},
    "typical": {"typical_p": 0.8},
    "epsilon": {"epsilon": 0.003},
    "eta": {"eta": 0.004},
    "top_a": {"top_a": 0.3},
    "tail_free": {"tail_free": 0.95},
    "top_h": {"top_h": 0.6},
    "p_less": {"p_less": True},
    "xtc": {"xtc_probability": 0.5, "xtc_threshold": 0.08},
    "mirostat": {"mirostat": 2, "mirostat_tau": 3.0, "mirostat_eta": 0.3},
    "adaptive": {"adaptive": True, "adaptive_target": 0.3, "adaptive_decay": 0.8},
}
MORE = [
    {"temperature": 0.0},
    {"repetition_penalty": 0.6, "repetition_window": 50, "repetition_span": 3},
    {"frequency_penalty": -0.5, "penalty_window": 64, "penalty_span": 2},
    {"dry_multiplier": 1.0, "dry_base": 1.0, "dry_allowed": 2},
    {"mirostat": 1, "mirostat_tau": 4.0},
    {"top_p": 0.0},
    {"typical_p": 0.0},
    {"top_h": 0.0},
    {"xtc_probability": 1.0, "xtc_threshold": 0.0},
    {"order": "xtc,top_p,temperature,mirostat", "mirostat": 2, "mirostat_tau": 2.0, **ON["xtc"], **ON["temperature"]},
]
CHAINS = [{}, *ON.values(), *MORE]


def rows(size, length, seed=0, scale=2.0):
    """Logits (T, V) of which the first few tokens are likely, so that histories repeat themselves."""
    logits_TV = np.random.default_rng([seed, size]).normal(0, scale, (length, size))
    logits_TV[:, :8] += 3
    return logits_TV.astype(np.float32)


def read(sampler, logits_TV, prompt, seed, position, constraint=None):
    """Draws and states of the readable chain, and how near each draw was to another token."""
    states, tokens, logs, gaps = sampler.begin(prompt), [], [], []
    at = None if constraint is None else constraint.begin()
    for place, logits_V in enumerate(logits_TV, start=position):
        allowed_V = None if constraint is None else constraint.allowed(at)
        p_V = sampler.probabilities(logits_V, states, allowed_V, seed=seed, position=place)
        gaps.append(np.abs(p_V.cumsum() / p_V.sum() - uniform(seed, place)).min())
        drawn, states = sampler.take(logits_V, states, allowed_V, seed=seed, position=place)
        at = None if constraint is None else constraint.step(at, drawn.token)
        tokens.append(drawn.token)
        logs.append(drawn.log_probability)
    return tokens, logs, gaps, states


def agree(settings, size, *, seed=0, length=200, position=0, constraint=None, prompt=(2, 5, 2, 5, 3, 2)):
    sampler = Sampler.from_settings(settings)
    logits_TV = rows(size, length, seed)
    tokens, logs, gaps, states = read(
        sampler, logits_TV, prompt, seed, position, constraint and Finishing(constraint, length, size)
    )
    program = lower(sampler, constraint or Anything(), vocabulary=size, prompt=prompt, given=(), length=length)
    assert program.untabled == ""
    executor = Executor(program)
    drawn = executor.draw(logits_TV, executor.begin(), seed=seed, position=position)
    parted = np.flatnonzero(drawn.tokens != tokens)
    assert not len(parted) or gaps[parted[0]] < 1e-9, (settings, size, parted[0], gaps[parted[0]])
    if len(parted):
        return
    np.testing.assert_allclose(drawn.log_probabilities, logs, rtol=0, atol=1e-11)
    for number, (stage, state) in enumerate(zip(sampler.transforms, states, strict=True)):
        operation = program.operations[number]
        if operation.op in (Op.MIROSTAT, Op.ADAPTIVE):
            assert drawn.situation.memory[number] == pytest.approx(state, abs=1e-9), stage.name
        elif operation.window:
            kept = drawn.situation.history[max(0, len(drawn.situation.history) - operation.window) :]
            assert tuple(kept.tolist()) == state


def test_every_stage_lowers_to_an_operation_of_its_own():
    assert set(ON) == {stage.name for stage in TRANSFORMS}
    lowered = [Sampler.from_settings(settings).lower(66, []).operations for settings in ON.values()]
    assert sorted(op for (each,) in lowered for op in [each.op]) == sorted(Op)


def test_neutral_stages_are_left_out():
    assert Sampler(tuple(stage() for stage in TRANSFORMS)).lower(66, [1]).operations == ()


@pytest.mark.parametrize("settings", CHAINS, ids=str)
def test_each_stage_draws_what_the_readable_one_draws(settings):
    for size in SIZES:
        agree(settings, size, seed=size, length=150 if size < 1000 else 40)


@pytest.mark.slow
@pytest.mark.parametrize("settings", CHAINS, ids=str)
def test_each_stage_draws_the_same_for_many_seeds_and_positions(settings):
    for size in SIZES:
        for seed in (1, 2**40 + 7, 2**64 - 1):
            agree(settings, size, seed=seed, length=400, position=2**32 - 100)


def random_chain(number):
    rng = np.random.default_rng(number)
    chosen = {}
    for name in rng.permutation(list(ON))[: rng.integers(2, 9)]:
        chosen |= ON[name]
    return chosen | ({"order": str(rng.choice(["toolkit", "hf", "llama.cpp"]))})


@pytest.mark.parametrize("number", range(12))
def test_random_chains_in_any_order_draw_the_same(number):
    for size in SIZES[:2]:
        agree(random_chain(number), size, seed=number, length=120)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(12, 90))
def test_more_random_chains_draw_the_same(number):
    for size in SIZES:
        agree(random_chain(number), size, seed=number, length=300)


def test_a_full_chain_draws_the_same():
    full = {name: value for settings in ON.values() for name, value in settings.items()}
    agree(full, 221, length=120)


def spelled(size):
    spelling = [b"", *(bytes([each]) for each in range(256))][:size]
    return spelling + [bytes([65 + each % 26, 97 + each // 26 % 26]) for each in range(size - len(spelling))]


@pytest.mark.parametrize("size", SIZES[1:])
def test_a_table_masks_as_finishing_does(size):
    grammar = text_grammar(spelled(size), 0)
    assert isinstance(grammar, Tabled)
    for settings in ({"logit_bias": "#0=-6"}, {"logit_bias": "#0=-6", **ON["top_p"], **ON["frequency"]}):
        for seed in range(3):
            agree(settings, size, seed=seed, length=40, constraint=grammar)


def test_an_ending_is_reached_in_time():
    """Tokens 1 and 2 alternate, and only after 2 may a sequence end: the table's distances must be heeded."""
    automaton = TokenAutomaton(matching("(?:ac*b)*"), [b"", b"a", b"b", b"c"], 0)
    for length in (1, 2, 7, 8):
        executor = Executor(lower(Sampler(), automaton, vocabulary=4, prompt=(), given=(), length=length))
        for seed in range(20):
            logits_TV = np.tile(np.float32([-9, 0, 0, 0]), (length, 1))  # it would rather not end
            drawn = executor.draw(logits_TV, executor.begin(), seed=seed, position=0)
            assert re.fullmatch("(?:13*2)*0?", "".join(map(str, drawn.tokens)))


@pytest.mark.parametrize("constraint", [Forbid([0, 9], 66), Allow(np.arange(66) % 3 == 0)])
def test_a_mask_is_a_table_of_one_state(constraint):
    agree({"top_p": 0.9}, 66, constraint=constraint)


def test_what_has_no_table_says_why():
    program = lower(Sampler(), Both(Anything(), Anything()), vocabulary=5, prompt=(), given=(), length=3)
    assert program.table is None and "works out its states as it goes" in program.untabled
    assert lower(Sampler(), Anything(), vocabulary=5, prompt=(), given=(), length=3).untabled == ""


def test_a_mask_from_elsewhere_is_kept():
    logits_TV, allowed_TV = rows(66, 50), np.random.default_rng(1).random((50, 66)) < 0.3
    executor = Executor(Sampler.from_settings({"top_k": 9}).lower(66, []))
    drawn = executor.draw(logits_TV, executor.begin(), seed=4, position=0, allowed_TV=allowed_TV)
    sampler = Sampler.from_settings({"top_k": 9})
    for place, token in enumerate(drawn.tokens):
        assert token == sampler.sample(logits_TV[place], ((),), allowed_TV[place], seed=4, position=place).token


def test_a_block_is_its_tokens_one_by_one_and_situations_are_values():
    sampler = Sampler.from_settings({**ON["dry"], **ON["mirostat"], **ON["frequency"]})
    executor, logits_TV = Executor(sampler.lower(66, [1, 2, 1])), rows(66, 40)
    whole = executor.draw(logits_TV, executor.begin(), seed=9, position=5)
    situation, tokens = executor.begin(), []
    for place, logits_V in enumerate(logits_TV):
        drawn = executor.draw(logits_V[None], situation, seed=9, position=5 + place)
        again = executor.draw(logits_V[None], situation, seed=9, position=5 + place)
        assert drawn.tokens.tolist() == again.tokens.tolist()
        situation, tokens = drawn.situation, [*tokens, *drawn.tokens.tolist()]
    assert tokens == whole.tokens.tolist()
    np.testing.assert_array_equal(situation.history, whole.situation.history)
    np.testing.assert_array_equal(situation.memory, whole.situation.memory)


@pytest.mark.parametrize(
    ("row", "settings", "says"),
    [
        ([np.nan, 0, 0], {}, "not a number"),
        ([0, np.inf, 0], {}, "not a number"),
        ([-np.inf] * 3, {}, "no token is left"),
        ([0, -np.inf, -np.inf], {"ban": "#0"}, "no token is left"),
    ],
)
def test_a_row_that_cannot_be_drawn_from_is_refused_in_the_same_words(row, settings, says):
    sampler, logits_V = Sampler.from_settings(settings), np.array(row, np.float32)
    executor = Executor(sampler.lower(3, []))
    with pytest.raises(ToolkitError, match=says):
        sampler.sample(logits_V, sampler.begin([]), seed=0, position=0)
    with pytest.raises(ToolkitError, match=says):
        executor.draw(logits_V[None], executor.begin(), seed=0, position=0)


@pytest.mark.parametrize(
    ("settings", "prompt", "says"),
    [
        ({}, [1, 66], "token 2 of the prompt is 66"),
        ({"ban": "#66"}, [], "no token 66"),
        ({"logit_bias": "#70=1"}, [], "70"),
    ],
)
def test_tokens_that_do_not_exist_are_refused(settings, prompt, says):
    with pytest.raises(UsageError, match=says):
        Sampler.from_settings(settings).lower(66, prompt)


def test_the_random_numbers_are_the_same():
    for seed, position, lane in ((0, 0, 0), (2**64 - 1, 2**63, 1), (7, 2**32 + 5, 2**32 - 1), (2**40, 3, 9)):
        assert randomness.uniform(np.uint64(seed), np.uint64(position), np.uint64(lane)) == uniform(
            seed, position, lane
        )


def drawn_by_a_full_chain():
    full = {name: value for settings in ON.values() for name, value in settings.items()}
    executor = Executor(Sampler.from_settings(full).lower(66, [1, 2]))
    return executor.draw(rows(66, 60), executor.begin(), seed=3, position=0).tokens.tolist()


def test_without_a_compiler_the_draws_are_the_same():
    pytest.importorskip("numba")
    read = "from tests.engine.test_program import drawn_by_a_full_chain as drawn; print(drawn())"
    env = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    plain = subprocess.run([sys.executable, "-c", read], env=env, capture_output=True, text=True, check=True)
    assert plain.stdout.strip() == str(drawn_by_a_full_chain())
