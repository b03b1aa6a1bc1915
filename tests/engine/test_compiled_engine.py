"""The compiled engine is the PyTorch model: the same logits, the same draws, the same integers by any instruction."""

import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from toolkit import generate
from toolkit.core import ToolkitError, UsageError
from toolkit.core.program import NOWHERE
from toolkit.engine import open_engine
from toolkit.models import ModelSettings, RecurrentLM
from toolkit.sampling import Anything, Forbid, Sampler
from toolkit.sampling.constraints import Written

pytest.importorskip("numba", reason="the compiled engine needs the extra 'fast'")

from toolkit.engine import compiled, side_by_side
from toolkit.engine.scalar import integers

V = 23
SHAPES = [{}, {"layers": 2}, {"layers": 3, "norm": True, "residual": True, "embedding": 40}, {"width": 37, "layers": 2}]


def model(cell="lstm", **settings):
    torch.manual_seed(0)
    network = RecurrentLM(V, ModelSettings(**{"cell": cell, "width": 40, "embedding": 12, **settings}))
    with torch.no_grad():
        network.head.weight.mul_(3)
        for each in network.parameters():
            if each.dim() == 1:
                each.add_(torch.randn_like(each) * 0.1)
    return network


def log_probabilities(engine, tokens):
    logits_V, _ = engine.feed(tokens, engine.begin())
    return torch.log_softmax(torch.from_numpy(logits_V.astype(np.float64)), -1)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_it_predicts_what_the_model_does(cell, shape):
    network = model(cell, **shape)
    tokens = np.random.default_rng(1).integers(0, V, 60).tolist()
    expected = log_probabilities(open_engine(network), tokens)
    assert (log_probabilities(open_engine(network, name="compiled"), tokens) - expected).abs().max() < 1e-4


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_eight_bits_cost_little(cell, shape):
    network = model(cell, **shape)
    tokens = np.random.default_rng(1).integers(0, V, 200)
    losses = []
    for name in ("torch", "compiled-int8"):
        engine = open_engine(network, name=name)
        memory, loss = engine.begin(), 0.0
        for token, follows in itertools.pairwise(tokens):
            logits_V, memory = engine.feed([int(token)], memory)
            loss -= float(torch.log_softmax(torch.from_numpy(logits_V), -1)[int(follows)])
        losses.append(loss / (len(tokens) - 1))
    assert abs(losses[0] - losses[1]) < 0.01


@pytest.mark.parametrize("constrained", [False, True])
@pytest.mark.parametrize("settings", [{}, {"temperature": 0.8, "top_p": 0.9, "dry_multiplier": 0.8}, {"mirostat": 2}])
def test_it_writes_what_the_readable_loop_writes(settings, constrained):
    network = model(layers=2)
    sampler = Sampler.from_settings(settings)
    more = {"constraint": Forbid([3, 5], V)} if constrained else {}
    for seed in range(5):
        written = [
            list(
                generate.tokens(
                    open_engine(network, name=name), [0, 4], sampler=sampler, length=90, stop=0, seed=seed, **more
                )
            )
            for name in ("torch", "compiled")
        ]
        assert [each.token for each in written[0]] == [each.token for each in written[1]]
        assert [each.position for each in written[0]] == [each.position for each in written[1]]
        assert np.allclose(*([each.log_probability for each in steps] for steps in written), atol=1e-4)
        if constrained:
            assert not {3, 5} & {each.token for each in written[1]}


def test_a_generation_ends_with_stop_or_at_its_length():
    engine = open_engine(model(), name="compiled")
    ends = [list(generate.tokens(engine, [0], sampler=Sampler(), length=40, stop=0, seed=seed)) for seed in range(20)]
    assert all(0 not in [each.token for each in steps[:-1]] for steps in ends)
    assert {steps[-1].token == 0 for steps in ends} == {True, False}
    assert all(len(steps) == 40 for steps in ends if steps[-1].token)


class Word(Anything):
    """Exactly 3, 1, 4, and then nothing: no stop either."""

    def begin(self):
        return 0

    def allowed(self, state):
        return np.isin(np.arange(V), [3, 1, 4][state : state + 1])

    def step(self, state, token):
        return state + 1

    def distance(self, state):
        return 3 - state

    def tables(self):
        column_V = np.array([{3: 0, 1: 1, 4: 2}.get(token, 3) for token in range(V)], np.int32)
        moves = np.full((4, 4), NOWHERE, np.int32)
        moves[0, 0], moves[1, 1], moves[2, 2] = 1, 2, 3
        moves[3, 3] = 3  # of a column that no token has: a table may have such
        column_V[column_V == 3] = 4
        moves = np.concatenate([moves, np.full((4, 1), NOWHERE, np.int32)], axis=1)
        return Written(column_V, moves, np.array([3, 2, 1, 0], np.int32))


