"""What a plan leaves open, chosen from what the machine can do and how much there is to learn.

Nothing here knows a corpus by its name: only how many tokens it has, and how often they will be read. The rules were
fitted to networks trained on six corpora (docs/log.md, 2026-11-27).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from toolkit.batches import Batch
from toolkit.models import ModelSettings, RecurrentLM, parameters
from toolkit.train import Group, Training, TrainSettings, optimiser_for, train

MEASURED = 2.0
"""Seconds of a run, at most, that measuring the machine may take."""

_SHARE = 0.01  # of a budget that measuring may take
_WARMING = 2  # steps that do not count: PyTorch chooses its kernels in them
_FEWEST = 2  # steps to count at least, however slow they are
_DROPOUT_PER_DOUBLING = 0.055  # of how often a token is read
_DROPOUT_PER_PARAMETERS = 0.07  # for every doubling of the parameters a token has, above so many:
_FREE_PARAMETERS = 4
_MOST_DROPOUT = 0.5
_WIDTHS = ((5e5, 256), (1.5e6, 384), (40e6, 512), (math.inf, 768))
"""Tokens that the middle width would read in the run, up to which a width is best."""
_MIDDLE = 512
_FEW, _NARROW = 100_000, 256
"""Up to so many tokens a corpus has no use for a wider network."""
_ENOUGH_EPOCHS, _ENOUGH_TOKENS = 20, 25_000
"""So often a corpus of so many tokens may be read before it is known by heart; a longer one by the square root more."""


@dataclass(frozen=True)
class Chosen:
    """The model and the budget of a run, the sentences that say why, and the ``seconds`` that choosing took."""

    model: ModelSettings
    budget: dict[str, float]
    notes: list[str]
    seconds: float


def choose(
    model: ModelSettings,
    training: TrainSettings,
    *,
    tokens: int,
    vocabulary: int,
    minutes: float | None,
    steps: int | None,
    device: str,
    fixed: Collection[str],
    narrowed: float = 1.0,
    group: Group,
) -> Chosen:
    """``model`` with the width and the dropout that suit a corpus of ``tokens``, except what is ``fixed``.

    ``narrowed`` is the width of such a model as a share of an LSTM's.

    With a number of ``steps`` only dropout is chosen, and all steps are made. Of ``minutes`` as many are used as the
    corpus can stand: the budget then holds the most ``steps`` too.
    """
    began = time.monotonic()
    notes, speed = [], None
    read = float((steps or 0) * training.batch * training.chunk)
    budget = {"steps": float(steps or 0)}
    if "width" not in fixed and minutes is None:
        model = dataclasses.replace(model, width=int(narrowed * model.width))
    if minutes is not None:
        seconds = min(MEASURED, 60 * minutes * _SHARE) / 2

        def measured(width: int) -> float:
            asked = dataclasses.replace(model, width=width)
            return group.told(tokens_per_second(asked, vocabulary, training, device, seconds))[0]

        if "width" not in fixed:
            width = width_for(tokens, 60 * minutes * measured(int(narrowed * _MIDDLE)))
            model = dataclasses.replace(model, width=int(narrowed * width))
        speed = measured(model.width)
        read = 60 * minutes * speed
        budget = {"minutes": minutes}
        most = most_epochs(tokens) * tokens
        if read > most:
            notes.append(
                f"Ends after {most_epochs(tokens):.0f} epochs, well before the time is up: {tokens:,} tokens read more "
                f"often are only learned by heart (--steps asks for more)."
            )
            read = most
            budget["steps"] = math.ceil(most / (training.batch * training.chunk))
    epochs = read / max(tokens, 1)
    if "dropout" not in fixed:
        size = parameters(RecurrentLM(vocabulary, model))
        model = dataclasses.replace(model, dropout=dropout_for(epochs, size / max(tokens, 1)))
    fast = "" if speed is None else f"{speed:,.0f} tokens a second here, "
    free = {"width": minutes is not None, "dropout": True}
    names = [name for name, chosen in free.items() if chosen and name not in fixed]
    if names:
        said = " and ".join(f"{name} {getattr(model, name):g}" for name in names)
        others = " and ".join(f"--set model.{name}=…" for name in names)
        notes.insert(0, f"Chosen: {said}, for {fast}{epochs:.1f} epochs ({others} overrides).")
    return Chosen(model, budget, notes, time.monotonic() - began)


def width_for(tokens: int, read: float) -> int:
    """The width for a corpus of ``tokens``, on a machine that could ``read`` so many with the middle one."""
    best = next(width for most, width in _WIDTHS if read <= most)
    return min(best, _NARROW) if tokens <= _FEW else best


def dropout_for(epochs: float, parameters_per_token: float = 0.0) -> float:
    """The dropout for a network that reads every token so many times: what is seen often is learned by heart.

    One layer of 512 on a million characters wants 0 to 0.1 in 3 epochs, 0.1 to 0.25 in 10, 0.25 in 20 to 27; a network
    with twenty parameters for every token wants 0.2 more.
    """
    often = _DROPOUT_PER_DOUBLING * math.log2(1 + epochs)
    roomy = _DROPOUT_PER_PARAMETERS * math.log2(max(1.0, parameters_per_token / _FREE_PARAMETERS))
    return round(min(_MOST_DROPOUT, often + roomy), 2)


def most_epochs(tokens: int) -> float:
    """How often a corpus of ``tokens`` may be read before more of it makes a network worse."""
    return _ENOUGH_EPOCHS * math.sqrt(max(tokens, 1) / _ENOUGH_TOKENS)


def tokens_per_second(
    model: ModelSettings, vocabulary: int, training: TrainSettings, device: str, seconds: float
) -> float:
    """How fast this machine trains such a model, from about ``seconds`` of real steps on made-up ids."""
    rng = np.random.default_rng(0)
    ids_BT = rng.integers(0, vocabulary, (training.batch, training.chunk + 1))
    batch = Batch(ids_BT[:, :-1], ids_BT[:, 1:], np.zeros(training.batch, np.bool_))
    network = RecurrentLM(vocabulary, model).to(device)
    begun = Training(network, optimiser_for(network, training))
    took: list[float] = []
    before = time.perf_counter()
    for progress in train(begun, lambda _: batch, training, lambda _: 0.0, seed=0):
        now = time.perf_counter()
        if progress.step > _WARMING:
            took.append(now - before)
        before = now
        if len(took) >= _FEWEST and sum(took) >= seconds:
            break
    return training.batch * training.chunk / float(np.median(took))
