"""Adapting: the given model is never touched, what is scored was not yet learned, same in gives same out."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from toolkit.adapt import RATE, Adapting, AdaptSettings, adapted, mean_of, measure_sensitivity
from toolkit.batches import Encoded
from toolkit.core import UsageError, knobs_of
from toolkit.evaluate import dynamic_evaluation, evaluate
from toolkit.models import ModelSettings, RecurrentLM

V = 9
ON = AdaptSettings(adapt_strength=1.0, adapt_chunk=16)
PAGE = [0, *([1, 2, 3, 4, 5, 6, 7, 8] * 12)]


@pytest.fixture(scope="module", params=["lstm", "gru, tied, two layers"])
def model(request):
    torch.manual_seed(2)
    if request.param == "lstm":
        return RecurrentLM(V, ModelSettings(width=12, embedding=6, dropout=0.5)).eval()
    return RecurrentLM(V, ModelSettings(cell="gru", width=8, embedding=8, layers=2, tie=True, norm=True)).eval()


@pytest.fixture(scope="module")
def split():
    tokens = np.random.default_rng(0).choice(V, 400, p=np.arange(1, V + 1) / 45)
    return Encoded(tokens, np.asarray([0, 90, 250]), {"note": 100.0})


def weights(model):
    return [each.detach().clone() for each in model.parameters()]


def same(one, other):
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def loss(model, tokens):
    return evaluate(model, Encoded(np.asarray(tokens), np.asarray([0]), {})).nats


def test_the_given_model_is_never_touched(model, split):
    before, flags = weights(model), [each.requires_grad for each in model.parameters()]
    made = adapted(model, PAGE, ON)
    dynamic_evaluation(model, split, ON)
    measure_sensitivity(model)
    assert same(weights(model), before)
    assert [each.requires_grad for each in model.parameters()] == flags
    assert all(each.grad is None for each in model.parameters())
    assert not any(each.training for each in [*model.modules(), *made.modules()])
    shared = {each.data_ptr() for each in model.parameters()} & {each.data_ptr() for each in made.parameters()}
    assert not shared


def test_the_page_becomes_likelier_the_more_so_the_stronger_and_oftener(model):
    losses = [loss(model, PAGE)]
    for strength, passes in ((0.5, 1), (1, 1), (2, 1), (2, 5)):
        asked = AdaptSettings(adapt_strength=strength, adapt_passes=passes, adapt_chunk=16)
        losses.append(loss(adapted(model, PAGE, asked), PAGE))
    assert all(later < earlier for earlier, later in itertools.pairwise(losses))


def test_strength_zero_is_the_identity(model, split):
    assert same(weights(adapted(model, PAGE, AdaptSettings(adapt_strength=0))), weights(model))
    found = dynamic_evaluation(model, split, AdaptSettings(adapt_strength=0, adapt_chunk=31))
    assert found.nats == pytest.approx(evaluate(model, split).nats, rel=1e-6)
    assert found.predictions == 399


def test_the_same_in_gives_the_same_out(model, split):
    assert same(weights(adapted(model, PAGE, ON)), weights(adapted(model, PAGE, ON)))
    assert dynamic_evaluation(model, split, ON).nats == dynamic_evaluation(model, split, ON).nats
    torch.manual_seed(99)  # nor does the process's own randomness matter, or change
    drawn = torch.rand(1)
    torch.manual_seed(99)
    assert same(measure_sensitivity(model), measure_sensitivity(model))
    assert torch.equal(torch.rand(1), drawn)
    assert not same(measure_sensitivity(model), measure_sensitivity(model, seed=1))


def test_the_process_may_be_in_any_gradient_mode(model, split):
    expected = dynamic_evaluation(model, split, ON).nats
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            assert dynamic_evaluation(model, split, ON).nats == expected
            made = adapted(model, PAGE, ON)
        assert same(weights(made), weights(adapted(model, PAGE, ON)))


def chunk_scores(model, tokens, chunk=16):
    learner, state, scores = Adapting(model, ON), None, []
    ids_BT = torch.tensor([list(tokens)])
    for first in range(0, len(tokens) - 1, chunk):
        piece_BT = ids_BT[:, first : first + chunk + 1]
        found, state = learner.read(piece_BT[:, :-1], piece_BT[:, 1:], state)
        scores.append(found)
    return scores


@pytest.mark.parametrize("cut", [16, 48, 100])
def test_a_score_does_not_depend_on_what_comes_after_it(model, split, cut):
    """The prefix law: it fails where a model learns from a chunk, or from its scale, before the chunk is scored."""
    one = split.tokens.copy()
    other = one.copy()
    other[cut + 1 :] = (other[cut + 1 :] + 3) % V
    scores, changed = chunk_scores(model, one), chunk_scores(model, other)
    whole = cut // 16
    assert scores[:whole] == changed[:whole]
    assert scores[whole:] != changed[whole:]
    prefix = Encoded(one[: whole * 16 + 1], np.asarray([0]), {})
    assert dynamic_evaluation(model, prefix, ON).nats == pytest.approx(sum(scores[:whole]), rel=1e-12)


def test_the_first_chunk_is_scored_as_the_model_stands(model, split):
    first = Encoded(split.tokens[:17], np.asarray([0]), {})
    assert dynamic_evaluation(model, first, ON).nats == pytest.approx(evaluate(model, first).nats, rel=1e-6)


def test_each_step_is_krauses(model):
    """One chunk, then a second, by hand in float64: a scaled step, and a pull back that is never overshot."""
    settings = AdaptSettings(adapt_strength=0.7, adapt_chunk=8, adapt_decay=0.4)
    found = measure_sensitivity(model)
    learner = Adapting(model, settings, sensitivity=found)
    reference = RecurrentLM(V, model.settings).double().eval()
    reference.load_state_dict(model.state_dict())
    before = [each.detach().clone() for each in reference.parameters()]
    mean, state, carried = mean_of(found).double(), None, None
    ids_BT = torch.tensor([PAGE[:17]])
    for first in (0, 8):
        x_BT, y_BT = ids_BT[:, first : first + 8], ids_BT[:, first + 1 : first + 9]
        score, state = learner.read(x_BT, y_BT, state)
        logits_BTV, after = reference(x_BT, carried)
        mean_loss = nn.functional.cross_entropy(logits_BTV[0], y_BT[0])
        assert score == pytest.approx(8 * mean_loss.item(), rel=1e-5)
        gradients = torch.autograd.grad(mean_loss, list(reference.parameters()))
        carried = tuple(each.detach() for each in after)
        with torch.no_grad():
            for weight, gradient, rms, start in zip(reference.parameters(), gradients, found, before, strict=True):
                stepped = weight - 0.7 * RATE * gradient / (rms.double() + mean)
                pull = (0.4 * (rms.double() + mean) / mean).clamp(max=1)
                weight.copy_(stepped + pull * (start - stepped))
    for weight, expected in zip(learner.model.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(weight.double(), expected, atol=1e-6, rtol=1e-5)


def test_undoing_between_documents_is_adapting_to_each_alone(model, split):
    """Weights begin anew with every document; the state goes on, as it does without adapting."""
    learner, state, total = Adapting(model, ON), None, 0.0
    ids_BT = torch.from_numpy(split.tokens.astype("int64"))[None]
    for first, last in itertools.pairwise([0, 90, 250, 399]):
        learner = Adapting(model, ON)
        for at in range(first, last, 16):
            piece_BT = ids_BT[:, at : min(at + 16, last) + 1]
            found, state = learner.read(piece_BT[:, :-1], piece_BT[:, 1:], state)
            total += found
    found = dynamic_evaluation(model, split, ON, by_document=True)
    assert found.nats == pytest.approx(total, rel=1e-9)
    assert found.predictions == 399
    assert found.nats != dynamic_evaluation(model, split, ON).nats


def test_what_repeats_is_learned(model):
    repeats = Encoded(np.asarray(PAGE * 6), np.asarray([0]), {"note": 1.0})
    assert dynamic_evaluation(model, repeats, ON).nats < 0.97 * evaluate(model, repeats).nats


def test_a_chunk_cut_short_teaches_its_share_and_no_more(model):
    short, long = (Adapting(model, ON) for _ in range(2))
    short.read(torch.tensor([[1]]), torch.tensor([[2]]), None)
    long.read(torch.tensor([[1] * 16]), torch.tensor([[2] * 16]), None)
    moved = [
        sum((a - b).abs().sum().item() for a, b in zip(each.model.parameters(), model.parameters(), strict=True))
        for each in (short, long)
    ]
    assert 0 < moved[0] < moved[1] / 2


def test_a_gradient_that_is_no_number_teaches_nothing(model):
    learner = Adapting(model, ON)
    before = weights(learner.model)
    state = tuple(torch.full_like(each, torch.nan) for each in model.zero_state(1))
    learner.read(torch.tensor([[1, 2]]), torch.tensor([[2, 3]]), state)
    assert same(weights(learner.model), before)


def test_a_page_has_two_tokens_at_least(model):
    with pytest.raises(UsageError, match="at least two"):
        adapted(model, [0], ON)


def test_the_knobs_are_declared():
    assert next(each.name for each in knobs_of(AdaptSettings)) == "adapt_strength"
    assert all(each.low is not None and each.high is not None and each.help for each in knobs_of(AdaptSettings))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_adapts_as_the_cpu_does(split):
    torch.manual_seed(2)
    model = RecurrentLM(V, ModelSettings(width=64, embedding=16))
    found = measure_sensitivity(model)
    on_cpu = dynamic_evaluation(model, split, ON, sensitivity=found).nats
    on_gpu = dynamic_evaluation(model.cuda(), split, ON, sensitivity=tuple(each.cuda() for each in found)).nats
    assert on_gpu == pytest.approx(on_cpu, rel=1e-4)
