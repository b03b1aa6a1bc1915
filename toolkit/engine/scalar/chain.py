"""Mask, chain and draw as one piece of scalar code, for a block of positions.

The arithmetic is that of `toolkit.sampling`; sums are gathered one by one where numpy gathers them in pairs, so numbers
may differ in their last bits, and a draw where it falls between two such numbers.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from toolkit.core.program import NOWHERE, Op
from toolkit.engine.scalar import repeats, reshaping, truncations
from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.randomness import uniform
from toolkit.engine.scalar.row import Floats, Ids, keep_from, keep_likeliest, log_mass, peak

NO_TOKEN, NO_NUMBER = -1, -2
"""What stands for a token where none could be drawn, and why."""

_REPETITION, _FREQUENCY, _DRY, _NO_REPEATS = int(Op.REPETITION), int(Op.FREQUENCY), int(Op.DRY), int(Op.NO_REPEATS)
_BIAS, _BAN = int(Op.BIAS), int(Op.BAN)
_TEMPERATURE, _DYNAMIC_TEMPERATURE = int(Op.TEMPERATURE), int(Op.DYNAMIC_TEMPERATURE)
_SMOOTHING = int(Op.SMOOTHING)
_TOP_N_SIGMA, _TOP_K, _TOP_P, _MIN_P = int(Op.TOP_N_SIGMA), int(Op.TOP_K), int(Op.TOP_P), int(Op.MIN_P)
_TYPICAL, _EPSILON, _ETA, _TOP_A = int(Op.TYPICAL), int(Op.EPSILON), int(Op.ETA), int(Op.TOP_A)
_TAIL_FREE, _TOP_H, _P_LESS, _XTC = int(Op.TAIL_FREE), int(Op.TOP_H), int(Op.P_LESS), int(Op.XTC)
_MIROSTAT, _ADAPTIVE = int(Op.MIROSTAT), int(Op.ADAPTIVE)
_DRAW = np.uint64(0)


class Code(NamedTuple):
    """A program as arrays: N operations, and the table's Q states over U columns (none where Q is 0).

    The tokens and nats of operation n are those from ``bounds_N1[n]`` to ``bounds_N1[n + 1]``.
    """

    op_N: Ids
    number_NK: Floats
    count_NK: Ids
    window_N: Ids
    bounds_N1: Ids
    tokens: Ids
    nats: Floats
    column_V: npt.NDArray[np.int32]
    next_QU: npt.NDArray[np.int32]
    distance_Q: npt.NDArray[np.int32]


class Scratch(NamedTuple):
    """Room to work in. ``entry_NV`` and ``mass_N`` are what a stage that steers was given; ``marks`` are 0."""

    x: Floats
    ids: Ids
    heap: Ids
    key: Floats
    marks: Ids
    entry_NV: Floats
    mass_N: Floats


@scalar
def block(
    code: Code,
    scratch: Scratch,
    logits_TV: npt.NDArray[np.float32],
    allowed_TV: npt.NDArray[np.bool_],
    past: Ids,
    used: int,
    memory_N: Floats,
    state: int,
    left: int,
    seed: np.uint64,
    position: np.uint64,
    token_T: Ids,
    log_probability_T: Floats,
) -> tuple[int, int]:
    """Draws token t from row t of ``logits_TV``, for every t; returns the table's state and the tokens that remain.

    ``allowed_TV`` may be empty. ``past`` holds ``used`` tokens and has room for T more; ``memory_N`` is the number of
    each stage that steers. Both are written into. Where nothing can be drawn, the token says why, and the block ends.
    """
    for t in range(len(logits_TV)):
        count = _possible(code, scratch, logits_TV[t], allowed_TV, t, state, left)
        mass = _mass(logits_TV[t])
        token = count
        if count > 0:
            token = drawn(code, scratch, count, past, used, memory_N, seed, position + np.uint64(t))
        if token >= 0 and mass != mass:
            token = NO_NUMBER
        token_T[t] = token
        if token < 0:
            break
        log_probability_T[t] = float(logits_TV[t, token]) - mass
        _learned(code, scratch, memory_N, token)
        past[used] = token
        used += 1
        if len(code.distance_Q):
            state = int(code.next_QU[state, code.column_V[token]])
            left -= 1
    return state, left


@scalar
def _possible(
    code: Code,
    scratch: Scratch,
    logits_V: npt.NDArray[np.float32],
    allowed_TV: npt.NDArray[np.bool_],
    t: int,
    state: int,
    left: int,
) -> int:
    """Fills the row with what the masks let through; the number of possible tokens, or why there is no row."""
    x, ids, count, sound = scratch.x, scratch.ids, 0, True
    masked, tabled = len(allowed_TV) > 0, len(code.distance_Q) > 0
    for token in range(len(x)):
        logit = float(logits_V[token])
        x[token] = -math.inf
        if masked and not allowed_TV[t, token]:
            continue
        if tabled:
            following = code.next_QU[state, code.column_V[token]]
            if following == NOWHERE or code.distance_Q[following] >= left:
                continue
        if logit > -math.inf:
            x[token] = logit
            ids[count] = token
            count += 1
            sound = sound and logit < math.inf
        elif logit != logit:
            sound = False
    if not sound:
        return NO_NUMBER
    return count if count else NO_TOKEN


@scalar
def _mass(logits_V: npt.NDArray[np.float32]) -> float:
    """What makes the model's logits log-probabilities; not a number when one of them is none."""
    top = -math.inf
    for logit in logits_V:
        if not logit < math.inf:
            return math.nan
        top = max(top, float(logit))
    total = 0.0
    for logit in logits_V:
        total += math.exp(float(logit) - top)
    return top + math.log(total)


