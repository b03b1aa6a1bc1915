"""Holding tokens back, so that constraints which do not see each other's dead ends can go back on them.

Two automata that are run side by side know their own shortest endings, not a common one: a token that suits both may
leave them without any next. The decode loop then takes it back (`toolkit.core.Withdrawing`), and the one before, until
another way is found: nothing that breaks a constraint is ever given out, and a text comes only when it is finished.
"""

from __future__ import annotations

from toolkit.core import BoolArray


class Retracting:
    """A `Constraint[int]` that allows everything, may end anywhere, and keeps every token open to be taken back.

    The state is the number of tokens.
    """

    growth = 0

    def begin(self) -> int:
        return 0

    def allowed(self, state: int) -> BoolArray | None:
        return None

    def step(self, state: int, token: int) -> int:
        return state + 1

    def distance(self, state: int) -> int:
        return 0

    def pending(self, state: int) -> int:
        return state

    def withdraw(self, state: int) -> int:
        return 0
