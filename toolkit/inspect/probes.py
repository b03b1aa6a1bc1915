"""What can be read off a model's hidden state with nothing but a linear rule, against counting n-grams of the same ids.

Alain and Bengio, "Understanding intermediate layers using linear classifier probes" (1610.01644). The state of an item
is the mean over its tokens beside the last one. A probe is multinomial logistic regression; its penalty is chosen on a
validation part and its accuracy told on a part seen once. Two nulls: states of a network that has learned nothing, and
labels dealt out anew (Hewitt and Liang 2019). Knows arrays, ids and labels. Shapes: N items, D features, K labels.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy, one_hot

from toolkit.core import InputError, Watch, unwatched
from toolkit.inspect.tracing import Floats, Ids, hidden_states
from toolkit.models import RecurrentLM

PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1)
_LONGEST = 512  # tokens of an item that are looked at
_GRAMS, _ORDER = 4000, 3
_FEWEST = 10  # items of a label


@dataclass(frozen=True)
class Probe:
    """Shares of held-out items whose label was told right; ``error`` is the standard error of the first.

    ``majority`` always says the most frequent label, ``ngrams`` is the same probe over counts of ids, pairs and
    triples, ``untrained`` over states of a random network, ``shuffled`` over the model's states with labels dealt
    out anew.
    """

    labels: tuple[str, ...]
    items: int
    held_out: int
    accuracy: float
    error: float
    ngrams: float
    untrained: float
    shuffled: float
    majority: float
    confusion_KK: npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Parts:
    """Which items train, choose the penalty, and are told about."""

    train: npt.NDArray[np.int64]
    choose: npt.NDArray[np.int64]
    tell: npt.NDArray[np.int64]


def probe(
    model: RecurrentLM,
    untrained: RecurrentLM,
    items: Sequence[Ids],
    labels: Sequence[str],
    rng: np.random.Generator,
    *,
    watch: Watch = unwatched,
) -> Probe:
    """The probe of ``labels`` from the states of ``items`` (ids of each, as the model reads them).

    Labels of fewer than ten items are left out; InputError where fewer than two remain.
    """
    counted = Counter(labels)
    names = tuple(sorted(name for name, count in counted.items() if count >= _FEWEST))
    if len(names) < 2:
        raise InputError(f"a probe needs two labels with {_FEWEST} items each; there are {len(names)}.")
    kept = [place for place, label in enumerate(labels) if label in names]
    chosen = [items[place][:_LONGEST] for place in kept]
    y = np.array([names.index(labels[place]) for place in kept])
    parts = _parts(y, rng)
    states = _states(model, chosen, watch)
    ours, confusion = _told(states, y, parts, len(names), watch)
    by_grams, _ = _told(_gram_counts(chosen, parts.train), y, parts, len(names), watch)
    by_untrained, _ = _told(_states(untrained, chosen, watch), y, parts, len(names), watch)
    shuffled, _ = _told(states, rng.permutation(y), parts, len(names), watch)
    usual = np.bincount(y[parts.train]).argmax()
    return Probe(
        names,
        len(y),
        len(parts.tell),
        ours,
        _standard_error(ours, len(parts.tell)),
        by_grams,
        by_untrained,
        shuffled,
        float((y[parts.tell] == usual).mean()),
        confusion,
    )


def _standard_error(share: float, count: int) -> float:
    """Of a share of ``count``, with one success and one failure added so that it is not 0 where all are alike."""
    nearly = (share * count + 1) / (count + 2)
    return math.sqrt(nearly * (1 - nearly) / (count + 2))


def _parts(y: npt.NDArray[np.int64], rng: np.random.Generator) -> _Parts:
    """Three fifths, one and one of every label."""
    train, choose, tell = [], [], []
    for label in np.unique(y):
        places = rng.permutation(np.flatnonzero(y == label))
        fifth = max(1, len(places) // 5)
        tell.append(places[:fifth])
        choose.append(places[fifth : 2 * fifth])
        train.append(places[2 * fifth :])
    return _Parts(*(np.sort(np.concatenate(each)) for each in (train, choose, tell)))


def _states(model: RecurrentLM, items: Sequence[Ids], watch: Watch) -> Floats:
    """(N, 2H): every item's mean hidden state, and its last one."""
    found = np.zeros((len(items), 2 * model.settings.width), np.float32)
    # Items of about one length are read side by side; what stands behind a shorter one is read after it, and not seen.
    order = sorted(range(len(items)), key=lambda place: len(items[place]))
    for first in range(0, len(order), 64):
        watch()
        places = order[first : first + 64]
        longest = len(items[places[-1]])
        ids_BT = np.stack([np.pad(items[place], (0, longest - len(items[place]))) for place in places])
        for place, h_TH in zip(places, hidden_states(model, ids_BT), strict=True):
            own = h_TH[: len(items[place])]
            found[place] = np.concatenate([own.mean(0), own[-1]])
    return found


def _gram_counts(items: Sequence[Ids], train: npt.NDArray[np.int64]) -> Floats:
    """(N, D): log(1 + how often) each of the most frequent id n-grams of the training items occurs."""
    counts = [_grams(item) for item in items]
    total: Counter[tuple[int, ...]] = Counter()
    for place in train:
        total.update(counts[place].keys())
    columns = {gram: column for column, (gram, _) in enumerate(total.most_common(_GRAMS))}
    found = np.zeros((len(items), len(columns)), np.float32)
    for row, each in enumerate(counts):
        for gram, count in each.items():
            if gram in columns:
                found[row, columns[gram]] = np.log1p(count)
    return found


def _grams(item: Ids) -> Counter[tuple[int, ...]]:
    ids = [int(each) for each in item]
    return Counter(
        tuple(ids[first : first + order]) for order in range(1, _ORDER + 1) for first in range(len(ids) - order + 1)
    )


def _told(
    x_ND: Floats, y_N: npt.NDArray[np.int64], parts: _Parts, labels: int, watch: Watch
) -> tuple[float, npt.NDArray[np.int64]]:
    """The accuracy on the last part, with the penalty that did best on the middle one, and who was taken for whom."""
    mean, spread = x_ND[parts.train].mean(0), x_ND[parts.train].std(0) + 1e-6
    x = torch.from_numpy((x_ND - mean) / spread)
    y = torch.from_numpy(y_N)
    train, choose, tell = (torch.from_numpy(each) for each in (parts.train, parts.choose, parts.tell))
    rules = [_fitted(x[train], y[train], labels, penalty, watch) for penalty in PENALTIES]
    right = [float((_says(rule, x[choose]) == y[choose]).float().mean()) for rule in rules]
    said = _says(rules[int(np.argmax(right))], x[tell])
    confusion = one_hot(y[tell], labels).T @ one_hot(said, labels)
    return float((said == y[tell]).float().mean()), confusion.numpy()


@torch.inference_mode(False)
def _fitted(
    x_ND: torch.Tensor, y_N: torch.Tensor, labels: int, penalty: float, watch: Watch
) -> tuple[torch.Tensor, torch.Tensor]:
    weight = torch.zeros(x_ND.shape[1], labels, requires_grad=True)
    bias = torch.zeros(labels, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        watch()
        optimiser.zero_grad()
        value = cross_entropy(x_ND @ weight + bias, y_N) + penalty * weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    return weight.detach(), bias.detach()


def _says(rule: tuple[torch.Tensor, torch.Tensor], x_ND: torch.Tensor) -> torch.Tensor:
    return (x_ND @ rule[0] + rule[1]).argmax(-1)
