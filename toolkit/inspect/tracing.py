"""What a model held while it read: states, gates and losses, token by token, as arrays; and a model to hold it to.

Knows models and ids. Shapes: L layers, B rows, T steps, H width.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch.nn.functional import cross_entropy

from toolkit.models import RecurrentLM, unrolled

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.integer]

NAMES = ("h", "c")
"""What the state tensors of a cell are called."""


@dataclass(frozen=True)
class Trace:
    """``states`` and ``gates`` by name, of shape (L, B, T, H), each as it was after the token at its place.

    ``kept`` is the share of its memory that each unit carried over at that token; None where a cell has no such gate.
    ``nats_BT`` are the losses of the ids after the first, so they are one fewer.
    """

    ids_BT: Ids
    states: Mapping[str, Floats]
    gates: Mapping[str, Floats]
    kept: Floats | None
    nats_BT: Floats


@torch.inference_mode()
def trace(model: RecurrentLM, ids_BT: Ids) -> Trace:
    """Reads ``ids_BT`` from an empty memory; UsageError for a cell without one (`toolkit.models.unrolled`)."""
    ids = torch.from_numpy(np.asarray(ids_BT, np.int64))
    steps = list(unrolled(model, ids))
    layers = range(model.settings.layers)
    first = steps[0].layers[0]

    def over_time(get: object) -> Floats:
        stacked = torch.stack([torch.stack([get(step.layers[layer]) for step in steps], 1) for layer in layers])  # type: ignore[operator]
        array: Floats = stacked.numpy()
        return array

    states = {
        name: over_time(lambda each, place=place: each.state[place])
        for place, name in enumerate(NAMES[: len(first.state)])
    }
    gates = {name: over_time(lambda each, name=name: each.gates[name]) for name in first.gates}
    kept = None if first.kept is None else over_time(lambda each: each.kept)
    logits_BTV = torch.stack([step.logits_BV for step in steps], 1)
    nats = cross_entropy(logits_BTV[:, :-1].flatten(0, 1), ids[:, 1:].flatten(), reduction="none")
    return Trace(ids.numpy(), states, gates, kept, nats.view(len(ids), -1).numpy())


@torch.inference_mode()
def hidden_states(model: RecurrentLM, ids_BT: Ids) -> Floats:
    """What the last layer hands on after every token, of shape (B, T, H), for every cell, as fast as training reads."""
    seen: list[torch.Tensor] = []
    hook = model.layers[-1].register_forward_hook(lambda *call: seen.append(call[2][0]))
    try:
        model(torch.from_numpy(np.asarray(ids_BT, np.int64)))
    finally:
        hook.remove()
    array: Floats = seen[0].transpose(0, 1).numpy()
    return array


@torch.inference_mode()
def losses(model: RecurrentLM, ids_BT: Ids, *, chunk: int = 2048) -> Floats:
    """The nats of every id after the first of each row, of shape (B, T - 1), from an empty memory."""
    ids = torch.from_numpy(np.asarray(ids_BT, np.int64))
    state, found = None, []
    for first in range(0, ids.shape[1] - 1, chunk):
        x_BT, y_BT = ids[:, :-1][:, first : first + chunk], ids[:, 1:][:, first : first + chunk]
        logits_BTV, state = model(x_BT, state)
        found.append(cross_entropy(logits_BTV.flatten(0, 1), y_BT.flatten(), reduction="none").view_as(y_BT))
    array: Floats = torch.cat(found, 1).numpy()
    return array


def as_new(model: RecurrentLM, seed: int = 0, **changed: object) -> RecurrentLM:
    """A model of the same shape that has learned nothing; ``changed`` settings are other ones."""
    torch.manual_seed(seed)
    return RecurrentLM(model.vocabulary, dataclasses.replace(model.settings, **changed)).eval()  # type: ignore[arg-type]
