"""Draws in many rows at once, each by its own program and from its own random stream. Knows no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from toolkit.core import Row
from toolkit.core.program import Program
from toolkit.engine.program import complete, encoded, scratch_for, situation_before, sound
from toolkit.engine.scalar.chain import NO_TOKEN
from toolkit.engine.scalar.network import Floats32
from toolkit.engine.scalar.row import Ids
from toolkit.engine.scalar.rows import Draws, draw_rows
from toolkit.engine.side_by_side import shared, workers


class RowDraws:
    """Where N rows of a generation stand.

    ``rows`` are the numbers of those that still run, rows of one program beside one another; ``tokens`` are the newest
    of these.
    """

    def __init__(self, programs: Sequence[Program], *, seeds: Sequence[int], position: int, length: int) -> None:
        kinds = {_kind(each): each for each in programs}
        numbers = {kind: number for number, kind in enumerate(kinds)}
        kind_N = np.array([numbers[_kind(each)] for each in programs], np.int64)
        self.rows: Ids = np.argsort(kind_N, kind="stable")
        self._kind_N = kind_N[self.rows]
        self._programs = list(kinds.values())
        self._codes = [encoded(each) for each in self._programs]
        self._scratches = [[scratch_for(each) for _ in range(workers())] for each in self._programs]
        ordered = [programs[row] for row in self.rows]
        self._draws = _before(ordered, [seeds[row] for row in self.rows], position, length)

    @property
    def tokens(self) -> Ids:
        return self._draws.token_N

    def turn(self, logits_NV: Floats32, stop: int) -> tuple[list[Row], npt.NDArray[np.bool_]]:
        """A token for every row from its logits, and which of the rows go on; the others have left when it returns.

        A row ends with ``stop``, or without a token where its table has ended and nothing may follow. ToolkitError
        where one cannot be drawn from.
        """
        for kind in range(len(self._codes)):
            self._draw(kind, logits_NV)
        draws = self._draws
        made = []
        running = draws.token_N != stop
        for place, (row, token, log_probability) in enumerate(
            zip(self.rows.tolist(), draws.token_N.tolist(), draws.log_probability_N.tolist(), strict=True)
        ):
            if token == NO_TOKEN and self._whole(place):
                running[place] = False
                continue
            if token < 0:
                sound(draws.token_N[place : place + 1])
            made.append(Row(row, token, log_probability))
        if not running.all():
            self.rows, self._kind_N = self.rows[running], self._kind_N[running]
            self._draws = Draws(*(each[running] for each in draws))
        return sorted(made), running

    def _draw(self, kind: int, logits_NV: Floats32) -> None:
        """A token in every row of one kind of program."""
        first, last = np.searchsorted(self._kind_N, [kind, kind + 1]).tolist()
        code, scratches, draws = self._codes[kind], self._scratches[kind], self._draws

        def work(worker: int, low: int, high: int) -> None:
            draw_rows(code, scratches[worker], logits_NV, draws, first + low, first + high)

        shared(last - first, work, most=len(scratches))

    def _whole(self, place: int) -> bool:
        table = self._programs[self._kind_N[place]].table
        state, left = int(self._draws.state_N[place]), int(self._draws.left_N[place])
        return table is not None and complete(table, state, left)


def _kind(program: Program) -> tuple[Any, ...]:
    """What programs have in common that one code can run: all but where they begin."""
    table = program.table
    return program.vocabulary, program.operations, table and (id(table.next_QU), id(table.column_V))


def _before(programs: Sequence[Program], seeds: Sequence[int], position: int, length: int) -> Draws:
    situations = [situation_before(each) for each in programs]
    used_N = np.array([len(each.history) for each in situations], np.int64)
    past_NP = np.zeros((len(programs), int(used_N.max(initial=0)) + length), np.int64)
    for past_P, situation in zip(past_NP, situations, strict=True):
        past_P[: len(situation.history)] = situation.history
    return Draws(
        past_NP=past_NP,
        used_N=used_N,
        memory_NK=np.stack([each.memory for each in situations]),
        state_N=np.array([each.state for each in situations], np.int64),
        left_N=np.array([each.left for each in situations], np.int64),
        seed_N=np.array([seed % 2**64 for seed in seeds], np.uint64),
        position_N=np.full(len(programs), position % 2**64, np.uint64),
        token_N=np.zeros(len(programs), np.int64),
        log_probability_N=np.zeros(len(programs)),
    )
