"""The PyTorch engine: it computes what the model computes, however the tokens come, and leaves no trace."""

import threading

import numpy as np
import pytest
import torch
from torch import nn

from toolkit.core import UsageError
from toolkit.engine import ENGINES, open_engine
from toolkit.engine import torch_engine as module

V = 23


class Model(nn.Module):
    """A language model made of plain PyTorch: embedding, two LSTM layers with dropout, head."""

    def __init__(self, width=32):
        super().__init__()
        self.embed = nn.Embedding(V, 16)
        self.lstm = nn.LSTM(16, width, 2, batch_first=True, dropout=0.5)
        self.head = nn.Linear(width, V)
        self.fails = False

    def forward(self, ids_BT, state=None):
        if self.fails:
            raise RuntimeError("no")
        y_BTH, state = self.lstm(self.embed(ids_BT), state)
        return self.head(y_BTH), state


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Model()


@pytest.fixture
def engine(model):
    return open_engine(model)


def log_softmax(logits_V):
    return torch.log_softmax(torch.as_tensor(logits_V), -1).numpy()


def ids(count, seed=0):
    return np.random.default_rng(seed).integers(0, V, count).tolist()


@pytest.mark.parametrize("pieces", [(1,) * 40, (40,), (13, 1, 1, 25), (8, 9, 23)], ids=str)
def test_any_way_of_feeding_agrees_with_the_model(model, engine, pieces):
    sequence, memory = ids(40), engine.begin()
    with torch.no_grad():
        exact_TV, _ = model(torch.tensor([sequence]))
    start = 0
    for size in pieces:
        logits_V, memory = engine.feed(sequence[start : start + size], memory)
        start += size
        assert logits_V.shape == (V,)
        assert logits_V.dtype == np.float32
        np.testing.assert_allclose(log_softmax(logits_V), log_softmax(exact_TV[0, start - 1]), atol=1e-4)


def test_a_prompt_longer_than_a_piece_is_read_whole(model, engine):
    sequence = ids(2 * module._CHUNK + 1)
    with torch.no_grad():
        exact_TV, _ = model(torch.tensor([sequence]))
    logits_V, _ = engine.feed(sequence, engine.begin())
    np.testing.assert_allclose(log_softmax(logits_V), log_softmax(exact_TV[0, -1]), atol=1e-4)


def test_it_says_what_it_is(engine):
    assert (engine.name, engine.precision, engine.vocabulary) == ("torch", "fp32", V)
    assert open_engine(Model().to(torch.bfloat16)).precision == "bf16"
    assert "torch" in ENGINES


def test_half_precision_answers_in_float32():
    logits_V, _ = (engine := open_engine(Model().to(torch.bfloat16))).feed([1], engine.begin())
    assert logits_V.dtype == np.float32


def test_dropout_is_off(model, engine):
    assert not model.training
    one, other = (engine.feed(ids(30), engine.begin())[0] for _ in range(2))
    assert np.array_equal(one, other)


def test_nothing_is_recorded_for_gradients(engine):
    _, memory = engine.feed([1], engine.begin())
    assert not any(tensor.requires_grad for tensor in memory)
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_process_settings_are_as_before(model, engine, enabled, monkeypatch):
    monkeypatch.setattr(torch.backends.mkldnn, "enabled", enabled)
    threads = torch.get_num_threads()
    engine.feed([1], engine.begin())
    assert torch.backends.mkldnn.enabled == enabled
    model.fails = True
    with pytest.raises(RuntimeError):
        engine.feed([1], engine.begin())
    assert torch.backends.mkldnn.enabled == enabled
    assert torch.get_num_threads() == threads


def test_one_dnn_is_off_exactly_for_short_calls(model, engine):
    seen = []
    model.register_forward_pre_hook(lambda *_: seen.append(torch.backends.mkldnn.enabled))
    engine.feed(ids(1), engine.begin())
    engine.feed(ids(module._FEW), engine.begin())
    engine.feed(ids(module._FEW + 1), engine.begin())
    assert seen == [False, False, True]


def test_overlapping_threads_leave_one_dnn_on():
    """Two scopes that end in the order they began: each restoring what it saw would leave it off for good."""
    scope = module._Off(torch.backends.mkldnn, "enabled")
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()

    def first():
        with scope:
            first_in.set()
            second_in.wait(5)
        first_out.set()

    def second():
        first_in.wait(5)
        with scope:
            second_in.set()
            first_out.wait(5)
            seen.append(torch.backends.mkldnn.enabled)

    seen = []
    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert first_out.is_set()
    assert seen == [False]
    assert torch.backends.mkldnn.enabled


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_agrees_with_the_cpu():
    torch.manual_seed(0)
    model, sequence = Model(width=256), ids(200)
    on_cpu, _ = (engine := open_engine(model)).feed(sequence, engine.begin())
    engine = open_engine(model, device="cuda")
    at_once, _ = engine.feed(sequence, engine.begin())
    memory = engine.begin()
    for token in sequence:
        stepped, memory = engine.feed([token], memory)
    for logits_V in (at_once, stepped):
        np.testing.assert_allclose(log_softmax(logits_V), log_softmax(on_cpu), atol=1e-4)


def test_what_does_not_exist_is_refused_in_a_sentence(model):
    with pytest.raises(UsageError, match="did you mean 'torch'"):
        open_engine(model, name="troch")
    for device in ("quantum", "cuda:99"):
        with pytest.raises(UsageError, match=device):
            open_engine(model, device=device)


def test_the_table_can_be_listed_without_torch():
    import subprocess
    import sys

    code = "import sys, toolkit.engine, toolkit.generate; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
