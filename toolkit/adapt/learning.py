"""Adapting a trained model to what it reads: a page, a tune, or held-out text that it has just been scored on.

Dynamic evaluation (Krause, Kahembwe, Murray and Renals, "Dynamic Evaluation of Neural Sequence Models",
1709.07432): a gradient step after every chunk, scaled weight by weight, and a pull back to the weights as they were.
The given model is never written into: what has been adapted is a copy, and undoing is keeping the old one.
Knows models and ids; nothing of codecs, checkpoints or reports.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from toolkit.adapt.settings import AdaptSettings
from toolkit.core import State, UsageError, Watch, unwatched
from toolkit.models import nats

RATE = 2e-3
"""The step at strength 1, of a weight as sensitive as the mean of all; chosen by benchmarks/adapting.py."""

_ROWS, _LEAD, _CHUNK = 64, 64, 32
"""How many chunks a model writes for its sensitivity to be measured, after how many tokens, and of how many."""


Sensitivity = tuple[Tensor, ...]
"""For each of a model's parameters, in their order: the root mean square of every weight's gradient."""


@torch.inference_mode(False)
def adapted(
    model: nn.Module,
    tokens: Sequence[int],
    settings: AdaptSettings,
    *,
    targets: Sequence[int] | None = None,
    sensitivity: Sensitivity | None = None,
    watch: Watch = unwatched,
) -> nn.Module:
    """A new model, taken after ``tokens`` (a page, a tune; its opening stop included), in evaluation mode.

    ``model`` is left as it is. The same arguments give the same weights; strength 0 gives those of ``model``.
    ``targets`` are the tokens again, with `toolkit.core.UNSCORED` where there is nothing to learn. ``sensitivity``
    saves measuring it again where several pages are read; ``watch`` is called after every chunk. UsageError for fewer
    than two tokens.
    """
    if len(tokens) < 2:
        raise UsageError("a model adapts to at least two tokens.")
    learner = Adapting(model, settings, sensitivity=sensitivity)
    ids_BT, targets_BT = torch.tensor([list(tokens)]), torch.tensor([list(tokens if targets is None else targets)])
    for _ in range(settings.adapt_passes):
        state = None
        for first in range(0, ids_BT.shape[1] - 1, settings.adapt_chunk):
            here = slice(first, first + settings.adapt_chunk)
            _, state = learner.read(ids_BT[:, :-1][:, here], targets_BT[:, 1:][:, here], state)
            watch()
    return learner.model.eval()


class Adapting:
    """A private copy of a model that is scored on what it reads, and then learns from it."""

    def __init__(
        self, model: nn.Module, settings: AdaptSettings, *, sensitivity: Sensitivity | None = None, seed: int = 0
    ) -> None:
        self.model, self.settings = private_copy(model), settings
        self._weights = list(self.model.parameters())
        self._before = [each.detach().clone() for each in self._weights]
        self.device = self._weights[0].device
        self._steps: list[Tensor] = []
        if settings.adapt_strength:
            found = sensitivity or measure_sensitivity(model, seed=seed)
            mean = mean_of(found)
            self._steps = [settings.adapt_strength * RATE / (each + mean) for each in found]
            # Krause's decay pulls the sensitive weights back harder (his equation 7), and never past where they were.
            self._pulls = [(settings.adapt_decay * (each + mean) / mean).clamp(max=1) for each in found]

    def read(self, x_BT: Tensor, y_BT: Tensor, state: State | None) -> tuple[float, State]:
        """(nats of ``y_BT`` after ``x_BT`` before anything is learned from them, the state after); then it learns.

        The score is that of the weights as earlier chunks left them. The state is carried on as it was computed.
        """
        x_BT, y_BT = x_BT.to(self.device), y_BT.to(self.device)
        if not self._steps:
            with torch.no_grad():
                logits_BTV, state = self.model(x_BT, state)
                return nats(logits_BTV, y_BT).item(), state
        with torch.enable_grad():
            logits_BTV, after = self.model(x_BT, state)
            loss = nats(logits_BTV, y_BT)
            # The sum over the chunk's full length: a chunk cut short teaches only its share.
            gradients = torch.autograd.grad(loss / (len(x_BT) * self.settings.adapt_chunk), self._weights)
        if all(bool(torch.isfinite(each).all()) for each in gradients):
            self._learn(gradients)
        return loss.item(), tuple(each.detach() for each in after)

    def undo(self) -> None:
        """The weights as they were before anything was read."""
        with torch.no_grad():
            for weight, before in zip(self._weights, self._before, strict=True):
                weight.copy_(before)

    @torch.no_grad()
    def _learn(self, gradients: Sequence[Tensor]) -> None:
        """Krause's equation 6, the root mean square smoothed by its mean over all weights.

        He adds a small number instead. With that, the rows of rare ids, whose gradients are nearly always zero, take
        steps of any size when the id comes: models of sub-words and of melodies grew worse by a nat a token.
        """
        for weight, gradient, step, pull, before in zip(
            self._weights, gradients, self._steps, self._pulls, self._before, strict=True
        ):
            weight.addcmul_(gradient, step, value=-1)
            weight.addcmul_(pull, before - weight)


@torch.inference_mode(False)
def measure_sensitivity(model: nn.Module, *, seed: int = 0) -> Sensitivity:
    """The root mean square gradient of every weight over chunks that the model itself writes.

    Krause takes it over the training text. A model's own writing stands for that where only a checkpoint is at hand
    (it is then the diagonal of the Fisher information), and adapted as well or better where both were measured.
    ``seed`` decides what is written; the same seed gives the same on one machine.
    """
    model = private_copy(model)
    weights = list(model.parameters())
    ids_BT, state = _written(model, torch.Generator().manual_seed(seed))
    squares = [torch.zeros_like(each) for each in weights]
    with torch.enable_grad():
        for row in range(_ROWS):
            before = tuple(each[:, row : row + 1].contiguous() for each in state)
            logits_BTV, _ = model(ids_BT[row : row + 1, :-1], before)
            loss = nats(logits_BTV, ids_BT[row : row + 1, 1:]) / _CHUNK
            for square, gradient in zip(squares, torch.autograd.grad(loss, weights), strict=True):
                square.addcmul_(gradient, gradient, value=1 / _ROWS)
    return tuple(each.sqrt() for each in squares)


def mean_of(sensitivity: Sensitivity) -> Tensor:
    """The mean over all weights; greater than zero, whatever was found."""
    total = torch.stack([each.sum() for each in sensitivity]).sum()
    return (total / sum(each.numel() for each in sensitivity)).clamp(min=1e-12)


def private_copy(model: nn.Module) -> nn.Module:
    """An equal model that may be written into and differentiated, with every dropout off."""
    private = copy.deepcopy(model).eval()
    for each in private.modules():
        if isinstance(each, nn.RNNBase):
            each.dropout = 0.0
            each.train()  # cuDNN differentiates its layers in training mode only
    return private.requires_grad_()


def _written(model: nn.Module, generator: torch.Generator) -> tuple[Tensor, State]:
    """(ids of shape (_ROWS, _CHUNK + 1) that the model wrote after a lead of its own, the state before the first)."""
    device = next(model.parameters()).device
    with torch.no_grad():
        logits_BTV, _ = model(torch.zeros(1, 1, dtype=torch.long, device=device), None)
        ids_B1 = torch.randint(logits_BTV.shape[-1], (_ROWS, 1), generator=generator).to(device)
        state: State | None = None
        written: list[Tensor] = []
        for place in range(_LEAD + _CHUNK + 1):
            if place == _LEAD:
                written, before = [], state
            written.append(ids_B1)
            logits_BTV, state = model(ids_B1, state)
            weights_BV = torch.softmax(logits_BTV[:, -1].float(), -1).cpu()
            ids_B1 = torch.multinomial(weights_BV, 1, generator=generator).to(device)
    assert before is not None
    return torch.cat(written, 1), before
