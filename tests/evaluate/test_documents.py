"""Documents are measured one by one from an empty memory, and mixtures of views are distributions."""

from __future__ import annotations

import dataclasses
import itertools
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from toolkit.batches import Encoded
from toolkit.core import InputError
from toolkit.domains.polyphony.rolls import FOLDER, ROLLS
from toolkit.domains.polyphony.steps import StepsCodec
from toolkit.evaluate import Reading, document_nats, evaluate, evaluate_documents, mixed_nats, step_loss
from toolkit.evaluate.published import BENCHMARKS, ROWS, rows_of
from toolkit.models import ModelSettings, RecurrentLM

TINY = StepsCodec(grid=1, lowest=60, highest=63, low=60, high=63)
STOP = TINY.stop


@pytest.fixture(scope="module", params=["lstm", "gru"])
def model(request):
    torch.manual_seed(3)
    model = RecurrentLM(TINY.size, ModelSettings(cell=request.param, width=10, embedding=5, layers=2))
    with torch.no_grad():
        for each in model.parameters():
            each.mul_(3)  # so that what was read matters
    return model.eval()


def split_of(documents):
    tokens, starts = [], []
    for document in documents:
        starts.append(len(tokens))
        tokens += [STOP, *document]
    return Encoded(np.asarray([*tokens, STOP], "<u2"), np.asarray(starts), {"step": 10.0})


def predictions(model, history):
    """p(x | history), the stop fed first to an empty memory, one token after another."""
    state = None
    with torch.no_grad():
        for token in [STOP, *history]:
            logits, state = model(torch.tensor([[token]]), state)
    return logits[0, 0].double().softmax(-1).numpy()


def by_hand(model, document):
    whole = [*document, STOP]
    return [-np.log(predictions(model, whole[:place])[token]) for place, token in enumerate(whole)]


RNG = np.random.default_rng(0)
DOCUMENTS = [RNG.integers(0, 5, length).tolist() for length in (7, 1, 30, 12, 0, 29)]


@pytest.mark.parametrize(("rows", "chunk"), [(1, 100), (2, 5), (6, 1), (4, 30), (32, 7)])
def test_every_token_of_every_document_costs_what_it_does_alone(model, rows, chunk):
    found = document_nats(model, split_of(DOCUMENTS), Reading(rows, chunk))
    for nats, document in zip(found, DOCUMENTS, strict=True):
        assert nats == pytest.approx(by_hand(model, document), rel=1e-5, abs=1e-6)


def test_the_evaluation_is_their_sum_and_differs_from_the_one_that_carries_on(model):
    encoded = split_of(DOCUMENTS)
    score = evaluate_documents(model, encoded)
    assert score.nats == pytest.approx(sum(sum(by_hand(model, each)) for each in DOCUMENTS), rel=1e-6)
    assert score.predictions == encoded.predictions == sum(len(each) + 1 for each in DOCUMENTS)
    assert score.measure == encoded.measure
    assert abs(score.nats - evaluate(model, encoded).nats) > 0.01
    alone = split_of(DOCUMENTS[2:3])
    assert evaluate_documents(model, alone).nats == pytest.approx(evaluate(model, alone).nats, rel=1e-6)


def test_what_is_settled_costs_nothing_and_is_read_all_the_same(model):
    def settled(ids):
        return np.asarray(ids) == 2

    encoded = dataclasses.replace(split_of(DOCUMENTS), settled=settled)
    wanted = [
        [0 if token == 2 else nats for token, nats in zip([*document, STOP], by_hand(model, document), strict=True)]
        for document in DOCUMENTS
    ]
    for found, nats in zip(document_nats(model, encoded, Reading(2, 5)), wanted, strict=True):
        assert found == pytest.approx(nats, rel=1e-5, abs=1e-6)
    assert evaluate_documents(model, encoded).nats == pytest.approx(sum(map(sum, wanted)), rel=1e-6)
    alone = dataclasses.replace(split_of(DOCUMENTS[2:3]), settled=settled)
    for rows, chunk in ((1, 7), (1, 500)):
        score = evaluate(model, alone, rows=rows, chunk=chunk)
        assert score.nats == pytest.approx(sum(wanted[2]), rel=1e-6)
        assert score.predictions == alone.predictions
    assert sum(wanted[2]) < 0.95 * sum(by_hand(model, DOCUMENTS[2]))


