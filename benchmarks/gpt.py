"""A small transformer over the same ids, trained for the same minutes: what a recurrent network is measured against.

`NANOGPT` is the shape and the settings that nanoGPT gives for a CPU (its README: 4 layers, 4 heads, 128 wide, 64
tokens, 12 rows, dropout 0, rate 1e-3 falling as a cosine). `TUNED` is the best of six that were tried for eight minutes
each (docs/log.md, 2026-11-27): rotary positions, wider, a longer context, a higher rate, and the fall of the rate that
served the recurrent networks best. Vaswani et al. 2017; pre-normalised as in GPT-2; rotary positions: Su et al. 2021.
Knows no corpus and no codec.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from toolkit.train import TrainSettings, has_bf16, learning_rate, optimiser_for


@dataclass(frozen=True)
class GptSettings:
    """Shape and training of a transformer. ``cosine`` falls to a tenth of the rate, as nanoGPT does."""

    layers: int = 4
    heads: int = 6
    width: int = 192
    context: int = 128
    rows: int = 16
    rate: float = 3e-3
    rotary: bool = True
    cosine: bool = False
    dropout: float = 0.0


NANOGPT = GptSettings(heads=4, width=128, context=64, rows=12, rate=1e-3, rotary=False, cosine=True)
TUNED = GptSettings()


class Block(nn.Module):
    """Attention and a two-layer network, each added to its normalised input."""

    def __init__(self, settings: GptSettings) -> None:
        super().__init__()
        width = settings.width
        self.settings = settings
        self.norm, self.next_norm = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.projected = nn.Linear(width, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.wide, self.narrow = nn.Linear(width, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, x_BTE: Tensor, turns: Tensor | None) -> Tensor:
        rows, length, width = x_BTE.shape
        heads = self.projected(self.norm(x_BTE)).view(rows, length, 3, self.settings.heads, -1)
        query, key, value = heads.permute(2, 0, 3, 1, 4)
        if turns is not None:
            query, key = _turned(query, turns), _turned(key, turns)
        heard = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x_BTE = x_BTE + self.dropout(self.mixed(heard.transpose(1, 2).reshape(rows, length, width)))
        inner = functional.gelu(self.wide(self.next_norm(x_BTE)))
        return x_BTE + self.dropout(self.narrow(inner))


class Gpt(nn.Module):
    """A decoder whose head is its embedding."""

    def __init__(self, vocabulary: int, settings: GptSettings) -> None:
        super().__init__()
        self.settings = settings
        self.embed = nn.Embedding(vocabulary, settings.width)
        self.places = None if settings.rotary else nn.Embedding(settings.context, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.width, bias=False)
        for name, weight in self.named_parameters():
            if weight.dim() > 1:
                added = name.endswith(("mixed.weight", "narrow.weight"))
                nn.init.normal_(weight, std=0.02 / (math.sqrt(2 * settings.layers) if added else 1))

    def forward(self, ids_BT: Tensor) -> Tensor:
        """logits_BTV for the id after each; T is at most the context."""
        x_BTE = self.embed(ids_BT)
        turns = _turns(ids_BT.shape[1], self.settings.width // self.settings.heads)
        if self.places is not None:
            x_BTE, turns = x_BTE + self.places.weight[: ids_BT.shape[1]], None
        for block in self.blocks:
            x_BTE = block(x_BTE, turns)
        return functional.linear(self.norm(x_BTE), self.embed.weight)


def _turns(length: int, size: int) -> Tensor:
    rates = 10_000 ** (-torch.arange(0, size, 2) / size)
    angles = torch.outer(torch.arange(length).float(), rates)
    return torch.polar(torch.ones_like(angles), angles)


def _turned(x: Tensor, turns: Tensor) -> Tensor:
    pairs = torch.view_as_complex(x.float().reshape(*x.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * turns).flatten(-2).to(x.dtype)


@dataclass(frozen=True)
class Trained:
    """A transformer, and how many steps and tokens its minutes were enough for."""

    model: Gpt
    steps: int
    tokens: int


def train(
    tokens: npt.NDArray[np.integer], vocabulary: int, settings: GptSettings, minutes: float, seed: int
) -> Trained:
    """Trains for so many ``minutes`` of steps on windows drawn at random, as nanoGPT does."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = Gpt(vocabulary, settings)
    schedule = replace(TrainSettings(), learning_rate=settings.rate, warmup_steps=100)
    optimiser = optimiser_for(model, schedule)
    bf16 = has_bf16(torch.device("cpu"))
    began, steps = time.monotonic(), 0
    while (fraction := (time.monotonic() - began) / (60 * minutes)) < 1:
        for group in optimiser.param_groups:
            group["lr"] = (
                _cosine(steps, fraction, settings) if settings.cosine else learning_rate(steps, fraction, schedule)
            )
        starts = rng.integers(0, len(tokens) - settings.context, settings.rows)
        windows = np.stack([tokens[start : start + settings.context + 1] for start in starts]).astype(np.int64)
        ids_BT = torch.from_numpy(windows)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            logits_BTV = model(ids_BT[:, :-1])
        functional.cross_entropy(logits_BTV.flatten(0, 1).float(), ids_BT[:, 1:].flatten()).backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad()
        steps += 1
    return Trained(model.eval(), steps, steps * settings.rows * settings.context)


def _cosine(step: int, fraction: float, settings: GptSettings) -> float:
    return settings.rate * min(1.0, (step + 1) / 100) * (0.1 + 0.45 * (1 + math.cos(math.pi * fraction)))


@torch.inference_mode()
def loss(model: Gpt, tokens: npt.NDArray[np.integer], *, slide: bool) -> float:
    """Nats a token over every prediction, in fp32.

    With ``slide`` each but the first has at least half a context before it; without, windows stand end to end and the
    first id of each knows nothing of what came before.
    """
    context = model.settings.context
    stride = context // 2 if slide else context
    total = 0.0
    ids = torch.from_numpy(np.asarray(tokens, np.int64))
    for first, last in _windows(len(ids) - 1, context, stride):
        logits_TV = model(ids[None, first:last])[0]
        fresh = 0 if first == 0 else context - stride
        total += float(functional.cross_entropy(logits_TV[fresh:], ids[first + fresh + 1 : last + 1], reduction="sum"))
    return total / (len(ids) - 1)


def _windows(predictions: int, context: int, stride: int) -> Iterator[tuple[int, int]]:
    """Windows of ids so that every prediction is made once: the last one may be shorter."""
    first = 0
    while True:
        last = min(first + context, predictions)
        yield first, last
        if last == predictions:
            return
        first += stride
