"""The truncations as scalar code: by a line, or counted down from the likeliest. Sources stand at the stages."""

from __future__ import annotations

import math

from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.row import (
    ROUNDING,
    Floats,
    Ids,
    entropy,
    heaped,
    keep_from,
    keep_likeliest,
    log_mass,
    peak,
    popped,
    settled,
    surprise,
    without,
)

_STRAIGHT = 1e-9
_ZIPF = 100


@scalar
def top_n_sigma(x: Floats, ids: Ids, count: int, deviations: float) -> int:
    mean = 0.0
    for i in range(count):
        mean += x[ids[i]]
    mean /= count
    square = 0.0
    for i in range(count):
        square += (x[ids[i]] - mean) ** 2
    return keep_from(x, ids, count, peak(x, ids, count) - deviations * math.sqrt(square / count))


@scalar
def eta(x: Floats, ids: Ids, count: int, given: float) -> int:
    line = min(math.log(given), math.log(given) / 2 - entropy(x, ids, count))
    return keep_from(x, ids, count, log_mass(x, ids, count) + line)


@scalar
def top_a(x: Floats, ids: Ids, count: int, a: float) -> int:
    return keep_from(x, ids, count, math.log(a) + 2 * peak(x, ids, count) - log_mass(x, ids, count))


@scalar
def p_less(x: Floats, ids: Ids, count: int) -> int:
    top = peak(x, ids, count)
    total = square = 0.0
    for i in range(count):
        weight = math.exp(x[ids[i]] - top)
        total += weight
        square += weight * weight
    return keep_from(x, ids, count, top + math.log(square) - math.log(total))


@scalar
def top_p(x: Floats, ids: Ids, count: int, p: float, heap: Ids) -> int:
    top = peak(x, ids, count)
    total = 0.0
    for i in range(count):
        total += math.exp(x[ids[i]] - top)
    heaped(x, ids, count, heap)
    waiting, mass = count, 0.0
    while waiting and (waiting == count or mass < p * (1 - ROUNDING) * total):
        waiting = popped(x, heap, waiting)
        mass += math.exp(x[heap[waiting]] - top)
    return without(x, ids, count, heap, waiting)


@scalar
def typical(x: Floats, ids: Ids, count: int, p: float, heap: Ids, key: Floats) -> int:
    mass = log_mass(x, ids, count)
    expected = total = 0.0
    for i in range(count):
        logarithm = x[ids[i]] - mass
        total += math.exp(logarithm)
        expected -= math.exp(logarithm) * logarithm
    for i in range(count):
        key[ids[i]] = -abs(mass - x[ids[i]] - expected)
    heaped(key, ids, count, heap)
    waiting, gathered = count, 0.0
    while waiting and (waiting == count or gathered < p * (1 - ROUNDING) * total):
        waiting = popped(key, heap, waiting)
        gathered += math.exp(x[heap[waiting]] - mass)
    return without(x, ids, count, heap, waiting)


@scalar
def top_h(x: Floats, ids: Ids, count: int, share: float, heap: Ids) -> int:
    mass = log_mass(x, ids, count)
    most = share * (1 + ROUNDING) * entropy(x, ids, count)
    heaped(x, ids, count, heap)
    waiting = popped(x, heap, count)
    gathered = surprise(x[heap[waiting]] - mass)
    while waiting:
        gathered += surprise(x[heap[0]] - mass)
        if gathered > most:
            break
        waiting = popped(x, heap, waiting)
    return without(x, ids, count, heap, waiting)


@scalar
def tail_free(x: Floats, ids: Ids, count: int, z: float, heap: Ids, key: Floats) -> int:
    if count < 3:
        return count
    mass = log_mass(x, ids, count)
    heaped(x, ids, count, heap)
    for waiting in range(count, 0, -1):
        popped(x, heap, waiting)
        key[count - waiting] = math.exp(x[heap[waiting - 1]] - mass)
    total = 0.0
    for i in range(count - 2):
        key[i] = abs((key[i + 2] - key[i + 1]) - (key[i + 1] - key[i]))
        total += key[i]
    kept, bent = count, 0.0
    for i in range(count - 2):
        bent += key[i] / total if total > _STRAIGHT else 1 / (count - 2)
        if i and bent > z * (1 + ROUNDING):
            kept = i
            break
    return without(x, ids, count, heap, count - kept)


@scalar
def exclude_top_choices(x: Floats, ids: Ids, count: int, threshold: float) -> int:
    line = (math.log(threshold) if threshold > 0 else -math.inf) + log_mass(x, ids, count) - ROUNDING
    obvious, spared = 0, -1
    for i in range(count):
        if x[ids[i]] >= line:
            obvious += 1
            if spared < 0 or x[ids[i]] <= x[spared]:
                spared = ids[i]
    if obvious < 2:
        return count
    for i in range(count):
        if x[ids[i]] >= line and ids[i] != spared:
            x[ids[i]] = -math.inf
    return settled(x, ids, count)


@scalar
def zipf(x: Floats, ids: Ids, count: int, mu: float, heap: Ids) -> int:
    """Mirostat's first version: keeps as many of the likeliest as Zipf's law allows for ``mu`` bits."""
    if count < 2:
        return count
    heaped(x, ids, count, heap)
    waiting = popped(x, heap, count)
    product = square = 0.0
    for rank in range(1, min(count, _ZIPF)):
        waiting = popped(x, heap, waiting)
        step = math.log1p(1 / rank)
        product += step * (x[heap[waiting + 1]] - x[heap[waiting]])
        square += step * step
    exponent = product / square
    if exponent <= 0:
        return count
    excess = exponent - 1
    spread = math.log(count) if excess == 0 else -math.expm1(-excess * math.log(count)) / excess
    wanted = (mu * math.log(2) - math.log(spread)) / exponent
    kept = max(1, min(count, int(math.exp(min(wanted, math.log(count) + 1)))))
    return keep_likeliest(x, ids, count, kept, heap)
