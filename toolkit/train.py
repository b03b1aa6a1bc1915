"""The train loop: truncated backpropagation through time with carried state.

`train` takes one optimiser step after another and yields what happened; it prints nothing, saves nothing
and measures no time of its own, so the caller may log, validate, save or stop between any two steps.
Knows models and batches as values; nothing of generation, codecs or run folders.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from toolkit.core import DivergedError, State, knob
from toolkit.core.random import philox
from toolkit.models import nats

_LONGEST_RISE = 0.25  # of a run, over which the learning rate may rise
_FOLLOWED = 8  # steps between two weights that enter the average
_PATIENCE = 3  # steps in a row whose numbers may be not finite before training gives up


@dataclass(frozen=True)
class TrainSettings:
    """What decides a training run, apart from its model and its length."""

    batch: int = knob(16, "rows trained side by side", low=1, high=65536)
    chunk: int = knob(64, "tokens back in time that a gradient reaches", low=1, high=65536, unit="tokens")
    fresh_start: float = knob(0.03, "share of chunks begun with an empty memory, as generation begins", low=0, high=1)
    augment: bool = knob(True, "read a new variant of every piece in each epoch, where the codec can make them")
    learning_rate: float = knob(1e-2, "peak learning rate", low=0, high=100)
    warmup: float = knob(0.02, "share of the run over which the learning rate rises", low=0, high=1)
    warmup_steps: int = knob(150, "steps over which it rises at least, in all but the shortest runs", low=0, high=10**6)
    decay: float = knob(0.4, "share of the run over which it falls at the end", low=0, high=1)
    floor: float = knob(0.002, "where the learning rate ends, as a share of its peak", low=0, high=1)
    weight_decay: float = knob(0.1, "AdamW's decoupled decay of matrices", low=0, high=100)
    beta1: float = knob(0.9, "AdamW's memory of the gradient", low=0, high=0.99999)
    beta2: float = knob(0.99, "AdamW's memory of its square", low=0, high=0.99999)
    average: float = knob(0.05, "share of the run over whose last weights the model is averaged", low=0, high=1)
    clip: float = knob(1.0, "largest norm of a gradient", low=0, high=1e9)
    precision: str = knob("auto", "arithmetic of the step", choices=("auto", "fp32", "bf16"))
    validations: int = knob(10, "how often the validation loss is estimated in a run", low=1, high=10_000)
    save_seconds: float = knob(60.0, "how often a resume point is written", low=0, high=1e6, unit="seconds")


@dataclass(frozen=True)
class Group:
    """The processes that train one model together; alone by default. Rank r trains the rows that are r modulo size."""

    rank: int = 0
    size: int = 1

    def average(self, tensors: list[Tensor]) -> None:
        """Replaces every tensor by its mean over the group, in one exchange."""
        if self.size == 1:
            return
        flat = torch.cat([each.reshape(-1) for each in tensors])
        dist.all_reduce(flat)
        flat /= self.size
        for each, mean in zip(tensors, torch.split(flat, [each.numel() for each in tensors]), strict=True):
            each.copy_(mean.view_as(each))

    def told(self, *values: float) -> tuple[float, ...]:
        """What the first process says, in every process."""
        if self.size == 1:
            return values
        said = torch.tensor(values, dtype=torch.float64)
        dist.broadcast(said, 0)
        return tuple(said.tolist())

    def rows_together(self, state: State) -> State:
        """The state of all rows in every process, from each one's own (the inverse of sharing rows out)."""
        if self.size == 1:
            return state
        together = []
        for mine in state:
            parts = [torch.empty_like(mine) for _ in range(self.size)]
            dist.all_gather(parts, mine.contiguous())
            together.append(torch.stack(parts, dim=2).flatten(1, 2))
        return tuple(together)


ALONE = Group()


