"""The laws of a language model, held by every cell."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from toolkit.core import UsageError
from toolkit.models import CELLS, ModelSettings, RecurrentLM, parameters

SHAPES = [
    {},
    {"layers": 3, "residual": True, "norm": True},
    {"embedding": 12, "tie": True},
    {"dropout": 0.5, "embedding_dropout": 0.5, "layers": 2},
]


def small(cell: str, **settings: object) -> RecurrentLM:
    torch.manual_seed(7)
    return RecurrentLM(11, ModelSettings(**{"cell": cell, "width": 12, "embedding": 8, **settings})).eval()


def close(first, second) -> bool:
    return torch.allclose(first, second, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("shape", SHAPES)
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 16), max_size=4), rows=st.integers(1, 3))
def test_whole_is_chunks_is_step_by_step(cell, shape, cuts, rows):
    model = small(cell, **shape)
    ids = torch.randint(0, 11, (rows, 17), generator=torch.Generator().manual_seed(rows))
    with torch.no_grad():
        whole, last = model(ids)
        for edges in (sorted({0, 17, *cuts}), range(18)):
            state, pieces = None, []
            for first, end in zip(edges, list(edges)[1:], strict=False):
                logits, state = model(ids[:, first:end], state)
                pieces.append(logits)
            assert close(torch.cat(pieces, dim=1), whole)
            assert all(close(*pair) for pair in zip(state, last, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_the_given_state_is_left_as_it_was(cell):
    model = small(cell)
    _, state = model(torch.tensor([[1, 2, 3]]))
    before = [each.clone() for each in state]
    model(torch.tensor([[4, 5]]), state)
    assert all(torch.equal(*pair) for pair in zip(state, before, strict=True))


@pytest.mark.parametrize("cell", CELLS)
def test_rows_do_not_see_one_another(cell):
    model = small(cell)
    one, other = torch.tensor([[1, 2, 3, 4]]), torch.tensor([[9, 8, 7, 6]])
    together, _ = model(torch.cat([one, other]))
    assert close(together[:1], model(one)[0])
    assert close(together[1:], model(other)[0])


def test_the_lstm_is_the_written_equations():
    """i, f, g, o as in Gers et al. (2000), computed by hand."""
    model = small("lstm")
    layer = model.layers[0]
    ids = torch.tensor([[3, 1, 4, 1, 5]])
    h = c = torch.zeros(12)
    for x in model.embed.weight[ids[0]]:
        gates = layer.weight_ih_l0 @ x + layer.bias_ih_l0 + layer.weight_hh_l0 @ h + layer.bias_hh_l0
        i, f, g, o = gates.split(12)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        h = o.sigmoid() * c.tanh()
    assert close(model(ids)[0][0, -1], model.head(h))


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_recurrent_weights_begin_orthogonal_and_the_forget_gate_open(cell):
    model = small(cell, forget_bias=1.5)
    layer = model.layers[0]
    for gate in layer.weight_hh_l0.split(12):
        assert close(gate @ gate.T, torch.eye(12))
    expected = torch.zeros_like(layer.bias_ih_l0)
    if cell == "lstm":
        expected[12:24] = 1.5
    assert torch.equal(layer.bias_ih_l0 + layer.bias_hh_l0, expected)


def test_a_tied_head_is_the_embedding_and_needs_its_width():
    tied = small("lstm", embedding=12, tie=True)
    assert tied.head.weight is tied.embed.weight
    assert parameters(tied) == parameters(small("lstm", embedding=12)) - 11 * 12
    with pytest.raises(UsageError, match=r"model\.tie"):
        small("lstm", tie=True)


@pytest.mark.parametrize("setting", [{"dropout": 0.5}, {"embedding_dropout": 0.5}])
def test_dropout_acts_only_while_training(setting):
    model = small("gru", layers=2, **{"dropout": 0.0, **setting})
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(model(ids)[0], model(ids)[0])
    model.train()
    assert not torch.equal(model(ids)[0], model(ids)[0])


@pytest.mark.parametrize("cell", CELLS)
def test_gradients_are_those_of_finite_differences(cell):
    model = small(cell, dropout=0.0, width=4, embedding=4).double()
    ids = torch.tensor([[1, 2, 3, 4]])

    def loss(*_: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(model(ids[:, :-1])[0].flatten(0, 1), ids[0, 1:])

    assert torch.autograd.gradcheck(loss, tuple(model.parameters()), atol=1e-6)