@pytest.mark.parametrize("engine", ["torch", "compiled"])
def test_what_is_whole_ends_where_nothing_may_follow(engine):
    steps = generate.tokens(
        open_engine(model(), name=engine), [0], sampler=Sampler(), length=9, stop=0, constraint=Word(), seed=1
    )
    assert [each.token for each in steps] == [3, 1, 4]


def test_a_cut_generation_goes_on_as_it_would_have():
    engine = open_engine(model(), name="compiled")
    sampler, forbidden = Sampler.from_settings({"dry_multiplier": 1.0}), Forbid([0], V)

    def made(prompt, length, start):
        steps = generate.tokens(
            engine, prompt, sampler=sampler, length=length, stop=0, seed=9, start=start, constraint=forbidden
        )
        return [each.token for each in steps]

    begun = made([5, 6], 30, 0)
    assert begun + made([5, 6, *begun], 50, 30) == made([5, 6], 80, 0)


@pytest.mark.parametrize("outputs", [1, 16, 24, 64, 80, 200])
@pytest.mark.parametrize("inputs", [1, 4, 37, 64])
def test_every_instruction_sums_the_same_integers(outputs, inputs):
    rng = np.random.default_rng(outputs * inputs)
    weights_OI = rng.integers(-127, 128, (outputs, inputs)).astype(np.int8)
    weights_OI[0], x = 127, rng.integers(0, 128, inputs).astype(np.uint8)
    x[:2] = 127
    bytes_ = np.zeros(integers.padded(inputs, integers.INPUTS), np.uint8)
    bytes_[:inputs] = x
    expected = weights_OI.astype(np.int64) @ x
    for kind in _kinds():
        total = np.full(integers.padded(outputs, integers.LANES), -1, np.int32)
        _PRODUCTS[kind](integers.packed(weights_OI), bytes_.view(np.int32), total)
        assert total[:outputs].tolist() == expected.tolist(), kind
        assert not total[outputs:].any()


def _kinds():
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    needed = {"vnni512": "avx512vnni", "vnni256": "avxvnni", "avx2": "avx2"}
    return ["", *(kind for kind, feature in needed.items() if features.get(feature))]


_PRODUCTS = {kind: integers._products(kind) for kind in _kinds()}


def test_it_runs_on_a_cpu_and_with_ids_that_exist():
    with pytest.raises(UsageError, match="CPU"):
        open_engine(model(), name="compiled", device="cuda")
    engine = open_engine(model(), name="compiled")
    for tokens in ([V], [-1], [0, V + 5]):
        with pytest.raises(IndexError):
            engine.feed(tokens, engine.begin())


def test_what_is_tied_is_read_twice():
    network = model(embedding=40, tie=True)
    tokens = [1, 2, 3]
    expected = log_probabilities(open_engine(network), tokens)
    assert (log_probabilities(open_engine(network, name="compiled"), tokens) - expected).abs().max() < 1e-4


class Alternating(Anything):
    """Even and odd ids in turn, worked out as it goes: no table says so."""

    def begin(self):
        return 0

    def allowed(self, state):
        return np.arange(V) % 2 == state

    def step(self, state, token):
        return 1 - state


@pytest.mark.parametrize("settings", [{}, {"top_p": 0.8, "dry_multiplier": 0.8}, {"mirostat": 2}])
def test_a_constraint_without_a_table_masks_what_the_program_draws(settings):
    sampler, network = Sampler.from_settings(settings), model()
    for seed in range(5):
        written = [
            [
                (each.token, each.position)
                for each in generate.tokens(
                    open_engine(network, name=name),
                    [0, 3],
                    sampler=sampler,
                    length=60,
                    stop=0,
                    seed=seed,
                    constraint=Alternating(),
                    given=[],
                )
            ]
            for name in ("torch", "compiled")
        ]
        assert written[0] == written[1]
        assert all(token % 2 == place % 2 for place, (token, _) in enumerate(written[1]))


def together(engine, prompts, **more):
    """The steps of every row of a batch, and the order they came in."""
    rows, turns = {row: [] for row in range(len(prompts))}, []
    for row, step in generate.batch(engine, prompts, seeds=range(50, 50 + len(prompts)), stop=0, **more):
        rows[row].append(step)
        turns.append((step.position, row))
    return list(rows.values()), turns