def test_the_order_of_documents_changes_nothing(model):
    there, back = (document_nats(model, split_of(each)) for each in (DOCUMENTS, DOCUMENTS[::-1]))
    for one, other in zip(there, back[::-1], strict=True):
        assert one == pytest.approx(other, rel=1e-6)


def test_nothing_to_evaluate_is_said(model):
    with pytest.raises(InputError, match="nothing to evaluate"):
        document_nats(model, Encoded(np.asarray([], int), np.asarray([], int), {}))


HISTORIES = [[], [0], [3], [3, 2, 4], [1, 4, 2], [3, 0, 4, 4, 1], [2, 1, 0]]
SHIFTS = [(0, 1), (0, 1, -1), (0, 2, -2, 3, -3), (0, 9)]


@pytest.mark.parametrize("shifts", SHIFTS)
@pytest.mark.parametrize("history", HISTORIES)
def test_a_mixture_over_transpositions_sums_to_one_after_any_history(model, history, shifts):
    """Pitches at both edges fall off the range of some transposition, before and at the token predicted."""
    views = [TINY.transposition(each) for each in shifts]
    extended = [[*history, token] for token in range(TINY.size)]
    found = mixed_nats(model, split_of(extended), views)
    chances = np.exp([-nats[len(history)] for nats in found])
    assert chances.sum() == pytest.approx(1, abs=1e-6)
    assert (chances > 0).all()
    assert chances == pytest.approx(mixture_by_hand(model, history, views), rel=1e-4)


def mixture_by_hand(model, history, views):
    parts = []
    for view in views:
        seen = [int(view[token]) for token in history]
        if -1 in seen:
            continue
        chances = np.array([0.0 if other < 0 else predictions(model, seen)[other] for other in view])
        parts.append(chances / chances.sum())
    return np.mean(parts, axis=0)


def test_whole_pieces_under_a_mixture_are_a_distribution(model):
    """The chances of all sequences of three tokens, as products along each, sum to 1."""
    views = [TINY.transposition(each) for each in (0, 1, -1)]
    every = [list(each) for each in itertools.product(range(TINY.size), repeat=3)]
    found = mixed_nats(model, split_of(every), views, Reading(rows=216))
    assert sum(np.exp(-nats[:3].sum()) for nats in found) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("shifts", [(0,), (0, 1, -1), (0, 9)])
@pytest.mark.parametrize("history", [[], [3], [3, 2, 4], [1, 4, 0], [3, 4, 4]])
def test_within_a_grammar_what_is_allowed_sums_to_one(model, history, shifts):
    views = [TINY.transposition(each) for each in shifts]
    grammar = TINY.grammar()
    state = grammar.begin()
    for token in history:
        state = grammar.step(state, token)
    allowed = np.flatnonzero(grammar.allowed(state)).tolist()
    endings = {token: [token, *([] if token == STOP else [4, 2, 4] if token == 4 else [4])] for token in allowed}
    documents = [[*history, *ending] for ending in endings.values()]
    documents = [each[:-1] if each[-1] == STOP else each for each in documents]
    for reading in (Reading(grammar=grammar), Reading(rows=1, chunk=2, grammar=grammar)):
        found = mixed_nats(model, split_of(documents), views, reading)
        chances = np.exp([-nats[len(history)] for nats in found])
        assert chances.sum() == pytest.approx(1, abs=1e-5)
        if shifts == (0,):
            whole = predictions(model, history)
            assert chances == pytest.approx(whole[allowed] / whole[allowed].sum(), rel=1e-4)


