"""A transformer's layer, called as a recurrent one is: what it hands on is all that it may look back at.

Causal attention over the last ``context`` tokens (Vaswani et al. 2017) beside a two-layer network, both reading the
same input (the parallel form of GPT-J and PaLM), with rotary positions (Su et al. 2021). Adding it to its input and
normalising that are the model's business (``model.residual``, ``model.norm``). Its state is the keys and values of the
tokens seen, so a chunk sees those before it, as in Transformer-XL (Dai et al. 2019).
Shapes: T new tokens, S of those and the ones before, B rows, E inputs, H width, N heads, D numbers a head.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu

from toolkit.core import State

_HEAD = 32
"""Numbers a head has at least, where the width is enough for more than one."""
_BASE = 10_000.0


class Attention(nn.Module):
    """State: keys and values, each of shape (1, B, S·H), and which are there, of shape (1, B, S).

    A row whose state is zeroed has seen nothing: keys that are not there are not looked at.
    """

    def __init__(self, inputs: int, width: int, context: int) -> None:
        super().__init__()
        self.width, self.context = width, context
        self.heads = max(n for n in range(1, max(1, width // _HEAD) + 1) if width % n == 0)
        self.query_key_value = nn.Linear(inputs, 3 * width, bias=False)
        self.mixed = nn.Linear(width, width, bias=False)
        self.wide, self.narrow = nn.Linear(inputs, 4 * width, bias=False), nn.Linear(4 * width, width, bias=False)

    def forward(self, x_TBE: Tensor, state: State) -> tuple[Tensor, State]:
        length, rows, _ = x_TBE.shape
        query, key, value = self.query_key_value(x_TBE).transpose(0, 1).chunk(3, -1)
        before = [each[0].to(key.dtype).reshape(rows, -1, self.width) for each in state[:2]]
        keys_BSH, values_BSH = torch.cat([before[0], key], 1), torch.cat([before[1], value], 1)
        there_BS = torch.cat([state[2][0], state[2].new_ones(rows, length)], 1)

        place = torch.arange(there_BS.shape[1], device=x_TBE.device)
        back_TS = place[-length:, None] - place
        seen_BTS = (back_TS >= 0) & (back_TS < self.context) & (there_BS[:, None] > 0)
        queries, keys = self._turned(query, place[-length:]), self._turned(keys_BSH, place)
        # Written out: PyTorch's fused attention takes twice as long on a CPU where it is given a mask.
        likeness_BNTS = (queries * (self.width // self.heads) ** -0.5) @ keys.transpose(-1, -2)
        weight_BNTS = likeness_BNTS.masked_fill(~seen_BTS[:, None], -torch.inf).softmax(-1).to(keys.dtype)
        heard = weight_BNTS @ self._by_head(values_BSH)
        mixed_TBH = self.mixed(heard.transpose(1, 2).flatten(2)).transpose(0, 1)
        first = max(0, there_BS.shape[1] - (self.context - 1))  # the next token is one of those it sees
        kept = [each[None, :, first:].flatten(2) for each in (keys_BSH, values_BSH)]
        return mixed_TBH + self.narrow(gelu(self.wide(x_TBE))), (*kept, there_BS[None, :, first:])

    def _by_head(self, x_BSH: Tensor) -> Tensor:
        return x_BSH.view(*x_BSH.shape[:-1], self.heads, -1).transpose(1, 2)

    def _turned(self, x_BSH: Tensor, place_S: Tensor) -> Tensor:
        """By head, every pair of numbers turned by an angle that grows with its place: only distances then count."""
        x_BNSD = self._by_head(x_BSH)
        pairs = x_BNSD.shape[-1] // 2
        rate = _BASE ** (-torch.arange(pairs, device=x_BSH.device) / max(pairs, 1))
        angle_SD = place_S[:, None] * rate
        cosine, sine = angle_SD.cos().to(x_BSH.dtype), angle_SD.sin().to(x_BSH.dtype)
        one, other, odd = x_BNSD.tensor_split((pairs, 2 * pairs), -1)
        return torch.cat([one * cosine - other * sine, one * sine + other * cosine, odd], -1)
