"""The loss of documents one by one: each from an empty memory that is fed the stop first, as generation begins.

So the probability of a document is the product over its tokens, whatever stands beside it in the split. Documents are
read side by side; the pads that make them equally long are never counted. Knows models, encoded splits and ids.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from toolkit.batches import Encoded, Tokens, targets
from toolkit.core import UNSCORED, BoolArray, Constraint, InputError, State
from toolkit.evaluate.evaluation import Evaluation, as_it_is

Nats = npt.NDArray[np.float64]
IdMap = npt.NDArray[np.int64]
"""What each id becomes, of shape (V,); -1 for an id without a counterpart. No two become one."""


@dataclass(frozen=True)
class Reading:
    """How documents are read: ``rows`` at once, ``chunk`` tokens at a time.

    With a ``grammar`` only the ids that it allows share the probability after each token, as they do in generation.
    """

    rows: int = 32
    chunk: int = 256
    grammar: Constraint[Any] | None = None


PLAIN = Reading()


def evaluate_documents(model: nn.Module, encoded: Encoded, reading: Reading = PLAIN) -> Evaluation:
    """The loss over every prediction of a split in fp32, the memory emptied before each document.

    It is no estimate: the documents differ from one another in nothing but their order.
    """
    found = document_nats(model, encoded, reading)
    return Evaluation(float(sum(each.sum() for each in found)), encoded.predictions, encoded.measure)


def document_nats(
    model: nn.Module, encoded: Encoded, reading: Reading = PLAIN, *, seen_as: IdMap | None = None
) -> list[Nats]:
    """The nats of every token of each document in the split's order, the stop that ends it last; 0 for settled ones.

    With ``seen_as`` the model reads each id as another, and its probabilities count for the ids that have a
    counterpart, scaled so that they sum to 1; an id that has none costs infinity, and what follows it means nothing.
    InputError for an empty split, and for a document that breaks the grammar.
    """
    documents = documents_in(encoded)
    found: list[Nats] = [np.empty(0)] * len(documents)
    by_length = sorted(range(len(documents)), key=lambda number: len(documents[number]))
    with as_it_is(model) as read:
        for first in range(0, len(by_length), reading.rows):
            numbers = by_length[first : first + reading.rows]
            here = [documents[number] for number in numbers]
            nats_BT = _side_by_side(read, here, [targets(each, encoded.settled) for each in here], seen_as, reading)
            for number, nats_T in zip(numbers, nats_BT, strict=True):
                found[number] = nats_T[: len(documents[number]) - 1]
    return found


def mixed_nats(model: nn.Module, encoded: Encoded, views: Sequence[IdMap], reading: Reading = PLAIN) -> list[Nats]:
    """As `document_nats`, of the even mixture of what the model predicts when it reads the document in several ways.

    The probability of a token is the mean of those that the ``views`` give it, each of which has read all tokens
    before it in its own way: p(x | before) = sum over k of p_k(x | before) / K. Each p_k sums to 1 over the
    document's own ids, and so does their mean. A view under which a token had no counterpart takes no part any more
    after that token, which is known from what came before. One of the views must be the ids as they are.
    """
    if not any(bool((view == np.arange(len(view))).all()) for view in views):
        raise ValueError("one of the views must leave every id as it is")
    seen = [document_nats(model, encoded, reading, seen_as=view) for view in views]
    return [_mixed(np.stack(ways)) for ways in zip(*seen, strict=True)]


def documents_in(encoded: Encoded) -> list[Tokens]:
    """Each document with the stop before it and the stop after it; InputError for an empty split."""
    if encoded.predictions < 1:
        raise InputError("there is nothing to evaluate: this split of the corpus is empty.")
    edges = [*(int(each) for each in encoded.starts), encoded.predictions]
    return [encoded.tokens[first : last + 1] for first, last in pairwise(edges)]


def _mixed(nats_KT: Nats) -> Nats:
    lost_KT = np.logical_or.accumulate(np.isinf(nats_KT), axis=1)
    reads_KT = np.ones_like(lost_KT)
    reads_KT[:, 1:] = ~lost_KT[:, :-1]
    likely_KT = np.where(reads_KT, -nats_KT, -np.inf)
    mixed_T: Nats = np.log(reads_KT.sum(axis=0)) - np.logaddexp.reduce(likely_KT, axis=0)
    return mixed_T


def _side_by_side(
    read: Callable[[Tensor, State | None], tuple[Tensor, State]],
    documents: Sequence[Tokens],
    targeted: Sequence[Tokens],
    seen_as: IdMap | None,
    reading: Reading,
) -> Nats:
    """The nats of all targets but the first, a row for each document; pads cost nothing."""
    longest = max(map(len, documents))
    ids_BT, targets_BT = (np.full((len(documents), longest), UNSCORED, np.int64) for _ in range(2))
    for row, (document, targets_T) in enumerate(zip(documents, targeted, strict=True)):
        ids_BT[row, : len(document)] = document
        targets_BT[row, : len(document)] = targets_T
    y_BT = torch.from_numpy(targets_BT[:, 1:])
    seen_BT = torch.from_numpy(ids_BT if seen_as is None else np.where(ids_BT < 0, -1, seen_as[ids_BT]))
    state, parts = None, []
    walks = None if reading.grammar is None else [_Walk(reading.grammar, document) for document in documents]
    for first in range(0, longest - 1, reading.chunk):
        last = min(first + reading.chunk, longest - 1)
        logits_BTV, state = read(seen_BT[:, first:last].clamp(min=0), state)
        if seen_as is not None:
            logits_BTV = _as_seen(logits_BTV, seen_as)
        if walks is not None:
            allowed_BTV = np.stack([walk.allowed(last - first, logits_BTV.shape[-1]) for walk in walks])
            logits_BTV = logits_BTV.masked_fill(~torch.from_numpy(allowed_BTV).to(logits_BTV.device), -torch.inf)
        parts.append(_nats(logits_BTV, y_BT[:, first:last].to(logits_BTV.device)).cpu())
    nats_BT: Nats = torch.cat(parts, dim=1).double().numpy()
    return nats_BT


def _as_seen(logits_BTV: Tensor, seen_as: IdMap) -> Tensor:
    """For each id the logit of what it was read as; minus infinity for one without a counterpart."""
    map_V = torch.from_numpy(seen_as).to(logits_BTV.device)
    return logits_BTV[..., map_V.clamp(min=0)].masked_fill(map_V < 0, -torch.inf)


def _nats(logits_BTV: Tensor, y_BT: Tensor) -> Tensor:
    """The nats of ids in fp32; 0 for what is `UNSCORED`."""
    logits_BTV = logits_BTV.float()
    chosen_BT = logits_BTV.gather(-1, y_BT.clamp(min=0)[..., None])[..., 0]
    return (logits_BTV.logsumexp(-1) - chosen_BT).masked_fill(y_BT < 0, 0)


class _Walk:
    """A document's way through a grammar, a stretch at a time: what was allowed where each of its tokens stands."""

    def __init__(self, grammar: Constraint[Any], document: Tokens) -> None:
        self._grammar, self._left = grammar, iter(document[1:].tolist())
        self._state = grammar.begin()

    def allowed(self, count: int, vocabulary: int) -> BoolArray:
        """Masks of shape (count, V) for the next tokens; everything where the document is over."""
        masks_TV = np.ones((count, vocabulary), np.bool_)
        for mask_V, token in zip(masks_TV, self._left, strict=False):
            allowed_V = self._grammar.allowed(self._state)
            if allowed_V is not None:
                if not allowed_V[token]:
                    raise InputError(f"token {token} breaks the grammar of the codec where it stands.")
                mask_V[:] = allowed_V
            self._state = self._grammar.step(self._state, token)
        return masks_TV
