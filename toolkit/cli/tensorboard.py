"""Losses and rates of a run as TensorBoard scalars, in the run's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from toolkit.api import Event, Stepped, Validated
from toolkit.core import MissingExtraError

_EVERY = 10  # steps between two points of a curve


class Scalars:
    """Writes what a run reports into ``run``/tensorboard; MissingExtraError when TensorBoard is not installed."""

    def __init__(self, run: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            raise MissingExtraError("writing TensorBoard scalars", "tensorboard") from None
        self._run, self._open = run, SummaryWriter
        self._writer: Any = None

    def show(self, event: Event) -> None:
        """Notes an event; those that hold no figure are passed over."""
        if isinstance(event, Stepped) and (event.progress.step % _EVERY == 0 or event.fraction >= 1):
            progress = event.progress
            self._add("loss/train", progress.loss, progress.step)
            self._add("learning_rate", progress.learning_rate, progress.step)
            self._add("gradient_norm", progress.gradient_norm, progress.step)
        elif isinstance(event, Validated):
            self._add("loss/validation", event.nats_per_token, event.step)

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _add(self, name: str, value: float, step: int) -> None:
        if self._writer is None:  # the folder belongs to the run, which exists by now
            self._writer = self._open(str(self._run / "tensorboard"))
        self._writer.add_scalar(name, value, step)
