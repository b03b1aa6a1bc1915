"""The decode loop as scalar code: draw, step, draw, a block of tokens at a time."""

from __future__ import annotations

import numpy as np

from toolkit.engine.scalar.chain import Code, Scratch, block
from toolkit.engine.scalar.compiling import scalar
from toolkit.engine.scalar.network import Floats32, Net, Room, step
from toolkit.engine.scalar.row import Floats, Ids


@scalar
def decode(
    net: Net,
    room: Room,
    code: Code,
    scratch: Scratch,
    logits_1V: Floats32,
    memory_LSW: Floats32,
    past: Ids,
    used: int,
    memory_N: Floats,
    state: int,
    left: int,
    seed: np.uint64,
    position: np.uint64,
    stop: int,
    token_T: Ids,
    log_probability_T: Floats,
) -> tuple[int, int, int]:
    """Up to T tokens after ``logits_1V``; where the table stands, what remains, and how many tokens were made.

    Arguments are those of `chain.block` and `network.step`. The last token is not fed where it is ``stop``, or says why
    nothing could be drawn.
    """
    everything = np.zeros((0, 0), np.bool_)
    made = 0
    for t in range(len(token_T)):
        state, left = block(
            code,
            scratch,
            logits_1V,
            everything,
            past,
            used + t,
            memory_N,
            state,
            left,
            seed,
            position + np.uint64(t),
            token_T[t : t + 1],
            log_probability_T[t : t + 1],
        )
        made += 1
        if token_T[t] < 0 or token_T[t] == stop:
            break
        step(net, room, token_T[t], memory_LSW, logits_1V[0])
    return state, left, made