@dataclass
class Training:
    """Everything that goes on from one step to the next: what an exact resume needs, and nothing else.

    ``average`` is the model of averaged weights, the one to keep; ``averaged`` is how much of the run was over when
    weights last entered it.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    step: int = 0
    carry: State | None = None
    skipped: int = 0
    tokens: int = 0
    averaged: float = 0.0
    average: nn.Module = field(init=False)

    def __post_init__(self) -> None:
        self.average = copy.deepcopy(self.model).requires_grad_(False)

    def follow(self, fraction: float, horizon: float) -> None:
        """Takes the weights at ``fraction`` of the run into the average: exponential, over ``horizon`` of the run.

        Until so much of the run is over it is the plain mean, so that the first weights do not linger. Sandler et al.,
        "Training trajectories, mini-batch losses and the curious role of the learning rate" (2023), say why a mean of
        weights does what a smaller rate does; here it also forgets what a corpus read often has taught by heart.
        """
        share = 1 - math.exp((self.averaged - fraction) / horizon) if horizon else 1.0
        share = max(share, _FOLLOWED / self.step)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), share)
        self.averaged = fraction

    def snapshot(self, group: Group) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
        """Numbers, and tensors by group and name, from which `restore` makes an equal Training.

        Every process of the group must call it: each holds the carried state of its own rows.
        """
        carry = group.rows_together(self.carry or ())
        tensors = {
            "model": weights_of(self.model),
            "average": weights_of(self.average),
            "optimiser": {
                f"{number}.{name}": each.detach().cpu()
                for number, weight in enumerate(self._weights())
                for name, each in self.optimiser.state[weight].items()
            },
            "carry": {str(number): each.cpu() for number, each in enumerate(carry)},
        }
        numbers = {"step": self.step, "skipped": self.skipped, "tokens": self.tokens, "averaged": self.averaged}
        return numbers, tensors

    def restore(self, numbers: Mapping[str, Any], tensors: Callable[[str], Mapping[str, Tensor]], group: Group) -> None:
        """Takes over what `snapshot` gave; ``tensors`` maps a group's name to its tensors."""
        device = self._weights()[0].device
        self.step, self.skipped, self.tokens = numbers["step"], numbers["skipped"], numbers["tokens"]
        self.averaged = float(numbers["averaged"])
        self.model.load_state_dict(tensors("model"))
        self.average.load_state_dict(tensors("average"))
        weights = self._weights()
        for key, value in tensors("optimiser").items():
            number, name = key.split(".")
            weight = weights[int(number)]
            self.optimiser.state[weight][name] = value.to(weight.device)
        carry = tensors("carry")
        rows = [carry[str(number)][:, group.rank :: group.size] for number in range(len(carry))]
        self.carry = tuple(each.contiguous().to(device) for each in rows) or None

    def _weights(self) -> list[Tensor]:
        return [each for group in self.optimiser.param_groups for each in group["params"]]


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    """A model's weights by name, where a file can be written from them."""
    return {name: each.detach().cpu() for name, each in model.state_dict().items()}


@dataclass(frozen=True)
class Progress:
    """What one step did: ``loss`` in nats per token over its batch, before the update."""

    step: int
    loss: float
    learning_rate: float
    gradient_norm: float
    tokens: int
    skipped: bool = False


def optimiser_for(model: nn.Module, settings: TrainSettings) -> torch.optim.AdamW:
    """AdamW that decays matrices and leaves biases and gains alone (Loshchilov and Hutter 2019)."""
    matrices = [each for each in model.parameters() if each.dim() > 1]
    vectors = [each for each in model.parameters() if each.dim() <= 1]
    groups: list[dict[str, Any]] = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]
    betas = (settings.beta1, settings.beta2)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, fused=True)


def emptied(state: State, fresh_B: Tensor) -> State:
    """``state`` with the rows that begin afresh at zero.

    A model that has only ever gone on may use its memory as a constant: where memory is empty it then falls into
    a state that it never leaves, and writes nonsense for ever. Some chunks begun afresh teach it the way in.
    """
    return tuple(each.masked_fill(fresh_B[:, None], 0) for each in state)


