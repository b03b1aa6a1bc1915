"""A task that only memory solves: say again, after a lag of noise, the symbol that stood before it.

The delayed recall of Hochreiter and Schmidhuber (1997), section 5, as a stream of episodes: one of 8 symbols, ``lag``
tokens of noise, a cue; what follows the cue is the symbol. Only that is scored and learned. Guessing gets an eighth.
Trains with the toolkit's own loop; knows no corpus and no run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from toolkit.batches import Batch
from toolkit.core import UNSCORED
from toolkit.models import ModelSettings, RecurrentLM
from toolkit.train import Training, TrainSettings, optimiser_for, train

SYMBOLS, NOISE = 8, 8
VOCABULARY = SYMBOLS + NOISE + 1
_CUE = VOCABULARY - 1
_TESTED = 20  # episodes a row in a test
Ids = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recall:
    """How the task is set and learned. ``chunk`` is how far back a gradient reaches; None is a whole episode."""

    lag: int
    steps: int = 400
    rows: int = 64
    chunk: int | None = None
    learning_rate: float = 5e-3


def recall_accuracy(settings: ModelSettings, task: Recall, *, seed: int) -> float:
    """The share of symbols recalled, in new episodes, by a model trained for ``task.steps`` on others.

    The state is carried from chunk to chunk, in training and when tested.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = RecurrentLM(VOCABULARY, settings)
    schedule = TrainSettings(learning_rate=task.learning_rate, warmup_steps=20, fresh_start=0.0, precision="fp32")
    begun = Training(model, optimiser_for(model, schedule))
    chunk = task.chunk or task.lag + 2
    x_BT, y_BT = episodes(task, -(-task.steps * chunk // (task.lag + 2)) + 1, rng)
    never = np.zeros(task.rows, np.bool_)

    def batch(step: int) -> Batch:
        here = slice(step * chunk, (step + 1) * chunk)
        return Batch(x_BT[:, here], y_BT[:, here], never)

    for _ in train(begun, batch, schedule, lambda step: step / task.steps, seed=seed):
        pass
    return _tested(begun.average.eval(), *episodes(task, _TESTED, rng))  # type: ignore[arg-type]  # a copy of the model


def episodes(task: Recall, count: int, rng: np.random.Generator) -> tuple[Ids, Ids]:
    """(x_BT, y_BT) of ``count`` episodes in every row, one after another, where only what follows a cue is scored."""
    length = task.lag + 2
    x = rng.integers(SYMBOLS, SYMBOLS + NOISE, (task.rows, count, length))
    y = np.full_like(x, UNSCORED)
    x[:, :, 0] = y[:, :, -1] = rng.integers(0, SYMBOLS, (task.rows, count))
    x[:, :, -1] = _CUE
    return x.reshape(task.rows, -1), y.reshape(task.rows, -1)


@torch.inference_mode()
def _tested(model: RecurrentLM, x_BT: Ids, y_BT: Ids) -> float:
    logits_BTV, _ = model(torch.from_numpy(x_BT))
    asked = y_BT != UNSCORED
    return float((logits_BTV.argmax(-1).numpy()[asked] == y_BT[asked]).mean())
