"""A sampler and its constraint as one `Program`, or the sentence that says why the constraint has no table.

Knows no engine; what runs the program is elsewhere.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

from toolkit.core import Constraint, UsageError
from toolkit.core.program import NOWHERE, Program, Table, Tabled, Tables
from toolkit.sampling.constraints import Anything, untabled
from toolkit.sampling.sampler import Sampler


def lower(
    sampler: Sampler,
    constraint: Constraint[Any],
    *,
    vocabulary: int,
    prompt: Sequence[int],
    given: Sequence[int],
    length: int,
) -> Program:
    """How up to ``length`` tokens are drawn where the sampler has seen ``prompt`` and the constraint ``given``.

    The table's mask is that of `toolkit.sampling.Finishing`. UsageError as `Sampler.lower`, and where ``given`` breaks
    the constraint.
    """
    program = sampler.lower(vocabulary, prompt)
    if type(constraint) is Anything:
        return program
    if not isinstance(constraint, Tabled):
        return dataclasses.replace(program, untabled=untabled(constraint))
    try:
        tables = constraint.tables()
    except UsageError as error:
        return dataclasses.replace(program, untabled=str(error))
    state = _state_after(tables, given)
    table = Table(tables.column_V, tables.next_QU, tables.distance_Q, state, length)
    return dataclasses.replace(program, table=table)


def _state_after(tables: Tables, given: Sequence[int]) -> int:
    state = 0
    for number, token in enumerate(given, start=1):
        state = int(tables.next_QU[state, tables.column_V[token]])
        if state == NOWHERE:
            raise UsageError(
                f"the prompt is not the beginning of what is asked for: its token {number} may not stand there."
            )
    return state
