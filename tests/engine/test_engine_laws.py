"""What every engine promises: pieces equal the whole, rows equal themselves alone, memory is a value."""

import itertools

import numpy as np
import pytest
import torch

from toolkit.engine import open_engine
from toolkit.engine.blend import HOWS, Blend, BlendedEngine
from toolkit.engine.fade import Fade
from toolkit.engine.unprompted import Unprompted
from toolkit.models import ModelSettings, RecurrentLM

V = 23


def network(seed, engine="torch", **settings):
    torch.manual_seed(seed)
    model = RecurrentLM(V, ModelSettings(width=24, embedding=8, **settings))
    with torch.no_grad():
        model.head.weight.mul_(6)  # far from uniform, so that engines disagree
    return open_engine(model, name=engine)


def blended(how, fade="0:1,30:0.2", **more):
    engines = [network(1, layers=2), network(2, cell="gru")]
    return BlendedEngine(engines, Blend(how, (0.6,), Fade.parse(fade)), opening=7, **more)


ENGINES = {
    "torch": lambda: network(1, layers=2),
    "compiled": lambda: network(1, "compiled", layers=2),
    "compiled-int8": lambda: network(1, "compiled-int8", layers=2, cell="gru"),
    "unprompted": lambda: Unprompted(network(1), unheard=7, instead=[0, 3]),
    "heard from the first": lambda: Unprompted(network(1), unheard=0, instead=[0]),
    **{how: lambda how=how: blended(how) for how in HOWS},
    "guided blend": lambda: BlendedEngine(
        [blended("product"), Unprompted(blended("mixture"), unheard=7, instead=[0])], Blend("guidance", (1.5,))
    ),
}


@pytest.fixture(scope="module", params=list(ENGINES))
def engine(request):
    return ENGINES[request.param]()


def ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, V, count).tolist()


def log_softmax(logits):
    return torch.log_softmax(torch.as_tensor(logits, dtype=torch.float64), -1).numpy()


def leaves(memory):
    if isinstance(memory, tuple | list):
        return list(itertools.chain.from_iterable(leaves(each) for each in memory))
    return [np.asarray(memory.clone() if isinstance(memory, torch.Tensor) else memory, dtype=object).tolist()]


@pytest.mark.parametrize("pieces", [(1,) * 40, (13, 1, 1, 25), (7, 33), (6, 2, 32)], ids=str)
def test_pieces_equal_the_whole(engine, pieces):
    sequence, memory, start = ids(40), engine.begin(), 0
    for size in pieces:
        logits_V, memory = engine.feed(sequence[start : start + size], memory)
        start += size
        whole_V, _ = engine.feed(sequence[:start], engine.begin())
        assert logits_V.shape == (V,)
        assert logits_V.dtype == np.float32
        np.testing.assert_allclose(log_softmax(logits_V), log_softmax(whole_V), atol=1e-4)


@pytest.mark.parametrize("count", [1, 5, 50])
def test_memory_is_a_value(engine, count):
    _, memory = engine.feed(ids(10), engine.begin())
    before = leaves(memory)
    first, after = engine.feed(ids(count, 1), memory)
    engine.feed(ids(count, 2), memory)
    second, again = engine.feed(ids(count, 1), memory)
    assert np.array_equal(first, second)
    assert leaves(after) == leaves(again)
    assert leaves(memory) == before


def test_what_an_answer_is_written_into_is_not_the_engines(engine):
    for count in (1, 9):
        logits_V, _ = engine.feed(ids(count), engine.begin())
        kept_V = logits_V.copy()
        logits_V += 1
        assert np.array_equal(engine.feed(ids(count), engine.begin())[0], kept_V)


def test_feeding_nothing_is_an_error(engine):
    with pytest.raises(ValueError, match="at least one"):
        engine.feed([], engine.begin())


@pytest.mark.parametrize("given", [0, 3, 7, 12])
def test_rows_that_part_ways_equal_each_alone(engine, given):
    """Forked before, within and after what an engine may not hear; then advanced, chosen anew, and advanced again."""
    histories = [ids(given)] * 3
    memory = engine.begin()
    if given:
        _, memory = engine.feed(histories[0], memory)
    memory = engine.rows(memory, [0, 0, 0])
    for step, chosen in enumerate([[0, 1, 2], [2, 0, 2], [1], [0, 0]] * 3):
        memory = engine.rows(memory, chosen)
        tokens = ids(len(chosen), seed=step)
        histories = [[*histories[row], token] for row, token in zip(chosen, tokens, strict=True)]
        before = leaves(memory)
        logits_NV, after = engine.advance(tokens, memory)
        assert leaves(memory) == before
        memory = after
        assert logits_NV.shape == (len(chosen), V)
        assert logits_NV.dtype == np.float32
        for logits_V, history in zip(logits_NV, histories, strict=True):
            alone_V, _ = engine.feed(history, engine.begin())
            np.testing.assert_allclose(log_softmax(logits_V), log_softmax(alone_V), atol=1e-4)
        histories, memory = histories * 3, engine.rows(memory, list(range(len(chosen))) * 3)