THREADS = """
import os, threading, numpy, torch
from toolkit.engine import open_engine
from toolkit.models import ModelSettings, RecurrentLM
torch.set_num_threads(1)
engine = open_engine(RecurrentLM(65, ModelSettings(width=512)), name="compiled")
memory = engine.beside([engine.feed([1], engine.begin())[1]] * 64)
engine.advance([1] * 64, memory)  # by the thread that was told how many
counts = []
def work():
    for _ in range(2):
        counts.append(len(os.listdir("/proc/self/task")))
        engine.advance([1] * 64, memory)
thread = threading.Thread(target=work)
thread.start(), thread.join()
print(*counts)
"""


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux lists a process's threads so")
def test_rows_in_a_thread_take_no_more_cores_than_were_set():
    free = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-c", THREADS], env=free, capture_output=True, text=True, check=True)
    before, after = done.stdout.split()
    assert before == after, "the second core's thread began"


EXACT = pytest.mark.skipif(
    not side_by_side.exact_products(), reason="PyTorch does not multiply bytes exactly on this processor"
)


@EXACT
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rows_of_eight_bits_are_what_each_is_alone_to_the_last_bit(cell, shape):
    engine = open_engine(model(cell, **shape), name="compiled-int8")
    rng = np.random.default_rng(3)
    histories = [[int(token)] for token in rng.integers(0, V, 70)]  # more than a tile, more than a thread's share
    memory = engine.beside([engine.feed(history, engine.begin())[1] for history in histories])
    for _ in range(3):
        tokens = rng.integers(0, V, 70).tolist()
        logits_NV, memory = engine.advance(tokens, memory)
        histories = [[*history, token] for history, token in zip(histories, tokens, strict=True)]
    for row, history in enumerate(histories):
        logits_V, alone = engine.feed(history, engine.begin())
        assert np.array_equal(logits_NV[row], logits_V)
        assert np.array_equal(memory[row], alone[0])


@EXACT
@pytest.mark.parametrize("constraint", [Anything(), Forbid([3, 5], V), Word()], ids=lambda each: type(each).__name__)
def test_a_batch_of_eight_bits_is_its_rows_alone(constraint):
    """Prompts of different lengths, equal ones among them; rows that end on the way; a chain that remembers."""
    engine = open_engine(model(layers=2), name="compiled-int8")
    sampler = Sampler.from_settings({"temperature": 0.9, "repetition_penalty": 1.3, "mirostat": 2})
    prompts = [[0], [0, 4, 2, 2], [0], [7], [0, 4, 2, 2], [0, 1]]
    if isinstance(constraint, Word):
        prompts = [[0], [0, 3], [0], [0, 3, 1], [0, 3], [0]]
    more = {"sampler": sampler, "length": 60, "constraint": constraint}
    rows, turns = together(engine, prompts, **more)
    for row, prompt in enumerate(prompts):
        assert rows[row] == list(generate.tokens(engine, prompt, seed=50 + row, stop=0, **more))
    assert turns == sorted(turns)
    assert len({len(each) for each in rows}) > 1


def test_rows_part_by_part_where_no_product_is_exact(monkeypatch):
    engine = open_engine(model(), name="compiled-int8")
    prompts = [[0], [0, 4], [0]]
    more = {"sampler": Sampler(), "length": 20}
    expected = [list(generate.tokens(engine, each, seed=50 + row, stop=0, **more)) for row, each in enumerate(prompts)]
    monkeypatch.setattr(compiled, "exact_products", lambda: False)
    assert together(engine, prompts, **more)[0] == expected


@EXACT
def test_a_row_that_cannot_be_drawn_ends_the_batch_in_the_words_of_the_readable_loop():
    engine = open_engine(model(), name="compiled-int8")
    with torch.no_grad():
        broken = model()
        broken.head.bias.fill_(float("nan"))
    with pytest.raises(ToolkitError) as said:
        list(generate.tokens(open_engine(broken), [0], sampler=Sampler(), length=5, stop=0))
    with pytest.raises(ToolkitError) as also:
        together(open_engine(broken, name="compiled-int8"), [[0], [0, 1]], sampler=Sampler(), length=5)
    assert str(said.value) == str(also.value)
    with pytest.raises(UsageError, match="the model knows"):
        generate.batch(engine, [[0], [0, V + 1]], seeds=(1, 2), sampler=Sampler(), length=5, stop=0)


@pytest.mark.parametrize(("outputs", "inputs"), [(16, 4), (64, 8), (80, 40), (200, 37), (1, 1)])
def test_packed_weights_are_found_again(outputs, inputs):
    weights_OI = np.random.default_rng(0).integers(-127, 128, (outputs, inputs)).astype(np.int8)
    found = integers.unpacked(integers.packed(weights_OI), outputs, inputs)
    assert np.array_equal(found[:outputs, :inputs], weights_OI)
    assert not found[outputs:].any()
    assert not found[:, inputs:].any()
