"""Temperatures, smoothing, biases and the adaptive target as scalar code. Sources stand at the stages."""

from __future__ import annotations

import math

from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.row import Floats, Ids, entropy, keep_peak, log_mass, peak, settled

_COLD = 1e-6
_WIDTH, _PEAK, _SHARPNESS = 0.3, 5.0, 10.0


@scalar
def bias(x: Floats, ids: Ids, count: int, tokens: Ids, nats: Floats) -> int:
    for i in range(len(tokens)):
        x[tokens[i]] += nats[i]
    return settled(x, ids, count)


@scalar
def ban(x: Floats, ids: Ids, count: int, tokens: Ids) -> int:
    for token in tokens:
        x[token] = -math.inf
    return settled(x, ids, count)


@scalar
def temperature(x: Floats, ids: Ids, count: int, value: float) -> int:
    if value < _COLD:
        return keep_peak(x, ids, count)
    for i in range(count):
        x[ids[i]] /= value
    return settled(x, ids, count)


@scalar
def dynamic_temperature(x: Floats, ids: Ids, count: int, low: float, high: float, exponent: float) -> int:
    if count < 2:
        return count
    doubt = min(1.0, entropy(x, ids, count) / math.log(count))
    return temperature(x, ids, count, low + (high - low) * math.pow(doubt, exponent))


@scalar
def smoothing(x: Floats, ids: Ids, count: int, factor: float, curve: float) -> int:
    top = peak(x, ids, count)
    square, cube = (3 - curve) / 2, (curve - 1) / 2
    for i in range(count):
        depth = top - x[ids[i]]
        x[ids[i]] = top - factor * depth * depth * (square + cube * depth)
    return settled(x, ids, count)


@scalar
def adaptive(x: Floats, ids: Ids, count: int, target: float, mean: float) -> int:
    wanted = min(1.0, max(0.0, 2 * target - mean))
    mass = log_mass(x, ids, count)
    for i in range(count):
        distance = abs(math.exp(x[ids[i]] - mass) - wanted) / _WIDTH
        x[ids[i]] = _PEAK - _SHARPNESS * distance * distance / (1 + distance)
    return count
