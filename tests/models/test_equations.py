"""The equations of every cell are what its layer computes; a recurrence solved in any order is the same."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from toolkit.core import UsageError
from toolkit.models import CELLS, Clamp, Clamped, ModelSettings, RecurrentLM, parameters, unrolled
from toolkit.models.minimal import by_doubling, one_by_one, recurrence
from toolkit.models.sizes import of_size

RECURRENT = [name for name, cell in CELLS.items() if cell.step]
IDS = torch.randint(0, 11, (3, 19), generator=torch.Generator().manual_seed(0))


def small(cell, **settings):
    torch.manual_seed(7)
    return RecurrentLM(11, ModelSettings(cell=cell, **{"width": 12, "embedding": 8, "layers": 2, **settings})).eval()


@pytest.mark.parametrize("cell", RECURRENT)
@pytest.mark.parametrize("shape", [{}, {"residual": True, "norm": True}, {"embedding": 12, "residual": True}])
def test_the_equations_are_what_the_kernels_compute(cell, shape):
    model = small(cell, **shape)
    with torch.no_grad():
        whole, last = model(IDS)
        steps = list(unrolled(model, IDS[:, :7]))
        state = tuple(torch.stack(each) for each in zip(*(layer.state for layer in steps[-1].layers), strict=True))
        steps += unrolled(model, IDS[:, 7:], state)
        assert torch.allclose(torch.stack([each.logits_BV for each in steps], 1), whole, atol=1e-5)
        for depth, moment in enumerate(steps[-1].layers):
            assert all(
                torch.allclose(one, each[depth], atol=1e-5) for one, each in zip(moment.state, last, strict=True)
            )
            assert all(gate.min() >= 0 and gate.max() <= 1 for gate in moment.gates.values())


@pytest.mark.parametrize("cell", RECURRENT)
def test_what_is_kept_is_the_derivative_by_the_memory_itself(cell):
    """Where no gate sees the old memory, d(new memory) / d(old) is the share kept; the cell state of an LSTM too."""
    model = small(cell, layers=1)
    step, layer = model.cell.step, model.layers[0]
    x = torch.randn(1, 8)
    state = tuple(torch.randn(1, 12).requires_grad_() for _ in range(model.cell.states))
    moment = step(layer, x, state)
    if moment.kept is None:
        assert cell == "rnn"
        return
    memory, before = moment.state[-1], state[-1]
    diagonal = torch.autograd.functional.jacobian(lambda m: step(layer, x, (*state[:-1], m)).state[-1][0], before)
    if cell == "gru":  # its gates see the memory, so the rest of the derivative is theirs
        assert moment.kept.shape == memory.shape
        return
    assert torch.allclose(diagonal[:, 0], torch.diag(moment.kept[0]), atol=1e-5)


def test_a_transformer_has_nothing_to_unroll():
    with pytest.raises(UsageError, match="nothing to unroll"):
        next(unrolled(small("transformer"), IDS))


@given(steps=st.integers(1, 40), seed=st.integers(0, 99))
def test_a_recurrence_is_the_same_in_any_order(steps, seed):
    torch.manual_seed(seed)
    a, b, h = torch.rand(steps, 2, 3), torch.randn(steps, 2, 3), torch.randn(2, 3)
    assert torch.allclose(one_by_one(a, b, h), by_doubling(a, b, h), atol=1e-5)


def test_the_gradient_of_a_recurrence_is_that_of_finite_differences():
    torch.manual_seed(0)
    given = (torch.rand(6, 2, 3), torch.randn(6, 2, 3), torch.randn(2, 3))
    assert torch.autograd.gradcheck(recurrence, tuple(each.double().requires_grad_() for each in given))


def test_a_transformer_sees_its_context_and_nothing_before():
    model = small("transformer", context=4, layers=1)
    changed = IDS.clone()
    changed[:, 9] = (changed[:, 9] + 1) % 11
    with torch.no_grad():
        same = (model(IDS)[0] - model(changed)[0]).abs().amax((0, 2)) < 1e-6
    assert same.tolist() == [True] * 9 + [False] * 4 + [True] * 6


def test_a_row_of_a_transformer_that_begins_afresh_sees_nothing_of_what_was():
    from toolkit.train import emptied

    model = small("transformer")
    with torch.no_grad():
        _, state = model(IDS)
        after, _ = model(IDS, emptied(state, torch.tensor([True, False, True])))
        alone, _ = model(IDS)
    assert torch.allclose(after[[0, 2]], alone[[0, 2]], atol=1e-5)
    assert not torch.allclose(after[1], alone[1], atol=1e-3)


def test_only_the_state_of_a_transformer_grows():
    for cell in CELLS:
        model = small(cell, context=16)
        sizes = []
        for length in (4, 8, 19):
            _, state = model(IDS[:, :length])
            sizes.append(sum(each.numel() for each in state))
        assert (sizes[0] < sizes[1] < sizes[2]) == (cell == "transformer")
        _, more = model(IDS, state)
        assert sum(each.numel() for each in more) == sizes[2], "and it stops at its context"


def test_a_clamped_unit_is_held_and_others_go_on():
    model = small("lstm", layers=1)
    clamped = Clamped(model, Clamp(0, 3, 0.75))
    _, (h, _) = clamped(IDS)
    _, (free, _) = model(IDS)
    assert (h[0, :, 3] == 0.75).all()
    assert not torch.allclose(h, free)
    with pytest.raises(UsageError, match="no unit 12"):
        Clamped(model, Clamp(0, 12, 0.0))


@pytest.mark.parametrize("cell", CELLS)
def test_models_of_one_size_are(cell):
    settings = ModelSettings(cell=cell, embedding=32, layers=2)
    size = parameters(RecurrentLM(65, of_size(65, settings, 400_000)))
    assert abs(size - 400_000) < 20_000
