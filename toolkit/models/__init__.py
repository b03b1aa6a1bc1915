"""Cells and the recurrent language model. Ids in, logits and state out; nothing here knows what an id means."""

from toolkit.models.cells import CELLS, Cell
from toolkit.models.lm import ModelSettings, RecurrentLM, parameters
from toolkit.models.loss import nats

__all__ = ["CELLS", "Cell", "ModelSettings", "RecurrentLM", "nats", "parameters"]
