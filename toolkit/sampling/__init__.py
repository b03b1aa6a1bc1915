"""From logits to a token: constraints, transforms and the draw. Numpy only; knows no model and no loop."""

from toolkit.sampling.constraints import Allow, Anything, Both, Finishing, Forbid, Without, followed, pending, withdraw
from toolkit.sampling.sampler import Draw, Sampler, draw
from toolkit.sampling.transforms import (
    TRANSFORMS,
    FrequencyPresence,
    LogitBias,
    Memoryless,
    MinP,
    RepetitionPenalty,
    Stage,
    Temperature,
    TokenNamed,
    TopK,
    TopP,
    Typical,
    Windowed,
    sampling_knobs,
)

__all__ = [
    "TRANSFORMS",
    "Allow",
    "Anything",
    "Both",
    "Draw",
    "Finishing",
    "Forbid",
    "FrequencyPresence",
    "LogitBias",
    "Memoryless",
    "MinP",
    "RepetitionPenalty",
    "Sampler",
    "Stage",
    "Temperature",
    "TokenNamed",
    "TopK",
    "TopP",
    "Typical",
    "Windowed",
    "Without",
    "draw",
    "followed",
    "pending",
    "sampling_knobs",
    "withdraw",
]
