"""Cells and the language model made of them. Ids in, logits and state out; nothing here knows what an id means."""

from toolkit.models.cells import CELLS, Cell
from toolkit.models.lm import RecurrentLM, parameters
from toolkit.models.loss import nats
from toolkit.models.settings import ModelSettings
from toolkit.models.unrolled import Clamp, Clamped, unrolled

__all__ = ["CELLS", "Cell", "Clamp", "Clamped", "ModelSettings", "RecurrentLM", "nats", "parameters", "unrolled"]
