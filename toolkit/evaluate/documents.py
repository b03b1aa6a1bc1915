"""The loss of documents one by one: each from an empty memory that is fed the stop first, as generation begins.

So the probability of a document is the product over its tokens, whatever stands beside it in the split. Documents are
read side by side; the pads that make them equally long are never counted. Knows models, encoded splits and ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from toolkit.batches import Encoded, Tokens
from toolkit.core import InputError, State
from toolkit.evaluate.evaluation import Evaluation, as_it_is

Nats = npt.NDArray[np.float64]
IdMap = npt.NDArray[np.int64]
"""What each id becomes, of shape (V,); -1 for an id without a counterpart. No two become one."""

_ROWS, _CHUNK = 32, 256


def evaluate_documents(model: nn.Module, encoded: Encoded, *, rows: int = _ROWS, chunk: int = _CHUNK) -> Evaluation:
    """The loss over every prediction of a split in fp32, the memory emptied before each document.

    It is no estimate: the documents differ from one another in nothing but their order.
    """
    found = document_nats(model, encoded, rows=rows, chunk=chunk)
    return Evaluation(float(sum(each.sum() for each in found)), encoded.predictions, encoded.measure)


def document_nats(
    model: nn.Module, encoded: Encoded, *, seen_as: IdMap | None = None, rows: int = _ROWS, chunk: int = _CHUNK
) -> list[Nats]:
    """The nats of every token of each document in the split's order, the stop that ends it last.

    With ``seen_as`` the model reads each id as another, and its probabilities count for the ids that have a
    counterpart, scaled so that they sum to 1; an id that has none costs infinity, and what follows it means nothing.
    InputError for an empty split. ``rows`` documents are read at once, ``chunk`` tokens at a time.
    """
    documents = documents_in(encoded)
    found: list[Nats] = [np.empty(0)] * len(documents)
    by_length = sorted(range(len(documents)), key=lambda number: len(documents[number]))
    with as_it_is(model) as read:
        for first in range(0, len(by_length), rows):
            numbers = by_length[first : first + rows]
            nats_BT = _side_by_side(read, [documents[number] for number in numbers], seen_as, chunk)
            for number, nats_T in zip(numbers, nats_BT, strict=True):
                found[number] = nats_T[: len(documents[number]) - 1]
    return found


def mixed_nats(
    model: nn.Module, encoded: Encoded, views: Sequence[IdMap], *, rows: int = _ROWS, chunk: int = _CHUNK
) -> list[Nats]:
    """As `document_nats`, of the even mixture of what the model predicts when it reads the document in several ways.

    The probability of a token is the mean of those that the ``views`` give it, each of which has read all tokens
    before it in its own way: p(x | before) = sum over k of p_k(x | before) / K. Each p_k sums to 1 over the
    document's own ids, and so does their mean. A view under which a token had no counterpart takes no part any more
    after that token, which is known from what came before. One of the views must be the ids as they are.
    """
    if not any(bool((view == np.arange(len(view))).all()) for view in views):
        raise ValueError("one of the views must leave every id as it is")
    seen = [document_nats(model, encoded, seen_as=view, rows=rows, chunk=chunk) for view in views]
    return [_mixed(np.stack(ways)) for ways in zip(*seen, strict=True)]


def _mixed(nats_KT: Nats) -> Nats:
    lost_KT = np.logical_or.accumulate(np.isinf(nats_KT), axis=1)
    reads_KT = np.ones_like(lost_KT)
    reads_KT[:, 1:] = ~lost_KT[:, :-1]
    likely_KT = np.where(reads_KT, -nats_KT, -np.inf)
    mixed_T: Nats = np.log(reads_KT.sum(axis=0)) - np.logaddexp.reduce(likely_KT, axis=0)
    return mixed_T


def documents_in(encoded: Encoded) -> list[Tokens]:
    """Each document with the stop before it and the stop after it; InputError for an empty split."""
    if encoded.predictions < 1:
        raise InputError("there is nothing to evaluate: this split of the corpus is empty.")
    edges = [*(int(each) for each in encoded.starts), encoded.predictions]
    return [encoded.tokens[first : last + 1] for first, last in pairwise(edges)]


def _side_by_side(
    read: Callable[[Tensor, State | None], tuple[Tensor, State]],
    documents: Sequence[Tokens],
    seen_as: IdMap | None,
    chunk: int,
) -> Nats:
    """The nats of all tokens but the first, a row for each document; pads count as nothing."""
    longest = max(map(len, documents))
    ids_BT = np.full((len(documents), longest), -1, np.int64)
    for row, document in enumerate(documents):
        ids_BT[row, : len(document)] = document
    pads_BT = torch.from_numpy(ids_BT[:, 1:] < 0)
    if seen_as is not None:
        ids_BT = np.where(ids_BT < 0, -1, seen_as[ids_BT])
    seen_BT = torch.from_numpy(ids_BT)
    counterparts = None if seen_as is None or (seen_as >= 0).all() else torch.from_numpy(seen_as[seen_as >= 0])
    state, parts = None, []
    for first in range(0, longest - 1, chunk):
        x_BT, y_BT = seen_BT[:, first : first + chunk], seen_BT[:, first + 1 : first + chunk + 1]
        x_BT = x_BT[:, : y_BT.shape[1]]
        logits_BTV, state = read(x_BT.clamp(min=0), state)
        parts.append(_nats(logits_BTV, y_BT.to(logits_BTV.device), counterparts).cpu())
    nats_BT = torch.cat(parts, dim=1).masked_fill(pads_BT, 0)
    summed: Nats = nats_BT.numpy()
    return summed


def _nats(logits_BTV: Tensor, y_BT: Tensor, counterparts: Tensor | None) -> Tensor:
    """The nats of ids among the ``counterparts`` (all ids without them) in float64; infinity for -1."""
    logits_BTV = logits_BTV.double()
    among_BTV = logits_BTV if counterparts is None else logits_BTV[..., counterparts.to(logits_BTV.device)]
    chosen_BT = logits_BTV.gather(-1, y_BT.clamp(min=0)[..., None])[..., 0]
    return (among_BTV.logsumexp(-1) - chosen_BT).masked_fill(y_BT < 0, torch.inf)