def test_what_breaks_the_grammar_is_refused(model):
    with pytest.raises(InputError, match="breaks the grammar"):
        document_nats(model, split_of([[2, 4], [1, 2, 4]]), Reading(grammar=TINY.grammar()))


def test_one_view_is_no_mixture_and_the_ids_themselves_must_be_one(model):
    encoded = split_of(DOCUMENTS)
    for one, other in zip(
        mixed_nats(model, encoded, [TINY.transposition(0)] * 2), document_nats(model, encoded), strict=True
    ):
        assert one == pytest.approx(other, rel=1e-9)
    with pytest.raises(ValueError, match="as it is"):
        mixed_nats(model, encoded, [TINY.transposition(1)])


def test_losses_per_step_count_what_they_say():
    pieces = [np.array([2, 1, 4, 0, 4, 5]), np.array([4, 3, 4, 2, 4, 5])]
    nats = [np.array([1.0, 2.0, 3.0, 4.0, 5.0, 60.0]), np.array([10.0, 20.0, 30.0, 40.0, 50.0, 600.0])]
    loss = step_loss(pieces, nats, end_of_step=4)
    assert (loss.pieces, loss.steps) == (2, 5)
    assert loss.nats_per_step == pytest.approx((15 + 150) / 5)
    assert loss.nats_per_step_with_stop == pytest.approx((75 + 750) / 5)
    assert loss.nats_per_step_after_first == pytest.approx((9 + 140) / 3)
    assert loss.nats_per_step_by_piece == pytest.approx((15 / 2 + 150 / 3) / 2)
    with pytest.raises(InputError, match="more than one step"):
        step_loss([np.array([1, 4, 5])], [np.array([1.0, 1.0, 1.0])], end_of_step=4)


def test_published_rows_are_in_order_and_name_their_source():
    assert all(row.source and row.known and row.figures.keys() <= set(BENCHMARKS) for row in ROWS)
    assert len({(row.model, row.source) for row in ROWS}) == len(ROWS)
    for name in BENCHMARKS:
        figures = [row.figures[name] for row in rows_of(name)]
        assert figures == sorted(figures)
        assert len(figures) >= 8
    assert rows_of("jsb")[0].model == "RNN-NADE, Hessian-free"
    assert "Hessian" not in rows_of("jsb")[-1].model


def share(ones, of):
    return (ones + 0.5) / (of + 1)


@pytest.mark.parametrize(
    "name", ["jsb", *(pytest.param(each, marks=pytest.mark.slow) for each in ("nottingham", "musedata", "piano-midi"))]
)
def test_the_rows_that_are_our_own_count_are_what_counting_gives(name):
    """Each key a coin of its own: by its share of the training steps, and by its share after each of its two states."""
    loadmat = pytest.importorskip("scipy.io").loadmat
    folder = os.environ.get(FOLDER) or Path(__file__).parents[3] / "shared" / "data" / "polyphonic"
    path = Path(folder) / ROLLS[name].file
    if not path.is_file():
        pytest.skip(f"{path.name} is not here")
    content = loadmat(path)
    learnt, tested = ([roll.astype(int) for roll in content[key][0]] for key in ("traindata", "testdata"))
    before = [[np.vstack([np.zeros((1, 88), int), roll[:-1]]) for roll in rolls] for rolls in (learnt, tested)]
    learnt, tested, learnt_before, tested_before = map(np.concatenate, (learnt, tested, *before))
    alone = share(learnt.sum(0), len(learnt))
    after = [share((learnt * (learnt_before == on)).sum(0), (learnt_before == on).sum(0)) for on in (0, 1)]
    for chances, model in ((alone, "its share of steps"), (np.where(tested_before, after[1], after[0]), "step before")):
        nats = -np.where(tested, np.log(chances), np.log1p(-chances)).sum(1).mean()
        (row,) = [row for row in ROWS if model in row.model]
        assert row.figures[name] == pytest.approx(nats, abs=0.006)
