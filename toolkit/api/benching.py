"""How fast one decodes here, by this toolkit's engine and by others, against what the machine could do at best.

All in one run on one machine, in turns, so that ratios mean something even where a machine is busy.
"""

from __future__ import annotations

import collections
import time
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import NamedTuple

import torch

from toolkit import generate
from toolkit.api.rivals import rival_loop, rivals
from toolkit.core import Engine
from toolkit.engine import open_engine
from toolkit.models import ModelSettings, RecurrentLM
from toolkit.sampling import Forbid, Sampler
from toolkit.train import has_bf16

VOCABULARY, LAYERS = 65, 2
WIDTHS, BATCHES = (256, 512, 1024), (1, 8, 64, 512)
TEMPERATURE, TOP_P = 0.8, 0.95
_BYTES = {"fp32": 4, "int8": 1}


class Speed(NamedTuple):
    """Tokens a second over all rows, and how much of the machine's limit that is (None where none was measured).

    For one row the limit is reading every weight once a token from the cache that holds them, on one core; for several
    it is the rate of a product of matrices, on all.
    """

    engine: str
    dtype: str
    hidden: int
    batch: int
    tokens_per_second: float
    share_of_limit: float | None


def decoding_speeds(
    *,
    hidden: Sequence[int] = WIDTHS,
    batches: Sequence[int] = BATCHES,
    seconds: float = 0.5,
    rounds: int = 3,
) -> Iterator[Speed]:
    """A `Speed` for every engine that can be had here, width and number of rows: the median of ``rounds`` in turns.

    A round lasts about ``seconds``. All draw from a 2-layer LSTM of 65 ids that learned nothing, at a temperature of
    0.8 and from a nucleus of 0.95: ours with its own sampler, the others with one in NumPy.
    """
    for width in hidden:
        torch.manual_seed(0)
        model = RecurrentLM(VOCABULARY, ModelSettings(layers=LAYERS, width=width)).eval()
        for batch in batches:
            loops = _loops(model, batch)
            timed: dict[tuple[str, str], list[float]] = {key: [] for key in loops}
            counts = {key: _count(loop, seconds) for key, loop in loops.items()}
            for _ in range(rounds):
                for key, loop in loops.items():
                    timed[key].append(batch * counts[key] / _took(loop, counts[key]))
            for (engine, dtype), speeds in timed.items():
                speed = sorted(speeds)[len(speeds) // 2]
                yield Speed(engine, dtype, width, batch, speed, _share(width, batch, dtype, speed))


def _loops(model: RecurrentLM, batch: int) -> dict[tuple[str, str], Callable[[int], object]]:
    """By engine and precision, what decodes so many tokens in every row."""
    loops: dict[tuple[str, str], Callable[[int], object]] = {
        key: partial(rival_loop, step, batch, temperature=TEMPERATURE, top_p=TOP_P)
        for key, step in rivals(model, batch).items()
    }
    if find_spec("numba") is not None:
        for engine in (open_engine(model, name=name) for name in ("compiled", "compiled-int8")):
            loops["toolkit", engine.precision] = partial(_ours, engine, batch)
    return loops


def _ours(engine: Engine, batch: int, tokens: int) -> None:
    sampler = Sampler.from_settings({"temperature": TEMPERATURE, "top_p": TOP_P})
    endless = Forbid([0], VOCABULARY)
    rows = generate.batch(
        engine,
        [[0]] * batch,
        seeds=range(batch),
        sampler=sampler,
        length=tokens,
        stop=0,
        constraint=endless,
    )
    collections.deque(rows, maxlen=0)


def _count(loop: Callable[[int], object], seconds: float) -> int:
    """How many tokens a row take about so many seconds; the first call, which may compile, does not count."""
    loop(2)
    count = 2
    while (took := _took(loop, count)) < seconds / 8:
        count *= 2
    return max(2, int(count * seconds / took))


def _took(loop: Callable[[int], object], tokens: int) -> float:
    began = time.perf_counter()
    loop(tokens)
    return time.perf_counter() - began


def _share(width: int, batch: int, dtype: str, speed: float) -> float | None:
    """The first input product is a look-up, so its weights count for nobody."""
    weights = 4 * width * width * (2 * LAYERS - 1) + width * VOCABULARY
    if batch > 1:
        return 2 * weights * speed / _product_rate()
    if find_spec("numba") is None:
        return None
    return weights * _BYTES[dtype] * speed / _bandwidth(weights * _BYTES[dtype])


@lru_cache
def _bandwidth(count: int) -> float:
    from toolkit.engine.scalar.bandwidth import read_bandwidth

    return read_bandwidth(count)


@lru_cache
def _product_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a product of matrices, in bf16 where the processor has it."""
    kind = torch.bfloat16 if has_bf16(torch.device("cpu")) else torch.float32
    one, other = torch.randn(size, size).to(kind), torch.randn(size, size).to(kind)
    best = min(_took(lambda _: one @ other, 1) for _ in range(10))
    return 2 * size**3 / best
