"""The language model: embedding, a stack of layers of one cell, a linear head.

Maps ids to next-token logits with explicit state. Knows nothing of text, music, sampling or files.
Shapes: B rows, T steps, V vocabulary, E embedding, H width.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from toolkit.core import State, UsageError
from toolkit.models.cells import CELLS, initialise
from toolkit.models.settings import ModelSettings


class RecurrentLM(nn.Module):
    """A language model whose cell is chosen by name.

    State is a value of shape ``(layers, B, …)`` per tensor: ``(h,)``, ``(h, c)`` for an LSTM, and all that is looked
    back at for a transformer.
    """

    def __init__(self, vocabulary: int, settings: ModelSettings) -> None:
        super().__init__()
        self.vocabulary, self.settings = vocabulary, settings
        self.cell = CELLS[settings.cell]
        width = settings.width
        self.embed = nn.Embedding(vocabulary, settings.embedding)
        sizes = [settings.embedding] + [width] * (settings.layers - 1)
        self.layers = nn.ModuleList(self.cell.layer(size, width, settings.context) for size in sizes)
        self.norms = nn.ModuleList(nn.LayerNorm(size) if settings.norm else nn.Identity() for size in [*sizes, width])
        self.dropout = nn.Dropout(settings.dropout)
        self.head = nn.Linear(width, vocabulary)
        if settings.tie:
            if settings.embedding != width:
                raise UsageError(
                    f"model.tie needs model.embedding ({settings.embedding}) equal to model.width ({width})."
                )
            self.head.weight = self.embed.weight
        self._initialise()

    def _initialise(self) -> None:
        settings = self.settings
        nn.init.normal_(self.embed.weight, std=settings.embedding**-0.5 if settings.tie else 0.5)
        for layer in self.layers:
            initialise(layer, self.cell, settings.width, settings.forget_bias)
        if not settings.tie:
            nn.init.xavier_uniform_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def zero_state(self, rows: int) -> State:
        """The state before any token, for ``rows`` sequences."""
        shape = (self.settings.layers, rows, 0 if self.cell.grows else self.settings.width)
        return tuple(self.embed.weight.new_zeros(shape) for _ in range(self.cell.states))

    def forward(self, ids_BT: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """logits_BTV for the token after each id, and the state after the last id."""
        return self.read(self._embedded(ids_BT.t()), state)

    def read(self, x_TBE: Tensor, state: State | None = None) -> tuple[Tensor, State]:
        """What `forward` gives, for tokens that are vectors already."""
        if state is None:
            state = self.zero_state(x_TBE.shape[1])
        x_TBE = self.dropout(x_TBE)
        after = []
        for depth, (layer, norm) in enumerate(zip(self.layers, self.norms, strict=False)):
            before = tuple(each[depth : depth + 1] for each in state)
            y_TBH, last = layer(norm(x_TBE), before if self.cell.states > 1 else before[0])
            after.append(last if isinstance(last, tuple) else (last,))
            y_TBH = self.dropout(y_TBH)
            x_TBE = x_TBE + y_TBH if self.settings.residual and x_TBE.shape == y_TBH.shape else y_TBH
        logits_BTV = self.head(self.norms[-1](x_TBE)).transpose(0, 1)
        return logits_BTV, tuple(torch.cat(each) for each in zip(*after, strict=True))

    def _embedded(self, ids: Tensor) -> Tensor:
        rate = self.settings.embedding_dropout
        table = self.embed.weight
        if self.training and rate:
            # Whole rows go silent: a token type is absent for the whole chunk (Gal and Ghahramani 2016).
            table = table * table.new_empty(self.vocabulary, 1).bernoulli_(1 - rate) / (1 - rate)
        return nn.functional.embedding(ids, table)


def parameters(model: nn.Module) -> int:
    """How many numbers the model learns."""
    return sum(each.numel() for each in model.parameters())