@scalar
def drawn(
    code: Code,
    scratch: Scratch,
    count: int,
    past: Ids,
    used: int,
    memory_N: Floats,
    seed: np.uint64,
    position: np.uint64,
) -> int:
    """The token drawn from the row that is in ``scratch``, after all operations; or why there is none."""
    for n in range(len(code.op_N)):
        count = _operated(code, scratch, n, count, past, used, memory_N, seed, position)
        if count <= 0:
            return NO_TOKEN
    x, ids, weight = scratch.x, scratch.ids, scratch.key
    top = x[ids[0]]
    for i in range(count):
        if not x[ids[i]] < math.inf:
            return NO_NUMBER
        top = max(top, x[ids[i]])
    total = 0.0
    for i in range(count):
        total += math.exp(x[ids[i]] - top)
        weight[i] = total
    line, last = uniform(seed, position, _DRAW) * total, ids[0]
    for i in range(count):
        if weight[i] > line:
            return int(ids[i])
        if i == 0 or weight[i] > weight[i - 1]:
            last = ids[i]
    return int(last)


@scalar
def _operated(
    code: Code,
    scratch: Scratch,
    n: int,
    count: int,
    past: Ids,
    used: int,
    memory_N: Floats,
    seed: np.uint64,
    position: np.uint64,
) -> int:
    """Operation ``n`` on the row; how many tokens stay possible."""
    op, a, b, k = code.op_N[n], code.number_NK[n, 0], code.number_NK[n, 1], code.count_NK[n, 0]
    x, ids, heap, key, marks = scratch.x, scratch.ids, scratch.heap, scratch.key, scratch.marks
    low = max(0, used - code.window_N[n])
    tokens = code.tokens[code.bounds_N1[n] : code.bounds_N1[n + 1]]
    if op == _TEMPERATURE:
        return reshaping.temperature(x, ids, count, a)
    if op == _TOP_P:
        return truncations.top_p(x, ids, count, a, heap)
    if op == _TOP_K:
        return keep_likeliest(x, ids, count, k, heap)
    if op == _MIN_P:
        return keep_from(x, ids, count, peak(x, ids, count) + math.log(a))
    if op == _REPETITION:
        return repeats.repetition(x, ids, count, a, past, low, used, k, marks)
    if op == _FREQUENCY:
        return repeats.frequency(x, ids, count, a, b, past, low, used, k, marks)
    if op == _DRY:
        return repeats.dry(x, ids, count, a, b, past, low, used, k, tokens, marks)
    if op == _NO_REPEATS:
        return repeats.no_repeats(x, ids, count, past, low, used, k, marks)
    if op == _BIAS:
        return reshaping.bias(x, ids, count, tokens, code.nats[code.bounds_N1[n] : code.bounds_N1[n + 1]])
    if op == _BAN:
        return reshaping.ban(x, ids, count, tokens)
    if op == _DYNAMIC_TEMPERATURE:
        return reshaping.dynamic_temperature(x, ids, count, a, b, code.number_NK[n, 2])
    if op == _SMOOTHING:
        return reshaping.smoothing(x, ids, count, a, b)
    if op == _TOP_N_SIGMA:
        return truncations.top_n_sigma(x, ids, count, a)
    if op == _TYPICAL:
        return truncations.typical(x, ids, count, a, heap, key)
    if op == _EPSILON:
        return keep_from(x, ids, count, log_mass(x, ids, count) + math.log(a))
    if op == _ETA:
        return truncations.eta(x, ids, count, a)
    if op == _TOP_A:
        return truncations.top_a(x, ids, count, a)
    if op == _TAIL_FREE:
        return truncations.tail_free(x, ids, count, a, heap, key)
    if op == _TOP_H:
        return truncations.top_h(x, ids, count, a, heap)
    if op == _P_LESS:
        return truncations.p_less(x, ids, count)
    if op == _XTC:
        chosen = uniform(seed, position, np.uint64(k)) < a
        return truncations.exclude_top_choices(x, ids, count, b) if chosen else count
    scratch.entry_NV[n, :] = x
    scratch.mass_N[n] = log_mass(x, ids, count)
    if op == _ADAPTIVE:
        return reshaping.adaptive(x, ids, count, a, memory_N[n])
    if k == 1:
        return truncations.zipf(x, ids, count, memory_N[n], heap)
    return keep_from(x, ids, count, scratch.mass_N[n] - memory_N[n] * math.log(2))


@scalar
def _learned(code: Code, scratch: Scratch, memory_N: Floats, token: int) -> None:
    """Lets the stages that steer see what was drawn."""
    for n in range(len(code.op_N)):
        if code.op_N[n] == _MIROSTAT:
            surprise = (scratch.mass_N[n] - scratch.entry_NV[n, token]) / math.log(2)
            memory_N[n] -= code.number_NK[n, 1] * (surprise - code.number_NK[n, 0])
        elif code.op_N[n] == _ADAPTIVE:
            probability = math.exp(scratch.entry_NV[n, token] - scratch.mass_N[n])
            decay = code.number_NK[n, 1]
            memory_N[n] = decay * memory_N[n] + (1 - decay) * probability