def learning_rate(step: int, fraction: float, settings: TrainSettings) -> float:
    """The rate of a step, at ``fraction`` of the run: a straight rise, a plateau, and a fall.

    The rise takes ``warmup`` of the run and ``warmup_steps`` steps, whichever is longer, but never more than a
    quarter: a short run that rises in a dozen steps drives its gates into corners that it then has to leave. The
    fall, one minus a square root, is that of Hägele et al., "Scaling laws and compute-optimal training beyond fixed
    training durations" (2024), section 3: fast at first, slow at the end.
    """
    risen = min(fraction / max(settings.warmup, 1e-9), step / max(settings.warmup_steps, 1))
    rise = min(1.0, max(risen, fraction / _LONGEST_RISE, 1e-3))
    fallen = max(0.0, fraction - (1 - settings.decay)) / max(settings.decay, 1e-9)
    share = settings.floor + (1 - settings.floor) * (1 - math.sqrt(min(1.0, fallen)))
    return settings.learning_rate * rise * share


def has_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 matrices in hardware; where it does not, bf16 is far slower than fp32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    native = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, each, bool)() for each in native)


def uses_bf16(precision: str, device: torch.device) -> bool:
    """What ``TrainSettings.precision`` comes to on this device."""
    return precision == "bf16" or (precision == "auto" and has_bf16(device))


def train(
    training: Training,
    batch_at: Callable[[int], Any],
    settings: TrainSettings,
    fraction_at: Callable[[int], float],
    *,
    seed: int,
    group: Group = ALONE,
) -> Iterator[Progress]:
    """One optimiser step per turn, from ``training.step`` until ``fraction_at`` reaches 1.

    ``batch_at`` gives the batch of a step (`toolkit.batches.Rows.batch`), ``fraction_at`` how much of the
    run is over when it begins. ``training`` is brought up to date before every yield. A step whose loss or
    gradient is not finite changes no weight; three in a row raise DivergedError.
    """
    model, optimiser = training.model, training.optimiser
    weights = [each for each in model.parameters() if each.requires_grad]
    device = weights[0].device
    bf16 = uses_bf16(settings.precision, device)
    model.train()
    while (fraction := fraction_at(training.step)) < 1:
        batch = batch_at(training.step)
        x_BT, y_BT, fresh_B = (
            torch.from_numpy(each[group.rank :: group.size]).to(device)
            for each in (batch.x_BT, batch.y_BT, batch.fresh_B)
        )
        rate = learning_rate(training.step, fraction, settings)
        for each in optimiser.param_groups:
            each["lr"] = rate

        # Dropout's draws belong to the step, so that a resumed run repeats them without any stored state.
        torch.manual_seed(philox((training.step, group.rank, 0, 0), (seed & 0xFFFFFFFF, seed >> 32))[0])
        state = None if training.carry is None else emptied(training.carry, fresh_B)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits_BTV, state = model(x_BT, state)
            loss = nats(logits_BTV, y_BT) / y_BT.numel()
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        mean = loss.detach()
        group.average([mean, *(each.grad for each in weights if each.grad is not None)])
        norm = nn.utils.clip_grad_norm_(weights, settings.clip)
        finite = bool(torch.isfinite(mean) & torch.isfinite(norm))
        if finite:
            optimiser.step()
        optimiser.zero_grad()

        training.carry = tuple(each.detach().float() for each in state) if finite else None
        training.skipped = 0 if finite else training.skipped + 1
        training.step += 1
        training.tokens += batch.x_BT.size
        if training.step % _FOLLOWED == 0:
            training.follow(fraction, settings.average)
        if training.skipped >= _PATIENCE:
            raise DivergedError(
                f"training diverged: {_PATIENCE} steps in a row gave numbers that are not finite "
                f"(at step {training.step}); try a smaller train.learning_rate."
            )
        yield Progress(training.step, float(mean), rate, float(norm), training.tokens, skipped=not finite)
